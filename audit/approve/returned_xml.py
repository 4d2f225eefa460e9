"""The XML of a returned workbook, read as a stream: no tree is built, no DTD, entity or outside reference is taken.

Why not openpyxl: it builds what it reads, hides which cell held a formula, and leaves the format's ``_x000D_`` escapes
as they are. Why expat itself and not defusedxml, which refuses the same by the same handlers: a third of the time. The
few elements that are read here are named alike in the transitional and the strict form of the format (ECMA-376), so
elements go by their local names.
"""

from __future__ import annotations

import re
from functools import cache
from typing import IO, Any, NamedTuple
from xml.parsers import expat

from openpyxl.utils.cell import get_column_letter

from audit.approve.returned_archive import Unreadable

MOST_CELLS = 1_000_000
MOST_TEXT = 32_767
"""Characters of a cell: the format's own limit."""
_ROWS, _COLUMNS = 1_048_576, 16_384
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_ADDRESS = re.compile("([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
_SHOWN = 100


class Cell(NamedTuple):
    """What a cell holds. ``kind``: text, number, truth or error; ``text`` as the file has it, escapes undone."""

    kind: str
    text: str


class Relation(NamedTuple):
    """What a part refers to."""

    id: str
    type: str
    target: str
    outside: bool


class Named(NamedTuple):
    """A sheet as the workbook lists it: its title, and the relation that leads to its part."""

    title: str
    relation: str


def address(row: int, column: int) -> str:
    """Return ``F12``."""
    return f"{get_column_letter(column)}{row}"


def unescaped(text: str) -> str:
    """Return text whose ``_x000D_`` escapes are the characters that they stand for; half of a pair becomes U+FFFD."""
    if "_x" not in text:
        return text
    told = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return told.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def read(stream: IO[bytes], handler: Elements, part: str) -> None:
    """Hand the elements of a part to ``handler``. Raises Unreadable."""

    def refuse(*_: object) -> None:
        raise Unreadable(f"the part {part} declares a document type, where entities and outside references come from")

    parser: Any = expat.ParserCreate()
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = handler.begin, handler.end
    parser.CharacterDataHandler = handler.text
    try:
        parser.ParseFile(stream)
    except (expat.ExpatError, UnicodeError, LookupError, ValueError) as error:
        raise Unreadable(f"the part {part} is not XML: {error}") from error


class Elements:
    """Elements by their local names; text where it was asked for."""

    def __init__(self) -> None:
        self._text: list[str] | None = None

    def listen(self) -> None:
        """Keep the text from here on."""
        self._text = []

    def heard(self) -> str:
        """Return the text kept, and keep no more."""
        told, self._text = "".join(self._text or ()), None
        return told

    def begin(self, name: str, given: dict[str, str]) -> None:
        """Take the beginning of an element."""
        self._begin(name.rpartition(":")[2] if ":" in name else name, given)

    def end(self, name: str) -> None:
        """Take the end of an element."""
        self._end(name.rpartition(":")[2] if ":" in name else name)

    def text(self, content: str) -> None:
        """Take text."""
        if self._text is not None:
            self._text.append(content)

    def _begin(self, name: str, given: dict[str, str]) -> None:
        """Take the beginning of an element by its local name, with its attributes as the file spells them."""

    def _end(self, name: str) -> None:
        """Take the end of an element."""


class Relations(Elements):
    """The relations of a part."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Relation] = []

    def _begin(self, name: str, given: dict[str, str]) -> None:
        if name == "Relationship":
            outside = given.get("TargetMode", "").lower() == "external"
            self.found.append(Relation(given.get("Id", ""), given.get("Type", ""), given.get("Target", ""), outside))


class Contents(Elements):
    """The workbook's list of sheets, and from when it counts its days."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[Named] = []
        self.since_1904 = False

    def _begin(self, name: str, given: dict[str, str]) -> None:
        if name == "sheet":
            relation = next((value for key, value in given.items() if key.rpartition(":")[1:] == (":", "id")), "")
            self.sheets.append(Named(given.get("name", ""), relation))
        elif name == "workbookPr":
            self.since_1904 = given.get("date1904", "0").lower() in ("1", "true", "on")


class Drawn(Elements):
    """Whether anything is drawn on a sheet. LibreOffice writes a drawing of nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.something = False

    def _begin(self, name: str, given: dict[str, str]) -> None:  # noqa: ARG002
        self.something = self.something or name.endswith("Anchor")


class Types(Elements):
    """The kinds of the parts: [Content_Types].xml."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def _begin(self, name: str, given: dict[str, str]) -> None:
        if name in ("Override", "Default"):
            self.found.add(given.get("ContentType", "").lower())


class _Texts(Elements):
    """Text in runs, without the readings (``rPh``) that East Asian text may carry."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[str] = []
        self._reading = False

    def _begin(self, name: str, given: dict[str, str]) -> None:  # noqa: ARG002
        if name == "rPh":
            self._reading = True
        elif name == "t" and not self._reading:
            self.listen()

    def _end(self, name: str) -> None:
        if name == "rPh":
            self._reading = False
        elif name == "t" and not self._reading:
            self._runs.append(self.heard())

    def taken(self) -> str:
        told, self._runs = "".join(self._runs), []
        return unescaped(told)


class Strings(_Texts):
    """The texts that cells share, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def _end(self, name: str) -> None:
        super()._end(name)
        if name == "si":
            self.found.append(self.taken())
            if len(self.found) > MOST_CELLS:
                raise Unreadable(f"the workbook has more than {MOST_CELLS:,} texts")


class Cells(_Texts):
    """The cells of a sheet that hold something, by (row, column), and where formulas are."""

    def __init__(self, title: str, strings: list[str]) -> None:
        super().__init__()
        self.found: dict[tuple[int, int], Cell] = {}
        self.formulas: list[str] = []
        self._title, self._strings = title, strings
        self._row = self._column = 0
        self._kind, self._value = "n", ""

    def _begin(self, name: str, given: dict[str, str]) -> None:
        super()._begin(name, given)
        if name == "row":
            self._row, self._column = _number(given.get("r"), self._row + 1), 0
        elif name == "c":
            self._place(given.get("r"))
            self._kind, self._value = given.get("t", "n"), ""
        elif name == "v":
            self.listen()
        elif name == "f" and len(self.formulas) < _SHOWN:
            self.formulas.append(address(self._row, self._column))

    def _end(self, name: str) -> None:
        super()._end(name)
        if name == "v":
            self._value = self.heard()
        elif name == "c":
            self._keep(self.taken())

    def _place(self, given: str | None) -> None:
        if given:
            found = _ADDRESS.fullmatch(given)
            if found is None:
                raise Unreadable(f"a cell has the address {given!r}", place=self._title)
            self._column = _column(found[1])
            if int(found[2]) != self._row:
                raise Unreadable(f"the cell {given} stands in row {self._row}", place=self._title)
        else:
            self._column += 1
        if not (0 < self._row <= _ROWS and 0 < self._column <= _COLUMNS):
            raise Unreadable("a cell lies outside of the sheet", place=self._title)

    def _keep(self, inline: str) -> None:
        at = (self._row, self._column)
        cell = self._cell(inline)
        if not cell.text:
            return
        if at in self.found:
            raise Unreadable("the cell stands twice in the file", place=f"{self._title}!{address(*at)}")
        if len(cell.text) > MOST_TEXT:
            told = f"the cell holds {len(cell.text):,} characters; {MOST_TEXT:,} is the limit"
            raise Unreadable(told, place=f"{self._title}!{address(*at)}")
        if len(self.found) >= MOST_CELLS:
            raise Unreadable(f"the sheet has more than {MOST_CELLS:,} cells", place=self._title)
        self.found[at] = cell

    def _cell(self, inline: str) -> Cell:
        kind, value = self._kind, self._value
        if kind == "inlineStr":
            return Cell("text", inline)
        if kind == "s":
            number = _number(value.strip(), -1)
            if value and not 0 <= number < len(self._strings):
                raise Unreadable("a cell names a text that isn't there", place=self._title)
            return Cell("text", self._strings[number] if value else "")
        if kind in ("str", "d"):
            return Cell("text", unescaped(value))
        return Cell({"b": "truth", "e": "error"}.get(kind, "number"), value.strip())


@cache
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else otherwise  # noqa: PLR2004
