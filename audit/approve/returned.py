"""A returned workbook, held cell by cell against the one that was sent: all that may differ is what was asked."""

from __future__ import annotations

from collections import Counter
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from audit.approve.returned_problem import MOST, Problem, quoted
from audit.approve.returned_xml import address
from audit.render.review.form import (
    DATE,
    DECISION,
    DECISIONS,
    FORMAT,
    HEADINGS,
    IDENTITIES,
    IDENTITY,
    JOBS,
    NUMBERS,
    REASON,
    REVIEWER,
    TOLD,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.approve.returned_book import Book, Page
    from audit.approve.returned_xml import Cell

_ID = NUMBERS["entitlement_id"]
_LAST = max(NUMBERS.values())
_RESTORE = "put back what was there, or fill in a new copy of the workbook that was sent"


class Filled(NamedTuple):
    """What a reviewer wrote in one row; null: the cell is empty."""

    row: int
    entitlement_id: str
    decision: Cell | None
    reason: Cell | None
    decided_by: Cell | None
    decided_on: Cell | None


def identity(book: Book) -> dict[str, str]:
    """Return what the hidden sheet says this workbook is; empty where it isn't one of ours, or of another form."""
    page = book.sheets.get(IDENTITY)
    if page is None:
        return {}
    told = {page.cells[row, 1].text: page.cells.get((row, 2)) for row in page.rows() if (row, 1) in page.cells}
    known = {word: cell.text if cell else "" for word in IDENTITIES if word in told for cell in [told[word]]}
    return known if known.get("form") == FORMAT and len(known) == len(IDENTITIES) else {}


def differences(returned: Book, sent: Book, file: str) -> list[Problem]:
    """Return where a returned workbook differs from the one that was sent, but for what was asked; MOST at most."""
    found = chain(
        _formulas(returned, file),
        _sheets(returned, sent, file),
        *(
            _decisions(page, sent.sheets[title], file)
            if title == DECISIONS
            else _jobs(page, sent.sheets[title], file)
            if title == JOBS
            else _same(page, sent.sheets[title], file, title)
            for title, page in returned.sheets.items()
            if title in sent.sheets
        ),
    )
    return list(islice(found, MOST))


def filled(returned: Book) -> Iterator[Filled]:
    """Yield what was written, row by row. Only of a workbook that shows no differences."""
    cells = returned.sheets[DECISIONS].cells
    for row in returned.sheets[DECISIONS].rows():
        if row > HEADINGS and (row, _ID) in cells:
            said = (cells.get((row, NUMBERS[name])) for name in (DECISION, REASON, REVIEWER, DATE))
            yield Filled(row, cells[row, _ID].text, *said)


def _formulas(returned: Book, file: str) -> Iterator[Problem]:
    for title, page in returned.sheets.items():
        for at in page.formulas:
            yield Problem(file, f"{title}!{at}", "the cell holds a formula", "write its result as text or a date")


def _sheets(returned: Book, sent: Book, file: str) -> Iterator[Problem]:
    for title in sent.sheets:
        if title not in returned.sheets:
            yield Problem(file, title, "the sheet is missing, or has another name", _RESTORE)
    for title in returned.sheets:
        if title not in sent.sheets:
            yield Problem(file, title, "the sheet was added", "remove it; what matters goes into the column Reason")


def _told(cell: Cell | None) -> str:
    """Return what a cell says, in one way for every program: a number without needless digits, one kind of line end."""
    if cell is None:
        return ""
    if cell.kind == "number":
        try:
            return format(float(cell.text), ".12g")
        except ValueError:
            return cell.text
    return cell.text.replace("\r\n", "\n")


def _same(page: Page, sent: Page, file: str, title: str, rows: int | None = None) -> Iterator[Problem]:
    """Compare by address, down to row ``rows``."""
    for row, column in sorted(page.cells.keys() | sent.cells.keys()):
        if rows is None or row <= rows:
            yield from _cell(page, (row, column), sent.cells.get((row, column)), file, title)


def _cell(page: Page, at: tuple[int, int], was: Cell | None, file: str, title: str) -> Iterator[Problem]:
    now, before = _told(page.cells.get(at)), _told(was)
    if now != before:
        told = (
            f"a locked cell was changed: it said {quoted(before)} and says {quoted(now)}"
            if now
            else (f"a locked cell was emptied: it said {quoted(before)}")
        )
        if not before:
            told = f"something was written where nothing was asked: {quoted(now)}"
        yield Problem(file, f"{title}!{address(*at)}", told, _RESTORE)


def _jobs(page: Page, sent: Page, file: str) -> Iterator[Problem]:
    """Compare the rows as they are, in whatever order."""
    yield from _same(page, sent, file, JOBS, HEADINGS)
    owed = Counter(_row(sent, row) for row in sent.rows() if row > HEADINGS)
    for row in page.rows():
        if row > HEADINGS:
            told = _row(page, row)
            if not owed[told]:
                yield Problem(file, f"{JOBS}!A{row}", "the row isn't one that was sent", _RESTORE)
            owed[told] -= 1
    missing = sum(count for count in owed.values() if count > 0)
    if missing:
        yield Problem(file, JOBS, f"{missing:,} of the rows that were sent are missing", _RESTORE)


def _row(page: Page, row: int) -> tuple[tuple[int, str], ...]:
    return tuple((column, told) for column in range(1, _LAST + 1) if (told := _told(page.cells.get((row, column)))))


def _decisions(page: Page, sent: Page, file: str) -> Iterator[Problem]:
    """Compare each row with the one that was sent of the same entitlement: sorted rows are the same rows."""
    yield from _same(page, sent, file, DECISIONS, HEADINGS)
    yield from _beside(page, file)
    was = {sent.cells[row, _ID].text: row for row in sent.rows() if row > HEADINGS}
    met: dict[str, int] = {}
    for row in page.rows():
        if row <= HEADINGS:
            continue
        cell = page.cells.get((row, _ID))
        place = f"{DECISIONS}!{address(row, _ID)}"
        if cell is None:
            told = "a row was added, or the cell that names its entitlement was emptied"
            yield Problem(file, place, told, "remove the row, or put the name back")
        elif cell.text not in was:
            told = f"no entitlement {quoted(cell.text)} was sent in this workbook: a row was added or its name changed"
            yield Problem(file, place, told, _RESTORE)
        elif cell.text in met:
            told = f"the entitlement {quoted(cell.text)} stands in row {met[cell.text]} already"
            yield Problem(file, place, told, "remove one of the two rows")
        else:
            met[cell.text] = row
            yield from _locked(page, sent, row, was[cell.text], file)
    for entitlement, row in was.items():
        if entitlement not in met:
            told = f"the row of entitlement {entitlement} is missing (it was row {row})"
            yield Problem(file, DECISIONS, told, "put it back, and leave its decision blank where there is none")


def _locked(page: Page, sent: Page, row: int, was: int, file: str) -> Iterator[Problem]:
    for number in (NUMBERS[column.name] for column in TOLD):
        yield from _cell(page, (row, number), sent.cells.get((was, number)), file, DECISIONS)


def _beside(page: Page, file: str) -> Iterator[Problem]:
    """Find what stands to the right of the form."""
    for row, column in sorted(at for at in page.cells if at[0] > HEADINGS and at[1] > _LAST):
        told = f"a column was added, which says {quoted(_told(page.cells[row, column]))}"
        remedy = "move what matters into the column Reason, and empty the cell"
        yield Problem(file, f"{DECISIONS}!{address(row, column)}", told, remedy)
