"""An empty sheet says what it means: a confirmed absence, a gap, or a thing that was never asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import workbook_fixture as fixture

from audit.evidence import KINDS
from audit.render import workbook

SCOPE = fixture.SUBSCRIPTION


def sheet(path: Path, tables: fixture.Tables, title: str, **changes: Any) -> Any:
    workbook.write(tables.con, fixture.run(**changes), path / "evidence.xlsx")
    return openpyxl.load_workbook(path / "evidence.xlsx")[title]


def summary(opened: Any) -> list[Any]:
    return [cell.value for row in opened.iter_rows() for cell in row if cell.value is not None]


def test_an_absence_that_azure_confirmed(tmp_path: Path) -> None:
    tables = fixture.Tables()
    tables.unit("tags", SCOPE, 0)
    told = sheet(tmp_path, tables, "Tags")
    assert told["B3"].value == told["A5"].value
    assert told["A5"].value.startswith("No rows: collected and empty (1 of 1 read complete)")


@pytest.mark.parametrize("reason", ["forbidden", "partial_visibility", "throttled", "truncated"])
def test_a_gap_is_never_told_as_an_absence(tmp_path: Path, reason: str) -> None:
    tables = fixture.Tables()
    tables.unit("tags", SCOPE, 0)
    tables.unit("tags", "/subscriptions/other", 0, reason=reason)
    told = sheet(tmp_path, tables, "Tags")["A5"].value
    assert told.startswith(f"Not collected: gap ({reason} 1)")
    assert "empty (" not in told


def test_rows_beside_a_gap_say_that_they_are_not_all(tmp_path: Path) -> None:
    tables = fixture.story()
    tables.unit("tags", "/subscriptions/other", 0, reason="throttled")
    told = sheet(tmp_path, tables, "Tags")["B3"].value
    assert told == "Incomplete: 2 rows, 1 of 2 reads complete. Gaps: throttled 1. See Coverage."


def test_an_item_that_could_not_be_decoded_is_no_read_of_its_own(tmp_path: Path) -> None:
    tables = fixture.Tables()
    tables.unit("tags", SCOPE, 3, reason="malformed")
    tables.unit("tags", "item", 0, reason="malformed", place="$.value[1]")
    assert "malformed 1" in sheet(tmp_path, tables, "Tags")["A5"].value


def test_a_kind_that_had_nothing_to_ask_about(tmp_path: Path) -> None:
    told = sheet(tmp_path, fixture.Tables(), "Environments")["A5"].value
    assert told.startswith("No rows: nothing in the scope called for environments")


def test_a_sheet_rests_on_its_first_kind_not_on_those_that_add_to_it(tmp_path: Path) -> None:
    tables = fixture.Tables()
    tables.unit("principals", "/principals/0", 0)
    told = sheet(tmp_path, tables, "Role assignments")["A5"].value
    assert told == "No rows: nothing in the scope called for role_assignments, so nothing was asked."


def test_reasons_of_several_kinds_are_counted_together(tmp_path: Path) -> None:
    tables = fixture.Tables()
    tables.unit("role_assignments", SCOPE, 0, reason="throttled")
    tables.unit("principals", "/principals/0", 0, reason="throttled")
    assert "gap (throttled 2)" in sheet(tmp_path, tables, "Role assignments")["A5"].value


def test_a_kind_that_was_not_part_of_the_run(tmp_path: Path) -> None:
    told = sheet(tmp_path, fixture.Tables(), "Tags", kinds=("jobs",))["A5"].value
    assert told == "Not collected: tags was not part of this run."


def test_the_summary_names_what_was_left_out(tmp_path: Path) -> None:
    kinds = tuple(kind for kind in fixture.run().kinds if kind != "tags")
    assert "Not part of this run, so that checks which need it are not assessed: tags" in summary(
        sheet(tmp_path, fixture.story(), "Summary", kinds=kinds)
    )
    assert not [told for told in summary(sheet(tmp_path, fixture.story(), "Summary")) if "Not part" in str(told)]


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    tables = fixture.story()
    tables.con.execute("drop table tags")
    assert sheet(tmp_path, tables, "Tags")["A5"].value.startswith("Not collected: this run has no tags.")


def test_a_resource_without_a_setting_has_a_row_and_so_has_one_that_could_not_be_read(tmp_path: Path) -> None:
    tables = fixture.story()
    tables.unit("diagnostic_settings", f"{fixture.JOBS}/refunds", 0, reason="forbidden", detail="403")
    told = [[cell.value for cell in row[:2]] for row in sheet(tmp_path, tables, "Diagnostic settings").iter_rows(5)]
    assert told == [["gap", "refunds"], ["none", "intake"], ["set", "cae-orders"]]


def test_the_summary_shows_gaps_and_what_they_cost(tmp_path: Path) -> None:
    tables = fixture.story()
    tables.unit("activity_log", "/subscriptions/other", 0, reason="throttled")
    opened = sheet(tmp_path, tables, "Summary")
    label = next(cell for row in opened.iter_rows() for cell in row if cell.value == "gaps in coverage")
    figure = opened.cell(label.row - 1, label.column)
    assert figure.value == 1
    assert figure.hyperlink.location == "'Coverage'!A5", "gaps come first there"
    coverage = openpyxl.load_workbook(tmp_path / "evidence.xlsx")["Coverage"]["B3"].value
    told = re.fullmatch(r"Incomplete: (\d+) rows, (\d+) of (\d+) reads complete\. Gaps: throttled 1\.", coverage)
    assert told, coverage
    rows, complete, reads = map(int, told.groups())
    assert (rows, complete) == (reads, reads - 1)
    assert reads >= len(KINDS)
    kind = next(cell for row in opened.iter_rows() for cell in row if cell.value == "Activity log")
    assert [opened.cell(kind.row, kind.column + n).value for n in range(1, 5)] == [2, 1, 1, 1]


def test_the_summary_of_a_run_that_was_not_assessed(tmp_path: Path) -> None:
    tables = fixture.story()
    tables.con.execute("drop table verdicts")
    told = summary(sheet(tmp_path, tables, "Summary"))
    assert "No control was applied: nothing is assessed." in told
    assert told.count("unknown") == 5, "no figure stands for what could not be counted"


def test_the_summary_of_an_empty_run(tmp_path: Path) -> None:
    told = summary(sheet(tmp_path, fixture.Tables(), "Summary", caller=None, finished=None))
    assert "unknown: the run ended before a token was read" in told
    assert "What a reader may not conclude" in told


def test_provenance_tells_how_the_evidence_was_made(tmp_path: Path) -> None:
    told = summary(sheet(tmp_path, fixture.story(), "Provenance"))
    for fact in ("k-51c0a7", "Mara Lindt", fixture.TENANT, "793.3 KiB", "2026-10-23 00:00:00 UTC (included) to "):
        assert any(fact in str(each) for each in told), fact
    raw = summary(openpyxl.load_workbook(tmp_path / "evidence.xlsx")["Raw files"])
    assert {"2025-07-01", "GET", f"https://management.azure.com{fixture.JOBS}", 3} <= set(raw)
