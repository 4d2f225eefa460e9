"""Rows that are written as text are read back as what they were: by openpyxl, from a book that openpyxl finished."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from audit.render import links
from audit.render.workbook.pen import Pen
from audit.render.workbook.stream import Streamed, of_text
from audit.render.workbook.style import Look, Styles

TEXTS = [
    "plain",
    " kept space ",
    "a < b & c > d",
    "line\nline",
    "=1+1",
    "#N/A",
    "李伟 Dvořák",
    "tab\tend",
    "0012",
]
VALUES: list[Any] = [
    0,
    -3,
    12.5,
    Decimal("1234.50"),
    True,
    False,
    None,
    datetime(2026, 11, 22, 6, 1, 2),  # noqa: DTZ001  cells know no zone
    date(2026, 11, 22),
]


@pytest.fixture
def sheet(tmp_path: Path) -> Any:
    book: Any = openpyxl.Workbook(write_only=True)
    streamed = Streamed(book, "Rows", Styles(book).of)
    book._add_sheet(streamed)
    pen = Pen(streamed, report=True, raw=links.raw_page, lost=lambda _ref: False)
    day = Look(format="yyyy-mm-dd hh:mm:ss")
    streamed.row_dimensions[1].height = 31
    streamed.row_dimensions[9].height = 99  # no row of this number is written
    streamed.append([pen.text(value, Look()) for value in TEXTS])
    streamed.append([None, *(pen.value(value, day if isinstance(value, date) else Look()) for value in VALUES)], 44.5)
    led = [
        pen.to_page(pen.text("page", Look()), "pages/jobs/a-1.html#i3"),
        pen.to_cell(pen.value(7, Look()), ("It's", 9)),
    ]
    streamed.append([*led, pen.to_page(pen.text("file", Look(bold=True)), "run.json")])
    pen.end()
    book.save(tmp_path / "book.xlsx")
    return openpyxl.load_workbook(tmp_path / "book.xlsx")["Rows"]


def test_text_stays_text(sheet: Any) -> None:
    told = [cell.value for cell in sheet[1]][: len(TEXTS)]
    assert told == TEXTS
    assert {cell.data_type for cell in sheet[1][: len(TEXTS)]} == {"s"}


def test_programs_are_told_to_keep_the_space_at_the_ends_of_a_text() -> None:
    assert of_text(" kept space ").startswith(' t="inlineStr"><is><t xml:space="preserve"> kept')
    assert "xml:space" not in of_text("plain words")


def test_values_keep_their_type_and_an_empty_cell_is_empty(sheet: Any) -> None:
    first, *told = [cell.value for cell in sheet[2]]
    assert first is None
    expected = [*VALUES[:-1], datetime(2026, 11, 22)]  # noqa: DTZ001
    assert told[: len(VALUES)] == expected
    assert [type(each) is bool for each in told[4:6]] == [True, True]


def test_rows_have_their_heights_and_no_row_is_made_up(sheet: Any) -> None:
    assert [sheet.row_dimensions[number].height for number in (1, 2, 3)] == [31, 44.5, None]
    assert sheet.max_row == 3


def test_cells_lead_where_they_were_told_to(sheet: Any) -> None:
    page, cell, file = (each.hyperlink for each in sheet[3][:3])
    assert (page.target, page.location) == ("pages/jobs/a-1.html", "i3")
    assert (cell.target, cell.location) == (None, "'It''s'!A9")
    assert (file.target, file.location) == ("run.json", None)
    assert sheet["C3"].font.bold
    assert not sheet["A3"].font.bold
