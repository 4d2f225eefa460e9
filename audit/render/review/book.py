"""A review, sent out: from its entitlements to one workbook for each reviewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openpyxl.workbook.protection import WorkbookProtection

from audit.render import links
from audit.render.review import decisions, instructions, rows
from audit.render.review.form import DECISIONS, FORMAT, HEADINGS, IDENTITIES, IDENTITY, INSTRUCTIONS, JOBS
from audit.render.review.letter import Letter
from audit.render.review.locking import lock
from audit.render.review.sent import ROWS, sent
from audit.render.text import visible
from audit.render.workbook.binding import bind
from audit.render.workbook.cells import fitted
from audit.render.workbook.grid import height
from audit.render.workbook.setup import print_setup
from audit.render.workbook.style import MUTED, Look
from audit.render.workbook.table import HEADING, TITLE
from audit.render.workbook.volume import Volume
from audit.store import atomic
from audit.store.reviews import digest

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from audit.model import Run
    from audit.render.workbook.pen import Pen

_JOBS = (("No.", 6), ("Entitlement", 17), ("Who", 28), ("Role or right", 28), ("Job", 30), ("Resource group", 26))
_CAN = ("What it can do there", 60)


def write(con: duckdb.DuckDBPyConnection, run: Run, folder: Path, *, review: str, rows_each: int = ROWS) -> list[Path]:
    """Write the workbooks of a review into ``folder`` and return them, those of nobody first, then by reviewer.

    ``con`` holds entitlements and entitlement_reach; ``review``: the pack's name; ``rows_each``: entitlements in one
    workbook, more go on in a next one. Where nothing is to be reviewed there is none, and no folder. The same tables
    and run give the same bytes. Raises StoreError.
    """
    con.execute("set TimeZone = 'UTC'")
    books = sent(con, rows=rows_each)
    if not books:
        return []
    atomic.make_folder(folder)
    asked = digest(con)
    made = []
    try:
        with atomic.refusals(folder):
            for book in books:
                rows.choose(con, book)
                letter = Letter(con=con, run=run, review=review, rows=asked, book=book)
                made.append(folder / book.file)
                bind(_written(letter), made[-1], run, title=f"Access review {review}")
    finally:
        rows.drop(con)
    return made


def _written(letter: Letter) -> Any:
    volume = Volume(
        con=letter.con, run=letter.run, staged={}, report=False, raw=links.raw_page, lost=lambda _raw_ref: False
    )
    instructions.write(volume.pen(INSTRUCTIONS), letter)
    decisions.write(volume.pen(DECISIONS), letter)
    _jobs(volume.pen(JOBS), letter)
    _identity(volume.pen(IDENTITY), letter)
    volume.book.security = WorkbookProtection(lockStructure=True)
    return volume.book


def _jobs(pen: Pen, letter: Letter) -> None:
    """Write which jobs each entitlement reaches, and what it can do there."""
    sheet = pen.sheet
    total, listed = rows.jobs(letter.con)
    for letters, (_, width) in zip("ABCDEFG", (*_JOBS, _CAN), strict=True):
        sheet.column_dimensions[letters].width = width + 1
    for row, points in ((1, 24), (2, 15), (3, 15)):
        sheet.row_dimensions[row].height = points
    sheet.freeze_panes = f"C{HEADINGS + 1}"
    sheet.auto_filter.ref = f"A{HEADINGS}:G{HEADINGS + max(len(listed), 1)}"
    sheet.print_title_rows = f"{HEADINGS}:{HEADINGS}"
    print_setup(sheet, letter.footer)
    sheet.append([pen.text("Jobs", TITLE)])
    sheet.append([pen.text("Which jobs each entitlement reaches, and what it can do there.", Look(ink=MUTED))])
    sheet.append([pen.text(rows.spread(len(listed), total), Look(ink=MUTED))])
    sheet.append([pen.text(heading, HEADING) for heading, _ in (*_JOBS, _CAN)])
    plain, wrapped = Look(line=True, quoted=True), Look(line=True, quoted=True, wrap=True)
    for number, *texts, can in listed:
        whole = (
            f"data/entitlement_reach.parquet of the pack, by the reach_id of {texts[0]} in data/entitlements.parquet"
        )
        cells = [pen.fitted(fitted(text or "", whole), plain) for text in texts]
        tall = height([(can, _CAN[1])])
        sheet.append([pen.value(number, Look(line=True)), *cells, pen.fitted(fitted(can, whole), wrapped)], tall)
    lock(sheet)
    pen.end()


def _identity(pen: Pen, letter: Letter) -> None:
    """Write which workbook this is: what the import finds the one that was sent by."""
    told = (FORMAT, letter.review, letter.run.run_id, letter.rows, letter.book.reviewer, letter.book.file)
    for word, value in zip(IDENTITIES, told, strict=True):
        pen.sheet.append([pen.text(word, Look()), pen.text(visible(value), Look(quoted=True))])
    pen.sheet.sheet_state = "veryHidden"
    lock(pen.sheet)
    pen.end()
