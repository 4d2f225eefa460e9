"""A sheet laid out by hand: rows of placed cells, blocks of several columns, heights that fit their text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from openpyxl.cell import Cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.render.workbook.pen import Pen

_LINE = 13.5
"""Height of one line of 10-point text, in points."""
_CHARACTERS = 1.2
"""Characters of 10-point text that fit in one unit of column width."""


class Grid:
    """Writes rows from top to bottom; columns are letters, so a layout reads as the sheet does."""

    def __init__(self, pen: Pen, widths: Mapping[str, float]) -> None:
        self.pen = pen
        self.widths = widths
        self.row = 0
        self._letters = list(widths)
        for letter, width in widths.items():
            pen.sheet.column_dimensions[letter].width = width

    def put(self, cells: Mapping[str, Cell] | None = None, height: float | None = None) -> int:
        """Write one row; a key is a column ("B") or a block ("B:F"), which is merged. Returns the row's number."""
        self.row += 1
        placed: dict[str, Any] = {}
        for key, cell in (cells or {}).items():
            first, _, last = key.partition(":")
            block = self.block(key)
            placed[first] = cell
            style = cell._style  # type: ignore[attr-defined]  # noqa: SLF001  a block's cells share one style
            for letter in block[1:]:
                placed[letter] = Cell(self.pen.sheet, row=1, column=1, style_array=style)
            if last:
                self.pen.sheet.merged_cells.add(f"{first}{self.row}:{last}{self.row}")
        if height:
            self.pen.sheet.row_dimensions[self.row].height = height
        self.pen.sheet.append([placed.get(letter) for letter in self._letters])
        return self.row

    def block(self, key: str) -> list[str]:
        """Return the columns of "B:F", or of "B"."""
        first, _, last = key.partition(":")
        start, end = self._letters.index(first), self._letters.index(last or first)
        return self._letters[start : end + 1]

    def lines(self, key: str, text: str) -> int:
        """Return how many lines wrapped text takes in a block."""
        room = max(1.0, sum(self.widths[letter] for letter in self.block(key)) * _CHARACTERS)
        return sum(max(1, math.ceil(len(line) / room)) for line in text.split("\n"))

    def height(self, **texts: str) -> float:
        """Return the height of a row whose blocks hold these texts; a block is named "B_F"."""
        return max(self.lines(key.replace("_", ":"), text) for key, text in texts.items()) * _LINE + 3
