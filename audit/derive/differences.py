"""Which jobs one source knows and another doesn't, and what explains it: temporary tables for ``reconciliation``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.events import groups
from audit.derive.rows import utc

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

LAG_MINUTES = 15
"""How far Resource Graph and ARM's resources list may be behind ARM itself before a difference needs another reason."""

_SUBSCRIPTION = "lower(split_part(scope, '/', 3))"

_READ = f"""
create or replace temp table read_subscriptions as
select {_SUBSCRIPTION} as subscription_key, min(split_part(scope, '/', 3)) as subscription_id,
       min(started) as started, max(finished) as finished, min(observed_at) as observed_at, min(raw_ref) as raw_ref
from coverage
where kind = 'jobs' and place is null and scope ilike '/subscriptions/%'
group by all
"""

_STATES = f"""
create or replace temp table source_states as
with sources (source, kind) as (
    values ('arm_jobs', 'jobs'), ('resource_graph', 'graph_jobs'), ('arm_resources', 'tags'),
           ('activity_log', 'activity_log')
),
units as (
    select kind, case when scope ilike '/subscriptions/%' then {_SUBSCRIPTION} end as subscription_key,
           outcome, reason, started, finished
    from coverage
    where place is null
)
select sources.source, here.subscription_key, min(units.started) as started, max(units.finished) as finished,
       case when count(units.kind) = 0 then 'not collected in this run'
            else 'a gap (' || string_agg(distinct units.reason, ', ' order by units.reason)
                filter (where units.outcome = 'gap') || ')' end as gap
from sources
cross join read_subscriptions as here
left join units on units.kind = sources.kind
    and (units.subscription_key = here.subscription_key or units.subscription_key is null)
group by all
"""

# Only jobs that carry tags are named by the table of tags, so they are held against tagged jobs alone.
_KNOWN = """
create or replace temp table known_jobs as
with everything as (
    select 'arm_jobs' as source, job_id, raw_ref, observed_at from jobs
    union all
    select 'arm_jobs_tagged', job_id, raw_ref, observed_at from jobs
    where tags is not null and json_type(tags) = 'OBJECT' and len(json_keys(tags)) > 0
    union all
    select 'resource_graph', job_id, raw_ref, observed_at from graph_jobs
    union all
    select 'arm_resources', resource_id, raw_ref, observed_at from tags where source = 'job'
    union all
    select 'activity_log', job_id, raw_ref, observed_at from job_fates
)
select source, lower(job_id) as job_key, min(job_id) as job_id,
       lower(split_part(min(job_id), '/', 3)) as subscription_key,
       min(raw_ref) as raw_ref, min(observed_at) as observed_at
from everything
where len($groups::VARCHAR[]) = 0 or list_contains($groups::VARCHAR[], lower(split_part(job_id, '/', 5)))
group by source, lower(job_id)
"""

# side 'a': ARM's jobs list has it and the other source lacks it; side 'b': the other way round.
_DIFFERENCES = f"""
create or replace temp table job_differences as
with pairs (source_a, source_b) as (
    values ('arm_jobs', 'resource_graph'), ('arm_jobs_tagged', 'arm_resources')
),
one_sided as (
    select pairs.source_b, 'a' as side, a.job_key, a.job_id, a.subscription_key
    from pairs join known_jobs as a on a.source = pairs.source_a
    where not exists (select 1 from known_jobs as b where b.source = pairs.source_b and b.job_key = a.job_key)
    union all
    select b.source, 'b', b.job_key, b.job_id, b.subscription_key
    from known_jobs as b
    where b.source in ('resource_graph', 'activity_log', 'arm_resources')
      and not exists (select 1 from known_jobs as a where a.source = 'arm_jobs' and a.job_key = b.job_key)
)
select one.*,
    case
        when fate.deleted and (one.side = 'b' or fate.deleted_at >= ours.started)
            then 'deleted at ' || {utc("fate.deleted_at")} || ' by ' || coalesce(fate.deleted_by, 'an unknown caller')
        when one.side = 'b' and fate.written_at >= ours.started
            then 'created or written at ' || {utc("fate.written_at")} || ', after the jobs list was read'
        when one.side = 'b' and one.source_b = 'activity_log' and not fate.existed
            then 'every write of it failed: it was never created'
        when one.side = 'a' and coalesce(job.created_at, fate.written_at)
                >= theirs.started - interval {LAG_MINUTES} minutes
            then 'created at ' || {utc("coalesce(job.created_at, fate.written_at)")}
                || ', and this source may lag by up to {LAG_MINUTES} minutes'
    end as explanation
from one_sided as one
left join job_fates as fate on fate.job_key = one.job_key
left join jobs as job on lower(job.job_id) = one.job_key
left join source_states as ours on ours.source = 'arm_jobs' and ours.subscription_key = one.subscription_key
left join source_states as theirs on theirs.source = one.source_b and theirs.subscription_key = one.subscription_key
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``read_subscriptions``, ``source_states``, ``known_jobs`` and ``job_differences``; needs ``job_fates``."""
    con.execute(_READ)
    con.execute(_STATES)
    con.execute(_KNOWN, {"groups": groups(run)})
    con.execute(_DIFFERENCES)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    for table in ("job_differences", "known_jobs", "source_states", "read_subscriptions"):
        con.execute(f"drop table {table}")
