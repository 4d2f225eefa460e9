"""How the evidence was made, and what every column means: the sheets that speak about the book itself."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from audit.model import Run
from audit.render.workbook import facts
from audit.render.workbook.cells import fitted
from audit.render.workbook.grid import Grid
from audit.render.workbook.pen import Pen, linked
from audit.render.workbook.setup import print_setup
from audit.render.workbook.sheet import Kind, Sheet
from audit.render.workbook.style import BAND, BAND_TEXT, MUTED, Look

_TITLE = Look(size=16, bold=True, ink=BAND)
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


def write_provenance(pen: Pen, con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Write the sheet Provenance: label and fact, in sections."""
    print_setup(pen.sheet, f"jobaudit run {run.run_id}")
    grid = Grid(pen, {"A": 30, "B": 110})
    grid.put({"A": pen.text("Provenance", _TITLE)}, 24)
    grid.put({"A": pen.text("How this evidence was made. run.json holds the same, for machines.", Look(ink=MUTED))})
    grid.put({"A": pen.to_cell(pen.text("Summary", linked(Look())), ("Summary", 1)), "B": pen.to_cell(pen.text("Raw files: every stored answer, its source and api-version", linked(Look())), ("Raw files", 1))})
    for title, lines in facts.provenance(con, run):
        grid.put(height=8)
        heading = Look(bold=True, ink=BAND_TEXT, fill=BAND)
        grid.put({"A": pen.text(title, heading), "B": pen.text(None, heading)})
        for label, told in lines:
            text = fitted(told, "run.json")
            grid.put(
                {"A": pen.text(fitted(label, "run.json"), Look(ink=MUTED, line=True)), "B": pen.text(text, Look(line=True, wrap=True, quoted=True))},
                grid.height(B=text),
            )


def write_columns(pen: Pen, run: Run, sheets: Sequence[Sheet]) -> None:
    """Write the sheet Columns: what every column means, and where the same value is in data/."""
    print_setup(pen.sheet, f"jobaudit run {run.run_id}")
    for letter, width in zip("ABCDE", (22, 26, 26, 26, 100), strict=True):
        pen.sheet.column_dimensions[letter].width = width
    count = sum(len(sheet.columns) for sheet in sheets) + len(sheets[0].shown) - len(sheets[0].columns)
    pen.sheet.freeze_panes = "A5"
    pen.sheet.auto_filter.ref = f"A4:E{4 + count}"
    pen.sheet.print_title_rows = "4:4"
    pen.sheet.append([pen.text("Columns", _TITLE)])
    pen.sheet.append([pen.text("What every column means. An empty cell is a value that is not known or not set.", Look(ink=MUTED))])
    pen.sheet.append([pen.to_cell(pen.text("Summary", linked(Look())), ("Summary", 1))])
    heading = Look(bold=True, ink=BAND_TEXT, fill=BAND)
    pen.sheet.append([pen.text(head, heading) for head in ("Sheet", "Column", "Name in data/ and queries", "Holds", "Meaning")])
    plain, code = Look(line=True), Look(line=True, code=True)
    everywhere = sheets[0].shown[len(sheets[0].columns) :]
    for title, columns in (*((sheet.title, sheet.columns) for sheet in sheets), ("(every sheet)", everywhere)):
        for column in columns:
            row = (title, column.heading, column.name, _KINDS.get(column.kind, column.kind.value), column.note)
            pen.sheet.append([pen.text(word, code if index == 2 else plain) for index, word in enumerate(row)])  # noqa: PLR2004
