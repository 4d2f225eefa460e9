"""What Azure no longer tells of a run's window, from history: the part of it that lies before Azure's memory.

Every kind that Azure forgets by time is completed the same way: the Activity Log, alerts that fired, changes, metrics.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from audit.derive.rows import utc
from audit.store.history import EVENT_TABLES
from audit.store.history.extents import UNIT

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

_SKEW = timedelta(minutes=1)
"""The collector stays this far inside Azure's memory."""

# A window that begins before Azure's memory: what Azure could be asked begins at ``until``, and history has the rest.
# Of a window that is older than all of it Azure was asked nothing. Of a list that ended well, what collecting itself
# takes is no hole.
_BEYOND = """
create or replace temp table beyond as
with forgets as (
    select unnest($kinds::VARCHAR[]) as kind, unnest($kept::INTERVAL[]) as kept
),
asked as (
    select extents.*, coalesce(covered_from, case when finished - kept >= $until::TIMESTAMPTZ
                                                  then $until::TIMESTAMPTZ end) as told_from
    from extents join forgets using (kind) where place is null
)
select kind, scope, unit, ids, outcome, $since::TIMESTAMPTZ as since, least(told_from, $until::TIMESTAMPTZ) as until
from asked
where told_from > $since::TIMESTAMPTZ
  and (reason = 'beyond_retention'
       or outcome = 'collected' and told_from > $since::TIMESTAMPTZ + interval 1 hour)
"""

# Intervals of history clipped to the hole; where nothing is left between them, the hole is filled. A read that asked
# about less (fewer queues of a namespace, fewer subscriptions) fills nothing.
_FILLS = """
create or replace temp table fills as
with clipped as (
    select beyond.kind, beyond.scope, beyond.unit, beyond.outcome, beyond.since as hole_from, beyond.until as hole_to,
           greatest(units.covered_from, beyond.since) as since, least(units.covered_to, beyond.until) as until,
           units.run_id
    from beyond join history.units as units on units.kind = beyond.kind and units.unit = beyond.unit
    where units.covered_from < beyond.until and units.covered_to > beyond.since
      and (units.ids is null or list_contains(units.ids::VARCHAR[], '*')
           or list_has_all(units.ids::VARCHAR[], beyond.ids::VARCHAR[]))
), reached as (
    select *, coalesce(max(until) over (partition by kind, unit order by since, until
        rows between unbounded preceding and 1 preceding), hole_from) as before
    from clipped
)
select kind, scope, unit, outcome, hole_from, hole_to, max(until) = hole_to as ends,
       list({'since': before, 'until': since} order by since) filter (where since > before) as holes,
       list(distinct run_id order by run_id) as runs, max(until) as until
from reached group by kind, scope, unit, outcome, hole_from, hole_to
"""

_ADD = """
insert into "{table}" by name
select held.* exclude (first_seen_at, last_seen_at)
from history."{table}" as held
join beyond on beyond.kind = '{table}' and beyond.unit = {unit}
where held."{time}"::TIMESTAMPTZ >= beyond.since and held."{time}"::TIMESTAMPTZ < beyond.until
  and held.row_id not in (select row_id from "{table}")
order by held.row_id
"""

_ROWS = """
update coverage set "rows" = counted.n
from (select {unit} as unit, count(*) as n from "{table}" as held group by all) as counted
join fills on fills.kind = '{table}' and fills.unit = counted.unit
where coverage.kind = '{table}' and coverage.place is null and coverage.scope = fills.scope
"""

_FILLED = f"""
update coverage set outcome = 'collected', reason = null,
    detail = 'from ' || {utc("fills.hole_to")} || ' on as Azure told it; before that from history, as these runs '
             || 'collected it: ' || array_to_string(fills.runs, ', ')
from fills
where coverage.kind = fills.kind and coverage.place is null and coverage.scope = fills.scope
  and (coverage.reason = 'beyond_retention' or coverage.outcome = 'collected') and fills.ends and fills.holes is null
"""

_STILL_OPEN = f"""
update coverage set detail = coverage.detail || '; history has a part of it, and lacks ' || open.words
from (
    select kind, scope, unit, array_to_string(list_transform(
               list_concat(coalesce(holes, []),
                           case when ends then [] else [{{'since': until, 'until': hole_to}}] end),
               lambda hole: {utc("hole.since")} || ' to ' || {utc("hole.until")}), ', ') as words
    from fills where not ends or holes is not null
) as open
where coverage.kind = open.kind and coverage.place is null and coverage.scope = open.scope
  and coverage.reason = 'beyond_retention' and not contains(coverage.detail, 'history has a part of it')
"""


def fill(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Add to each table of events what history has of the window's forgotten part; needs ``extents`` and ``history``.

    Where history has all of it, the gap in ``coverage`` is turned to collected with the runs' names, else its detail
    names what history lacks too.
    """
    kept = {table: event.retention - _SKEW for table, event in EVENT_TABLES.items() if event.retention is not None}
    given = {"kinds": list(kept), "kept": list(kept.values()), "since": run.window.since, "until": run.window.until}
    con.execute(_BEYOND, given)
    con.execute(_FILLS)
    touched = con.execute("select distinct kind from fills order by kind").fetchall()
    for (table,) in touched:
        named = {"table": table, "time": EVENT_TABLES[table].time, "unit": UNIT.format(column="held.raw_ref")}
        con.execute(_ADD.format(**named))
        con.execute(_ROWS.format(**named))
    con.execute(_STILL_OPEN)
    con.execute(_FILLED)
    con.execute("drop table fills")
    con.execute("drop table beyond")
