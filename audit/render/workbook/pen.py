"""Writes cells on one sheet: each forced to its type, links as links, never a formula."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from openpyxl.cell import Cell
from openpyxl.utils import quote_sheetname
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.hyperlink import Hyperlink

from audit.render.workbook.cells import CellValue, escaped, shown
from audit.render.workbook.style import LINK, Look, Styles, with_

LINK_LIMIT = 60_000
"""Links on one sheet: Excel stops at 65,530 and offers to repair a sheet that has more."""


class Streamed(WriteOnlyWorksheet):
    """A streamed sheet whose rows are cells throughout.

    The stock one tries to convert each cell as if it were a value and fails by an exception: a third of all time.
    """

    def _values_to_row(self, values: Iterable[Cell], row_idx: int) -> Iterator[Cell]:
        for column, cell in enumerate(values, 1):
            if cell is not None:
                cell.column, cell.row = column, row_idx
                if cell.hyperlink is not None:
                    cell.hyperlink.ref = cell.coordinate
                yield cell


class Pen:
    """Makes the cells of one sheet. ``report``: whether the report's pages lie beside the book, to be led to."""

    def __init__(self, sheet: Any, styles: Styles, *, report: bool) -> None:
        self.sheet = sheet
        self.styles = styles
        self.report = report

    def text(self, value: str | None, look: Look) -> Cell:
        """Make a cell of text, which stays text, all of it visible; what may be too long is from ``cells.fitted``."""
        cell = Cell(self.sheet, row=1, column=1, style_array=self.styles.of(look))
        if value:
            cell.value = escaped(shown(value))
            cell.data_type = "s"  # else "=…" would be a formula and "#N/A" an error
        return cell

    def value(self, value: CellValue, look: Look) -> Cell:
        """Make a cell of a number, a time or a truth; text among them stays text."""
        if isinstance(value, str):
            return self.text(value, look)
        return Cell(self.sheet, row=1, column=1, value=value, style_array=self.styles.of(look))

    def end(self) -> None:
        """Finish the sheet: its bytes are on the disk, and what only they needed is let go."""
        self.sheet.close()
        self.sheet._hyperlinks.clear()  # noqa: SLF001  tens of thousands on a large sheet, kept until the book is saved

    @staticmethod
    def to_cell(cell: Cell, place: tuple[str, int] | None) -> Cell:
        """Lead a cell to a row of this book; without a place it stays as it is."""
        if place:
            title, row = place
            cell.hyperlink = Hyperlink(ref="", location=f"{quote_sheetname(title)}!A{row}")
        return cell

    @staticmethod
    def to_page(cell: Cell, address: str | None) -> Cell:
        """Lead a cell to a file beside the book; ``address``: relative, a fragment allowed."""
        if address:
            target, _, fragment = address.partition("#")
            cell.hyperlink = Hyperlink(ref="", target=target, location=fragment or None)
        return cell


def linked(look: Look) -> Look:
    """Return a look as a link wears it."""
    return with_(look, ink=LINK, underline=True)
