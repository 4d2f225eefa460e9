"""The workbook's sheet of frameworks: the same answers as the pages, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import workbook_fixture as fixture

from audit.render import workbook

HEAD = 4


def _rows(path: Path, tables: fixture.Tables) -> list[dict[str, Any]]:
    workbook.write(tables.con, fixture.run(), path / "evidence.xlsx")
    sheet = openpyxl.load_workbook(path / "evidence.xlsx")["Frameworks"]
    heads = [cell.value for cell in sheet[HEAD]]
    return [dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=HEAD + 1)]


def _tables() -> fixture.Tables:
    tables = fixture.Tables()
    job = tables.job("orders")
    for number, (requirement, shown) in enumerate((("IM-3", True), ("PA-4", True), ("IR-1, IR-2", False)), 1):
        told = {"label": "=cmd()" if number == 1 else "words", "look": None if shown else "minutes of drills"}
        place = {"framework": "mcsb", "framework_name": "The benchmark", "position": number, "shown": shown}
        weak = {"weak": ["JA-09"] if number == 1 else []}
        tables.add("requirements", requirement=requirement, **told, **place, **weak)
    for control in ("JA-09", "JA-10"):
        about = {"title": f"Title of {control}", "severity": "high", "frameworks": {"mcsb": ["IM-3"]}, "needs": []}
        tables.add("controls", control_id=control, source="built-in", subjects_total=1, **about)
    tables.verdict(job, "fail", waived=True)
    tables.verdict(job, "fail")
    tables.verdict(job, "not_assessed")
    return tables


def test_a_row_for_each_control_of_a_requirement_and_one_where_there_is_none(tmp_path: Path) -> None:
    rows = _rows(tmp_path, _tables())
    told = [(row["Requirement"].value, row["Here"].value, row["Control"].value) for row in rows]
    assert told == [
        ("IM-3", "weakly supported", "JA-09"),
        ("IM-3", "supported", "JA-10"),
        ("PA-4", "no control", None),
        ("IR-1, IR-2", "not shown here", None),
    ]
    counted = ("Fail", "Of them waived", "Not assessed", "Pass", "Not applicable")
    assert [rows[1][name].value for name in counted] == [2, 1, 1, 0, 0]
    assert [rows[2][name].value for name in counted] == [None] * 5, "no control: no figure, not even a nought"
    assert rows[3]["Where to look instead"].value == "minutes of drills"


def test_a_control_leads_to_its_findings_and_a_label_is_no_formula(tmp_path: Path) -> None:
    rows = _rows(tmp_path, _tables())
    assert rows[1]["Control"].hyperlink.location == "'Findings'!A5"
    assert rows[0]["What it is about"].value == "=cmd()"
    assert rows[0]["What it is about"].data_type == "s"
