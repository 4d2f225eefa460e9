"""A sheet laid out by hand: rows of placed cells, blocks of several columns, heights that fit their text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from audit.render.workbook.stream import NOTHING, Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from audit.render.workbook.pen import Pen

TALLEST = 400.0
"""Points that a row may have; the format stops at 409."""
_LINE = 13.5
"""Height of one line of 10-point text, in points."""
_CHARACTERS = 1.15
"""Characters of 10-point text that fit in one unit of column width."""


def height(texts: Iterable[tuple[str, float]]) -> float:
    """Return the height, in points, of a row whose cells hold wrapped 10-point texts, each with its width.

    Said in the file, because not every program finds it out when it opens one.
    """
    lines = max((_lines(text, width) for text, width in texts), default=1)
    return min(lines * _LINE + 2, TALLEST)


def _lines(text: str, width: float) -> int:
    room = max(1.0, width * _CHARACTERS)
    return sum(max(1, math.ceil(len(line) / room)) for line in text.split("\n"))


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
            for letter in block[1:]:
                placed[letter] = Cell(cell.look, NOTHING)
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

    def height(self, **texts: str) -> float:
        """Return the height of a row whose blocks hold these texts; a block is named "B_F"."""
        return height(
            (text, sum(self.widths[each] for each in self.block(key.replace("_", ":")))) for key, text in texts.items()
        )
