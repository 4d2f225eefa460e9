/*---
id: JA-08
title: Privileged access is eligible, not standing
area: access
severity: high
needs: [jobs, subscriptions, role_assignments, role_definitions, role_eligibility, role_activations, deny_assignments,
        principals, group_members, group_eligibility, management_groups, identities, inventory, environments,
        diagnostic_settings, workspaces, event_sources, key_vaults, registries]
subjects: |
  select job_id, 'privileged access' as subject from jobs where in_scope
empty: there is no such job
frameworks:
  mcsb: [PA-2]
  iso27001: [A.8.2]
  soc2: [CC6.3]
  nist80053: [AC-2, AC-2(7), AC-6(7)]
  pci: ["7.2.2", "7.2.5.1"]
rationale: >
  Standing access is there for whoever steals the session; eligible access asks for an activation, which is logged,
  justified and ends. Which capabilities are privileged config/capabilities.toml says. Access in force counts as
  activated where it ends within the hours that an activation may last, else as standing. Applications can't activate:
  name those that are meant to hold it. What a job's identity reaches for others is judged through whoever can act as
  it.
remediation: >
  Replace the assignment by an eligible one (Microsoft Entra Privileged Identity Management › Azure resources ›
  Assignments), or take it away; name pipelines and break-glass accounts in policy.standing_principals.
limits: >
  Whether an activation asks for approval, a second factor or a reason is a setting of Privileged Identity Management
  that is not read, nor is who approved one. An assignment that ends within the hours of an activation counts as one
  even if it was made by hand. Conditions of assignments are named and never evaluated. Owners of a group that is not
  in Privileged Identity Management, owners and credentials of an application, and access delegated by Azure
  Lighthouse are not seen; each can be another way in.
parameters:
  standing_principals:
    type: list of text
    default: []
    description: >-
      Who may hold privileged access without activating it, such as pipelines and break-glass accounts: ids, names, or names
      with * and ?; keys of shared-access policies and registries' admin users by id only.
  activation_hours_most:
    default: 24
    description: Access that ends within so many hours counts as activated; PIM lets no activation last longer than 24.
---*/
with approved as (
    select distinct entry
    from (
        select lower(trim(unnest(from_json(value, '["VARCHAR"]')))) as entry
        from parameters where control_id = 'JA-08' and name = 'standing_principals' and job_id is null
    )
    where entry <> ''
),
-- A name stands for everybody who bears it; * and ? in it for any text and any character. Keys go by their id alone.
named as (
    select distinct lower(p.principal_id) as principal_key, p.type
    from access_principals as p
    join (
        select entry, replace(replace(replace(replace(replace(
                   entry, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'), '?', '_') as pattern
        from approved
    ) as a
        on lower(p.principal_id) = a.entry or lower(p.app_id) = a.entry
        or (coalesce(p.type, '') not in ('SharedAccessPolicy', 'AdminUser')
            and (lower(p.display_name) like a.pattern escape '\'
                 or lower(p.user_principal_name) like a.pattern escape '\'))
),
named_groups as (
    select coalesce(list('"' || principal_key || '"'), []) as quoted from named where type ilike '%group'
),
setting as (
    select to_hours(max(value)::INTEGER) as activation
    from parameters where control_id = 'JA-08' and name = 'activation_hours_most' and job_id is null
),
-- What somebody holds in two steps follows from acting as the identity, which is privileged itself. The job's own
-- identity reads its vault, which is what it is for.
ways as (
    select * from effective_access
    where steps = 1 and not denied and capability in (select capability from capabilities where privileged)
      and not (capability = 'read_vault_secret' and (lower(job_id), lower(principal_id)) in (
          select lower(job_id), lower(principal_id) from identities))
),
judged as (
    select ways.*, access = 'active' and coalesce(expires > observed_at + activation, true) as standing,
           named.principal_key is not null
           or coalesce(len(list_filter(named_groups.quoted,
                  lambda each: contains(lower(ways.group_path::VARCHAR), each))) > 0, false) as ok
    from ways
    cross join named_groups
    cross join setting
    left join named on named.principal_key = lower(ways.principal_id)
),
held as (
    select job_id, principal_id, count(distinct capability) filter (where standing and not ok) as capabilities,
           count(distinct lower(via_assignment_id))
               filter (where standing and not ok) as paths,
           bool_or(standing and ok) as allowed,
           bool_or(not standing) as activating,
           min(concat(if(access = 'eligible', '1', '0'), steps, if(conditional, '1', '0'), if(group_path is null, '0', '1'), row_id))
               filter (where standing and not ok) as best
    from judged
    group by job_id, principal_id
),
counted as (
    select job_id, 'privileged access' as subject, count(*) as holders, count(*) filter (where paths > 0) as strangers,
           count(*) filter (where allowed) as allowed, count(*) filter (where activating) as activating,
           min({'rank': -capabilities, 'principal_id': principal_id, 'best': best, 'paths': paths,
                'extra': ', for ' || capabilities
                || case when capabilities = 1 then ' capability' else ' capabilities' end}, 3)
               filter (where paths > 0) as firsts
    from held
    group by job_id
),
shown as (
    select counted.job_id, counted.subject, one.position, one.principal_id, one.paths, one.extra,
           {'access': e.access, 'conditional': e.conditional, 'via_kind': e.via_kind, 'scope': e.scope,
            'role_guid': lower(split_part(e.role_definition_id, '/', -1)), 'group_path': e.group_path::VARCHAR,
            'expires': e.expires, 'through_identity': e.through_identity, 'raw_ref': e.raw_ref} as path
    from counted
    cross join lateral (
        select unnest(firsts, recursive := true), generate_subscripts(firsts, 1) as position
    ) as one
    join effective_access as e on e.row_id = substr(one.best, 5)
),
-- What may hide somebody; an address outside Azure has no roles of Azure's and doesn't.
hidden as (
    select lower(job_id) as job_key, list_sort(list(distinct why)) as reasons
    from (
        select job_id, capability, unnest(from_json(reasons, '["VARCHAR"]')) as why
        from access_answers where not complete
    )
    where not ends_with(why, ': an address outside Azure Resource Manager')
      and capability in (select capability from capabilities where privileged)
    group by lower(job_id)
),
-- Who, by which role, where and through which groups: the same words in every control of access.
people as (
    select lower(principal_id) as principal_key, type,
           case type when 'SharedAccessPolicy' then 'whoever has the key of '
                     when 'AdminUser' then 'whoever has the password of the admin user of ' else '' end
           || '"' || replace(left(coalesce(display_name, user_principal_name, principal_id), 80), '"', '''') || '"'
           || coalesce(' (' || nullif(concat_ws(' ', concern,
                  case type when 'User' then 'user' when 'ServicePrincipal' then 'application'
                            when 'Group' then 'group, members unknown' else lower(type) end,
                  '"' || replace(left(coalesce(user_principal_name, app_id), 80), '"', '''') || '"'), '') || ')', '')
               as told,
           replace(left(coalesce(display_name, principal_id), 80), '"', '''') as name
    from access_principals
),
roles as (
    select lower(role_guid) as role_guid, replace(left(min(name), 80), '"', '''') as name
    from role_definitions group by lower(role_guid)
),
hops as (
    select group_path, unnest(ids) as id, generate_subscripts(ids, 1) as hop, len(ids) as hops
    from (
        select distinct path.group_path as group_path, from_json(path.group_path, '["VARCHAR"]') as ids
        from shown where path.group_path is not null
    )
),
through as (
    select group_path,
           ', through the group ' || string_agg('"' || coalesce(name, id) || '"', ' and in it ' order by hop)
           || case when max(hops) > 4 then ' and ' || (max(hops) - 4) || ' more' else '' end as told
    from hops left join people on principal_key = lower(id)
    where hop <= 4
    group by group_path
),
places as (
    select distinct path.scope as scope, string_split(rtrim(path.scope, '/'), '/') as parts from shown
),
located as (
    select scope,
           case when len(parts) < 3 then 'the tenant''s root'
                when scope ilike '/providers/Microsoft.Management/managementGroups/%'
                    then 'the management group "' || parts[-1] || '"'
                when len(parts) = 3
                    then 'the subscription "' || replace(left(coalesce(name, parts[3]), 80), '"', '''') || '"'
                when len(parts) = 5 then 'the resource group "' || parts[5] || '"'
                else 'the ' || parts[-2] || ' "' || parts[-1] || '"' end as told
    from places left join subscriptions on lower(subscription_id) = lower(parts[3])
),
worded as (
    select shown.job_id, shown.subject,
           string_agg(
               coalesce(people.told, '"' || shown.principal_id || '"') || ': '
               || case when path.via_kind in ('role', 'eligibility')
                           then '"' || coalesce(roles.name, path.role_guid, 'an unknown role') || '"'
                       else 'the ' || replace(path.via_kind, '_', ' ') end
               || ' at ' || located.told || coalesce(through.told, '')
               || case when path.through_identity is null then ''
                       else ', by acting as the identity "' || split_part(path.through_identity, '/', -1) || '"' end
               || case when path.access = 'eligible' then ', after an activation' else '' end
               || case when path.conditional then ', under a condition' else '' end
               || coalesce(', until ' || strftime(path.expires at time zone 'UTC', '%Y-%m-%d %H:%M UTC'), '')
               || case when shown.paths > 2 then ' (and ' || (shown.paths - 1) || ' other ways)'
                       when shown.paths = 2 then ' (and another way)' else '' end
               || coalesce(shown.extra, ''),
               '; ' order by shown.position) as told,
           arg_min(path.raw_ref, shown.position) as raw_ref
    from shown
    left join people on principal_key = lower(shown.principal_id)
    left join roles on roles.role_guid = path.role_guid
    left join located on located.scope = path.scope
    left join through on through.group_path = path.group_path
    group by shown.job_id, shown.subject
)
select jobs.job_id,
       'privileged access' as subject,
       case
           when counted.strangers > 0 then 'fail'
           when hidden.reasons is not null then 'not_assessed'
           when counted.holders is null then 'not_applicable'
           else 'pass'
       end as verdict,
       case
           when counted.holders is null then 'nobody holds privileged access to it'
           when counted.strangers = 0
               then 'nobody holds it standing but ' || counted.allowed || ' of policy.standing_principals; '
                    || counted.activating || ' may or did activate it'
           else counted.strangers || ' of ' || counted.holders || ' hold it standing: ' || worded.told
                || case when counted.strangers > 3 then '; and ' || (counted.strangers - 3) || ' more' else '' end
       end
       || coalesce('; there may be more: ' || left(array_to_string(hidden.reasons, '; '), 300), '') as reason,
       coalesce(worded.raw_ref, jobs.raw_ref) as raw_ref
from jobs
left join counted on lower(counted.job_id) = lower(jobs.job_id)
left join worded on lower(worded.job_id) = lower(jobs.job_id)
left join hidden on hidden.job_key = lower(jobs.job_id)
where jobs.in_scope
