"""Reading history: events of a window with who saw them first and last, units and what they prove, a run's snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audit.errors import UsageError
from audit.store.history import events, snapshots
from audit.store.history.extents import UNIT
from audit.store.history.files import Files, months_in
from audit.store.history.kept import EVENT_TABLES, UNKNOWN
from audit.store.tables import identifier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from audit.model import Window
    from audit.store.history.commits import Commit

EMPTY_UNITS = """
{create} {target} (
    kind VARCHAR, scope VARCHAR, unit VARCHAR, ids JSON, outcome VARCHAR, reason VARCHAR, detail VARCHAR,
    started TIMESTAMPTZ, finished TIMESTAMPTZ, covered_from TIMESTAMPTZ, covered_to TIMESTAMPTZ, run_id VARCHAR,
    sequence BIGINT
)
"""


@dataclass
class View:
    """Some commits of a history, oldest first. The same commits give the same rows in the same order."""

    folder: Path
    commits: Sequence[Commit]
    files: Files = field(init=False)

    def __post_init__(self) -> None:
        """Open the files."""
        self.files = Files(self.folder)

    def rows(
        self,
        con: duckdb.DuckDBPyConnection,
        table: str,
        window: Window,
        target: str,
        *,
        last_seen: bool = True,
        standing: bool = False,
    ) -> bool:
        """Create ``target`` with the events of a window, each once, in its newest version; False where there are none.

        Added columns: ``first_seen_run``, ``first_seen_at`` and ``last_seen_at`` (when a run whose list was whole
        there last had it in its list; null where ``last_seen`` is False). ``raw_ref`` leads to the run that saw this
        version. An event without a time of its own belongs to the window in which it was observed. ``standing``: what
        the newest whole list of its time lacks is left out (a line that Azure took off a bill).
        """
        event = EVENT_TABLES[table]
        found = self.files.of(self.commits, table, {*months_in(window), UNKNOWN})
        if not found:
            return False
        snapshots.mark_files(con, found)
        time = f"coalesce({identifier(event.time)}::TIMESTAMPTZ, observed_at)"
        con.execute(
            f"""
            create or replace table {target} as
            with held as (
                select * exclude (filename) from {snapshots.parquet([path for path, _ in found])}
                join history_files using (filename)
                where {time} >= $since::TIMESTAMPTZ and {time} < $until::TIMESTAMPTZ
            ), first as (
                select row_id, arg_min(run_id, (observed_at, sequence)) as first_seen_run,
                       min(observed_at) as first_seen_at
                from held group by row_id
            )
            select held.* exclude (run_id, sequence)
                   replace ('runs/' || run_id || '/' || raw_ref as raw_ref),
                   first_seen_run, first_seen_at, null::TIMESTAMPTZ as last_seen_at
            from held join first using (row_id)
            qualify row_number() over (
                partition by row_id order by {event.final} desc, observed_at desc, sequence desc) = 1
            order by {identifier(event.time)}, row_id""",
            {"since": window.since, "until": window.until},
        )
        if standing:
            self._without_gone(con, table, target)
        if last_seen:
            self._last_seen(con, table, target)
        return True

    def _gone(self, con: duckdb.DuckDBPyConnection, table: str) -> str:
        """Return the SQL of what runs found gone from a table: row_id, and the run's place in the order of commits."""
        missing = self.files.of(self.commits, events.VANISHED)
        if not missing:
            return "select '' as row_id, 0 as sequence where false"
        snapshots.mark_files(con, missing)
        return (
            f"select row_id, sequence from {snapshots.parquet([path for path, _ in missing])} "
            f"join history_files using (filename) where table_name = '{table}'"
        )

    def _without_gone(self, con: duckdb.DuckDBPyConnection, table: str, target: str) -> None:
        """Delete the rows that the newest unit covering their time didn't have."""
        self.units(con, [table], "history_units_read")
        gone = self._gone(con, table)
        time = f"r.{identifier(EVENT_TABLES[table].time)}::TIMESTAMPTZ"
        con.execute(f"""
            delete from {target} where row_id in (
                select seen.row_id
                from (
                    select r.row_id, max(u.sequence) as sequence
                    from {target} as r
                    join history_units_read as u
                        on u.unit = {UNIT.format(column="r.raw_ref")}
                        and {time} >= u.covered_from and {time} < u.covered_to
                    where r.row_id in (select row_id from ({gone}))
                    group by r.row_id
                ) as seen
                join ({gone}) as gone on gone.row_id = seen.row_id and gone.sequence = seen.sequence)""")
        con.execute("drop table history_units_read")

    def _last_seen(self, con: duckdb.DuckDBPyConnection, table: str, target: str) -> None:
        """Fill in last_seen_at: a unit that covers a row's time saw it, unless its commit says that it was gone."""
        event = EVENT_TABLES[table]
        if not event.lasting:
            con.execute(f"update {target} set last_seen_at = observed_at")
            return
        self.units(con, [table], "history_units_read")
        gone = self._gone(con, table)
        con.execute(f"""
            update {target} as kept set last_seen_at = greatest(seen.at, kept.observed_at)
            from (
                select r.row_id, max(u.finished) as at
                from {target} as r
                left join history_units_read as u
                    on u.unit = {UNIT.format(column="r.raw_ref")}
                    and r.{identifier(event.time)}::TIMESTAMPTZ >= u.covered_from
                    and r.{identifier(event.time)}::TIMESTAMPTZ < u.covered_to
                    and not exists (
                        select 1 from ({gone}) as gone where gone.row_id = r.row_id and gone.sequence = u.sequence)
                group by r.row_id
            ) as seen
            where seen.row_id = kept.row_id""")
        con.execute("drop table history_units_read")

    def units(self, con: duckdb.DuckDBPyConnection, kinds: Sequence[str], target: str) -> None:
        """Create ``target`` with every unit of these kinds: run_id, sequence, what it was and what it proves."""
        con.execute(EMPTY_UNITS.format(create="create or replace table", target=target))
        found = self.files.of(self.commits, "coverage")
        if found:
            snapshots.mark_files(con, found)
            con.execute(
                f"insert into {target} by name "
                f"select kind, scope, unit, ids, outcome, reason, detail, started, finished, covered_from, covered_to, "
                f"run_id, sequence from {snapshots.parquet([path for path, _ in found])} "
                f"join history_files using (filename) where place is null and list_contains($kinds, kind) "
                f"order by sequence, kind, lower(scope)",
                {"kinds": list(kinds)},
            )

    def contents(self, con: duckdb.DuckDBPyConnection, table: str, wanted: str, target: str) -> bool:
        """Create ``target`` with rows of a table that is kept run by run, whichever run held them.

        ``wanted``: SQL of their row_ids. Each is there once, in its newest words; ``raw_ref`` leads to the run that
        first read them. False where history never had a row of the table.
        """
        found = self.files.of(self.commits, table)
        if not found:
            return False
        snapshots.mark_files(con, found)
        con.execute(f"""
            create or replace table {target} as
            select stored.* exclude (filename, {snapshots.DIGEST})
                   replace ('runs/' || run_id || '/' || raw_ref as raw_ref)
            from {snapshots.parquet([path for path, _ in found])} as stored join history_files using (filename)
            where row_id in ({wanted})
            qualify row_number() over (partition by row_id order by sequence desc, {snapshots.DIGEST}) = 1
            order by row_id""")
        return True

    def snapshot(self, con: duckdb.DuckDBPyConnection, run_id: str, *, schema: str = "main") -> Commit:
        """Create, in a schema of ``con``, the tables that a run's configuration, access and coverage were kept in.

        A table that never had a row isn't created. Raises UsageError where history doesn't know the run,
        IntegrityError where the rows don't come to what was committed.
        """
        own = [commit for commit in self.commits if commit.run_id == run_id]
        if not own:
            raise UsageError(
                f"history knows no run {run_id!r}",
                where=str(self.folder),
                hint="it has " + (", ".join(self._some_runs()) or "none yet"),
            )
        con.execute(f"create schema if not exists {identifier(schema)}")
        latest: dict[str, int] = {}
        for commit in own:
            latest |= dict.fromkeys(commit.tables, commit.sequence)
        for table, sequence in sorted(latest.items()):
            upto = [commit for commit in self.commits if commit.sequence <= sequence]
            target = f"{identifier(schema)}.{identifier(table)}"
            if table == "coverage":
                self._coverage(con, upto[-1], target)
            elif table not in EVENT_TABLES:
                snapshots.restore(con, self.files, upto, table, target)
        return next(commit for commit in reversed(own) if commit.part == "run")

    def _some_runs(self) -> list[str]:
        return list(dict.fromkeys(commit.run_id for commit in reversed(self.commits)))[:5]

    def _coverage(self, con: duckdb.DuckDBPyConnection, commit: Commit, target: str) -> None:
        found = self.files.of([commit], "coverage")
        con.execute(
            f"create or replace table {target} as "
            f"select * exclude (filename, unit, ids, covered_from, covered_to) "
            f"from {snapshots.parquet([path for path, _ in found])} order by row_id"
        )
