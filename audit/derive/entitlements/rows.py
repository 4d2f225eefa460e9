"""``entitlements`` and ``entitlement_reach``: one row per principal × role × scope that reaches a job, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.entitlements.sources import NAMES
from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

ACTIVATION_HOURS = 24
"""PIM lets no activation last longer: access that ends sooner was activated, all other access stands."""
LIMIT = 20_000_000
"""Rows of ``entitlement_reach`` up to which they are written out."""

# Several assignments of one role to one principal at one scope are one entitlement: they are kept or revoked together.
_ONE = """
create or replace temp table one_entitlement as
select g.entitlement_id, any_value(g.kind) as kind, any_value(g.access) as access,
       arg_min(g.principal_id, g.via_id) as principal_id, arg_min(g.principal_type, g.via_id) as principal_type,
       any_value(g.role_key) as role_key, arg_min(g.role_definition_id, g.via_id) as role_definition_id,
       arg_min(g.role, g.via_id) as role, arg_min(g.scope, g.via_id) as scope,
       to_json(list(distinct g.via_id order by g.via_id)) as via_ids,
       bool_or(g.condition is null) as unconditional, min(g.condition) as condition,
       case when bool_or(g.expires is null) then null else max(g.expires) end as expires,
       max(g.given_on) as given_on, arg_max_null(g.given_by_id, g.given_on) as given_by_id,
       arg_min(g.observed_at, g.raw_ref) as observed_at, min(g.raw_ref) as raw_ref, min(g.source_key) as source_key
from given_entitlements g where g.source_key in (select source_key from sources)
group by g.entitlement_id
"""

# Reading a policy's keys changes nothing, nor does a write that failed.
_CHANGED = """
create or replace temp table entitlement_changes_seen as
with seen as (
    select lower(rtrim(resource_id, '/')) as via_key, max("at") as "at",
           arg_max_null(coalesce(changed_by_name, changed_by), "at") as changed_by,
           arg_max_null(operation, "at") as operation
    from changes where resource_id is not null and kind in ('access', 'configuration', 'deletion')
      and lower(coalesce(status, '')) not in ('failed', 'canceled', 'cancelled')
    group by all
),
via as (
    select entitlement_id, lower(unnest(via_ids::VARCHAR[])) as via_key from one_entitlement
)
select entitlement_id, max("at") as "at", arg_max_null(changed_by, "at") as changed_by,
       arg_max_null(operation, "at") as operation
from via join seen using (via_key) group by all
"""

_PEOPLE = """
create or replace temp table entitled as
select lower(principal_id) as principal_key, type, coalesce(user_principal_name, app_id) as login, concern,
       coalesce(display_name, user_principal_name, principal_id) as name
from access_principals
"""

# Where something was given, in words.
_PLACES = """
create or replace temp table entitlement_places as
with scopes as (
    select distinct scope, kind in ('membership', 'eligible_membership') as of_group,
           string_split(rtrim(scope, '/'), '/') as parts
    from one_entitlement
)
select scope, of_group,
       case when of_group then 'group ' || coalesce(p.name, scope)
            when len(parts) < 3 then 'the whole tenant'
            when scope ilike '/providers/Microsoft.Management/managementGroups/%' then 'management group ' || parts[-1]
            when len(parts) = 3 then 'subscription ' || coalesce(s.name, parts[3])
            when len(parts) = 5 then 'resource group ' || parts[5]
            else case lower(parts[-2])
                     when 'jobs' then 'job' when 'managedenvironments' then 'environment' when 'vaults' then 'vault'
                     when 'registries' then 'registry' when 'userassignedidentities' then 'identity'
                     when 'workspaces' then 'workspace' when 'namespaces' then 'namespace' when 'queues' then 'queue'
                     when 'topics' then 'topic' when 'eventhubs' then 'event hub'
                     when 'storageaccounts' then 'storage account' else parts[-2] end
                 || ' ' || parts[-1] || ' in ' || parts[5] end as words,
       p.name as group_name
