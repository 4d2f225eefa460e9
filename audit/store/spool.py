"""Rows on their way to a table: in memory, and beyond a few MiB in NDJSON files."""

from __future__ import annotations

import shutil
from collections import defaultdict
from typing import TYPE_CHECKING

from audit.store import atomic

if TYPE_CHECKING:
    from pathlib import Path

_HELD = 4 * 1024 * 1024


class Lines:
    """NDJSON lines of one table, in memory until they are many."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: list[bytes] = []
        self._size = 0
        self._written = False

    def add(self, lines: list[bytes]) -> None:
        """Add lines."""
        self._held += lines
        self._size += sum(map(len, lines))
        if self._size > _HELD:
            self._flush()

    def file(self) -> Path | None:
        """Return the file that now holds all of them; None where there are none."""
        if self._held:
            self._flush()
        return self._path if self._written else None

    def take(self) -> list[bytes]:
        """Return and forget the lines that are in memory."""
        held, self._held, self._size = self._held, [], 0
        return held

    @property
    def spilled(self) -> bool:
        """Whether a file holds some of them."""
        return self._written

    def drop(self) -> None:
        """Forget the lines and delete the file."""
        self.take()
        if self._written:
            self._path.unlink(missing_ok=True)

    def _flush(self) -> None:
        if not self._path.parent.is_dir():
            atomic.make_folder(self._path.parent)
        atomic.append(self._path, b"".join(self.take()))
        self._written = True


class Spool:
    """The rows of units that ended in this session, by kind and table."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[str, dict[str, list[Lines]]] = defaultdict(dict)

    def clear(self) -> None:
        """Drop everything, also what a killed run left."""
        self._lines.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def drop(self, kind: str) -> None:
        """Drop a kind's rows: its tables are written."""
        self._lines.pop(kind, None)
        shutil.rmtree(self._folder / kind, ignore_errors=True)

    def sources(self, kind: str, table: str) -> list[Path]:
        """Return the NDJSON files that hold all rows of one table."""
        return [path for lines in self._lines[kind].get(table, []) if (path := lines.file()) is not None]

    def path(self, kind: str, name: str) -> Path:
        """Return where a kind's lines go if they become many."""
        return self._folder / kind / f"{name}.ndjson"

    def adopt(self, kind: str, table: str, lines: Lines) -> None:
        """Take over a unit's lines: the file as it is where there is one, else among the table's own."""
        known = self._lines[kind].setdefault(table, [Lines(self.path(kind, table))])
        if lines.spilled:
            known.append(lines)
        else:
            known[0].add(lines.take())


class UnitRows:
    """The rows of one unit until it ends."""

    def __init__(self, spool: Spool, kind: str, unit: str) -> None:
        self._spool = spool
        self._kind = kind
        self._unit = unit
        self._lines: dict[str, Lines] = {}
        self.count = 0

    def add(self, table: str, line: bytes) -> None:
        """Add a row's line."""
        lines = self._lines.get(table)
        if lines is None:
            lines = self._lines[table] = Lines(self._spool.path(self._kind, f"{table}-{self._unit}"))
        lines.add([line])
        self.count += 1

    def keep(self) -> None:
        """Hand the rows over to the tables."""
        for table, lines in self._lines.items():
            self._spool.adopt(self._kind, table, lines)

    def discard(self) -> None:
        """Forget the rows."""
        self.count = 0
        for lines in self._lines.values():
            lines.drop()
        self._lines.clear()
