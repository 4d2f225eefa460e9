/*---
id: JA-05
title: Few can grant access from above the job
area: access
severity: high
needs: [jobs, subscriptions, role_assignments, role_definitions, role_eligibility, role_activations, deny_assignments,
        principals, group_members, group_eligibility, management_groups]
subjects: |
  select job_id, unnest(['owners', 'user access administrators']) as subject from jobs where in_scope
empty: there is no such job
frameworks:
  mcsb: [PA-1]
  iso27001: [A.8.2]
  soc2: [CC6.3]
  nist80053: [AC-2, AC-2(7), AC-6(7)]
  pci: ["7.2.2", "7.2.5.1"]
  cis: ["5.3.3", "5.7"]
rationale: >
  Everybody who can grant access at the job's resource group, its subscription, a management group or the tenant can
  take the job, so their number is the attack surface. Roles count by what they allow, whatever they are called:
  granting and writing jobs makes an owner, granting alone a user access administrator. People and applications are
  counted, each once, after groups are unfolded, eligible ones included. Break-glass accounts count: set the number
  accordingly.
remediation: >
  Take surplus assignments away at their scope (Access control (IAM) › Role assignments), make administrators eligible
  instead of active, and put a condition on what a pipeline may hand out.
limits: >
  The moment of the collection counts, not the window. Conditions of assignments are named and never evaluated. Owners
  of a group that is not in Privileged Identity Management, owners and credentials of an application, and access
  delegated by Azure Lighthouse are not seen; each can be another way in. Whether two accounts are one person's is not
  known, nor how well any of them is protected.
parameters:
  owners_most:
    default: 3
    description: Most principals that may be owners of anything above a job.
  access_administrators_most:
    default: 2
    description: Most principals that may grant access above a job without being owners.
---*/
with setting as (
    select max(value) filter (where name = 'owners_most')::INTEGER as owners_most,
           max(value) filter (where name = 'access_administrators_most')::INTEGER as administrators_most
    from parameters
    where control_id = 'JA-05' and job_id is null
),
ways as (
    select * from effective_access
    where steps = 1 and capability in ('grant_access', 'update_job') and via_kind in ('role', 'eligibility')
      and not starts_with(lower(scope), lower(job_id))
),
-- One assignment to one principal: what it grants there, and whether the same assignment lets them write the job.
judged as (
    select job_id, principal_id, via_assignment_id,
           case when bool_or(capability = 'update_job') then 'owners' else 'user access administrators' end as subject,
           count(*) filter (where capability = 'grant_access' and not denied) as paths,
           min(concat(if(access = 'eligible', '1', '0'), steps, if(conditional, '1', '0'), if(group_path is null, '0', '1'), row_id))
               filter (where capability = 'grant_access' and not denied) as best
    from ways
    group by job_id, principal_id, via_assignment_id
),
held as (
    select job_id, subject, principal_id, count(*) as paths, min(best) as best
    from judged
    where paths > 0
    group by job_id, subject, principal_id
),
counted as (
    select job_id, subject, count(*) as holders, count(*) filter (where best[1] = '1') as eligible,
           count(*) filter (where best[3] = '1') as conditional,
           min({'rank': left(best, 4), 'principal_id': principal_id, 'best': best, 'paths': paths,
                'extra': null::VARCHAR}, 3) as firsts
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
    where not ends_with(why, ': an address outside Azure Resource Manager') and capability in ('grant_access', 'update_job')
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
asked as (
    select job_id, raw_ref, unnest(['owners', 'user access administrators']) as subject,
           unnest([owners_most, administrators_most]) as most
    from jobs cross join setting
    where in_scope
),
answered as (
    select asked.*, coalesce(counted.holders, 0) as holders, counted.eligible, counted.conditional, worded.told,
           worded.raw_ref as told_ref, hidden.reasons,
           lower(asked.job_id) in (select lower(job_id) from counted) as anybody
    from asked
    left join counted on lower(counted.job_id) = lower(asked.job_id) and counted.subject = asked.subject
    left join worded on lower(worded.job_id) = lower(asked.job_id) and worded.subject = asked.subject
    left join hidden on hidden.job_key = lower(asked.job_id)
)
select job_id,
       subject,
       case
           when holders > most then 'fail'
           when reasons is not null then 'not_assessed'
           when not anybody then 'not_applicable'
           else 'pass'
       end as verdict,
       case when not anybody then 'nobody above the job can grant access'
            else holders || ' above the job' || case when holders > 0
                    then ' (' || eligible || ' of them after an activation, ' || conditional || ' under a condition)'
                                                             else '' end
                 || ', at most ' || most || ' expected'
                 || coalesce(': ' || told, '')
                 || case when holders > 3 then '; and ' || (holders - 3) || ' more' else '' end
       end
       || coalesce('; there may be more: ' || left(array_to_string(reasons, '; '), 300), '') as reason,
       coalesce(told_ref, raw_ref) as raw_ref
from answered
