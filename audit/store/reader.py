"""A stored run, read offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import IntegrityError
from audit.store import atomic, head, raw, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from audit.model import Page
    from audit.store.layout import RunFolder

_HINT = "restore the file from a copy of the run, or collect again"


class StoredRun:
    """A run as it lies on disk. Damage raises IntegrityError naming the file, when it is met."""

    def __init__(self, folder: RunFolder) -> None:
        stored = head.read(folder)
        self.run = head.run(stored)
        self.path: Path = folder.path
        self._folder = folder
        self._files = stored.files
        self._complete()
        for unit in stored.units:
            name = f"raw/{unit.kind}/{unit.unit}.jsonl.zst"
            if unit.outcome.pages and name not in stored.files:
                raise IntegrityError(f"run.json doesn't list {name}", where=str(folder.head), hint=_HINT)

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

    def _complete(self) -> None:
        """Raise IntegrityError where a file is missing that run.json lists."""
        folders = sorted({name.rpartition("/")[0] for name in self._files})
        present = {f"{folder}/{name}" for folder in folders for name in self._names(folder)}
        for name in self._files:
            if name not in present:
                self._inside(name)

    def _names(self, folder: str) -> list[str]:
        path = self.path / folder
        return [each.name for each in path.iterdir()] if ".." not in path.parts and path.is_dir() else []

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
