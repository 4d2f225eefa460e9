/*---
id: JA-06
title: No orphaned, guest or disabled principal holds access
area: access
severity: high
needs: [jobs, subscriptions, role_assignments, role_definitions, role_eligibility, role_activations, deny_assignments,
        principals, group_members, group_eligibility, management_groups, identities, inventory, environments,
        diagnostic_settings, workspaces, event_sources, key_vaults, registries]
subjects: |
  select job_id, unnest(['orphaned principals', 'disabled principals', 'guests']) as subject from jobs where in_scope
empty: there is no such job
frameworks:
  mcsb: [PA-3]
  iso27001: [A.5.16]
  soc2: [CC6.2]
  nist80053: [AC-2]
  pci: ["7.2.4", "7.2.5.1"]
rationale: >
  Access that outlives its holder is found by whoever looks for it: an id that the directory no longer knows may come
  back with a restored account, a disabled account with one click, and a guest is managed by another company. All
  capabilities count, denied ones don't. Whether an account that can sign in is still used isn't seen here.
remediation: >
  Delete the assignment (az role assignment delete --ids ID), take the account out of the group, or end the guest's
  access in the directory; a guest who is meant to be there belongs into policy.approved_guests.
limits: >
  Disabled, deleted and guest are as the directory said at the moment of the collection. An id that the directory does
  not know may belong to another tenant. Whether somebody left the company or moved on while the account lives, and
  when it last signed in, is not seen.
parameters:
  approved_guests:
    type: list of text
    default: []
    description: Guests who may hold access, as ids, names, or names with * and ?.
---*/
with approved as (
    select distinct entry
    from (
        select lower(trim(unnest(from_json(value, '["VARCHAR"]')))) as entry
        from parameters where control_id = 'JA-06' and name = 'approved_guests' and job_id is null
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
-- Whoever the directory couldn't be asked about, or of whom it doesn't say enough, may be one of them.
troubled as (
    select lower(principal_id) as principal_key, concern, false as unknown,
           case concern when 'orphaned' then 'orphaned principals' when 'disabled' then 'disabled principals'
                        else 'guests' end as subject
    from access_principals
    where concern is not null
      and not (concern = 'guest' and lower(principal_id) in (select principal_key from named))
    union all
    select lower(principal_id), null, true, unnest(['orphaned principals', 'disabled principals', 'guests'])
    from access_principals where resolved is null
    union all
    select lower(principal_id), null, true, 'disabled principals'
    from access_principals where resolved and enabled is null and type in ('User', 'ServicePrincipal')
    union all
    select lower(principal_id), null, true, 'guests'
    from access_principals where resolved and user_type is null and type = 'User'
    union all
    select lower(principal_id), 'guest', false, 'guests'
    from access_principals
    where concern = 'disabled' and lower(user_type) = 'guest'
      and lower(principal_id) not in (select principal_key from named)
),
held as (
    select e.job_id, t.subject, e.principal_id, t.unknown,
           count(distinct lower(e.via_assignment_id)) as paths,
           count(distinct e.capability) as capabilities,
           min(concat(if(access = 'eligible', '1', '0'), steps, if(conditional, '1', '0'), if(group_path is null, '0', '1'), row_id)) as best
    from effective_access as e join troubled as t on t.principal_key = lower(e.principal_id)
    where not e.denied
    group by e.job_id, t.subject, e.principal_id, t.unknown
),
counted as (
    select job_id, subject, count(*) filter (where not unknown) as holders, count(*) filter (where unknown) as unknown,
           min({'rank': (left(best, 1), -capabilities), 'principal_id': principal_id, 'best': best, 'paths': paths,
                'extra': ', for ' || capabilities
                || case when capabilities = 1 then ' capability' else ' capabilities' end}, 3)
               filter (where not unknown) as firsts
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
-- What may hide somebody; an address outside Azure has no roles of Azure's and doesn't.
hidden as (
    select lower(job_id) as job_key, list_sort(list(distinct why)) as reasons
    from (
        select job_id, capability, unnest(from_json(reasons, '["VARCHAR"]')) as why
        from access_answers where not complete
    )
    where not ends_with(why, ': an address outside Azure Resource Manager')
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
),
answered as (
    select asked.job_id, asked.subject, asked.raw_ref, coalesce(counted.holders, 0) as holders,
           coalesce(counted.unknown, 0) as unknown, worded.told, worded.raw_ref as told_ref, hidden.reasons,
           anybody.job_key is not null as anybody
    from (
        select job_id, raw_ref, unnest(['orphaned principals', 'disabled principals', 'guests']) as subject
        from jobs where in_scope
    ) as asked
    left join counted on lower(counted.job_id) = lower(asked.job_id) and counted.subject = asked.subject
    left join worded on lower(worded.job_id) = lower(asked.job_id) and worded.subject = asked.subject
    left join hidden on hidden.job_key = lower(asked.job_id)
    left join (select distinct lower(job_id) as job_key from effective_access where not denied) as anybody
        on anybody.job_key = lower(asked.job_id)
)
select job_id,
       subject,
       case
           when holders > 0 then 'fail'
           when unknown > 0 or reasons is not null then 'not_assessed'
           when not anybody then 'not_applicable'
           else 'pass'
       end as verdict,
       case
           when holders > 0 then holders || case when holders = 1 then ' holds access: ' else ' hold access: ' end || told
               || case when holders > 3 then '; and ' || (holders - 3) || ' more' else '' end
           when unknown > 0 then 'the directory says too little about ' || unknown || ' who hold access'
           when not anybody then 'nobody holds access to it'
           else 'none of these holds access'
       end
       || coalesce('; there may be more: ' || left(array_to_string(reasons, '; '), 300), '') as reason,
       coalesce(told_ref, raw_ref) as raw_ref
from answered
