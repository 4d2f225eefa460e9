/*---
id: JA-39
title: The job is in use, and so is all that it holds
area: ownership
severity: low
needs: [jobs, executions, identities, role_assignments, group_members]
spares:
  executions: [changes, identities, secrets]
  identities: [executions, changes, secrets]
  role_assignments: [executions, changes, secrets]
  group_members: [executions, changes, secrets]
subjects: |
  select job_id, aspect as subject
  from population cross join (values ('executions'), ('changes'), ('identities'), ('secrets')) as asked (aspect)
  where state = 'present'
frameworks:
  mcsb: [AM-3]
  iso27001: [A.5.9]
  soc2: [CC6.3]
rationale: >
  A job that nobody needs any more keeps its identity, its secrets and its rights, and nobody notices when somebody
  else uses them. One that was not changed for a year runs on an image of a year ago.
remediation: >
  Ask the owner; then az containerapp job delete --name JOB --resource-group GROUP, or deploy it anew. Take away what
  is not used: az containerapp job identity remove --name JOB --resource-group GROUP --user-assigned IDENTITY_ID, az
  containerapp job secret remove --name JOB --resource-group GROUP --secret-names NAME.
limits: >
  An identity counts as used where the job's configuration names it (rules, secrets, images) or where a role
  assignment that was read gives it, or a group that it is in, anything at all; code that uses it says so nowhere. One
  that reaches a vault only by an access policy of a vault that the job does not name looks unused. Whether the work
  of an execution was needed is not judged. Where the run reads only some of the subscriptions that the caller can
  see, an identity that looks unused is not assessed: it may hold something in the others. A job whose list of
  executions has a hole is not assessed for them, even if it ran today.
parameters:
  stale_after_days:
    default: 90
    description: Days without any execution after which a job counts as stale.
  unchanged_after_days:
    default: 365
    description: Days without a change of the job after which it counts as stale.
---*/
with setting as (
    select to_days(max(value) filter (where name = 'stale_after_days')::INTEGER) as idle,
           to_days(max(value) filter (where name = 'unchanged_after_days')::INTEGER) as unchanged
    from parameters where control_id = 'JA-39' and job_id is null
),
here as (
    select population.job_id, lower(population.job_id) as job_key, population.raw_ref, population.observed_at,
           jobs.created_at, jobs.modified_at,
           coalesce(' by "' || replace(left(jobs.modified_by, 80), '"', '''') || '"', '') as modifier, setting.*
    from population
    join jobs on lower(jobs.job_id) = lower(population.job_id)
    cross join setting
    where population.state = 'present'
),
-- How far back executions are known without a hole; null = from the beginning.
stretch as (
    select lower(scope) as job_key, "from" as since, "to" as until, raw_ref
    from continuity
    where kind = 'executions' and state = 'continuous'
    qualify row_number() over (partition by lower(scope) order by "to" desc, row_id) = 1
),
ran as (
    select job_key, max(started) as last, arg_max(raw_ref, (started, raw_ref)) as raw_ref
    from (
        select lower(job_id) as job_key, started, raw_ref from executions
        union all
        select lower(job_id), started, raw_ref from execution_history
    )
    where started is not null
    group by job_key
),
work as (
    select here.*, ran.last, coalesce(ran.raw_ref, stretch.raw_ref) as ran_ref, stretch.job_key is not null as known,
           stretch.since, coalesce(stretch.until, here.observed_at) - idle as since_when
    from here
    left join stretch on stretch.job_key = here.job_key
    left join ran on ran.job_key = here.job_key
),
-- What names an identity; the system-assigned one has the job's own id.
named as (
    select job_key, if(lower(identity) = 'system', job_key, lower(identity)) as identity_key,
           string_agg(distinct place, ', ' order by place) as places
    from (
        select lower(job_id) as job_key, identity, 'scale rules' as place from scale_rules
        union all
        select lower(job_id), identity, 'secrets' from job_secrets
        union all
        select lower(job_id), identity, 'images' from job_registries
    )
    group by all
),
carried as (
    select distinct on (lower(has.job_id), lower(has.identity_id))
           lower(has.job_id) as job_key, lower(has.identity_id) as identity_key, has.kind, has.raw_ref,
           lower(coalesce(known.principal_id, has.principal_id)) as principal_key, known.identity_id is not null as there,
           case when has.kind = 'system' then 'the system-assigned identity'
                else '"' || replace(left(split_part(has.identity_id, '/', -1), 80), '"', '''') || '"' end as told
    from job_identities as has
    left join identities as known
        on lower(known.identity_id) = lower(has.identity_id) and lower(known.job_id) = lower(has.job_id)
    order by lower(has.job_id), lower(has.identity_id), known.row_id nulls last
),
holders as (
    select distinct principal_key, principal_key as holder_key from carried where principal_key is not null
    union
    select carried.principal_key, lower(group_members.group_id)
    from carried join group_members on lower(group_members.member_id) = carried.principal_key
),
granted as (
    select holders.principal_key, count(distinct lower(assignment_id)) as roles
    from holders join role_assignments on lower(role_assignments.principal_id) = holders.holder_key
    group by holders.principal_key
),
used as (
    select carried.*, named.places, coalesce(granted.roles, 0) as roles
    from carried
    left join named on named.job_key = carried.job_key and named.identity_key = carried.identity_key
    left join granted on granted.principal_key = carried.principal_key
),
-- What an identity holds elsewhere, or by a group whose members nobody told, is no gap of the job and yet unknown.
unread as (
    select min(told) as told
    from (
        select kind || ' at ' || scope || ': ' || coalesce(reason, 'unknown') as told
        from coverage where kind in ('role_assignments', 'group_members') and outcome = 'gap'
        union all
        select 'role_assignments at /subscriptions/' || subscription_id || ': outside the run''s scope' from subscriptions
        where lower('/subscriptions/' || subscription_id) not in (
            select lower(rtrim(scope, '/')) from coverage where kind = 'role_assignments' and place is null)
    )
),
weighed as (
    select used.*, unread.told as unread_told,
           case when not there then 'gone' when places is not null or roles > 0 then 'used'
                when principal_key is null or unread.told is not null then 'open' else 'unused' end as state
    from used cross join unread
),
identities_told as (
    select job_key, count(*) as identities, count(*) filter (where state in ('gone', 'unused')) as idle_ones,
           count(*) filter (where state = 'open') as open_ones,
           array_to_string(list(told || case state when 'gone' then ' no longer exists' when 'unused' then
               ' is named by no rule, secret or image, and no role assignment gives it anything' else
               case when principal_key is null then ': who it is in the directory is not told'
                    else ': what it holds could not all be read (' || left(unread_told, 160) || ')' end end order by identity_key)
               filter (where state <> 'used')[1:3], '; ') as against,
           array_to_string(list(told || coalesce(', named by ' || places, '') || ', role assignments: ' || roles
               order by identity_key) filter (where state = 'used')[1:3], '; ') as good,
           coalesce(min(raw_ref) filter (where state <> 'used'), min(raw_ref)) as raw_ref
    from weighed group by job_key
),
references_made as (
    select lower(job_id) as job_key, lower(secret_ref) as secret_key from job_values
    union
    select lower(job_id), lower(entry.value ->> '$.secretRef') from scale_rules, json_each(coalesce(auth, '[]')) as entry
    union
    select lower(job_id), lower(password_secret_ref) from job_registries
),
secrets_told as (
    select job_key, count(*) as secrets, count(*) filter (where not referred) as idle_ones,
           array_to_string(list('"' || replace(left(name, 80), '"', '''') || '"' order by lower(name), name)
               filter (where not referred)[1:3], ', ') as against,
           coalesce(min(raw_ref) filter (where not referred), min(raw_ref)) as raw_ref
    from (
        select lower(job_id) as job_key, name, raw_ref,
               (lower(job_id), lower(name)) in (select (job_key, secret_key) from references_made
                                                where secret_key is not null) as referred
        from job_secrets
    )
    group by job_key
)
select job_id,
       'executions' as subject,
       case when last >= since_when then 'pass'
            when not known then 'not_assessed'
            when created_at > since_when then 'not_applicable'
            when since is null or since <= since_when then 'fail'
            else 'not_assessed' end as verdict,
       case when last is null then 'no execution is known' else 'the last execution that is known started on '
                || strftime(last at time zone 'UTC', '%Y-%m-%d') end
       || case when last >= since_when then ''
               when not known then ', and whether these are all isn''t known'
               when created_at > since_when then '; the job was made on '
                   || strftime(created_at at time zone 'UTC', '%Y-%m-%d') || ', less than ' || extract(day from idle)
                   || ' days before'
               when since is null or since <= since_when then ', none in the ' || extract(day from idle) || ' days since '
                   || strftime(since_when at time zone 'UTC', '%Y-%m-%d')
               else '; what was before ' || strftime(since at time zone 'UTC', '%Y-%m-%d') || ' isn''t known, and '
                   || extract(day from idle) || ' days are asked' end as reason,
       coalesce(ran_ref, raw_ref) as raw_ref
from work
union all
select job_id, 'changes',
       case when modified_at is null then 'not_assessed'
            when modified_at >= observed_at - unchanged then 'pass' else 'fail' end,
       case when modified_at is null then 'Azure did not say when the job was last changed'
            else 'last changed on ' || strftime(modified_at at time zone 'UTC', '%Y-%m-%d') || modifier
                || case when modified_at >= observed_at - unchanged then ''
                        else ', more than ' || extract(day from unchanged) || ' days ago' end end,
       raw_ref
from here
union all
select here.job_id, 'identities',
       case when identities is null then 'not_applicable' when idle_ones > 0 then 'fail'
            when open_ones > 0 then 'not_assessed' else 'pass' end,
       case when identities is null then 'the job has no identity'
            when idle_ones > 0 or open_ones > 0 then against
                || case when idle_ones + open_ones > 3 then '; and ' || (idle_ones + open_ones - 3) || ' more' else '' end
            else good || case when identities > 3 then '; and ' || (identities - 3) || ' more' else '' end end,
       coalesce(identities_told.raw_ref, here.raw_ref)
from here left join identities_told using (job_key)
union all
select here.job_id, 'secrets',
       case when secrets is null then 'not_applicable' when idle_ones > 0 then 'fail' else 'pass' end,
       case when secrets is null then 'the job has no secret'
            when idle_ones > 0 then 'nothing in the job refers to ' || against
                || case when idle_ones > 3 then ', and ' || (idle_ones - 3) || ' more' else '' end
            else 'each is referred to (secrets: ' || secrets || ')' end,
       coalesce(secrets_told.raw_ref, here.raw_ref)
from here left join secrets_told using (job_key)
