/*---
id: JA-09
title: The job has a managed identity
area: identity
severity: medium
needs: [jobs, identities]
subjects: |
  select job_id, name as subject from population where state = 'present'
frameworks:
  mcsb: [IM-3]
  iso27001: [A.5.16]
  soc2: [CC6.1]
  nist80053: [IA-9]
rationale: >
  A job without an identity of its own can only sign in with stored secrets, which are copied, leak and outlive people.
  An identity that the job names but that no longer exists doesn't count.
remediation: >
  Assign a system-assigned or a user-assigned identity to the job, grant it the least roles that the work needs, and use
  it for images, secrets and scale rules.
limits: >
  Whether the job's code uses the identity, or a key that it keeps elsewhere, is not seen: JA-10, 11 and 12 look at
  what the configuration tells. That the identity holds the roles that it needs is not checked.
---*/
with held as (
    select lower(has.job_id) as job_key, has.kind, lower(has.identity_id) as identity_key,
           case has.kind when 'system' then 'its system-assigned identity'
                else 'the user-assigned identity ' || regexp_extract(has.identity_id, '[^/]+$') end as told,
           exists (
               select 1 from identities as known
               where lower(known.identity_id) = lower(has.identity_id) and lower(known.job_id) = lower(has.job_id)
           ) as found
    from job_identities as has
),
summed as (
    select job_key, count(*) filter (where found) as living,
           string_agg(told, ', ' order by kind, identity_key) filter (where found) as names,
           string_agg(told, ', ' order by kind, identity_key) filter (where not found) as missing
    from held
    group by job_key
)
select population.job_id,
       population.name as subject,
       case when coalesce(summed.living, 0) > 0 then 'pass' else 'fail' end as verdict,
       case
           when coalesce(summed.living, 0) > 0 then
               'it has ' || summed.names || coalesce('; it also names, though it no longer exists: ' || summed.missing, '')
           when summed.missing is not null then 'it names an identity that no longer exists: ' || summed.missing
           when jobs.identity_type is null then 'no identity is assigned (the job has no identity block)'
           else 'no identity is assigned (identity type ' || jobs.identity_type || ')'
       end as reason,
       population.raw_ref
from population
join jobs on lower(jobs.job_id) = lower(population.job_id)
left join summed on summed.job_key = lower(population.job_id)
where population.state = 'present'
