/*---
id: JA-14
title: The job's identity is not shared with other jobs
area: identity
severity: medium
needs: [jobs, subscriptions, identities]
subjects: |
  select distinct on (lower(job_id), lower(identity_id)) job_id,
         case when kind = 'system' then 'system-assigned identity'
              else split_part(identity_id, '/', -1) || ' in ' || split_part(identity_id, '/', 5)
                   || case when lower(split_part(identity_id, '/', 3)) = lower(split_part(job_id, '/', 3)) then ''
                           else ' of ' || split_part(identity_id, '/', 3) end end as subject
  from job_identities
  order by lower(job_id), lower(identity_id), identity_id
empty: the job has no identity
frameworks:
  mcsb: [PA-7]
  iso27001: [A.5.15]
  soc2: [CC6.3]
  nist80053: [IA-9, AC-5]
  pci: ["8.6.3"]
rationale: >
  An identity that several jobs carry gives each of them what any of them needs, and what one of them leaks opens the
  others. Jobs of every trigger count. Other workloads that carry the identity, and its federated credentials, are not
  looked at, so a pass says that no other job shares it.
remediation: >
  Give each job an identity of its own (az identity create, az containerapp job identity assign), grant it what that
  job needs, then take the shared one away. One that is shared on purpose, to pull images say, belongs into
  policy.shared_identities.
limits: >
  Only jobs in subscriptions that were collected can be found to share it: apps, functions and machines that carry it,
  and whoever else may sign in by its federated credentials, are not looked at.
parameters:
  shared_identities:
    type: list of text
    default: []
    description: Identities that jobs may share, as resource ids or names, or names with * and ?.
---*/
with allowed as (
    select replace(replace(replace(replace(replace(entry, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'), '?', '_') as pattern
    from (
        select distinct lower(trim(unnest(from_json(value, '["VARCHAR"]')))) as entry
        from parameters where control_id = 'JA-14' and name = 'shared_identities' and job_id is null
    )
    where entry <> ''
),
carried as (
    select distinct on (lower(job_id), lower(identity_id)) job_id, lower(identity_id) as identity_key, identity_id, kind,
           split_part(identity_id, '/', -1) as name, raw_ref
    from job_identities
    order by lower(job_id), lower(identity_id), identity_id
),
-- Each identity with the first jobs that carry it: one more than is told, as the job asked about is left out.
carriers as (
    select identity_key, count(*) as jobs,
           list({'name': split_part(job_id, '/', -1), 'group': split_part(job_id, '/', 5), 'job_key': lower(job_id)}
                order by lower(split_part(job_id, '/', -1)), lower(job_id))[1:4] as firsts
    from carried group by identity_key
),
unlisted as (
    select string_agg(kind || ' at ' || scope || ': ' || coalesce(reason, 'unknown'), '; ' order by kind, scope) as told
    from (
        select kind, scope, reason from coverage
        where kind in ('jobs', 'subscriptions', 'reconciliation') and outcome = 'gap'
        order by kind, scope limit 3
    )
),
judged as (
    select carried.*, carriers.jobs - 1 as others,
           array_to_string(list_transform(
               list_filter(carriers.firsts, lambda each: each.job_key <> lower(carried.job_id))[1:3],
               lambda each: each.name || ' in ' || each."group"), ', ') as told,
           exists (
               from allowed
               where lower(carried.name) like pattern escape '\' or carried.identity_key like pattern escape '\'
           ) as meant,
           (select told from unlisted) as unlisted
    from carried join carriers using (identity_key)
)
select job_id,
       case when kind = 'system' then 'system-assigned identity'
            else name || ' in ' || split_part(identity_id, '/', 5)
                 || case when lower(split_part(identity_id, '/', 3)) = lower(split_part(job_id, '/', 3)) then ''
                         else ' of ' || split_part(identity_id, '/', 3) end end as subject,
       case when kind = 'system' then 'pass'
            when others > 0 and not meant then 'fail'
            when unlisted is not null and not meant then 'not_assessed'
            else 'pass' end as verdict,
       case when kind = 'system' then 'it belongs to the job alone, by its nature'
            when others > 0
                then 'shared with ' || others || case when others = 1 then ' other job: ' else ' other jobs: ' end || told
                || case when others > 3 then ', and ' || (others - 3) || ' more' else '' end
                || case when meant then '; policy.shared_identities allows it' else '' end
            else 'no other job that is known carries it' end
       || coalesce('; jobs could not all be listed: ' || unlisted, '') as reason,
       raw_ref
from judged
