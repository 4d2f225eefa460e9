"""One declared sheet, written: title, note, state, headings, then its rows; over as many sheets as they need."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import duckdb
from openpyxl.cell import Cell
from openpyxl.utils import get_column_letter

from audit.render import links
from audit.render.workbook.cells import fitted, moment, number, shown
from audit.render.workbook.pen import LINK_LIMIT, Pen, linked
from audit.render.workbook.setup import lay_out
from audit.render.workbook.sheet import Column, Kind, Sheet
from audit.render.workbook.stage import HEAD_ROWS, Staged, rows_of
from audit.render.workbook.state import State
from audit.render.workbook.style import BAND, BAND_TEXT, MUTED, WORDS, Look, Styles

_FORMATS = {
    Kind.INT: "#,##0",
    Kind.NUMBER: "#,##0.####",
    Kind.MONEY: "#,##0.00",
    Kind.PERCENT: "0%",
    Kind.DATE: "yyyy-mm-dd",
    Kind.DATETIME: "yyyy-mm-dd hh:mm:ss",
}
_TIMES = (Kind.DATE, Kind.DATETIME)
_NUMBERS = (Kind.INT, Kind.NUMBER, Kind.MONEY, Kind.PERCENT)
_LEADING = (Kind.RAW, Kind.PAGE)

Put = Callable[[Any, Any, str], Cell | None]
"""(value, key of its link, row id) → cell."""


def write_table(  # noqa: PLR0913  a sheet needs all of these, and nothing holds them together elsewhere
    book: Any,
    styles: Styles,
    con: duckdb.DuckDBPyConnection,
    staged: Staged,
    state: State,
    others: Mapping[str, Staged],
    footer: str,
) -> None:
    """Write the sheet, and its continuations where it has more rows than one sheet of the book holds."""
    sheet = staged.sheet
    names = [column.name for column in sheet.shown] + [column.link.key for column in sheet.shown if column.link]
    rows = rows_of(con, staged, names) if staged.rows else iter(())
    for part in range(staged.parts):
        worksheet = book.create_sheet(staged.title(part))
        count = min(staged.capacity, staged.rows - part * staged.capacity)
        lay_out(worksheet, sheet, count, footer)
        pen = Pen(worksheet, styles)
        _head(pen, staged, part, state)
        if not staged.rows:
            worksheet.append([pen.text(state.text, _tone(state.word))])
        _rows(pen, sheet, rows, count, others)


def _head(pen: Pen, staged: Staged, part: int, state: State) -> None:
    sheet = staged.sheet
    pen.sheet.append([pen.text(staged.title(part), Look(size=16, bold=True, ink=BAND))])
    pen.sheet.append([pen.text(sheet.note, Look(ink=MUTED))])
    back = pen.to_cell(pen.text("Summary", linked(Look())), ("Summary", 1))
    text = " ".join(filter(None, (state.text, _continuation(staged, part), _links_note(staged))))
    pen.sheet.append([back, pen.text(text, _tone(state.word))])
    heading = Look(bold=True, ink=BAND_TEXT, fill=BAND, wrap=True, middle=True)
    pen.sheet.append([pen.text(column.heading, heading) for column in sheet.shown])


def _continuation(staged: Staged, part: int) -> str:
    if staged.parts == 1:
        return ""
    first = part * staged.capacity + 1
    last = min(staged.rows, first + staged.capacity - 1)
    text = f"This sheet holds rows {first:,} to {last:,} of {staged.rows:,}"
    return f"{text}; they continue on “{staged.title(part + 1)}”." if part + 1 < staged.parts else f"{text}, the last."


def _linked_rows(sheet: Sheet) -> int:
    leading = sum(1 for column in sheet.shown if column.link or column.kind in _LEADING)
    return LINK_LIMIT // leading


def _links_note(staged: Staged) -> str:
    most = _linked_rows(staged.sheet)
    if min(staged.rows, staged.capacity) <= most:
        return ""
    return f"Rows beyond the first {most:,} name what they lead to without a link: a sheet holds only so many."


def _rows(pen: Pen, sheet: Sheet, rows: Iterator[tuple[Any, ...]], count: int, others: Mapping[str, Staged]) -> None:
    width, most = len(sheet.shown), _linked_rows(sheet)
    linking = [_put(pen, sheet, column, others, leads=True) for column in sheet.shown]
    plain = [_put(pen, sheet, column, others, leads=False) for column in sheet.shown]
    keys = [index for index, column in enumerate(sheet.shown) if column.link]
    row_id = next(index for index, column in enumerate(sheet.shown) if column.name == "row_id")
    for number_ in range(count):
        row = next(rows)
        key = dict(zip(keys, row[width:], strict=True))
        puts = linking if number_ < most else plain
        pen.sheet.append([put(row[i], key.get(i), row[row_id] or "") for i, put in enumerate(puts)])


def _put(pen: Pen, sheet: Sheet, column: Column, others: Mapping[str, Staged], *, leads: bool) -> Put:
    """Return what makes the cells of one column."""
    look = _look(column)
    lead = linked(look)
    blank = pen.text(None, look)
    target = others.get(column.link.sheet) if column.link and leads else None
    anchor = column.link.anchor if column.link else ""
    tones = {word: _toned(look, word) for word in WORDS}

    def put(value: Any, key: Any, row_id: str) -> Cell:
        if value is None:
            return blank
        if column.kind in _LEADING:
            words, address = _evidence(value) if column.kind is Kind.RAW else _report(value)
            return pen.to_page(pen.text(words, lead), address) if leads and address else pen.text(words, look)
        if column.kind in _TIMES:
            return pen.value(moment(value), look)
        if isinstance(value, bool):
            return pen.value(value, look)
        place = target.find(anchor, key) if target else None
        if column.kind in _NUMBERS:
            return pen.to_cell(pen.value(number(value), lead if place else look), place)
        words = fitted(_words(value), _whole(sheet, column, row_id))
        if column.kind is Kind.WORD:
            return pen.text(words.replace("_", " "), tones.get(words, look))
        return pen.to_cell(pen.text(words, lead if place else look), place)

    return put


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)


def _evidence(raw_ref: str) -> tuple[str, str | None]:
    """Return what a raw_ref says in words, and where it leads: an item, the first page of a unit, or a file."""
    item, unit = links.parse(raw_ref), links.parse(f"{raw_ref}#line=1&item=0")
    if item:
        return f"{item.kind}/{item.unit[:8]}, line {item.line}, item {item.item}", links.raw_page(raw_ref)
    if unit:
        return f"{unit.kind}/{unit.unit[:8]}", links.view(unit.kind, unit.unit, 1)
    return shown(raw_ref), "run.json" if raw_ref == "run.json" else None


def _report(job_id: str) -> tuple[str, str]:
    page = links.job_page(job_id)
    return page, page


def _whole(sheet: Sheet, column: Column, row_id: str) -> str:
    return f"data/{sheet.tables[0]}.parquet, row_id {row_id}, column {column.name}"


def _look(column: Column) -> Look:
    return Look(
        line=True,
        code=column.kind in (Kind.CODE, Kind.RAW, Kind.PAGE),
        wrap=column.kind is Kind.LONG,
        centre=column.kind is Kind.BOOL,
        format=_FORMATS.get(column.kind, "General"),
        quoted=column.kind not in (*_NUMBERS, *_TIMES, Kind.BOOL),
    )


def _toned(look: Look, word: str) -> Look:
    ink, fill = WORDS[word]
    return Look(**{**look.__dict__, "ink": ink, "fill": fill, "bold": word in ("fail", "gap", "critical")})


def _tone(word: str) -> Look:
    return Look(bold=True, ink=WORDS[word][0]) if word in WORDS else Look(ink=MUTED)


