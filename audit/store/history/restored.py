"""A run whose folder is gone, as history keeps it: its tables and how its units ended, but no raw answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from audit.errors import IntegrityError
from audit.model import Collected, Gap, GapReason, MalformedItem, Scope, UnitRecord
from audit.store import atomic, tables
from audit.store.head import Head
from audit.store.history import lists, snapshots
from audit.store.history.extents import UNIT
from audit.store.history.files import Files
from audit.store.history.kept import EVENT_TABLES
from audit.store.tables import identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb

    from audit.model import Page, Run
    from audit.store.history.commits import Commit
    from audit.store.layout import Layout

COVERAGE = "coverage"

_UNITS = """
select kind, scope, coalesce(unit, {unit}) as unit, ids, outcome, reason, detail, pages, "rows", requests, started,
       finished, place, raw_ref
from {source} order by kind, lower(scope), place nulls first, row_id
"""

# A raw page is named with its run, as every row from history names it; run.json is made anew and lies in the pack.
_COVERAGE = """
create or replace table coverage as
select * exclude (filename, unit, ids, covered_from, covered_to)
       replace (if(raw_ref = 'run.json', raw_ref, 'runs/' || $run || '/' || raw_ref) as raw_ref)
from {source} order by row_id
"""

# A row that the run read again in the same words stands in history as it was first read; the run read it too, and not
# before it began to ask for that list.
_AGAIN = """
update {table} as ours set observed_at = asked.started
from {source} as asked
where asked.place is null and asked.kind = regexp_extract(ours.raw_ref, '/raw/([^/]+)/', 1) and asked.unit = {unit}
  and asked.started > ours.observed_at
"""


class RestoredRun:
    """A run put together from history; what a stored run answers, it answers too, with no page and no attachment.

    ``path`` is where its folder would be.

    Damage raises IntegrityError when it is met.
    """

    unended = False
    """Only what has ended goes into history."""

    def __init__(self, layout: Layout, commits: Sequence[Commit]) -> None:
        """Take the commits of history up to the one that tells of this run: the last of them."""
        self._output = layout.output
        self.path = layout.runs / commits[-1].run_id
        self._files = Files(layout.history)
        self._there: dict[str, bool] = {}
        self._commits = commits
        self._own = commits[-1]
        self._source = self._units_kept()
        self.run: Run = msgspec.structs.replace(self._own.run, units=self._units(), restored_from=self._own.name)

    def head(self) -> bytes:
        """Return run.json as it can still be told: its units, and no files."""
        head = Head(**{name: getattr(self.run, name) for name in self.run.__struct_fields__})
        return msgspec.json.format(msgspec.json.encode(head), indent=2) + b"\n"

    def tables(self, database: Path) -> duckdb.DuckDBPyConnection:
        """Load every table of the run into a database file and return the connection, in UTC.

        A table of which history never had a row isn't created. ``raw_ref`` leads to the run that first read a row so;
        ``observed_at`` of a row that this run read again is when it began to read that list.
        """
        connection = tables.connect(str(database))
        try:
            database.chmod(atomic.FILE_MODE)
            for table in self._own.tables:
                if table == COVERAGE:
                    connection.execute(_COVERAGE.format(source=self._source), {"run": self._own.run_id})
                elif self._restored(connection, table):
                    unit = UNIT.format(column="ours.raw_ref")
                    connection.execute(_AGAIN.format(table=identifier(table), source=self._source, unit=unit))
        except BaseException:
            connection.close()
            raise
        return connection

    def _restored(self, con: duckdb.DuckDBPyConnection, table: str) -> bool:
        if table in EVENT_TABLES:
            return lists.restore(con, self._files, self._commits, table, self._source)
        if not snapshots.restore(con, self._files, self._commits, table, identifier(table)):
            return False
        con.execute(f"alter table {identifier(table)} drop column first_seen_run")
        return True

    def pages(self, kind: str, unit: str) -> Iterator[Page]:  # noqa: ARG002  the question is a stored run's
        """Yield nothing: raw answers are not kept in history."""
        yield from ()

    def lost(self, raw_ref: str) -> bool:
        """Tell whether the raw answer that a row names, ``runs/<run id>/raw/…``, isn't there any more."""
        file = raw_ref.partition("#")[0]
        if not file.startswith("runs/"):
            return False
        if file not in self._there:
            self._there[file] = (self._output / file).is_file()
        return not self._there[file]

    def raw_files(self) -> Iterator[Path]:
        """Yield nothing, likewise."""
        yield from ()

    def attachments(self) -> Iterator[Path]:
        """Yield nothing, likewise."""
        yield from ()

    def _units_kept(self) -> str:
        found = [path for path, _ in self._files.of([self._own], COVERAGE)]
        if not found:
            raise IntegrityError(
                f"history holds no coverage of run {self._own.run_id}", hint="restore output/history from a copy"
            )
        return snapshots.parquet(found)

    def _units(self) -> tuple[UnitRecord, ...]:
        con = tables.connect()
        try:
            found = tables.rows(con, _UNITS.format(source=self._source, unit=UNIT.format(column="raw_ref")))
        finally:
            con.close()
        malformed: dict[tuple[str, str], list[MalformedItem]] = {}
        for row in found:
            if row["place"] is not None:
                item = MalformedItem(scope=row["scope"], detail=row["detail"], raw_ref=row["raw_ref"])
                malformed.setdefault((row["kind"], row["unit"]), []).append(item)
        order = {kind: number for number, kind in enumerate(self._own.run.kinds)}
        units = [
            UnitRecord(
                kind=row["kind"],
                scope=Scope(id=row["scope"], ids=tuple(msgspec.json.decode(row["ids"] or "[]"))),
                unit=row["unit"],
                outcome=_outcome(row),
                requests=row["requests"],
                started=row["started"],
                finished=row["finished"],
                malformed=tuple(malformed.get((row["kind"], row["unit"]), ())),
            )
            for row in found
            if row["place"] is None
        ]
        return tuple(sorted(units, key=lambda unit: (order.get(unit.kind, len(order)), unit.scope.id.lower())))


def _outcome(row: dict[str, object]) -> Collected | Gap:
    kept = {name: row[name] for name in ("pages", "rows", "detail")}
    if row["outcome"] == "collected":
        return msgspec.convert(kept, Collected)
    return Gap(reason=GapReason(str(row["reason"])), **kept)  # type: ignore[arg-type]
