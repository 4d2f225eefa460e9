"""``population``: the jobs that every control has to answer for, deleted and unreadable ones among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

_CREATE = f"""
create or replace table population as
select {row_id("population", "job_id")} as row_id, *
from (
    select observed_at, raw_ref, job_id, name, subscription_id, resource_group, 'present' as state, trigger_type,
           null::TIMESTAMPTZ as deleted_at, null::VARCHAR as deleted_by, 'jobs' as known_from
    from jobs
    where in_scope
    union all
    select deletion_observed_at, deletion_raw_ref, job_id, split_part(job_id, '/', 9), split_part(job_id, '/', 3),
           split_part(job_id, '/', 5), 'deleted', null, deleted_at, deleted_by, 'activity_log'
    from job_fates
    where deleted and not exists (select 1 from jobs where lower(jobs.job_id) = job_fates.job_key)
    union all
    select coverage.observed_at, coverage.raw_ref, scope, split_part(scope, '/', 9), split_part(scope, '/', 3),
           split_part(scope, '/', 5), 'unreadable', graph_jobs.trigger_type, null, null, 'coverage'
    from coverage left join graph_jobs on lower(graph_jobs.job_id) = lower(scope)
    where kind = 'jobs' and place is not null
          and regexp_full_match(
              lower(scope), '/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft.app/jobs/[^/]+')
          and lower(coalesce(graph_jobs.trigger_type, 'event')) = 'event'
          and not exists (select 1 from jobs where lower(jobs.job_id) = lower(scope))
)
order by lower(job_id)
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``population``: in-scope jobs, jobs that the Activity Log saw deleted in the window, and unreadable ones.

    A deleted job's trigger type is unknown (null): it may have been event-driven, so it belongs to the population.
    An unreadable job is one that Azure listed and that couldn't be decoded; it belongs too, unless Resource Graph says
    that something else than events starts it.
    """
    con.execute(_CREATE)
