"""How the book looks: one palette, one face, colour only for words that ask for attention."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side

INK, MUTED, LINK, LINE = "1F2933", "5B6770", "0B5394", "D5DBE1"
BAND, BAND_TEXT, PANEL = "22384F", "FFFFFF", "F3F6F9"

WORDS: dict[str, tuple[str, str]] = {
    "fail": ("9C1C1C", "FBE9E7"),
    "gap": ("8A4B00", "FFF3DC"),
    "not_assessed": ("8A4B00", "FFF3DC"),
    "critical": ("9C1C1C", ""),
    "high": ("9C1C1C", ""),
    "deleted": ("8A4B00", ""),
    "pass": ("1E6B34", ""),
    "collected": ("1E6B34", ""),
    "not_applicable": (MUTED, ""),
}
"""Word → (colour of the letters, colour behind them). All reach 4.5:1 on their ground."""

FACE, CODE_FACE = "Calibri", "Consolas"


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a cell looks like. ``tone``: one of WORDS, or empty."""

    size: int = 10
    bold: bool = False
    italic: bool = False
    ink: str = INK
    fill: str = ""
    underline: bool = False
    code: bool = False
    wrap: bool = False
    centre: bool = False
    right: bool = False
    line: bool = False
    top_line: bool = False
    format: str = "General"
    quoted: bool = False
    indent: int = 0
    middle: bool = False
    open: bool = False
    """Whether the cell may be filled in where its sheet is protected."""


def with_(look: Look, **changes: Any) -> Look:
    """Return a look with some things changed."""
    return replace(look, **changes)


def toned(look: Look, word: str, *, bold: bool) -> Look:
    """Return a look in the colours of a word of WORDS."""
    ink, fill = WORDS[word]
    return replace(look, ink=ink, fill=fill, bold=bold)


class Styles:
    """Looks as the book stores them: each is built once and then shared by every cell that has it."""

    def __init__(self, book: Any) -> None:
        self._sheet: Any = SimpleNamespace(parent=book)
        self._built: dict[Look, int] = {}
        self._known: dict[int, tuple[Look, int]] = {}

    def of(self, look: Look) -> int:
        """Return a look's number in the book; quick for the same object again, as a column asks."""
        known = self._known.get(id(look))
        if known is None:
            if look not in self._built:
                self._built[look] = self._build(look)
            known = self._known[id(look)] = (look, self._built[look])
        return known[1]

    def _build(self, look: Look) -> int:
        cell: Any = WriteOnlyCell(self._sheet)
        cell.font = Font(
            name=CODE_FACE if look.code else FACE,
            size=look.size - 1 if look.code else look.size,
            bold=look.bold,
            italic=look.italic,
            underline="single" if look.underline else None,
            color=look.ink,
        )
        if look.fill:
            cell.fill = PatternFill("solid", fgColor=look.fill)
        horizontal = "center" if look.centre else "right" if look.right else "left" if look.indent else None
        cell.alignment = Alignment(
            horizontal=horizontal,
            vertical="center" if look.middle else "top",
            wrap_text=look.wrap,
            indent=look.indent,
        )
        side = Side(style="thin", color=LINE)
        cell.border = Border(bottom=side if look.line else None, top=side if look.top_line else None)
        cell.number_format = look.format
        if look.quoted:
            cell.quotePrefix = True
        if look.open:
            cell.protection = Protection(locked=False)
        return int(cell.style_id)
