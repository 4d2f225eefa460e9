"""What each thing that was given reaches: an assignment by itself, a membership by what its group holds.

Temporary tables ``source_reach`` (source × profile of jobs → capabilities) and ``sources`` (source → how many jobs,
whose, and what in all).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

NAMES = 20
"""How many jobs a row names; the others are in ``entitlement_reach``."""

_REACH = """
create or replace temp table source_reach as
with holders as (
    select distinct lower(scope) as group_key, lower(scope) as holder_key
    from given_entitlements where kind in ('membership', 'eligible_membership')
    union
    select a.member_key, a.group_key from groups_above a
),
through as (
    select 'group ' || h.group_key as source_key, r.profile_no, r.capabilities
    from holders h
    join given_entitlements g on lower(g.principal_id) = h.holder_key and g.source_key like 'grant %'
    join reach r on 'grant ' || r.assignment_key = g.source_key
    where 'group ' || h.group_key in (select source_key from given_entitlements)
)
select 'grant ' || assignment_key as source_key, profile_no, capabilities from reach
union all
select source_key, profile_no, list_sort(list_distinct(flatten(list(capabilities)))) from through group by all
"""

# Who owns a job: its own tag, else its group's, else its subscription's.
_JOBS = """
create or replace temp table reached_jobs as
with places as (
    select job_id, unnest(['job', 'resource_group', 'subscription']) as source, unnest([1, 2, 3]) as nearness,
           unnest([lower(job_id), lower('/subscriptions/' || subscription_id || '/resourceGroups/' || resource_group),
                   lower('/subscriptions/' || subscription_id)]) as resource_key
    from jobs
),
named as (
    select lower(resource_id) as resource_key, source, value
    from (select resource_id, source, regexp_replace(value, '^[\\s\\pZ\\pC]+|[\\s\\pZ\\pC]+$', '', 'g') as value
          from tags where lower(key) = lower($owner_tag))
    where value <> ''
),
owners as (
    select job_id, arg_min(value, row(nearness, value)) as owner
    from places join named using (resource_key, source) group by job_id
)
select p.profile_no, j.job_id, j.name, lower(j.subscription_id) as subscription_key,
       lower(j.resource_group) as group_key, o.owner
from reach_profiles p join jobs j using (job_id) left join owners o using (job_id)
"""

_PROFILES = """
create or replace temp table profiles as
select profile_no, count(*) as jobs, list_sort(list(distinct subscription_key)) as subscriptions,
       list_sort(list(distinct group_key)) as resource_groups,
       list_sort(list(distinct coalesce(lower(owner), ''))) as owners, min(owner) as owner,
       list(name order by lower(name), job_id)[:20] as names
from reached_jobs group by profile_no
"""

_SOURCES = """
create or replace temp table sources as
select r.source_key, sum(p.jobs)::BIGINT as jobs,
       list_sort(list_distinct(flatten(list(p.subscriptions)))) as subscriptions,
       list_sort(list_distinct(flatten(list(p.resource_groups)))) as resource_groups,
       case when len(list_distinct(flatten(list(p.owners)))) = 1 then min(p.owner) end as owner,
       list_sort(flatten(list(p.names)))[:20] as names,
       list_distinct(flatten(list(r.capabilities))) as capabilities
from source_reach r join profiles p using (profile_no)
group by r.source_key
"""


def create(con: duckdb.DuckDBPyConnection, owner_tag: str) -> None:
    """Create the temporary tables. Needs ``reach``, ``reach_profiles``, ``given_entitlements`` and ``groups_above``."""
    con.execute(_REACH)
    con.execute(_JOBS, {"owner_tag": owner_tag})
    con.execute(_PROFILES)
    con.execute(_SOURCES)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    for table in ("sources", "profiles", "reached_jobs", "source_reach"):
        con.execute(f"drop table {table}")
