"""The words of a change: what kind it is, which client made it, and the table ``changes`` itself."""

from __future__ import annotations

from audit.derive.rows import row_id

SILENT = ("start", "stop", "secret_read", "suspension", "action")
"""Kinds of change that set nothing."""

_KIND = """
case when acts.operation_key like 'microsoft.authorization/roleassignments/%' then 'access'
     when acts.operation_key like 'microsoft.authorization/denyassignments/%' then 'access'
     when acts.operation_key like 'microsoft.authorization/roledefinitions/%' then 'access'
     when acts.operation_key like 'microsoft.authorization/locks/%' then 'lock'
     when acts.operation_key like 'microsoft.authorization/policyexemptions/%' then 'exemption'
     when acts.operation_key like 'microsoft.authorization/policy%' then 'policy'
     when acts.operation_key like '%/diagnosticsettings/%' then 'diagnostics'
     when acts.operation_key like 'microsoft.managedidentity/%' then 'identity'
     when acts.operation_key like 'microsoft.resources/tags/%' then 'tags'
     when acts.operation_key like 'microsoft.resources/deployments/%' then 'deployment'
     when acts.operation_key like 'microsoft.consumption/%' then 'budget'
     when acts.operation_key like 'microsoft.insights/%alert%'
          or acts.operation_key like 'microsoft.insights/scheduledqueryrules%'
          or acts.operation_key like 'microsoft.insights/actiongroups%' then 'alert'
     when acts.operation_key like '%/listsecrets/action' or acts.operation_key like '%/listkeys/action'
          then 'secret_read'
     when acts.operation_key like '%/start/action' then 'start'
     when acts.operation_key like '%/stop/%action' or acts.operation_key like '%/stop/action' then 'stop'
     when acts.operation_key like '%/suspend/action' or acts.operation_key like '%/resume/action' then 'suspension'
     when acts.operation_key like '%/delete' then 'deletion'
     when acts.operation_key like '%/write' or acts.operation_key = '' then 'configuration'
     else 'action' end
"""

# https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
_CLIENT = """
case lower(coalesce(acts.app_id, ''))
     when 'c44b4083-3bb0-49c1-b47d-974e53cbdf3c' then 'Azure portal'
     when '04b07795-8ddb-461a-bbee-02f9e1bf7b46' then 'Azure CLI'
     when '1950a258-227b-4e31-a9cf-717495945fc2' then 'Azure PowerShell'
     when 'aebc6443-996d-45c2-90f0-388ff96faa56' then 'Visual Studio Code'
     else coalesce(nullif(seen.client_type, ''),
          case when acts.app_id is null then null
               when acts.caller not like '%@%' then 'application ' || coalesce(who.display_name, acts.app_id)
               else 'client ' || acts.app_id end) end
"""

_CREATE = f"""
create or replace table changes as
with seen as (
    select change_id, min(client_type) as client_type, min(changed_by_type) as changed_by_type,
           count(property) as properties
    from change_seen group by all
),
assigned as (
    select distinct lower(assignment_id) as key, role_definition_id, principal_id from role_assignments
),
told as (
    select acts.change_id, acts.at, acts.ended_at, acts.operation, acts.resource_id, acts.status, acts.sub_status,
           {_KIND} as kind, acts.caller as changed_by,
           coalesce(who.display_name, acts.caller) as changed_by_name,
           coalesce(lower(who.type), lower(seen.changed_by_type),
                    case when acts.caller like '%@%' then 'user' end) as changed_by_type,
           acts.caller_object_id as changed_by_id, acts.app_id as client_app_id,
           {_CLIENT} as client, acts.client_ip, acts.correlation_id, d.deployment, acts.events,
           case when acts.events > 0 then 'activity_log'
                when acts.operation_key = 'microsoft.resources/deployments/write' then 'deployments'
                else 'resource_changes' end as source,
           acts.raw_ref, acts.observed_at, seen.properties,
           case when acts.operation_key like 'microsoft.authorization/roleassignments/%'
                then coalesce(acts.request, acts.response) end as assignment,
           acts.operation_key like '%/delete' as removed
    from change_acts as acts
    left join seen using (change_id)
    left join change_deployments d using (correlation_key)
    left join (select distinct on (lower(principal_id)) * from principals order by lower(principal_id)) who
        on lower(who.principal_id) = lower(acts.caller_object_id)
),
worded as (
    select told.*, coalesce(role.name, json_extract_string(assignment, '$.properties.roleDefinitionId'),
                            json_extract_string(assignment, '$.Properties.RoleDefinitionId'),
                            json_extract_string(assignment, '$.Properties.roleDefinitionId')) as role_name,
           coalesce(holder.display_name, holder.principal_id, given.principal_id) as holder_name
    from told
    left join lateral (
        select lower(coalesce(json_extract_string(assignment, '$.properties.principalId'),
                              json_extract_string(assignment, '$.Properties.principalId'),
                              json_extract_string(assignment, '$.Properties.PrincipalId'))) as principal_id,
               split_part(lower(coalesce(json_extract_string(assignment, '$.properties.roleDefinitionId'),
                              json_extract_string(assignment, '$.Properties.roleDefinitionId'),
                              json_extract_string(assignment, '$.Properties.RoleDefinitionId'))),
                          '/roledefinitions/', 2) as role
    ) as given on true
    left join (select split_part(lower(role_definition_id), '/roledefinitions/', 2) as key, min(name) as name
               from role_definitions group by all) role on role.key = given.role
    left join (select distinct on (lower(principal_id)) * from principals order by lower(principal_id)) holder
        on lower(holder.principal_id) = given.principal_id
),
properties as (
    select change_id, property, before, after, truncated, raw_ref, observed_at from change_seen
    where property is not null
    union all
    select change_id, 'roleAssignment', case when removed then role_name || ' for ' || holder_name end,
           case when not removed then role_name || ' for ' || holder_name end, false, raw_ref, observed_at
    from worded
    where assignment is not null and role_name is not null and holder_name is not null and coalesce(properties, 0) = 0
)
select {row_id("changes", "change_id", "job_id", "property")} as row_id, *
from (
    select coalesce(p.observed_at, w.observed_at) as observed_at, coalesce(p.raw_ref, w.raw_ref) as raw_ref,
           w.change_id, touched.job_id, w.resource_id, touched.relation, w.kind, w.operation, p.property, p.before,
           p.after,
           case when p.property is not null and not coalesce(p.truncated, false) then 'known'
                when p.property is not null then 'cut by Azure'
                when lower(w.status) in ('failed', 'canceled', 'cancelled') then 'nothing changed'
                when w.kind in {SILENT} then 'nothing to tell'
                else 'unknown' end as before_after,
           w.changed_by, w.changed_by_name, w.changed_by_type, w.changed_by_id,
           w.client_app_id, w.client, w.client_ip, w.at, w.ended_at, w.status,
           w.sub_status, w.source, w.correlation_id, w.deployment, w.events
    from worded w
    join change_touched as touched using (change_id)
    left join properties p using (change_id)
)
order by "at" desc, change_id, lower(job_id), property
"""

CREATE = _CREATE
"""Reads ``change_acts``, ``change_deployments``, ``change_seen`` and ``change_touched``."""
