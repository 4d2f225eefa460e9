"""How the cells of one column are made: by the column's kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from audit.render import links
from audit.render.workbook.cells import fitted, moment, number, shown
from audit.render.workbook.pen import Pen, linked
from audit.render.workbook.sheet import Column, Kind, Sheet
from audit.render.workbook.stream import Cell
from audit.render.workbook.style import WORDS, Look, toned, with_

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.render.workbook.stage import Staged

Fill = Callable[[Any, Any, str], Cell]
"""(value, key of its link, row id) → cell."""

FORMATS = {
    Kind.INT: "#,##0",
    Kind.NUMBER: "#,##0.####",
    Kind.MONEY: "#,##0.00",
    Kind.PERCENT: "0%",
    Kind.BOOL: '"true";"true";"false"',  # else LibreOffice shows 1
    Kind.DATE: "yyyy-mm-dd",
    Kind.DATETIME: "yyyy-mm-dd hh:mm:ss",
}
NUMBERS = (Kind.INT, Kind.NUMBER, Kind.MONEY, Kind.PERCENT)
LEADING = (Kind.RAW, Kind.PAGE)
"""Kinds whose cells lead to a file beside the book."""
TIMES = (Kind.DATE, Kind.DATETIME)
_CODES = (Kind.CODE, *LEADING)
_STRONG = ("fail", "gap", "critical")


def fills(pen: Pen, sheet: Sheet, others: Mapping[str, Staged], *, leads: bool) -> list[Fill]:
    """Return what makes the cells of each column of a sheet. Without ``leads`` no cell is a link."""
    return [_fill(pen, sheet, column, others if leads else {}, leads=leads) for column in sheet.shown]


def _fill(pen: Pen, sheet: Sheet, column: Column, others: Mapping[str, Staged], *, leads: bool) -> Fill:
    look = _look(column)
    if column.kind in LEADING:
        return _page(pen, column.kind, look, leads=leads)
    if column.kind is Kind.WORD:
        return _word(pen, look)
    if column.kind in TIMES:
        return lambda value, _key, _row_id: pen.value(moment(value), look)
    if column.kind is Kind.BOOL:
        return lambda value, _key, _row_id: pen.value(value, look)
    if column.kind in NUMBERS:
        return _linking(pen, column, others, look, lambda value, _row_id: number(value))
    return _linking(
        pen, column, others, look, lambda value, row_id: fitted(_told(value), _whole(sheet, column, row_id))
    )


def _linking(
    pen: Pen,
    column: Column,
    others: Mapping[str, Staged],
    look: Look,
    shape: Callable[[Any, str], Any],
) -> Fill:
    """Cells that lead to the row of another sheet, where there is one."""
    target = others.get(column.link.sheet) if column.link else None
    anchor = column.link.anchor if column.link else ""
    lead = linked(look)

    def fill(value: Any, key: Any, row_id: str) -> Cell:
        place = target.find(anchor, key) if target and value is not None else None
        shaped, worn = None if value is None else shape(value, row_id), lead if place else look
        return pen.to_cell(pen.fitted(shaped, worn) if isinstance(shaped, str) else pen.value(shaped, worn), place)

    return fill


def _page(pen: Pen, kind: Kind, look: Look, *, leads: bool) -> Fill:
    """Cells that lead to a page of the report."""
    lead = linked(look)

    def fill(value: Any, _key: Any, _row_id: str) -> Cell:
        words, address = _evidence(value, pen.raw) if kind is Kind.RAW else _report(value)
        if kind is Kind.RAW and value and pen.lost(value):
            words = f"not kept: {words}"
        led = leads and address is not None and (pen.report or address == "run.json")
        return pen.to_page(pen.text(words, lead), address) if led else pen.text(words, look)

    return fill


def _word(pen: Pen, look: Look) -> Fill:
    """Cells with a word that may carry colour; shown with spaces: ``not assessed``."""
    looks = {word: toned(look, word, bold=word in _STRONG) for word in WORDS}

    def fill(value: Any, _key: Any, _row_id: str) -> Cell:
        return pen.text(shown(value or "").replace("_", " "), looks.get(value, look))

    return fill


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)


def _evidence(raw_ref: str | None, raw: Callable[[str | None], str | None]) -> tuple[str, str | None]:
    """Return what a raw_ref says in words, and where it leads: an item, the first page of a unit, or a file."""
    item = links.parse(raw_ref)
    if item:
        return f"{item.kind}/{item.unit[:8]}, line {item.line}, item {item.item}", raw(raw_ref)
    unit = links.parse(f"{raw_ref}#line=1&item=0")
    if unit:
        return f"{unit.kind}/{unit.unit[:8]}", raw(raw_ref)
    return shown(raw_ref or ""), raw_ref if raw_ref == "run.json" else None


def _report(job_id: str | None) -> tuple[str, str | None]:
    page = links.job_page(job_id) if job_id else None
    return page or "", page


def _whole(sheet: Sheet, column: Column, row_id: str) -> str:
    return f"data/{sheet.tables[0]}.parquet, row_id {row_id}, column {column.name}"


def heading_of(column: Column, look: Look) -> Look:
    """Return how a column's heading stands: as its cells do."""
    cells = _look(column)
    return with_(look, right=column.kind in NUMBERS, centre=cells.centre, indent=cells.indent)


def _look(column: Column) -> Look:
    return Look(
        line=True,
        code=column.kind in _CODES,
        wrap=column.kind is Kind.LONG,
        indent=0 if column.kind in (*NUMBERS, *TIMES, Kind.BOOL) else 1,
        centre=column.kind in (Kind.BOOL, *TIMES),
        format=FORMATS.get(column.kind, "General"),
        quoted=column.kind not in (*NUMBERS, *TIMES, Kind.BOOL),
    )
