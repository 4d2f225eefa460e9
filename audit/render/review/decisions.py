"""The sheet Decisions: a row for each entitlement, locked but for what the reviewer says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel
from openpyxl.worksheet.datavalidation import DataValidation

from audit.render.review import rows
from audit.render.review.form import ASKED, COLUMNS, DATE, DECISION, HEADINGS, LETTERS, REASON, REVIEWER, TOLD, WORDS
from audit.render.review.locking import lock
from audit.render.text import plural
from audit.render.workbook.cells import fitted
from audit.render.workbook.grid import height
from audit.render.workbook.setup import print_setup
from audit.render.workbook.sheet import Kind
from audit.render.workbook.style import MUTED, Look, toned, with_
from audit.render.workbook.style import WORDS as TONES
from audit.render.workbook.table import HEADING, TITLE

if TYPE_CHECKING:
    from audit.render.review.letter import Letter
    from audit.render.workbook.pen import Pen
    from audit.render.workbook.sheet import Column
    from audit.render.workbook.stream import Cell

_ASKING = "FFFDF2"
"""The ground of what is to be filled in."""
_A3 = 8
_RULE: Any = FormulaRule
"""It has no types."""
_FROZEN = 2
_TALLEST = 160.0
"""Points that a row of many words may have: what is longer is read in the cell, so that rows stay in view."""


def write(pen: Pen, letter: Letter) -> None:
    """Write the sheet."""
    book, sheet = letter.book, pen.sheet
    count = book.last - book.first + 1
    _lay_out(sheet, count, letter.footer)
    pen.sheet.append([pen.text("Decisions", TITLE)])
    pen.sheet.append(
        [
            pen.text(
                "Fill in Decision, Reason, Reviewer and Date, under the brown headings. Everything else is locked.",
                Look(ink=MUTED),
            )
        ]
    )
    told = f"{plural(count, 'entitlement')} to decide" + (
        f", {book.first:,} to {book.last:,} of your {book.total:,}." if book.parts > 1 else "."
    )
    pen.sheet.append([pen.text(f"{told} Rows that are left blank keep the review open.", Look(ink=MUTED))])
    asked = with_(HEADING, fill="7A4A00")
    looks = [_look(column) for column in COLUMNS]
    headings = [
        asked if column in ASKED else with_(HEADING, right=look.right, indent=look.indent)
        for column, look in zip(COLUMNS, looks, strict=True)
    ]
    pen.sheet.append([pen.text(column.heading, look) for column, look in zip(COLUMNS, headings, strict=True)])
    blank = {column.name: pen.value(None, _blank(column)) for column in ASKED}
    for row in rows.entitlements(letter.con, book):
        cells = [
            blank[column.name] if column.name in blank else _cell(pen, column, look, row)
            for column, look in zip(COLUMNS, looks, strict=True)
        ]
        tall = height((str(row[column.name] or ""), column.width) for column in TOLD if column.kind is Kind.LONG)
        pen.sheet.append(cells, min(tall, _TALLEST))
    _ask(sheet, HEADINGS + 1, HEADINGS + count, letter)
    lock(sheet)
    pen.end()


def _lay_out(sheet: Any, count: int, footer: str) -> None:
    for number, column in enumerate(COLUMNS, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = column.width + 1
    for row, points in ((1, 24), (2, 15), (3, 15), (HEADINGS, 30)):
        sheet.row_dimensions[row].height = points
    sheet.freeze_panes = f"{get_column_letter(_FROZEN + 1)}{HEADINGS + 1}"
    sheet.auto_filter.ref = f"A{HEADINGS}:{LETTERS[COLUMNS[-1].name]}{HEADINGS + count}"
    sheet.print_title_rows = f"{HEADINGS}:{HEADINGS}"
    sheet.sheet_properties.tabColor = "B36B00"
    print_setup(sheet, footer)
    sheet.print_title_cols = f"A:{get_column_letter(_FROZEN)}"
    sheet.page_setup.paperSize, sheet.page_setup.fitToWidth = _A3, 2  # legible: the decisions are on the second page


def _cell(pen: Pen, column: Column, look: Look, row: dict[str, Any]) -> Cell:
    value = row[column.name]
    if column.kind is Kind.INT:
        return pen.value(value, look)
    if column.name == "concern" and value:
        look = toned(look, "fail", bold=True)
    elif column.name == "privileged" and value == "yes":
        look = toned(look, "high", bold=True)
    elif column.name == "since_last" and str(value).startswith(("new", "changed")):
        look = with_(look, bold=True)
    elif column.name == "note" and str(value).startswith(("At least", "This is your own")):
        look = toned(look, "gap", bold=False)
    where = f"data/entitlements.parquet of the pack, entitlement_id {row['entitlement_id']}"
    return pen.fitted(fitted(str(value or ""), where), look)


def _look(column: Column) -> Look:
    count = column.kind is Kind.INT
    return Look(
        line=True,
        wrap=column.kind is Kind.LONG,
        code=column.kind is Kind.CODE,
        right=count,
        format="#,##0" if count else "General",
        quoted=not count,
        indent=0 if count else 1,
    )


def _blank(column: Column) -> Look:
    return Look(
        line=True,
        fill=_ASKING,
        open=True,
        wrap=column.kind is Kind.LONG,
        centre=column.kind is Kind.DATE,
        format="yyyy-mm-dd" if column.kind is Kind.DATE else "@",
    )


def _ask(sheet: Any, first: int, last: int, letter: Letter) -> None:
    """Offer the words, hold dates to their bounds, and show what is still owed. None of it is relied on afterwards."""
    begin = letter.at.date() - timedelta(days=1)
    words = DataValidation(
        type="list",
        formula1=f'"{",".join(WORDS)}"',
        allow_blank=True,
        showErrorMessage=True,
        errorTitle="Decision",
        error="keep, revoke or change",
    )
    dates = DataValidation(
        type="date",
        operator="between",
        formula1=str(int(to_excel(begin))),  # type: ignore[no-untyped-call]
        formula2="TODAY()+1",
        allow_blank=True,
        showErrorMessage=True,
        errorTitle="Date",
        error=f"a day from {begin:%Y-%m-%d} until today, as {begin:%Y-%m-%d}",
    )
    for name, rule in ((DECISION, words), (DATE, dates)):
        rule.add(f"{LETTERS[name]}{first}:{LETTERS[name]}{last}")
        sheet.data_validations.append(rule)
    decided, privileged = f"${LETTERS[DECISION]}{first}", f"${LETTERS['privileged']}{first}"
    weighs = f'OR({decided}="revoke",{decided}="change",AND({decided}="keep",{privileged}="yes"))'
    for name, formula, word in (
        (DECISION, f"LEN(TRIM({decided}))=0", "gap"),
        (REASON, f"AND({weighs},LEN(TRIM(${LETTERS[REASON]}{first}))=0)", "fail"),
        (REVIEWER, f"AND(LEN(TRIM({decided}))>0,LEN(TRIM(${LETTERS[REVIEWER]}{first}))=0)", "fail"),
        (DATE, f"AND(LEN(TRIM({decided}))>0,LEN(TRIM(${LETTERS[DATE]}{first}))=0)", "fail"),
    ):
        ink, ground = TONES[word]
        shown: Any = _RULE(formula=[formula], font=Font(color=ink), fill=PatternFill("solid", bgColor=ground))
        sheet.conditional_formatting.add(f"{LETTERS[name]}{first}:{LETTERS[name]}{last}", shown)
