/*---
id: JA-01
title: Only approved principals can create, change or delete the job
area: access
severity: high
needs: [jobs, subscriptions, role_assignments, role_definitions, role_eligibility, role_activations, deny_assignments,
        principals, group_members, group_eligibility, management_groups, identities, environments]
subjects: |
  select job_id, replace(capability, '_', ' ') as subject from access_answers
  where (applicable or not complete) and capability in ('create_job', 'update_job', 'delete_job')
empty: the job has no resource that it is about
frameworks:
  mcsb: [PA-7]
  iso27001: [A.5.15, A.5.18]
  soc2: [CC6.3]
  nist80053: [AC-2, AC-5]
  pci: ["7.2.2", "7.2.4"]
rationale: >
  Whoever can write a job decides what it runs and acts as its identities. Roles reach it from every scope above it,
  through groups in groups and by roles that can be activated. A pass says that everybody who holds one is approved,
  not that each needs it: an access review asks that. Names can be borne by others: approve by id where that matters.
remediation: >
  Take the assignment away at its scope (Access control (IAM) › Role assignments, or az role assignment delete
  --assignee ID --role ROLE --scope SCOPE), or the membership from the group; or add the principal to
  policy.approved_principals by its id.
limits: >
  The moment of the collection counts, not the window. Conditions of assignments are named and never evaluated. Owners
  of a group that is not in Privileged Identity Management, owners and credentials of an application, and access
  delegated by Azure Lighthouse are not seen; each can be another way in. Deployments by a pipeline are judged as the
  pipeline, not as who can start it.
parameters:
  approved_principals:
    type: list of text
    default: []
    description: >-
      Who may do everything that controls of access ask about: ids, application ids, names, or names with * and ?; a
      group stands for its members where they hold access through it. Only an id can't be borne by somebody else.
---*/
with asked as (
    select 'JA-01' as control_id, *
    from access_answers
    where (applicable or not complete) and capability in ('create_job', 'update_job', 'delete_job')
),
approved as (
    select distinct entry
    from (
        select lower(trim(unnest(from_json(value, '["VARCHAR"]')))) as entry
        from parameters where control_id = 'JA-01' and job_id is null
    )
    where entry <> ''
),
ways as (
    select * from effective_access
    where not denied and capability in ('create_job', 'update_job', 'delete_job')
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
judged as (
    select ways.*,
           named.principal_key is not null
           or coalesce(len(list_filter(named_groups.quoted,
                  lambda each: contains(lower(ways.group_path::VARCHAR), each))) > 0, false) as ok
    from ways
    cross join named_groups
    left join named on named.principal_key = lower(ways.principal_id)
),
-- The best way first: in force, in one step, without a condition, directly; its row's id comes along.
held as (
    select job_id, capability as subject, principal_id, count(*) filter (where not ok) as paths,
           min(concat(if(access = 'eligible', '1', '0'), steps, if(conditional, '1', '0'), if(group_path is null, '0', '1'), row_id))
               filter (where not ok) as best
    from judged
    group by job_id, capability, principal_id
),
counted as (
    select job_id, subject, count(*) as holders, count(*) filter (where paths > 0) as strangers,
           min({'rank': left(best, 4), 'principal_id': principal_id, 'best': best, 'paths': paths,
                'extra': null::VARCHAR}, 3) filter (where paths > 0) as firsts
    from held
    group by job_id, subject
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
select asked.job_id,
       replace(asked.capability, '_', ' ') as subject,
       case
           when not asked.applicable or not exists (from approved) then 'not_assessed'
           when counted.strangers > 0 then 'fail'
           when not asked.complete then 'not_assessed'
           when counted.holders is null then 'not_applicable'
           else 'pass'
       end as verdict,
       case
           when not asked.applicable then 'what it is about was not found: '
           when not exists (from approved) then 'nobody has said who may (' || (
                   select string_agg('policy.' || name, ', ' order by name) from parameters
                   where control_id = asked.control_id) || '): '
               || coalesce(counted.holders, 0) || ' can now'
           when counted.strangers > 0
               then counted.strangers || ' of ' || counted.holders || ' who can are not approved: ' || worded.told
                    || case when counted.strangers > 3 then '; and ' || (counted.strangers - 3) || ' more' else '' end
           when not asked.complete
               then coalesce(counted.holders, 0) || ' are known to be able to, and all of them are approved'
           when counted.holders is null then 'nobody can: no assignment leads to it'
           else counted.holders || ' can, and all of them are approved'
       end
       || case when not asked.complete
               then case when asked.applicable then '; there may be more: ' else '' end
                    || left(array_to_string(from_json(asked.reasons, '["VARCHAR"]'), '; '), 300)
               else '' end as reason,
       coalesce(worded.raw_ref, asked.raw_ref) as raw_ref
from asked
left join counted on lower(counted.job_id) = lower(asked.job_id) and counted.subject = asked.capability
left join worded on lower(worded.job_id) = lower(asked.job_id) and worded.subject = asked.capability
