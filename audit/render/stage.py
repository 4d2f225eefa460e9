"""The joins that several sections share, made once, as temporary tables of the report's own connection.

``report_jobs``: the population with what is known of each job, in reading order (subscription, group, name).
``report_scopes``: each job's enclosing scopes. ``report_access``: which role assignment reaches which job.
``report_changes``, ``report_change_jobs``: Activity Log events folded by correlation and operation, and whose they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_JOBS = """
create or replace temp table report_jobs as
select row_number() over reading - 1 as position, lower(p.job_id) as job_key, p.row_id, p.raw_ref, p.job_id, p.name,
       p.subscription_id, coalesce(s.name, p.subscription_id) as subscription, p.resource_group, p.state,
       p.trigger_type, p.deleted_at,
       p.deleted_by, lower(rtrim(j.environment_id, '/')) as environment_key
from population p
left join (select lower(subscription_id) as key, min(name) as name from subscriptions group by all) s
    on s.key = lower(p.subscription_id)
left join jobs j on lower(j.job_id) = lower(p.job_id)
window reading as (order by lower(coalesce(s.name, p.subscription_id)), lower(p.subscription_id),
                   lower(p.resource_group), lower(p.name), lower(p.job_id))
order by position
"""

_SCOPES = """
create or replace temp table report_scopes as
select job_key, lower(subscription_id) as subscription_key,
       unnest([job_key,
               lower('/subscriptions/' || subscription_id || '/resourcegroups/' || resource_group),
               lower('/subscriptions/' || subscription_id)]) as scope_key
from report_jobs
order by job_key, scope_key
"""

# Assignments at a management group or the tenant are read through each subscription below it: that is whom they reach.
_ACCESS = """
create or replace temp table report_access as
with given as (
    select lower(assignment_id) as assignment_key, lower(subscription_id) as subscription_key,
           lower(rtrim(scope, '/')) as scope_key
    from role_assignments
)
select distinct given.assignment_key, report_scopes.job_key
from given join report_scopes on report_scopes.scope_key = given.scope_key
union
select distinct given.assignment_key, lower(report_jobs.job_id)
from given join report_jobs on lower(report_jobs.subscription_id) = given.subscription_key
where given.scope_key = '' or starts_with(given.scope_key, '/providers/microsoft.management/managementgroups/')
"""

# What lies on a scope rather than in it: its id names the scope it changes before the last "/providers/".
_ON_SCOPE = (
    r"/providers/(microsoft\.authorization|microsoft\.insights/diagnosticsettings|microsoft\.consumption|"
    r"microsoft\.resources/tags)(/.*)?$"
)

_EVENTS = f"""
create or replace temp table report_events as
with events as (
    select row_id, raw_ref, event_time, operation, status, sub_status, caller, caller_object_id, correlation_id,
           resource_id, lower(rtrim(resource_id, '/')) as resource_key, claims ->> '$.appid' as app_id,
           regexp_replace(lower(rtrim(resource_id, '/')), '{_ON_SCOPE}', '') as about,
           coalesce(correlation_id, event_id) || ' ' || lower(coalesce(operation, '')) || ' '
               || lower(rtrim(coalesce(resource_id, ''), '/')) as fold,
           (event_time, row_id) as moment,
           (case lower(status) when 'started' then 0 when 'accepted' then 1 else 2 end, event_time, row_id) as finality
    from activity_log
    where coalesce(category, 'Administrative') in ('Administrative', 'Security')
)
select *, regexp_extract(about, '^(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/[^/]+)') as top
from events
"""

# Whose an event is: the job's own, its environment's, an identity's of the job, or an enclosing scope's.
_CHANGE_JOBS = """
create or replace temp table report_change_jobs as
with reasons as (
    select job_key as about, job_key, 'job' as relation from report_jobs
    union all
    select environment_key, job_key, 'environment' from report_jobs where environment_key is not null
    union all
    select distinct lower(rtrim(identity_id, '/')), lower(job_id), 'identity' from job_identities where kind = 'user'
    union all
    select scope_key, job_key, 'scope' from report_scopes where scope_key <> job_key
)
select e.fold, r.job_key, min(r.relation) as relation
from report_events e
join reasons r on r.about = case when e.top = '' then e.about else e.top end
join report_jobs using (job_key)
where r.relation <> 'scope' or e.about <> e.resource_key or e.operation ilike '%/resourcegroups/%'
group by all
order by all
"""

_CHANGES = """
create or replace temp table report_changes as
with counted as (
    select fold, count(*) as jobs from report_change_jobs group by all
)
select e.fold, min(e.event_time) as began, max(e.event_time) as ended, count(*) as events,
       arg_min(e.operation, e.moment) as operation, arg_min(e.resource_id, e.moment) as resource_id,
       arg_min(e.caller, e.moment) filter (where e.caller is not null) as caller,
       arg_min(e.caller_object_id, e.moment) filter (where e.caller_object_id is not null) as caller_object_id,
       arg_min(e.app_id, e.moment) filter (where e.app_id is not null) as app_id,
       min(e.correlation_id) as correlation_id, arg_max(e.status, e.finality) as status,
       arg_max(e.sub_status, e.moment) filter (where coalesce(e.sub_status, '') <> '') as sub_status,
       arg_max(e.raw_ref, e.finality) as raw_ref, min(counted.jobs) as jobs,
       row_number() over (order by min(e.event_time) desc, e.fold) as number
from report_events e join counted using (fold)
group by e.fold
order by number
"""


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables in ``con``; they are gone with the connection."""
    con.execute("set TimeZone = 'UTC'")
    for sql in (_JOBS, _SCOPES, _ACCESS, _EVENTS, _CHANGE_JOBS, _CHANGES):
        con.execute(sql)
