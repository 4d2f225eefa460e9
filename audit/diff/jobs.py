"""Jobs: which ones came, went, were deleted or left the scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import utc
from audit.diff import found

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

_UNREADABLE = """{{'side': '{side}', 'kind': 'jobs', 'scope': {id}, 'reason': 'malformed',
    'detail': 'it is listed, but what Azure says of it can''t be decoded', 'raw_ref': {ref}}}"""

# A job that was gone before the old run, whichever of the two still tells of it, was gone and is gone.
_POPULATION = f"""
with a as (select lower(job_id) as job_key, * from old.population),
b as (select lower(job_id) as job_key, * from new.population),
outside_old as (select lower(job_id) as job_key, trigger_type, raw_ref from old.jobs where not in_scope),
outside_new as (select lower(job_id) as job_key, trigger_type, raw_ref from new.jobs where not in_scope),
pairs as (
    select coalesce(b.job_id, a.job_id) as job_id, a.state as was, b.state as is_now, a.raw_ref as old_ref,
           b.raw_ref as new_ref, ko.raw_ref as old_outside, kn.raw_ref as new_outside,
           a.trigger_type as old_trigger, kn.trigger_type as new_trigger, ko.trigger_type as old_outside_trigger,
           b.trigger_type as now_trigger, b.deleted_at, b.deleted_by
    from a full join b using (job_key)
    left join outside_old ko on ko.job_key = coalesce(a.job_key, b.job_key)
    left join outside_new kn on kn.job_key = coalesce(a.job_key, b.job_key)
)
select 'jobs' as area, 'population' as table_name, [job_id] as key, job_id, 'jobs' as evidence,
       case when is_now is null and new_outside is not null or was is null and old_outside is not null then 'in_scope'
            when was is not null and is_now is not null or is_now = 'deleted' then 'state' end as property,
       case when is_now is null and new_outside is not null or was is null and old_outside is not null
                then if($scoped_alike, 'changed', 'unknown')
            when was is not null and is_now is not null and 'unreadable' in (was, is_now) then 'unknown'
            when is_now is null or was is not null and is_now = 'deleted' then 'removed'
            else 'added' end as kind,
       case when is_now is null and new_outside is not null then 'true'
            when was is null and old_outside is not null then 'false'
            when was is not null and is_now is not null then was end as before,
       case when is_now is null and new_outside is not null then 'false'
            when was is null and old_outside is not null then 'true'
            when was is not null or is_now = 'deleted' then is_now end as after,
       case when (is_now is null and new_outside is not null or was is null and old_outside is not null)
                 and not $scoped_alike
                then {{'side': 'new', 'kind': 'jobs', 'scope': job_id, 'reason': 'out_of_scope',
                       'detail': 'the runs ask for jobs with different tags', 'raw_ref': 'run.json'}}
            when was = 'unreadable' and is_now is not null
                then {_UNREADABLE.format(side="old", id="job_id", ref="old_ref")}
            when is_now = 'unreadable' and was is not null
                then {_UNREADABLE.format(side="new", id="job_id", ref="new_ref")} end as because,
       case when is_now is null and new_outside is not null and old_trigger is distinct from new_trigger
                then 'its trigger was ' || coalesce(old_trigger, 'unknown') || ' and is '
                     || coalesce(new_trigger, 'unknown')
            when was is null and old_outside is not null and old_outside_trigger is distinct from now_trigger
                then 'its trigger was ' || coalesce(old_outside_trigger, 'unknown') || ' and is '
                     || coalesce(now_trigger, 'unknown')
            when is_now = 'deleted' then 'deleted at ' || {utc("deleted_at")} || ' by '
                || coalesce(deleted_by, 'an unknown caller')
                || if(was is null, ': it came and went between the two runs', '') end as note,
       coalesce(old_ref, old_outside) as old_ref, coalesce(new_ref, new_outside) as new_ref,
       case when (was is null or is_now is null) and old_outside is null and new_outside is null
                then job_id end as anchor
from pairs
where was is distinct from is_now and not coalesce(was = 'deleted' and is_now is null, false)
  and not coalesce(was is null and is_now = 'deleted' and deleted_at < $old_started::TIMESTAMPTZ, false)
"""

_RUNNING = """
select 'jobs' as area, 'jobs' as table_name, [b.job_id] as key, b.job_id, 'running_state' as property,
       'changed' as kind, a.running_state as before, b.running_state as after, a.raw_ref as old_ref,
       b.raw_ref as new_ref
from old.jobs a join new.jobs b on lower(a.job_id) = lower(b.job_id)
where a.in_scope and b.in_scope and a.running_state is distinct from b.running_state
"""

_FATES = """
create or replace temp table job_fates_seen as
select lower(job_id) as job_key, kind as fate, because, property,
       case kind when 'removed' then 'the job was removed' when 'added' then 'the job was added'
                 when 'unknown' then 'whether the job is there is not known'
                 else 'the job ' || if(after = 'true', 'came into', 'left') || ' the scope' end as words
from found where table_name = 'population'
"""


# What a job is set to goes with it.
_WITH_THE_JOB = """
delete from found
where area in ('configuration', 'baselines') and kind in ('added', 'removed', 'unknown') and lower(job_id) in (
    select job_key from job_fates_seen
    where fate in ('added', 'removed', 'unknown') and property is distinct from 'in_scope'
)
"""


def find(con: duckdb.DuckDBPyConnection, old: Run, new: Run) -> None:
    """Add what happened to jobs."""
    found.add(con, _POPULATION, scoped_alike=old.tags == new.tags, old_started=old.started)
    found.add(con, _RUNNING)


def remember(con: duckdb.DuckDBPyConnection) -> None:
    """Create the temporary ``job_fates_seen`` of what was settled: what else is gone may be gone with its job."""
    con.execute(_FATES)


def take_along(con: duckdb.DuckDBPyConnection) -> None:
    """Take back what is told of the settings of jobs that stand on one side only."""
    con.execute(_WITH_THE_JOB)
