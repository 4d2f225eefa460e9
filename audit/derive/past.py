"""A window of the past: the run's events give way to what history knows of it; its configuration stays as it is.

Coverage then speaks of that window too: each unit counts as collected, and ``continuity`` turns into gaps those that
history doesn't know over the whole of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audit.derive.rows import row_id
from audit.store.history import EVENT_TABLES
from audit.store.history.extents import UNIT

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run, Window

DETAIL = "from history"
"""How the detail of a unit begins that no single run collected for the window."""

# What belongs to the run's scope: its own units, and what lay below its lists of jobs when it was collected.
_SCOPE = """
create or replace temp table past_units as
with places as (
    select lower(rtrim(scope, '/')) || '/' as place from coverage where kind = 'jobs' and place is null
), own as (
    select kind, substr(sha256(lower(scope)), 1, 32) as unit, scope, observed_at, raw_ref
    from coverage where place is null
)
select kind, unit, min(scope) as scope, min(observed_at) as observed_at, min(raw_ref) as raw_ref
from (
    select * from own where list_contains($kinds::VARCHAR[], kind)
    union all
    select kind, unit, scope, finished, 'run.json' from history.units
    where covered_from is not null and (kind, unit) not in (select kind, unit from own)
      and exists (select 1 from places where starts_with(lower(scope) || '/', place))
)
group by kind, unit
"""

_OUTSIDE = """
delete from "{table}" as ours
where coalesce({time}, observed_at) < $since::TIMESTAMPTZ or coalesce({time}, observed_at) >= $until::TIMESTAMPTZ
   or exists (select 1 from history."{table}" as held
              where held.row_id = ours.row_id and held.observed_at > ours.observed_at)
"""

_INSIDE = """
insert into "{table}" by name
select held.* exclude (first_seen_at, last_seen_at) from history."{table}" as held
join past_units on past_units.kind = '{table}' and past_units.unit = {unit}
where held.row_id not in (select row_id from "{table}")
order by held.row_id
"""

_FOREIGN = """
delete from history."{table}"
where {unit} not in (select unit from past_units where kind = '{table}')
"""

_COVERAGE = f"""
insert into coverage by name
select {row_id("coverage", "kind", "scope", "''")} as row_id, observed_at, raw_ref, kind, scope,
       'collected' as outcome, null as reason, '{DETAIL}' as detail, 0 as pages, 0 as "rows", 0 as requests,
       observed_at as started, observed_at as finished, null as place
from past_units order by kind, lower(scope)
"""

_COUNT = """
update coverage set "rows" = counted.n, detail = '{detail}, as ' || counted.runs || ' collected it'
from (
    select {unit} as unit, count(*) as n,
           array_to_string(list(distinct first_seen_run order by first_seen_run), ', ') as runs
    from "{table}" group by all
) as counted
where coverage.kind = '{table}' and substr(sha256(lower(coverage.scope)), 1, 32) = counted.unit
"""


def take_over(con: duckdb.DuckDBPyConnection, run: Run, window: Window) -> None:
    """Put history's events of ``window`` in place of the run's, and its units in ``coverage``.

    ``con`` holds the run's tables as collected, and in the schema ``history`` what is known of the window. A row that
    the run itself holds stays where no later run saw it otherwise: it leads to a raw page.
    """
    kinds = sorted(EVENT_TABLES)
    con.execute(_SCOPE, {"kinds": kinds})
    con.execute("delete from coverage where list_contains($kinds::VARCHAR[], kind)", {"kinds": kinds})
    con.execute(_COVERAGE)
    for table in _present(con, kinds):
        event, unit = EVENT_TABLES[table], UNIT.format(column="raw_ref")
        time = f'"{event.time}"::TIMESTAMPTZ'
        con.execute(_FOREIGN.format(table=table, unit=unit))
        con.execute(f'alter table "{table}" add column if not exists first_seen_run VARCHAR')
        con.execute(_OUTSIDE.format(table=table, time=time), {"since": window.since, "until": window.until})
        con.execute(_INSIDE.format(table=table, unit=UNIT.format(column="held.raw_ref")))
        con.execute(
            f'update "{table}" set first_seen_run = coalesce((select min(held.first_seen_run) '
            f'from history."{table}" as held where held.row_id = "{table}".row_id), $run) where first_seen_run is null',
            {"run": run.run_id},
        )
        con.execute(_COUNT.format(table=table, unit=unit, detail=DETAIL))
    con.execute("drop table past_units")


def _present(con: duckdb.DuckDBPyConnection, kinds: Sequence[str]) -> list[str]:
    """Return the tables of events that both the run and history have."""
    found = con.execute(
        "select table_name from duckdb_tables() where schema_name in ('main', 'history') and not temporary "
        "group by table_name having count(distinct schema_name) = 2"
    ).fetchall()
    return sorted({name for (name,) in found} & set(kinds))
