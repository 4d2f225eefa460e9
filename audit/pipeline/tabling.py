"""A run's tables in one DuckDB file: collected, derived and assessed; what rendering and ``sql`` read."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from audit import assess, derive
from audit.config import packaged
from audit.errors import UsageError
from audit.store import Store, StoredRun

if TYPE_CHECKING:
    from audit.assess import Control


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a path for a database file that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="jobaudit-") as folder:
        yield Path(folder) / "tables.duckdb"


def controls_in(own: Sequence[Path]) -> list[Control]:
    """Load the built-in controls and those in the user's folders; the user's win by id."""
    return assess.load([packaged("config") / "controls", *own])


def tabled(stored: StoredRun, database: Path, controls: Sequence[Control]) -> None:
    """Write every table of a run into ``database``: as collected, then derived, then the verdicts."""
    with contextlib.closing(stored.tables(database)) as con:
        derive.derive(con, stored.run)
    assess.assess(database, stored.run, controls)


def query(where: str, sql: str, *, output: Path) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run one SELECT of the user's over a pack's or a run's tables: no writing, no files, no network.

    ``where`` is a pack's or run's id or path. Returns column names and rows. Raises UsageError for bad SQL.
    """
    with scratch() as database:
        pack = _pack(where, output)
        if pack is None:
            tabled(Store(output).open(where), database, controls_in(()))
        else:
            with contextlib.closing(duckdb.connect(str(database))) as con:
                for path in sorted((pack / "data").glob("*.parquet")):
                    con.execute(f'create table "{path.stem}" as select * from read_parquet(?)', [str(path)])
        try:
            with assess.Locked(database, timeout=60.0) as locked:
                return locked.answer(assess.one_select(sql))
        except (duckdb.Error, ValueError) as error:
            raise UsageError(
                f"the query failed: {error}", hint="one SELECT over the tables of docs/tables.md"
            ) from None


def _pack(where: str, output: Path) -> Path | None:
    for folder in (Path(where), output / "packs" / where):
        if (folder / "data").is_dir():
            return folder
    return None
