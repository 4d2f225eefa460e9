"""How the evidence was made, and what every column means: the sheets that speak about the book itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.render.workbook import facts
from audit.render.workbook.cells import fitted
from audit.render.workbook.grid import Grid
from audit.render.workbook.pen import Pen, linked
from audit.render.workbook.setup import print_setup
from audit.render.workbook.sheet import STANDARD, Kind
from audit.render.workbook.style import BAND, MUTED, Look
from audit.render.workbook.table import HEADING, TITLE

if TYPE_CHECKING:
    from audit.render.workbook.stream import Cell
    from audit.render.workbook.volume import Volume

_KINDS = {
    Kind.WORD: "text",
    Kind.LONG: "text",
    Kind.CODE: "text",
    Kind.RAW: "link to a page of the report",
    Kind.PAGE: "link to a page of the report",
    Kind.INT: "whole number",
    Kind.MONEY: "amount",
    Kind.PERCENT: "share",
    Kind.DATETIME: "time, UTC",
    Kind.DATE: "date, UTC",
    Kind.BOOL: "true or false",
}


def write_provenance(volume: Volume) -> None:
    """Write the sheet Provenance: label and fact, in sections."""
    pen = volume.pen("Provenance")
    print_setup(pen.sheet, volume.footer)
    pen.sheet.sheet_properties.tabColor = BAND
    grid = Grid(pen, {"A": 30, "B": 110})
    grid.put({"A": pen.text("Provenance", TITLE)}, 24)
    grid.put({"A": pen.text("How this evidence was made. run.json holds the same, for machines.", Look(ink=MUTED))})
    raw = pen.text("Raw files: every stored answer, its source and api-version", linked(Look()))
    grid.put({"A": _back(pen), "B": pen.to_cell(raw, ("Raw files", 1))})
    fact = Look(line=True, wrap=True, quoted=True)
    for title, lines in facts.provenance(volume.con, volume.run):
        grid.put(height=8)
        grid.put({"A": pen.text(title, HEADING), "B": pen.text(None, HEADING)})
        for label, told in lines:
            text = fitted(told, "run.json")
            cells = {"A": pen.text(fitted(label, "run.json"), Look(ink=MUTED, line=True)), "B": pen.text(text, fact)}
            grid.put(cells, grid.height(B=text))


def write_columns(volume: Volume) -> None:
    """Write the sheet Columns: what every column means, and its name in data/ and in queries."""
    pen = volume.pen("Columns")
    print_setup(pen.sheet, volume.footer)
    sheets = [item.sheet for item in volume.staged.values()]
    told = [*((sheet.title, sheet.columns) for sheet in sheets), ("(every sheet)", STANDARD)]
    for letter, width in zip("ABCDE", (22, 26, 26, 26, 100), strict=True):
        pen.sheet.column_dimensions[letter].width = width
    pen.sheet.freeze_panes = "A5"
    pen.sheet.auto_filter.ref = f"A4:E{4 + sum(len(columns) for _, columns in told)}"
    pen.sheet.print_title_rows = "4:4"
    pen.sheet.append([pen.text("Columns", TITLE)])
    note = "What every column means. An empty cell is a value that is not known or not set."
    pen.sheet.append([pen.text(note, Look(ink=MUTED))])
    pen.sheet.append([_back(pen)])
    pen.sheet.append([pen.text(head, HEADING) for head in ("Sheet", "Column", "Name in queries", "Holds", "Meaning")])
    plain, code = Look(line=True), Look(line=True, code=True)
    looks = (plain, plain, code, plain, plain)
    for title, columns in told:
        for column in columns:
            words = (title, column.heading, column.name, _KINDS.get(column.kind, column.kind.value), column.note)
            pen.sheet.append([pen.text(word, look) for word, look in zip(words, looks, strict=True)])


def _back(pen: Pen) -> Cell:
    return pen.to_cell(pen.text("Summary", linked(Look())), ("Summary", 1))
