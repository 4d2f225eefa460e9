"""How every job did, one line each; what all of them cost; and how far back the evidence reaches without a hole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.render.rows import Row, fetch

if TYPE_CHECKING:
    import duckdb

    from audit.render.names import Names

# Worst first: what failed, then what costs.
JOBS = """
with ran as (
    select lower(job_id) as job_key, count(*) as executions, max(started) as last_started,
           count(*) filter (where lower(status) in ('failed', 'degraded')) as failed,
           quantile_cont(duration_s, 0.95) as p95
    from execution_history group by all
),
waits as (
    select s.job_key, max_by(t.value, (t.at, t.value)) as waiting, max(t.value) as most, max(t.at) as measured_at
    from report_sources s join metrics t
        on t.metric in ('ActiveMessages', 'QueueMessageCount')
       and (lower(t.resource_id) = s.resource_key and lower(t.dimension) = s.dimension_key
            or t.metric = 'QueueMessageCount'
               and lower(t.resource_id) in (s.resource_key, s.resource_key || '/queueservices/default'))
    group by all
),
spent as (
    select lower(job_id) as job_key, basis, currency, amount, wasted_amount as wasted from cost_totals where told
),
watched as (
    select lower(job_id) as job_key, count(*) as alerts, count(*) filter (where hears = 'live') as heard
    from job_alerts group by all
),
lacking as (
    select lower(job_id) as job_key, list(distinct kind order by kind) as kinds from job_gaps
    where kind in ('executions', 'metrics', 'costs', 'alerts') group by all
)
select row_number() over (order by coalesce(r.failed, 0) desc, j.position) as number, j.*, coalesce(r.executions, 0)
           as executions, coalesce(r.failed, 0) as failed, r.last_started, r.p95, c.replica_timeout_s,
       w.waiting, w.most, w.measured_at, s.amount, s.wasted, s.currency, s.basis, coalesce(n.alerts, 0) as alerts,
       coalesce(n.heard, 0) as heard, coalesce(l.kinds, []) as unread
from report_jobs j
left join ran r using (job_key) left join waits w using (job_key) left join spent s using (job_key)
left join watched n using (job_key) left join lacking l using (job_key)
left join jobs c on lower(c.job_id) = j.job_key
where j.state = 'present'
"""
_COST = """
with summed as (
    select basis, currency, count(distinct lower(job_id)) as jobs, sum(amount) as amount, sum(wasted_amount) as wasted,
           sum(unallocated_amount) as unallocated, bool_and(final) as final
    from cost_totals group by all
)
select * from summed
order by list_position(['actual', 'amortised', 'estimate'], basis), amount desc, basis, currency
"""
HISTORY = """
select row_number() over (order by (t.state <> 'hole'), t.kind, lower(t.scope), t."from" nulls first, t.row_id)
       as number, t.*
from continuity t
"""
_CADENCE = "select * from cadence order by proposed_interval_h nulls last, kind, lower(scope), row_id limit 12"


def cost(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return what all jobs cost, by basis and currency."""
    return fetch(con, _COST)


def cadence(con: duckdb.DuckDBPyConnection, names: Names) -> list[Row]:
    """Return how often what must be collected so that nothing is lost between two runs, the tightest first."""
    return [row | {"where": names.scope(row["scope"] or "/")} for row in fetch(con, _CADENCE)]


def history(row: Row, names: Names) -> Row:
    """Add the scope in words."""
    return row | {"where": names.scope(row["scope"] or "/")}


def counted(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return executions in all, and failed ones."""
    sql = """select count(*) as executions, count(*) filter (where lower(status) in ('failed', 'degraded')) as failed
    from execution_history"""
    return fetch(con, sql)[0]
