"""``job_reviews``: per job what the last access review asked about it and decided, and what is left to do of any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

# A review that was sent after the last one that came back, and never came back itself, is owed once its time is over.
_CREATE = f"""
create or replace table job_reviews as
with last as (
    select * from reviews where last
),
silent as (
    select max(r.review) as review, max(r.due) as due from reviews r, last
    where r.run_started > last.run_started and r.records = 0
),
asked as (
    select lower(j.job_id) as job_key, sum(a.entitlements) as entitlements, sum(a.decided) as decided,
           sum(a.own_access) as own_access
    from (
        select r.review, r.reach_id, count(*) as entitlements, count(d.decision) as decided,
               count(*) filter (where d.own_access and d.decision is not null) as own_access
        from history.review_rows r join last using (review)
        left join review_decisions d on d.review = r.review and d.entitlement_id = r.entitlement_id
        group by all
    ) as a
    join history.review_reach j using (review, reach_id)
    group by all
),
left_to_do as (
    select lower(j.job_id) as job_key, count(*) as to_do, count(*) filter (where o.state = 'done') as done,
           count(*) filter (where o.state = 'open') as open, count(*) filter (where o.state = 'overdue') as overdue,
           count(*) filter (where o.state = 're-granted') as re_granted,
           count(*) filter (where o.state = 'unknown') as unknown,
           min(o.principal || ': ' || o.role || ' at ' || o.scope_words || ' (' || o.detail || ')')
               filter (where o.state in ('overdue', 're-granted')) as worst,
           min(o.raw_ref) filter (where o.state in ('overdue', 're-granted')) as worst_ref
    from review_outcomes o
    join history.review_rows r on r.review = o.review and r.entitlement_id = o.entitlement_id
    join history.review_reach j on j.review = r.review and j.reach_id = r.reach_id
    group by all
)
select {row_id("job_reviews", "p.job_id")} as row_id, p.observed_at, coalesce(t.worst_ref, p.raw_ref) as raw_ref,
       p.job_id, last.review, last.run_started, last.due, last.records,
       coalesce(a.entitlements, 0)::BIGINT as entitlements, coalesce(a.decided, 0)::BIGINT as decided,
       coalesce(a.entitlements - a.decided, 0)::BIGINT as owed,
       coalesce(a.own_access, 0)::BIGINT as own_access, coalesce(t.to_do, 0) as to_do, coalesce(t.done, 0) as done,
       coalesce(t.open, 0) as open, coalesce(t.overdue, 0) as overdue, coalesce(t.re_granted, 0) as re_granted,
       coalesce(t.unknown, 0) as unknown, t.worst, silent.review as silent_review, silent.due as silent_due,
       $now::TIMESTAMPTZ as judged_at
from population p
cross join last
cross join silent
left join asked a on a.job_key = lower(p.job_id)
left join left_to_do t on t.job_key = lower(p.job_id)
where p.state <> 'deleted'
order by lower(p.job_id)
"""


def create(con: duckdb.DuckDBPyConnection, now: object) -> None:
    """Create the table; it is empty where no review is known. ``now``: the run's end."""
    con.execute(_CREATE, {"now": now})
