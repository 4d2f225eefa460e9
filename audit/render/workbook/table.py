"""One declared sheet, written: title, note, state, headings, then its rows; over as many sheets as they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.render.workbook.fill import LEADING, fills, heading_of
from audit.render.workbook.grid import height
from audit.render.workbook.pen import LINK_LIMIT, Pen, linked
from audit.render.workbook.setup import lay_out
from audit.render.workbook.sheet import Kind, Sheet
from audit.render.workbook.stage import Staged, rows_of
from audit.render.workbook.state import State, state_of
from audit.render.workbook.style import BAND, BAND_TEXT, MUTED, WORDS, Look

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.render.workbook.volume import Volume

HEADING = Look(bold=True, ink=BAND_TEXT, fill=BAND, wrap=True, middle=True)
TITLE = Look(size=16, bold=True, ink=BAND)


def write_table(volume: Volume, staged: Staged) -> None:
    """Write the sheet, and its continuations where it has more rows than one sheet of the book holds."""
    sheet = staged.sheet
    state = state_of(staged, volume.run, volume.kinds)
    names = [column.name for column in sheet.shown] + [column.link.key for column in sheet.shown if column.link]
    rows = rows_of(volume.con, staged, names) if staged.rows else iter(())
    for part in range(staged.parts):
        pen = volume.pen(staged.title(part))
        count = min(staged.capacity, staged.rows - part * staged.capacity)
        lay_out(pen.sheet, sheet, count, volume.footer)
        _head(pen, staged, part, state)
        if not staged.rows:
            pen.sheet.append([pen.text(state.text, _tone(state.word))])
        _rows(pen, sheet, rows, count, volume.staged)
        pen.end()


def _head(pen: Pen, staged: Staged, part: int, state: State) -> None:
    pen.sheet.append([pen.text(staged.title(part), TITLE)])
    pen.sheet.append([pen.text(staged.sheet.note, Look(ink=MUTED))])
    back = pen.to_cell(pen.text("Summary", linked(Look())), ("Summary", 1))
    text = " ".join(filter(None, (state.text, staged.remark, _continuation(staged, part), _links_note(staged))))
    pen.sheet.append([back, pen.text(text, _tone(state.word))])
    pen.sheet.append([pen.text(column.heading, heading_of(column, HEADING)) for column in staged.sheet.shown])


def _tone(word: str) -> Look:
    return Look(bold=True, ink=WORDS[word][0]) if word else Look(ink=MUTED)


def _continuation(staged: Staged, part: int) -> str:
    if staged.parts == 1:
        return ""
    first = part * staged.capacity + 1
    last = min(staged.rows, first + staged.capacity - 1)
    text = f"This sheet holds rows {first:,} to {last:,} of {staged.rows:,}"
    return f"{text}; they continue on “{staged.title(part + 1)}”." if part + 1 < staged.parts else f"{text}, the last."


def _linked_rows(sheet: Sheet) -> int:
    """Return how many rows of a sheet can lead elsewhere before the format's limit on links is reached."""
    return LINK_LIMIT // sum(1 for column in sheet.shown if column.link or column.kind in LEADING)


def _links_note(staged: Staged) -> str:
    most = _linked_rows(staged.sheet)
    if min(staged.rows, staged.capacity) <= most:
        return ""
    return f"Rows beyond the first {most:,} name what they lead to without a link: a sheet holds only so many."


def _rows(pen: Pen, sheet: Sheet, rows: Iterator[tuple[Any, ...]], count: int, others: Mapping[str, Staged]) -> None:
    width, most = len(sheet.shown), _linked_rows(sheet)
    linking, plain = (fills(pen, sheet, others, leads=leads) for leads in (True, False))
    keys = [index for index, column in enumerate(sheet.shown) if column.link]
    row_id = next(index for index, column in enumerate(sheet.shown) if column.name == "row_id")
    wrapped = [(index, column.width) for index, column in enumerate(sheet.shown) if column.kind is Kind.LONG]
    for position in range(count):
        row = next(rows)
        key = dict(zip(keys, row[width:], strict=True))
        makers = linking if position < most else plain
        cells = [fill(row[i], key.get(i), row[row_id] or "") for i, fill in enumerate(makers)]
        tall = height((str(row[index] or ""), wide) for index, wide in wrapped) if wrapped else None
        pen.sheet.append(cells, tall)
