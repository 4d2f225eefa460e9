"""One addition to history: its files first, then its commit. Killed at any point it has added all or nothing."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import msgspec

from audit.errors import StoreError
from audit.store import atomic, head, tables
from audit.store.history import events, extents, lists, snapshots
from audit.store.history.commits import Commit, File, Kept, Log
from audit.store.history.files import SCRATCH, Files, path_of
from audit.store.history.kept import EVENT_TABLES, EVER, UNKNOWN, EventTable
from audit.store.tables import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.model import Run

COVERAGE = "coverage"


class Addition:
    """What one run adds, or its verdicts. The store's lock is held by who makes it."""

    def __init__(
        self,
        folder: Path,
        commits: Sequence[Commit],
        run: Run,
        head_file: Path,
        *,
        part: str,
        left_out: Mapping[str, str],
    ) -> None:
        self._folder = folder
        self._log = Log(folder)
        self._files = Files(folder)
        self._commits = list(commits)
        self._run = msgspec.structs.replace(run, units=())
        self._units = run
        self._head = head_file
        self._part = part
        self._left_out = dict(left_out)
        self._name = self._log.name(self._commits, run.run_id, part)
        self._month = f"{run.started.astimezone(UTC):%Y-%m}"
        self._written: dict[str, File] = {}
        self._tables: dict[str, Kept] = {}

    def write(self, sources: Mapping[str, Path], *, unless: Commit | None = None) -> Commit | None:
        """Add tables, given as Parquet files, and return the commit. Raises StoreError, IntegrityError.

        ``unless``: nothing is added where the tables come to the same as they did in that commit.
        """
        atomic.make_folder(self._folder)
        self._files.clear(self._commits)
        with (
            TemporaryDirectory(prefix=SCRATCH, dir=self._folder) as scratch,
            self._connected(Path(scratch)) as con,
            _refusals(self._folder),
        ):
            con.execute("create temp table gone (table_name VARCHAR, row_id VARCHAR)")
            con.execute(lists.CREATE)
            con.execute("create temp table turned (table_name VARCHAR, digest VARCHAR, present BOOLEAN)")
            for table, path in sources.items():
                tables.view(con, table, path)
            if COVERAGE in sources:
                extents.create(con, self._units, self._run.window)
                self._tables[COVERAGE] = self._coverage(con)
            for table in sorted(sources.keys() - {COVERAGE}):
                event = EVENT_TABLES.get(table)
                self._tables[table] = self._event(con, event) if event else self._snapshot(con, table)
            self._copy(con, "select * from gone", "table_name, row_id", events.VANISHED, self._month)
            self._copy(con, "select * from listed", "table_name, row_id", lists.LISTED, self._month)
            self._copy(con, "select * from turned", "table_name, digest", snapshots.MEMBERS, self._month)
        if unless is not None and _states(unless.tables) == _states(self._tables):
            for name in self._written:
                (self._folder / name).unlink()
            return None
        return self._commit()

    @contextmanager
    def _connected(self, scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        con = tables.connect(spill=scratch / "spill")
        try:
            yield con
        finally:
            con.close()

    def _event(self, con: duckdb.DuckDBPyConnection, event: EventTable) -> Kept:
        months = events.months(con, event)
        known = [path for path, _ in self._files.of(self._commits, event.table, {*months, UNKNOWN})]
        added = events.fresh(con, event, known)
        order = f"raw_ref, {identifier(event.time)}, row_id"
        for month in sorted(months):
            self._copy(
                con, f"select * from fresh where {events.month(event)} = {literal(month)}", order, event.table, month
            )
        window, grains = self._run.window, lists.grains(con, event)
        earlier = self._files.of(self._commits, event.table, lists.months(event, window))
        lists.tell(con, event, window, grains, [path for path, _ in earlier])
        con.execute("drop table fresh")
        events.vanished(con, event, self._covered(con, event))
        row = con.execute(f"select count(*) from {identifier(event.table)}").fetchone()
        state = lists.sealed(con, identifier(event.table))
        return Kept(rows=int(row[0]) if row else 0, added=added, state=state, grains=grains)

    def _covered(self, con: duckdb.DuckDBPyConnection, event: EventTable) -> list[Path]:
        """Return the files of every month that the run's units of this kind cover."""
        row = con.execute(
            "select min(covered_from), max(covered_to) from extents where kind = $kind", {"kind": event.table}
        ).fetchone()
        if row is None or row[0] is None:
            return []
        since, until = (f"{moment.astimezone(UTC):%Y-%m}" for moment in row)
        everything = row[0] <= EVER
        names = {name.split("/")[1].removeprefix("month=") for commit in self._commits for name in commit.files}
        inside = {name for name in names if name != UNKNOWN and (everything or since <= name) and name <= until}
        return [path for path, _ in self._files.of(self._commits, event.table, inside)]

    def _snapshot(self, con: duckdb.DuckDBPyConnection, table: str) -> Kept:
        columns = snapshots.columns_of(con, identifier(table))
        con.execute(
            f"create or replace temp table ours as select *, {snapshots.digest(columns)} as {snapshots.DIGEST} "
            f"from {identifier(table)}"
        )
        snapshots.state(con, self._files, self._commits, table)
        digest = snapshots.DIGEST
        before = con.execute("select count(*) from turned where not present").fetchone()
        con.execute(f"""
            insert into turned
            select {literal(table)}, digest, true from held
            where not present and digest in (select {digest} from ours)
            union all
            select {literal(table)}, digest, false from held
            where present and digest not in (select {digest} from ours)""")
        after = con.execute("select count(*) from turned where not present").fetchone()
        new = f"select * from ours where {digest} not in (select digest from held)"
        counted = con.execute(f"select (select count(*) from ours), (select count(*) from ({new}))").fetchone()
        sealed = snapshots.sealed(con, f"(select {digest} as digest from ours)")
        self._copy(con, new, f"row_id, {digest}", table, self._month)
        rows, added = counted or (0, 0)
        removed = (after[0] if after else 0) - (before[0] if before else 0)
        return Kept(rows=rows, added=added, removed=removed, state=sealed)

    def _coverage(self, con: duckdb.DuckDBPyConnection) -> Kept:
        """Add the run's units: a run looked anew, so they are always new."""
        self._copy(con, "select * from extents", "kind, lower(scope), row_id", COVERAGE, self._month)
        row = con.execute("select count(*) from extents").fetchone()
        rows = int(row[0]) if row else 0
        return Kept(rows=rows, added=rows)

    def _copy(self, con: duckdb.DuckDBPyConnection, select: str, order: str, table: str, month: str) -> None:
        """Write one file, where there is a row for it. Its name is the last one: without a commit it isn't there."""
        row = con.execute(f"select count(*) from ({select})").fetchone()
        if not row or not row[0]:
            return
        name = path_of(table, month, self._name)
        path = self._folder / name
        atomic.make_folder(path.parent)
        con.execute(f"copy ({select} order by {order}) to {literal(str(path))} (format parquet, compression zstd)")
        path.chmod(atomic.FILE_MODE)
        self._written[name] = File(rows=int(row[0]), sha256=head.sha256(path))

    def _commit(self) -> Commit:
        paths = [self._folder / name for name in self._written]
        folders = {folder for path in paths for folder in (path.parent, path.parent.parent)}
        with atomic.refusals(self._folder):
            atomic.sync_all([*paths, *sorted(folders), self._folder])
        sequence, before = self._log.tip(self._commits)
        commit = Commit(
            name=self._name,
            part=self._part,
            sequence=sequence,
            written=datetime.now(UTC),
            run=self._run,
            head_sha256=head.sha256(self._head),
            head_bytes=self._head.stat().st_size,
            before=before,
            files=dict(sorted(self._written.items())),
            tables=dict(sorted(self._tables.items())),
            left_out=self._left_out,
        )
        self._log.write(commit)
        return commit


def _states(kept: Mapping[str, Kept]) -> dict[str, str]:
    return {table: each.state for table, each in kept.items()}


@contextmanager
def _refusals(folder: Path) -> Iterator[None]:
    """Turn a full or forbidden disk, as DuckDB and the system tell it, into a StoreError."""
    with atomic.refusals(folder):
        try:
            yield
        except duckdb.IOException as error:
            raise StoreError(
                f"history could not be written: {str(error).splitlines()[0]}",
                where=str(folder),
                hint="free some space; the run itself is stored, and the next collection adds it to history",
            ) from error