from scopes
left join subscriptions s on not of_group and lower(s.subscription_id) = lower(parts[3])
left join entitled p on of_group and p.principal_key = lower(scope)
"""

_CREATE = f"""
create or replace table entitlements as
with roles as (
    select lower(role_guid) as role_key, min_by(name, row_id) as name from role_definitions group by all
),
asked as (
    select capability, title, privileged, row_number() over (order by not privileged, position) as rank
    from capabilities
),
held as (
    select s.source_key, list(a.capability order by a.rank) as capabilities,
           string_agg(a.title, ', ' order by a.rank) as can, bool_or(a.privileged) as privileged
    from (select source_key, unnest(capabilities) as capability from sources) s join asked a using (capability)
    group by s.source_key
),
told as (
    select o.*, coalesce(p.name, o.principal_id) as principal, p.login as principal_login,
           coalesce(o.principal_type, p.type) as type, p.concern, w.words as scope_words,
           case when o.kind in ('membership', 'eligible_membership')
                    then 'member of ' || coalesce(w.group_name, o.scope)
                else coalesce(o.role, r.name, 'role ' || o.role_key) end as role_words,
           coalesce(h.capabilities, []) as capabilities, coalesce(h.can, '') as can,
           coalesce(h.privileged, false) as privileged,
           o.access = 'active'
               and coalesce(o.expires > o.observed_at + to_hours({ACTIVATION_HOURS}), true) as standing,
           s.jobs, s.names, s.owner, s.resource_groups, s.subscriptions,
           case when lower(coalesce(o.principal_type, p.type)) in ('group', 'foreigngroup') then z.holders
                when o.kind in ('shared_access_policy', 'registry_admin') then null else 1 end as holders,
           lower(coalesce(o.principal_type, p.type, '')) in ('group', 'foreigngroup') and z.holders is null as untold,
           c."at" as changed_at, c.changed_by, c.operation, coalesce(b.name, o.given_by_id) as given_by
    from one_entitlement o
    join sources s using (source_key)
    left join held h using (source_key)
    left join entitled p on p.principal_key = lower(o.principal_id)
    left join entitled b on b.principal_key = lower(o.given_by_id)
    left join roles r using (role_key)
    left join entitlement_places w
        on w.scope = o.scope and w.of_group = (o.kind in ('membership', 'eligible_membership'))
    left join group_sizes z on z.group_key = lower(o.principal_id)
    left join entitlement_changes_seen c using (entitlement_id)
)
select {row_id("entitlements", "entitlement_id")} as row_id, observed_at, raw_ref, entitlement_id,
       row_number() over (order by not (privileged and standing), not privileged, concern is null, not standing,
                          jobs desc, lower(principal), entitlement_id) as position,
       kind, access, principal_id, principal, principal_login, type as principal_type, concern, role_words as role,
       role_definition_id, scope, scope_words, via_ids, given_on, given_by, not unconditional as conditional,
       case when not unconditional then condition end as condition, expires, privileged, standing,
       to_json(capabilities) as capabilities, can, jobs, to_json(names) as job_names, holders, not untold as complete,
       case when untold then 'the members of the group are not known' end as incomplete_because,
       owner, to_json(resource_groups) as resource_groups, to_json(subscriptions) as subscriptions,
       coalesce(changed_at, given_on) as last_change_at, coalesce(changed_by, given_by) as last_change_by,
       case when changed_at is not null then operation when given_on is not null then 'given' end as last_change,
       'R-' || upper(substr(sha256(source_key), 1, 12)) as reach_id, source_key
from told
order by position
"""

# The members of a group reach the same: what they reach stands once.
_REACH = f"""
select {row_id("entitlement_reach", "e.reach_id", "j.job_id")} as row_id, e.observed_at, e.raw_ref, e.reach_id,
       j.job_id, to_json(r.capabilities) as capabilities
from (
    select source_key, any_value(reach_id) as reach_id, arg_min(observed_at, raw_ref) as observed_at,
           min(raw_ref) as raw_ref
    from entitlements group by source_key
) as e
join source_reach r using (source_key) join reached_jobs j using (profile_no)
"""


def create(con: duckdb.DuckDBPyConnection, *, limit: int = LIMIT) -> None:
    """Create ``entitlements``, still with ``source_key``, and ``entitlement_reach``, empty beyond ``limit`` rows."""
    for statement in (_ONE, _CHANGED, _PEOPLE, _PLACES, _CREATE):
        con.execute(statement)
    row = con.execute(
        "select sum(jobs) from (select any_value(jobs) as jobs from entitlements group by reach_id)"
    ).fetchone()
    some = "" if row and (row[0] or 0) <= limit else " limit 0"
    con.execute(f"create or replace table entitlement_reach as {_REACH} order by reach_id, lower(job_id){some}")
    for table in ("entitlement_places", "entitled", "entitlement_changes_seen", "one_entitlement"):
        con.execute(f"drop table {table}")


__all__ = ["NAMES", "create"]
