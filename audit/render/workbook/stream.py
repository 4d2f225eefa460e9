"""A sheet whose rows are written as text: openpyxl makes the book around them, but no object for each cell."""

from __future__ import annotations

import shutil
import tempfile
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from lxml import etree
from openpyxl.compat import safe_string
from openpyxl.packaging.relationship import Relationship
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.xml.constants import REL_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.render.workbook.cells import CellValue
    from audit.render.workbook.style import Look

_RELATIONSHIP: Any = Relationship  # its stub asks for the id that the list of them gives
_ROWS = b"<sheetData></sheetData>"
"""What openpyxl writes of a sheet whose rows it isn't given."""


class Lead(NamedTuple):
    """Where a cell leads: a file beside the book (``target``), a place in it or in the book (``location``)."""

    target: str | None
    location: str | None


class Cell(NamedTuple):
    """A cell: how it looks, what stands between its address and its end, and where it leads."""

    look: Look
    content: str
    lead: Lead | None = None


NOTHING = ' t="n"></c>'
"""The content of an empty cell."""


def of_text(value: str) -> str:
    """Return the content of a cell of text. Text must be such as XML can carry."""
    if not value:
        return NOTHING
    told = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    space = ' xml:space="preserve"' if value[0].isspace() or value[-1].isspace() else ""
    return f' t="inlineStr"><is><t{space}>{told}</t></is></c>'


def of_value(value: CellValue) -> str:
    """Return the content of a cell of a number, a time without a zone, or a truth."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return f' t="b"><v>{value:d}</v></c>'
    return f' t="n"><v>{_serial(value) if isinstance(value, date) else safe_string(value)}</v></c>'


@lru_cache(maxsize=4096)
def _serial(at: date) -> str:
    return str(safe_string(to_excel(at)))  # type: ignore[no-untyped-call]


class Streamed(WriteOnlyWorksheet):
    """A streamed sheet. ``style_of``: the number under which the book keeps a look.

    Its rows go to a file of their own, and take their place in the sheet's when it is closed.
    """

    row_dimensions: Any  # the stubs know it of the stock sheet alone

    def __init__(self, parent: Any, title: str, style_of: Callable[[Look], int]) -> None:
        super().__init__(parent, title)
        self._style_of = style_of
        self._spool: IO[bytes] = tempfile.TemporaryFile(prefix="jobaudit-rows-")  # noqa: SIM115  closed with the sheet
        self._starts: list[str] = []
        self._count = 0
        self.leads: list[tuple[str, Lead]] = []
        """(address of a cell, where it leads)"""

    def append(self, row: Sequence[Cell | None], height: float | None = None) -> None:
        """Write a row; ``height`` in points, where it isn't among the sheet's row dimensions."""
        self._count += 1
        number = self._count
        if height is None and number in self.row_dimensions:
            height = self.row_dimensions[number].height
        tall = f' ht="{safe_string(height)}" customHeight="1"' if height is not None else ""
        parts = [f'<row r="{number}"{tall}>']
        while len(self._starts) < len(row):
            self._starts.append(get_column_letter(len(self._starts) + 1))
        style_of = self._style_of
        for letter, cell in zip(self._starts, row, strict=False):
            if cell is not None:
                look, content, lead = cell
                parts.append(f'<c r="{letter}{number}" s="{style_of(look)}"{content}')
                if lead is not None:
                    self.leads.append((f"{letter}{number}", lead))
        parts.append("</row>")
        self._spool.write("".join(parts).encode("ascii", "xmlcharrefreplace"))

    def close(self) -> None:
        """Finish the sheet's file."""
        self._writer = _Writer(self)
        self._writer.write_top()
        super().close()
        self.leads.clear()
        with self._spool as rows:
            rows.seek(0)
            _place(Path(str(self._writer.out)), rows)


class _Writer(WorksheetWriter):
    """Writes what stands around the rows."""

    ws: Any
    xf: Any
    _rels: Any

    def write_rows(self) -> None:
        """Leave the place where the rows go."""
        stream = self.xf.send(True)
        with stream.element("sheetData"):
            pass
        self.xf.send(None)

    def write_hyperlinks(self) -> None:
        """Write the sheet's leads, and the relationships of those that leave the book."""
        if not self.ws.leads:
            return
        listed = etree.Element("hyperlinks")
        for address, lead in self.ws.leads:
            link = etree.SubElement(listed, "hyperlink", ref=address)
            if lead.location is not None:
                link.set("location", lead.location)
            if lead.target is not None:
                relation: Any = _RELATIONSHIP(type="hyperlink", TargetMode="External", Target=lead.target)
                self._rels.append(relation)
                link.set(f"{{{REL_NS}}}id", relation.id)
        self.xf.send(listed)


def _place(sheet: Path, rows: IO[bytes]) -> None:
    """Put rows where a sheet's file has none."""
    before, found, after = sheet.read_bytes().partition(_ROWS)
    if not found:
        raise AssertionError(f"openpyxl wrote a sheet without {_ROWS!r}")
    with sheet.open("wb") as whole:
        whole.write(before + b"<sheetData>")
        shutil.copyfileobj(rows, whole, 1 << 20)
        whole.write(b"</sheetData>" + after)
