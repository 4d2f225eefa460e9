"""What earlier runs saw: the schema ``history`` beside the run's tables, and which run saw each event first.

Whoever opens a run loads it (see ``audit.pipeline.tabling``); without it everything here finds an empty history, so a
run alone is derived the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive import beyond
from audit.derive.rows import row_id
from audit.store.history import EVENT_TABLES, extents
from audit.store.history.view import EMPTY_UNITS

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

TABLES = tuple(sorted(EVENT_TABLES.keys() - {"metrics"}))
"""Events that are always looked up in history. A month of metrics is millions of points: only those that Azure has
forgotten are."""

_EMPTY = 'select *, null::TIMESTAMPTZ as first_seen_at, null::TIMESTAMPTZ as last_seen_at from "{table}" limit 0'

_MARK = """
update "{table}" as ours set first_seen_run = held.first_seen_run
from history."{table}" as held where held.row_id = ours.row_id and ours.first_seen_run is null
"""


# What happened after a window of the past, to jobs that its events name: a job deleted since then existed in it.
_TOLD = """
create or replace temp view told_events as
select resource_id, operation, status, event_time, caller, event_id, raw_ref, observed_at from activity_log
union all
select later.resource_id, later.operation, later.status, later.event_time, later.caller, later.event_id,
       later.raw_ref, later.observed_at
from history.later_events as later
where lower(later.operation) = 'microsoft.resources/subscriptions/resourcegroups/delete'
   or lower(later.resource_id) in (select lower(resource_id) from activity_log)
"""

_SOURCES = f"""
create or replace table history_sources as
select {row_id("history_sources", "table_name", "run_id")} as row_id, *
from (
    select max(observed_at) as observed_at, min(raw_ref) as raw_ref, table_name,
           regexp_extract(raw_ref, '^runs/([^/]+)/', 1) as run_id, count(*) as "rows"
    from ({{tables}}) where raw_ref like 'runs/%' group by table_name, run_id
)
order by table_name, run_id
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Complete the run's events from history and create the temporary table ``extents``.

    Adds to each table of events the column ``first_seen_run``: the run that saw the row first, this one included
    (of metrics: null where it is this one). What Azure no longer tells of the window comes from history, as
    ``beyond`` says. ``history_sources`` says which runs the rows from history were collected by.
    """
    con.execute("create schema if not exists history")
    con.execute(EMPTY_UNITS.format(create="create table if not exists", target="history.units"))
    for table in (*TABLES, "metrics"):
        con.execute(f'alter table "{table}" add column if not exists first_seen_run VARCHAR')
        con.execute(f'create table if not exists history."{table}" as {_EMPTY.format(table=table)}')
    con.execute(f"create table if not exists history.later_events as {_EMPTY.format(table='activity_log')}")
    con.execute(_TOLD)
    extents.create(con, run, run.window, known=run.collected_for is None)
    if run.collected_for is None:
        _complete(con, run)
    tables = " union all ".join(
        f"select '{table}' as table_name, raw_ref, observed_at from \"{table}\"" for table in sorted(EVENT_TABLES)
    )
    con.execute(_SOURCES.format(tables=tables))


def _complete(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    beyond.fill(con, run)
    for table in TABLES:
        con.execute(_MARK.format(table=table))
        con.execute(f'update "{table}" set first_seen_run = $run where first_seen_run is null', {"run": run.run_id})


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary table and view."""
    con.execute("drop view told_events")
    con.execute("drop table extents")
