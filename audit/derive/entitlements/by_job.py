"""``job_reviews``: per job what the last access review asked about it and decided, and what is left to do of any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

_COUNTS = ", ".join(
    f"case when not u.of_any then coalesce(t.{name}, 0) end as {name}"
    for name in ("to_do", "done", "open", "overdue", "re_granted", "unknown")
)

# A review that was sent after the last one that came back, and never came back itself, is owed once its time is over:
# of several the one that was due first is told; where none ever came back, all are.
# Which jobs a review asked about stands in its reach; where that was too large to be written out, nobody can tell.
_CREATE = f"""
create or replace table job_reviews as
with last as (
    select * from reviews where last
),
silent as (
    select arg_min(r.review, row(r.due, r.review)) as review, min(r.due) as due from reviews r, last
    where r.records = 0 and (r.run_started > last.run_started or last.records = 0)
),
unwritten as (
    select coalesce(bool_or(review in (select review from last)), false) as of_last, count(*) > 0 as of_any
    from (select distinct review from history.review_rows where coalesce(jobs, 1) > 0
          except select review from history.review_reach)
),
asked as (
    select lower(j.job_id) as job_key, sum(a.entitlements) as entitlements, sum(a.decided) as decided,
           sum(a.own_access) as own_access, sum(a.own_untold) as own_untold
    from (
        select r.review, r.reach_id, count(*) as entitlements, count(d.decision) as decided,
               count(*) filter (where d.own_access and d.decision is not null) as own_access,
               count(*) filter (where d.own_access is null and d.decision is not null) as own_untold
        from history.review_rows r join last using (review)
        left join review_decisions d on d.review = r.review and d.entitlement_id = r.entitlement_id
        group by all
    ) as a
    join history.review_reach j using (review, reach_id)
    group by all
),
untold as (
    select lower(g.job_id) as job_key,
           string_agg(distinct replace(g.kind, '_', ' ') || ' (' || replace(g.reason, '_', ' ') || ')', ', '
                      order by replace(g.kind, '_', ' ') || ' (' || replace(g.reason, '_', ' ') || ')') as unread
    from history.review_gaps g join last using (review) group by all
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
       case when not u.of_last then coalesce(a.entitlements, 0)::BIGINT end as entitlements,
       case when not u.of_last then coalesce(a.decided, 0)::BIGINT end as decided,
       case when not u.of_last then coalesce(a.entitlements - a.decided, 0)::BIGINT end as owed,
       case when not u.of_last and (a.own_access > 0 or coalesce(a.own_untold, 0) = 0)
            then coalesce(a.own_access, 0)::BIGINT end as own_access,
       {_COUNTS}, n.unread, t.worst, silent.review as silent_review, silent.due as silent_due,
       $now::TIMESTAMPTZ as judged_at
from population p
cross join last
cross join silent
cross join unwritten u
left join asked a on a.job_key = lower(p.job_id)
left join untold n on n.job_key = lower(p.job_id)
left join left_to_do t on t.job_key = lower(p.job_id)
where p.state <> 'deleted'
order by lower(p.job_id)
"""


def create(con: duckdb.DuckDBPyConnection, now: object) -> None:
    """Create the table; it is empty where no review is known. ``now``: the run's end.

    ``unread``: what the review's own run could not read of who has access, so that it may not have asked about all.
    Counts are null where a review's reach isn't written out; ``own_access`` also where the directory wasn't read, so
    that nobody can tell whether who decided holds the access.
    """
    con.execute(_CREATE, {"now": now})
