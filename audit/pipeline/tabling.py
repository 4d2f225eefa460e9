"""A run's tables in one DuckDB file: collected, derived and assessed; what rendering and ``sql`` read."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from audit import assess, derive
from audit.config import packaged
from audit.errors import EngineError, IntegrityError, UsageError
from audit.pipeline import earlier_packs, earlier_reviews
from audit.pipeline.naming import named
from audit.pipeline.recalling import recall, recall_window
from audit.store import History, Readable, Reviews, Store, tables

if TYPE_CHECKING:
    from audit.assess import Control
    from audit.model import Run, Window
    from audit.model.capability import Capability


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a path for a database file that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="jobaudit-") as folder:
        yield Path(folder) / "tables.duckdb"


def controls_in(own: Sequence[Path]) -> list[Control]:
    """Load the built-in controls and those in the user's folders; the user's win by id."""
    return assess.load([packaged("config") / "controls", *own])


def derived(
    stored: Readable,
    database: Path,
    *,
    history: History,
    window: Window | None = None,
    reviews: Reviews | None = None,
    packs: Path | None = None,
    latest: bool = False,
    capabilities: Mapping[str, Capability] | None = None,
) -> Run:
    """Write a run's tables into ``database``, as collected and then derived; return its head.

    Without ``window``, history as it was before the run completes it, so a run gives the same tables for ever. With
    one, all that history knows of that window takes the place of the run's events, and the head says so. ``latest``:
    what was collected since completes it too, for who asks how things stand today. ``reviews``: earlier access reviews,
    ``packs``: the folder of earlier packs.
    Raises UsageError for a run that is still being collected, or that was killed: what it has isn't told yet; and for
    a window of which history knows nothing.
    """
    if stored.unended:
        raise UsageError(
            f"run {stored.run.run_id} has not ended: it is being collected, or its collection was killed",
            hint=f"wait for it, or take it up again: jobaudit resume {stored.run.run_id}",
        )
    run = stored.run
    with contextlib.closing(stored.tables(database)) as con:
        if window is None:
            recall(con, run, history.view(before=None if latest else stored))
        else:
            run = recall_window(con, run, history.view(), window)
        if reviews is not None:
            earlier_reviews.load(con, run, reviews)
        if packs is not None:
            earlier_packs.load(con, run, packs)
        derive.derive(con, run, capabilities=capabilities)
        con.execute("drop schema history cascade")
    return run


def tabled(
    stored: Readable,
    database: Path,
    controls: Sequence[Control],
    *,
    history: History,
    reviews: Reviews | None = None,
    packs: Path | None = None,
    window: Window | None = None,
    capabilities: Mapping[str, Capability] | None = None,
) -> Run:
    """Write every table of a run into ``database``: collected, derived, and the verdicts. As :func:`derived` else."""
    run = derived(
        stored, database, history=history, reviews=reviews, packs=packs, window=window, capabilities=capabilities
    )
    assess.assess(database, run, controls)
    return run


def tabled_run(
    run_ref: str,
    database: Path,
    controls: Sequence[Control],
    *,
    output: Path,
    capabilities: Mapping[str, Capability] | None = None,
) -> Run:
    """Write every table of the run that is meant, by id, folder or ``latest``, as it lies in ``output``."""
    store = Store(output)
    return tabled(
        store.read(named(store, run_ref, output)),
        database,
        controls,
        history=store.history,
        reviews=store.reviews,
        packs=output / "packs",
        capabilities=capabilities,
    )


def broken_controls(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Return the controls that could not be run, or not for every job, each with the reason."""
    sql = "select control_id || ': ' || failure from controls where failure is not null order by control_id"
    return tuple(told for (told,) in con.execute(sql).fetchall())


def trial(
    run_ref: str, *, output: Path, controls: Sequence[Path], capabilities: Mapping[str, Capability] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Run every control over a stored run and yield (control, verdict, count), sorted.

    Raises EngineError naming every control that could not be run, after the counts of all: they come first.
    """
    with scratch() as database:
        tabled_run(run_ref, database, controls_in(controls), output=output, capabilities=capabilities)
        with contextlib.closing(duckdb.connect(str(database), read_only=True)) as con:
            yield from con.execute(
                "select control_id, verdict, count(*) from verdicts group by all order by all"
            ).fetchall()
            if broken := broken_controls(con):
                raise EngineError(
                    f"{len(broken)} of the controls could not be run, or not for every job:\n  " + "\n  ".join(broken),
                    hint="a control answers exactly once for each subject that its header's `subjects` lists; it sees "
                    "the run's tables (docs/tables.md) and nothing else",
                )


def query(where: str, sql: str, *, output: Path) -> Iterator[tuple[Any, ...]]:
    """Run one SELECT of the user's over a pack's or a run's tables: no writing, no files, no network.

    ``where`` is a pack's or run's id or path. Yields the names of the columns, then every row; JSON columns as text.
    Raises ConfigError for SQL that fails, UsageError where there is no such pack or run.
    """
    with scratch() as database:
        pack = pack_of(where, output)
        if pack is None:
            tabled_run(where, database, controls_in(()), output=output)
        else:
            loaded(pack, database)
        with assess.Locked(database, timeout=60.0) as locked:
            yield from locked.rows(sql, where="the command line")


def loaded(pack: Path, database: Path, only: Sequence[str] = ()) -> tuple[str, ...]:
    """Load a pack's tables, or ``only`` these, into ``database``; return which of these it lacks.

    Raises IntegrityError where one can't be read.
    """
    there = {path.stem: path for path in sorted((pack / "data").glob("*.parquet"))}
    with contextlib.closing(tables.connect(str(database))) as con:
        for name, path in there.items():
            if only and name not in only:
                continue
            try:
                con.execute(f"create table {tables.identifier(name)} as select * from read_parquet(?)", [str(path)])
            except duckdb.Error as error:
                raise IntegrityError(
                    f"a table of the pack is damaged: {str(error).partition(chr(10))[0]}",
                    where=str(path),
                    hint="restore the file from a copy, or render the run again",
                ) from error
    return tuple(name for name in only if name not in there)


def pack_of(where: str, output: Path) -> Path | None:
    """Return the folder of a pack that is named by its id or path; None = it is no pack."""
    for folder in (Path(where), output / "packs" / where):
        if (folder / "data").is_dir():
            return folder
    return None
