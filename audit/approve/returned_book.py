"""A workbook as its cells: what was returned is read exactly as what was sent, so that the two can be held together."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.approve import returned_xml as xml
from audit.approve.returned_archive import Archive, Unreadable, opened

if TYPE_CHECKING:
    from pathlib import Path

    from audit.approve.returned_xml import Cell, Relation

_RELATIONS = "_rels/.rels"
_LINK = "/hyperlink"
"""The one relation that may lead outside: Excel makes a link of an address that is typed. Nothing follows it."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A sheet: its cells that hold something, by (row, column) from 1, and the addresses of its formulas."""

    cells: dict[tuple[int, int], Cell]
    formulas: tuple[str, ...]

    def rows(self) -> list[int]:
        """Return the numbers of the rows that hold something."""
        return sorted({row for row, _ in self.cells})


@dataclass(frozen=True, kw_only=True)
class Book:
    """A workbook. ``since_1904``: its days are counted from there, as old Macs did."""

    sheets: dict[str, Page]
    since_1904: bool
    sha256: str
    """Of the file."""


def read(path: Path) -> Book:
    """Read a workbook. Raises Unreadable."""
    with opened(path) as archive:
        _passive(archive)
        workbook = _one(_related(archive, "", _RELATIONS), "/officeDocument")
        related = {each.id: each for each in _related(archive, workbook, _rels_of(workbook))}
        contents = xml.Contents()
        _read(archive, workbook, contents)
        texts = [each for each in related.values() if each.type.endswith("/sharedStrings")]
        strings = xml.Strings()
        if texts:
            _read(archive, _one(texts, "/sharedStrings"), strings)
        pages: dict[str, Page] = {}
        for title, relation in contents.sheets:
            told = related.get(relation)
            if told is None or not told.type.endswith("/worksheet"):
                raise Unreadable("the sheet holds something else than cells", place=title, remedy="remove it")
            if title in pages:
                raise Unreadable("two sheets have this name", place=title)
            cells = xml.Cells(title, strings.found)
            _read(archive, told.target, cells)
            pages[title] = Page(cells=cells.found, formulas=tuple(cells.formulas))
    return Book(sheets=pages, since_1904=contents.since_1904, sha256=archive.sha256)


def _passive(archive: Archive) -> None:
    """Refuse macros by the kinds of the parts too, and whatever leads outside but a link that was typed."""
    types = xml.Types()
    _read(archive, "[Content_Types].xml", types)
    if any("macroenabled" in each or "vbaproject" in each for each in types.found):
        raise Unreadable("the file holds macros", remedy="save it as .xlsx (not .xlsm), which leaves them out")
    for name in sorted(archive.names):
        if name.lower().startswith("xl/drawings/") and name.lower().endswith(".xml"):
            drawn = xml.Drawn()
            _read(archive, name, drawn)
            if drawn.something:  # what a person wrote there would be lost without a word
                raise Unreadable(f"the file holds a shape or text box ({name})", remedy="remove it, then save it again")
        if name.endswith(".rels"):
            for relation in _relations(archive, name):
                if relation.outside and not relation.type.endswith(_LINK):
                    raise Unreadable(
                        f"the file refers to something outside of it ({relation.type.rpartition('/')[2]})",
                        remedy="break its links and remove inserted objects, then save it again",
                    )


def _read(archive: Archive, part: str, handler: xml.Elements) -> None:
    with archive.part(part) as stream:
        xml.read(stream, handler, part)


def _relations(archive: Archive, name: str) -> list[Relation]:
    handler = xml.Relations()
    _read(archive, name, handler)
    return handler.found


def _related(archive: Archive, part: str, name: str) -> list[Relation]:
    """Return a part's relations that stay inside, each with the name of the part that it leads to."""
    return [
        each._replace(target=posixpath.normpath(posixpath.join("/", posixpath.dirname(part), each.target)).lstrip("/"))
        for each in _relations(archive, name)
        if not each.outside
    ]


def _rels_of(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _one(relations: list[Relation], ending: str) -> str:
    found = [each.target for each in relations if each.type.endswith(ending)]
    if len(found) != 1:
        raise Unreadable(f"the file has {len(found)} parts where a workbook has one ({ending.lstrip('/')})")
    return found[0]
