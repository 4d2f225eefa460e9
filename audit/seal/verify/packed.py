"""A pack read as the run that it was made of: what rendering asks a stored run, answered from the pack alone."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from audit.errors import IntegrityError
from audit.seal import head, sums, tree
from audit.store import atomic, raw, tables
from audit.store import head as run_head

if TYPE_CHECKING:
    import duckdb

    from audit.model import Page, Run


class Packed:
    """The run of a pack. ``run``: as the pack tells it, for the pack's window."""

    def __init__(self, pack: Path) -> None:
        self.path = pack
        self.about = head.read(pack)
        self.names = frozenset(sums.listed(pack))
        try:
            self.stored = msgspec.json.decode(tree.read(pack, "run.json"), type=run_head.Head)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
            raise IntegrityError(f"run.json can't be read: {error}", where=str(pack / "run.json")) from None
        run = run_head.run(self.stored)
        if self.about.collected_for is not None:
            run = msgspec.structs.replace(run, window=self.about.window, collected_for=self.about.collected_for)
        self.run: Run = run

    def pages(self, kind: str, unit: str) -> Iterator[Page]:
        """Yield the raw pages of a unit; none where the pack has none. Raises IntegrityError."""
        name = f"raw/{kind}/{unit}.jsonl.zst"
        if name in self.names:
            yield from raw.read(self.path / name)

    def lost(self, raw_ref: str) -> bool:  # noqa: ARG002  a pack with raw answers was made without that question
        """Tell that no raw answer is known to be lost."""
        return False

    def tables(self) -> list[tuple[str, Path]]:
        """Return (table, file) of everything in data/, in order."""
        found = sorted(name for name in self.names if name.startswith("data/") and name.endswith(".parquet"))
        return [(Path(name).stem, self.path / name) for name in found]

    def load(self, database: Path) -> None:
        """Write the pack's tables into a new DuckDB file. Raises StoreError."""
        with contextlib.closing(tables.connect(str(database))) as con:
            database.chmod(atomic.FILE_MODE)
            for table, path in self.tables():
                tables.load(con, table, path)

    @contextmanager
    def loaded(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a connection to a database that holds the pack's tables, and is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="jobaudit-") as folder:
            database = Path(folder) / "tables.duckdb"
            self.load(database)
            with contextlib.closing(tables.connect(str(database))) as con:
                yield con
