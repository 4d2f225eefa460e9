"""What the Activity Log tells about jobs as such: a temporary table ``job_fates``, one row per job that it names.

Operation names and ids come in any casing. One operation writes several events (Started, Accepted, Succeeded), and
only the one that succeeded happened. Deleting a resource group deletes its jobs, sometimes without an event of theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.model import ids

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

_JOB = r"(?i)^(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.app/jobs/[^/]+)"

_EVENTS = f"""
create or replace temp table job_events as
select lower(found.job_id) as job_key, found.job_id, lower(found.operation) as operation, found.status,
       found.event_time, found.caller, found.event_id, found.raw_ref, found.observed_at
from (
    select regexp_extract(resource_id, '{_JOB}', 1) as job_id, operation, lower(status) as status, event_time,
           caller, event_id, raw_ref, observed_at
    from told_events
    where lower(operation) like 'microsoft.app/jobs/%'
) as found
where found.job_id <> ''
  and (len($groups::VARCHAR[]) = 0 or list_contains($groups::VARCHAR[], split_part(lower(found.job_id), '/', 5)))
"""

_GROUP_DELETIONS = """
create or replace temp table group_deletions as
select lower(rtrim(resource_id, '/')) as group_key, event_time, caller, event_id, raw_ref, observed_at
from told_events
where lower(operation) = 'microsoft.resources/subscriptions/resourcegroups/delete'
  and lower(status) in ('succeeded', 'success')
"""

_FATES = """
create or replace temp table job_fates as
with ended as (
    select job_key, event_time, caller, event_id, raw_ref, observed_at from job_events
    where operation = 'microsoft.app/jobs/delete' and status in ('succeeded', 'success')
    union all
    select named.job_key, gone.event_time, gone.caller, gone.event_id, gone.raw_ref, gone.observed_at
    from (select distinct job_key from job_events) as named
    join group_deletions as gone on starts_with(named.job_key, gone.group_key || '/')
),
last_end as (
    select * from ended
    qualify row_number() over (partition by job_key order by event_time desc, event_id, raw_ref) = 1
),
told as (
    select job_key,
           min(event_time) as first_seen,
           max(event_time) filter (
               where operation = 'microsoft.app/jobs/write' and status in ('succeeded', 'success')) as written_at,
           bool_or(operation <> 'microsoft.app/jobs/write' or status <> 'failed')
               filter (where status not in ('started', 'accepted')) as existed,
           arg_max(job_id, row(event_time, event_id)) as job_id,
           arg_max(raw_ref, row(event_time, event_id)) as raw_ref,
           arg_max(observed_at, row(event_time, event_id)) as observed_at
    from job_events
    group by job_key
)
select told.job_key, told.job_id, told.first_seen, told.written_at, coalesce(told.existed, true) as existed,
       told.raw_ref, told.observed_at,
       last_end.event_time as deleted_at, last_end.caller as deleted_by, last_end.raw_ref as deletion_raw_ref,
       last_end.observed_at as deletion_observed_at,
       last_end.event_time is not null
           and last_end.event_time >= coalesce(told.written_at, last_end.event_time) as deleted
from told
left join last_end using (job_key)
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create the temporary table ``job_fates``; jobs outside the run's resource groups, if it names any, are left out.

    Needs ``told_events``, which ``earlier`` makes: the window's events, and what became of their jobs afterwards.

    Columns: job_key (lower case), job_id (as spelled), first_seen, written_at (last successful write), existed (false
    where every write failed), deleted (the last that succeeded was a deletion), deleted_at, deleted_by, raw_ref and
    observed_at of the newest event, and the same of the deletion.
    """
    con.execute(_EVENTS, {"groups": groups(run)})
    con.execute(_GROUP_DELETIONS)
    con.execute(_FATES)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables: nothing downstream may rest on them."""
    for table in ("job_fates", "group_deletions", "job_events"):
        con.execute(f"drop table {table}")


def groups(run: Run) -> list[str]:
    """Return the names of the resource groups that the run is limited to, in lower case; empty = no limit."""
    return sorted({ids.name_of(each).lower() for each in run.resource_groups})
