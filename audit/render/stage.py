"""The joins that several sections share, made once, as temporary tables of the report's own connection.

``report_jobs``: the population with what is known of each job, in reading order (subscription, group, name);
``namesakes``: how many jobs the logs of its environment may mean by its name. ``report_lines``: the logs by job.
``report_scopes``: each job's enclosing scopes. ``report_access``: which role assignment reaches which job.
``report_changes``: the changes of table ``changes``, one row each, newest first.
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
       p.deleted_by, lower(rtrim(j.environment_id, '/')) as environment_key, coalesce(n.namesakes, 1) as namesakes
from population p
left join (
    select mine.job_key, count(distinct theirs.job_key) as namesakes
    from report_named mine
    join report_named theirs on theirs.subscription_key = mine.subscription_key and theirs.name_key = mine.name_key
        and coalesce(theirs.environment_key, mine.environment_key) = mine.environment_key
    group by all
) n on n.job_key = lower(p.job_id)
left join (select lower(subscription_id) as key, min(name) as name from subscriptions group by all) s
    on s.key = lower(p.subscription_id)
left join jobs j on lower(j.job_id) = lower(p.job_id)
window reading as (order by lower(coalesce(s.name, p.subscription_id)), lower(p.subscription_id),
                   lower(p.resource_group), lower(p.name), lower(p.job_id))
order by position
"""

# Who may be meant where the logs of an environment name a job: a job whose environment nobody tells may be too.
_NAMED = """
create or replace temp table report_named as
with known as (
    select lower(job_id) as job_key, lower(subscription_id) as subscription_key, lower(name) as name_key,
           lower(rtrim(environment_id, '/')) as environment_key
    from jobs
)
from known
union
select lower(job_id), lower(subscription_id), lower(name), null
from (select job_id, subscription_id, name from graph_jobs
      union all select job_id, subscription_id, name from population)
where lower(job_id) not in (select job_key from known)
"""

# Executions of namesakes that are known to be the one's or the other's: what the logs say of them is theirs.
_OWNED = """
create or replace temp table report_owned as
select b.environment_key, lower(b.name) as name_key, lower(h.name) as execution_key, any_value(b.job_key) as job_key
from execution_history h join report_jobs b on b.job_key = lower(h.job_id)
where b.namesakes > 1
group by all having count(distinct b.job_key) = 1
"""

# Lines of the logs by job: a line about a job that shares its name counts for the one that had the execution, and for
# each of them, told as ``of_jobs``, where nobody knows whose it was.
_LINES = """
create or replace temp view report_lines as
select b.job_key, l.*, case when b.namesakes > 1 and o.job_key is null then b.namesakes end as of_jobs
from execution_logs l
join report_jobs b on lower(b.name) = lower(l.job_name) and b.environment_key = lower(rtrim(l.environment_id, '/'))
left join report_owned o on b.namesakes > 1 and o.environment_key = b.environment_key and o.name_key = lower(b.name)
    and o.execution_key = lower(l.execution_name)
where o.job_key is null or o.job_key = b.job_key
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

# One row per change: table ``changes`` has one for each job that it touches and each property that it set.
_CHANGES = """
create or replace temp table report_changes as
select change_id, min("at") as "at", min(operation) as operation, min(resource_id) as resource_id, min(kind) as kind,
       min(changed_by) as changed_by, min(changed_by_name) as changed_by_name,
       min(changed_by_type) as changed_by_type, min(client) as client, min(status) as status,
       min(sub_status) as sub_status, min(source) as source, max(events) as events, min(before_after) as before_after,
       min(raw_ref) as raw_ref, count(distinct lower(job_id)) as jobs,
       row_number() over (order by min("at") desc, change_id) as number
from changes
group by change_id
order by number
"""


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables in ``con``; they are gone with the connection."""
    con.execute("set TimeZone = 'UTC'")
    for sql in (_NAMED, _JOBS, _OWNED, _LINES, _SCOPES, _ACCESS, _CHANGES):
        con.execute(sql)
