"""``population``: the jobs that every control has to answer for, those deleted in the window among them."""

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
)
order by lower(job_id)
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``population``: in-scope jobs, and jobs that the Activity Log saw deleted in the window.

    A deleted job's trigger type is unknown (null): it may have been event-driven, so it belongs to the population.
    """
    con.execute(_CREATE)
