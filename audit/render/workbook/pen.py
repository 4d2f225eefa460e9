"""Writes cells on one sheet: each forced to its type, links as links, never a formula."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from openpyxl.utils import quote_sheetname

from audit.render.workbook.cells import CellValue, escaped, shown
from audit.render.workbook.stream import Cell, Lead, of_text, of_value
from audit.render.workbook.style import LINK, Look, with_

if TYPE_CHECKING:
    from collections.abc import Callable

_REMEMBERED = 300
"""Characters of a text that is remembered at most."""
LINK_LIMIT = 60_000
"""Links on one sheet: Excel stops at 65,530 and offers to repair a sheet that has more."""


class Pen:
    """Makes the cells of one sheet.

    ``report``: whether the report's pages lie beside the book, to be led to; ``raw``: where an item is shown there;
    ``lost``: whether a raw answer is gone.
    """

    def __init__(
        self, sheet: Any, *, report: bool, raw: Callable[[str | None], str | None], lost: Callable[[str], bool]
    ) -> None:
        self.sheet = sheet
        self.report = report
        self.raw = raw
        self.lost = lost

    @staticmethod
    def text(value: str | None, look: Look) -> Cell:
        """Make a cell of text, which stays text, all of it visible; what may be too long is from ``cells.fitted``."""
        return Cell(look, _text(value or ""))

    @staticmethod
    def fitted(value: str, look: Look) -> Cell:
        """Make a cell of text that came from ``cells.fitted``: what is visible stays as it is."""
        return Cell(look, _text(value) if len(value) < _REMEMBERED else of_text(escaped(value)))

    @classmethod
    def value(cls, value: CellValue, look: Look) -> Cell:
        """Make a cell of a number, a time or a truth; text among them stays text."""
        if isinstance(value, str):
            return cls.text(value, look)
        return Cell(look, of_value(value))

    def end(self) -> None:
        """Finish the sheet: its bytes are on the disk, and what only they needed is let go."""
        self.sheet.close()

    @staticmethod
    def to_cell(cell: Cell, place: tuple[str, int] | None) -> Cell:
        """Lead a cell to a row of this book; without a place it stays as it is."""
        if not place:
            return cell
        title, row = place
        return Cell(cell.look, cell.content, Lead(None, f"{quote_sheetname(title)}!A{row}"))

    @staticmethod
    def to_page(cell: Cell, address: str | None) -> Cell:
        """Lead a cell to a file beside the book; ``address``: relative, a fragment allowed."""
        if not address:
            return cell
        target, _, fragment = address.partition("#")
        return Cell(cell.look, cell.content, Lead(target, fragment or None))


@lru_cache(maxsize=4096)  # names, words and remarks stand in many rows
def _text(value: str) -> str:
    return of_text(escaped(shown(value)))


def linked(look: Look) -> Look:
    """Return a look as a link wears it."""
    return with_(look, ink=LINK, underline=True)
