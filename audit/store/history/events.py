"""Events: rows with a time of their own, each version of each row stored once.

A row is written where history doesn't hold the same key with the same words. What Azure says differently later (a
cost that was corrected, an execution that has ended) is a new version, and the newest wins when history is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.store.history.extents import UNIT
from audit.store.history.kept import UNKNOWN, EventTable
from audit.store.history.snapshots import columns_of, parquet
from audit.store.tables import identifier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

VANISHED = "vanished"
_ABOUT_THE_READ = frozenset({"row_id", "observed_at", "raw_ref"})


def month(event: EventTable) -> str:
    """Return the SQL of the month that a row belongs to."""
    return f"coalesce(strftime({identifier(event.time)}::TIMESTAMPTZ at time zone 'UTC', '%Y-%m'), '{UNKNOWN}')"


def months(con: duckdb.DuckDBPyConnection, event: EventTable) -> set[str]:
    """Return the months of the run's rows; ``con`` has them as a view under the table's name."""
    found = con.execute(f"select distinct {month(event)} from {identifier(event.table)}").fetchall()
    return {name for (name,) in found}


def fresh(con: duckdb.DuckDBPyConnection, event: EventTable, known: Sequence[Path]) -> int:
    """Create the temporary table ``fresh``: the run's rows that history doesn't hold. Return how many there are.

    ``known``: files of the run's months. A row that said this, then that, then this again is held three times: what
    counts is what history holds as of when the row was read.
    """
    table = identifier(event.table)
    if not known:
        con.execute(f"create or replace temp table fresh as select * from {table}")
    else:
        there = columns_of(con, parquet(known))
        same = " and ".join(
            _same(name, kind, there) for name, kind in columns_of(con, table).items() if name not in _ABOUT_THE_READ
        )
        con.execute(f"""
            create or replace temp table fresh as
            with matched as (
                select ours.row_id, known.observed_at, known.observed_at <= ours.observed_at as before,
                       {same} as same
                from {table} as ours join {parquet(known)} as known on known.row_id = ours.row_id
            ), decided as (
                select row_id, coalesce(arg_max(same, observed_at) filter (before),
                                        arg_min(same, observed_at) filter (not before)) as held
                from matched group by row_id
            )
            select ours.* from {table} as ours left join decided using (row_id)
            where not coalesce(decided.held, false)""")
    row = con.execute("select count(*) from fresh").fetchone()
    return int(row[0]) if row else 0


def _same(name: str, kind: str, there: dict[str, str]) -> str:
    column = identifier(name)
    if name not in there:
        return f"ours.{column} is null"
    if kind in ("VARCHAR", "JSON"):  # casing says nothing: Azure's own differs from answer to answer
        return f"lower(ours.{column}::VARCHAR) is not distinct from lower(known.{column}::VARCHAR)"
    return f"ours.{column} is not distinct from known.{column}"


def vanished(con: duckdb.DuckDBPyConnection, event: EventTable, known: Sequence[Path]) -> None:
    """Add to ``gone`` the rows of history that this run should have seen and didn't; needs ``extents``.

    ``known``: files of all months that the run's units cover.
    """
    if not known or not event.lasting:
        return
    time = f"known.{identifier(event.time)}::TIMESTAMPTZ"
    con.execute(f"""
        insert into gone
        select distinct '{event.table}', known.row_id
        from {parquet(known)} as known
        join extents on extents.kind = '{event.table}' and extents.unit = {UNIT.format(column="known.raw_ref")}
        where {time} >= extents.covered_from and {time} < extents.covered_to
          and not exists (select 1 from {identifier(event.table)} as ours where ours.row_id = known.row_id)""")
