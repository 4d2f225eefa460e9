"""A stored run, read offline."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audit.errors import IntegrityError
from audit.model import RunState
from audit.store import atomic, head, raw, tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from audit.model import Page
    from audit.store.layout import RunFolder

_FILE = re.compile(
    r"raw/[a-z_]+/[0-9a-f]{32}\.jsonl\.zst|tables/[a-z_]+\.parquet|attachments/(?!\.)[^/\\\x00-\x1f\x7f]+"
)
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
        for attached in self.run.register.attachments if self.run.register else ():
            if stored.files.get(f"attachments/{attached.name}") != attached.sha256:
                told = f"run.json doesn't list attachments/{attached.name} as the register has it"
                raise IntegrityError(told, where=str(folder.head), hint=_HINT)

    @property
    def unended(self) -> bool:
        """Whether a collection of the run is under way, or was killed: then run.json doesn't tell all there is."""
        journal = self._folder.journal
        return self.run.state is RunState.RUNNING or (journal.exists() and journal.stat().st_size > 0)

    def tables(self, database: Path) -> duckdb.DuckDBPyConnection:
        """Load every table of the run into a database file and return the connection, in UTC."""
        connection = tables.connect(str(database))
        try:
            database.chmod(atomic.FILE_MODE)
            for table, path in self.table_files():
                tables.load(connection, table, path)
        except BaseException:
            connection.close()
            raise
        return connection

    def table_files(self) -> Iterator[tuple[str, Path]]:
        """Yield each table's name and Parquet file, in order of the names, once it is known to be whole."""
        for name in sorted(self._files):
            path = self.path / name
            if path.parent == self._folder.tables:
                self._verify(name)
                yield path.stem, path

    def table_file(self, table: str) -> Path | None:
        """Return one table's Parquet file, once it is known to be whole; None where the run has no such table."""
        path = self._folder.tables / f"{table}.parquet"
        name = self._folder.relative(path)
        if name not in self._files:
            return None
        self._verify(name)
        return path

    def pages(self, kind: str, unit: str) -> Iterator[Page]:
        """Yield the stored pages of one unit in order; none where the unit kept none."""
        path = self._folder.raw_file(kind, unit)
        name = self._folder.relative(path)
        if name in self._files:
            self._verify(name)
            yield from raw.read(path)
        elif not any(known.kind == kind and known.unit == unit for known in self.run.units):
            raise IntegrityError(f"the run has no unit {kind}/{unit}", where=str(self._folder.head))

    def head(self) -> bytes:
        """Return run.json as it lies there."""
        return self._folder.head.read_bytes()

    def lost(self, raw_ref: str) -> bool:  # noqa: ARG002  the question is a restored run's
        """Tell that no raw answer is known to be lost: its own are all there, those of other runs aren't looked for."""
        return False

    def raw_files(self) -> Iterator[Path]:
        """Yield every raw file, in order of its path."""
        for name in sorted(self._files):
            if name.startswith("raw/"):
                yield self.path / name

    def attachments(self) -> Iterator[Path]:
        """Yield every file that people attached, in order of its name, each checked against run.json."""
        for name in sorted(self._files):
            if name.startswith("attachments/"):
                self._verify(name)
                yield self.path / name

    def _complete(self) -> None:
        """Raise IntegrityError where run.json lists a file that is missing, or one that no run has."""
        present: dict[Path, set[str]] = {}
        for name in self._files:
            if _FILE.fullmatch(name) is None:
                raise IntegrityError(f"run.json names a file that no run has: {name}", where=str(self._folder.head))
            folder, _, file = name.rpartition("/")
            path = self.path / folder
            if path not in present:
                present[path] = {each.name for each in path.iterdir()} if path.is_dir() else set()
            if file not in present[path]:
                raise IntegrityError("a file of the run is missing", where=str(self.path / name), hint=_HINT)

    def _verify(self, name: str) -> None:
        path = self.path / name
        try:
            same = head.sha256(path) == self._files[name]
        except FileNotFoundError as error:
            raise IntegrityError("a file of the run is missing", where=str(path), hint=_HINT) from error
        if not same:
            raise IntegrityError("a file of the run is not what was stored", where=str(path), hint=_HINT)
