"""A stored run, read offline."""

from __future__ import annotations

from pathlib import Path


from audit.errors import IntegrityError
from audit.store import atomic, head, raw, tables
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.store.layout import RunFolder
    from audit.model import Page
    import duckdb
    from collections.abc import Iterator

_HINT = "restore the file from a copy of the run, or collect again"


class StoredRun:
    """A run as it lies on disk. Damage raises IntegrityError naming the file, when it is met."""

    def __init__(self, folder: RunFolder) -> None:
        stored = head.read(folder)
        self.run = head.run(stored)
        self.path: Path = folder.path
        self._folder = folder
        self._files = stored.files
        for name in stored.files:
            self._inside(name)
        for unit in stored.units:
            path = folder.raw_file(unit.kind, unit.unit)
            if unit.outcome.pages and folder.relative(path) not in stored.files:
                raise IntegrityError(
                    f"run.json doesn't list {folder.relative(path)}", where=str(folder.head), hint=_HINT
                )

    def tables(self, database: Path) -> duckdb.DuckDBPyConnection:
        """Load every table of the run into a database file and return the connection, in UTC."""
        connection = tables.connect(str(database))
        try:
            database.chmod(atomic.FILE_MODE)
            for name in sorted(self._files):
                path = self.path / name
                if path.parent == self._folder.tables:
                    self._verify(name)
                    tables.load(connection, path.stem, path)
        except BaseException:
            connection.close()
            raise
        return connection

    def pages(self, kind: str, unit: str) -> Iterator[Page]:
        """Yield the stored pages of one unit in order; none where the unit kept none."""
        path = self._folder.raw_file(kind, unit)
        name = self._folder.relative(path)
        if name in self._files:
            self._verify(name)
            yield from raw.read(path)
        elif not any(known.kind == kind and known.unit == unit for known in self.run.units):
            raise IntegrityError(f"the run has no unit {kind}/{unit}", where=str(self._folder.head))

    def raw_files(self) -> Iterator[Path]:
        """Yield every raw file, in order of its path."""
        for name in sorted(self._files):
            if name.startswith("raw/"):
                yield self._inside(name)

    def _inside(self, name: str) -> Path:
        path = self.path / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise IntegrityError(f"run.json names a file outside the run: {name}", where=str(self._folder.head))
        if not path.is_file():
            raise IntegrityError("a file of the run is missing", where=str(path), hint=_HINT)
        return path

    def _verify(self, name: str) -> None:
        path = self._inside(name)
        if head.sha256(path) != self._files[name]:
            raise IntegrityError("a file of the run is not what was stored", where=str(path), hint=_HINT)
