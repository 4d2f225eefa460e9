"""What earlier runs saw: the schema ``history`` beside the run's tables, and which run saw each event first.

Whoever opens a run loads it (see ``audit.pipeline.tabling``); without it everything here finds an empty history, so a
run alone is derived the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id, utc
from audit.store.history import EVENT_TABLES, extents
from audit.store.history.extents import UNIT
from audit.store.history.view import EMPTY_UNITS

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

TABLES = tuple(sorted(EVENT_TABLES.keys() - {"metrics"}))
"""Events that are looked up in history; a month of metrics is millions of points, and none of them is missed."""

_EMPTY = 'select *, null::TIMESTAMPTZ as first_seen_at, null::TIMESTAMPTZ as last_seen_at from "{table}" limit 0'

# A window that begins before Azure's memory: what Azure could be asked begins at ``until``, and history has the rest.
_BEYOND = """
create or replace temp table beyond as
select scope, unit, $since::TIMESTAMPTZ as since, least(covered_from, $until::TIMESTAMPTZ) as until
from extents
where kind = 'activity_log' and place is null and reason = 'beyond_retention'
  and covered_from > $since::TIMESTAMPTZ
"""

# Intervals of history clipped to the hole; where nothing is left between them, the hole is filled.
_FILLS = """
create or replace temp table fills as
with clipped as (
    select beyond.scope, beyond.unit, beyond.since as hole_from, beyond.until as hole_to,
           greatest(units.covered_from, beyond.since) as since, least(units.covered_to, beyond.until) as until,
           units.run_id
    from beyond join history.units as units on units.kind = 'activity_log' and units.unit = beyond.unit
    where units.covered_from < beyond.until and units.covered_to > beyond.since
), reached as (
    select *, coalesce(max(until) over (partition by unit order by since, until
        rows between unbounded preceding and 1 preceding), hole_from) as before
    from clipped
)
select scope, unit, hole_from, hole_to, max(until) = hole_to as ends,
       list({'since': before, 'until': since} order by since) filter (where since > before) as holes,
       list(distinct run_id order by run_id) as runs, max(until) as until
from reached group by scope, unit, hole_from, hole_to
"""

_ADD = f"""
insert into activity_log by name
select held.* exclude (first_seen_at, last_seen_at)
from history.activity_log as held
join beyond on beyond.unit = {UNIT.format(column="held.raw_ref")}
where held.event_time >= beyond.since and held.event_time < beyond.until
  and held.row_id not in (select row_id from activity_log)
order by held.row_id
"""

_FILLED = f"""
update coverage set outcome = 'collected', reason = null,
    detail = 'from {{azure}} on as Azure told it; before that from history, as these runs collected it: '
             || array_to_string(fills.runs, ', '),
    "rows" = (select count(*) from activity_log where {UNIT.format(column="activity_log.raw_ref")} = fills.unit)
from fills
where coverage.kind = 'activity_log' and coverage.place is null and coverage.scope = fills.scope
  and coverage.reason = 'beyond_retention' and fills.ends and fills.holes is null
""".replace("{azure}", f"' || {utc('fills.hole_to')} || '")

_STILL_OPEN = f"""
update coverage set detail = coverage.detail || '; history has a part of it, and lacks ' || open.words,
    "rows" = (select count(*) from activity_log where {UNIT.format(column="activity_log.raw_ref")} = open.unit)
from (
    select scope, unit, array_to_string(list_transform(
               list_concat(coalesce(holes, []),
                           case when ends then [] else [{{'since': until, 'until': hole_to}}] end),
               lambda hole: {utc("hole.since")} || ' to ' || {utc("hole.until")}), ', ') as words
    from fills where not ends or holes is not null
) as open
where coverage.kind = 'activity_log' and coverage.place is null and coverage.scope = open.scope
  and coverage.reason = 'beyond_retention' and not contains(coverage.detail, 'history has a part of it')
"""

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
    (of metrics: null where it is this one). Rows of the Activity Log that Azure no longer tells come from history;
    where history has all of them, the gap in ``coverage`` is turned to collected with the runs' names, else its detail
    names what history lacks too. ``history_sources`` says which runs the rows from history were collected by.
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
    con.execute(_BEYOND, {"since": run.window.since, "until": run.window.until})
    con.execute(_FILLS)
    con.execute(_ADD)
    con.execute(_STILL_OPEN)
    con.execute(_FILLED)
    for table in TABLES:
        con.execute(_MARK.format(table=table))
        con.execute(f'update "{table}" set first_seen_run = $run where first_seen_run is null', {"run": run.run_id})
    con.execute("drop table fills")
    con.execute("drop table beyond")


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary table and view."""
    con.execute("drop view told_events")
    con.execute("drop table extents")
