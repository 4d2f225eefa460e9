"""Rows on their way to a table: NDJSON files per kind, and what one unit adds to them once it has ended."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict

from audit.store import atomic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HELD = 4 * 1024 * 1024


class Spool:
    """The rows of units that ended in this session, by kind and table."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sources: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))

    def clear(self) -> None:
        """Drop everything, also what a killed run left."""
        self._sources.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def drop(self, kind: str) -> None:
        """Drop a kind's rows: its tables are written."""
        self._sources.pop(kind, None)
        shutil.rmtree(self._folder / kind, ignore_errors=True)

    def sources(self, kind: str, table: str) -> list[Path]:
        """Return the NDJSON files of one table, in the order they were made."""
        return list(self._sources[kind][table])

    def place(self, kind: str, name: str) -> Path:
        """Return the path of a file of a kind's rows, its folder made."""
        folder = self._folder / kind
        if not folder.is_dir():
            atomic.make_folder(folder)
        return folder / f"{name}.ndjson"

    def append(self, kind: str, table: str, data: bytes) -> None:
        """Add lines to a table's common file."""
        path = self.place(kind, table)
        with atomic.refusals(path.parent):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, atomic.FILE_MODE)
            try:
                atomic.write_all(descriptor, data)
            finally:
                os.close(descriptor)
        if path not in self._sources[kind][table]:
            self._sources[kind][table].append(path)

    def adopt(self, kind: str, table: str, path: Path) -> None:
        """Take a unit's own file as one of a table's."""
        self._sources[kind][table].append(path)


class UnitRows:
    """The rows of one unit until it ends: in memory, and beyond 4 MiB in files of its own."""

    def __init__(self, spool: Spool, kind: str, unit: str) -> None:
        self._spool = spool
        self._kind = kind
        self._unit = unit
        self._held: dict[str, list[bytes]] = defaultdict(list)
        self._size = 0
        self._files: dict[str, Path] = {}
        self.count = 0

    def add(self, table: str, line: bytes) -> None:
        """Add a row's line."""
        self._held[table].append(line)
        self.count += 1
        self._size += len(line)
        if self._size > _HELD:
            self._overflow()

    def keep(self) -> None:
        """Hand the rows over to the tables."""
        if self._files:
            self._overflow()
        for table, path in self._files.items():
            self._spool.adopt(self._kind, table, path)
        for table, lines in self._held.items():
            self._spool.append(self._kind, table, b"".join(lines))

    def discard(self) -> None:
        """Forget the rows."""
        self.count = 0
        self._held.clear()
        for path in self._files.values():
            path.unlink(missing_ok=True)

    def _overflow(self) -> None:
        for table, lines in self._held.items():
            path = self._files.setdefault(table, self._spool.place(self._kind, f"{table}-{self._unit}"))
            with atomic.refusals(path.parent):
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, atomic.FILE_MODE)
                try:
                    atomic.write_all(descriptor, b"".join(lines))
                finally:
                    os.close(descriptor)
        self._held.clear()
        self._size = 0
