/*---
id: JA-20
title: Timeout and retries are bounded, and the timeout leaves room for the work
area: reliability
severity: medium
needs: [jobs, executions]
spares:
  executions: [replica timeout, retry limit]
subjects: |
  select job_id, setting as subject
  from population
  cross join (values ('replica timeout'), ('retry limit'), ('room for the work')) as s (setting)
  where state = 'present'
frameworks:
  mcsb: [PV-2]
  iso27001: [A.8.6]
  soc2: [PI1.3]
  nist80053: [CM-6]
rationale: >
  The timeout is all that ends a replica that hangs, and the retries are what a message that can't be processed costs at
  once. A timeout that the work nearly reaches cuts off the next larger piece of it. Where the timeout was longer or
  shorter earlier in the window, executions are still held against the one that is set now.
remediation: >
  az containerapp job update --name JOB --resource-group GROUP --replica-timeout SECONDS --replica-retry-limit N, or in
  the portal the job › Configuration; or change the baseline in [policy] if the wider bound is meant. Work that needs
  longer than any sensible timeout is better cut into smaller messages.
limits: >
  Durations include the time in which an execution waits for its image and its node. Whether what a retry repeats is
  idempotent, no setting tells; jobs.toml has a place to state it.
parameters:
  replica_timeout_most_s:
    default: 21600
    description: Longest replica timeout, in seconds.
  retry_limit_most:
    default: 3
    description: Most retries of a replica within one execution.
  timeout_room_percent:
    default: 10
    description: How many percent of the timeout have to be left above the p95 duration of the window's executions.
  quantile_executions_least:
    default: 20
    description: Executions from which their p95 is told; with fewer, the longest of them counts.
---*/
with setting as (
    select cast(max(value) filter (where name = 'replica_timeout_most_s') as bigint) as timeout_most,
           cast(max(value) filter (where name = 'retry_limit_most') as bigint) as retries_most,
           cast(max(value) filter (where name = 'timeout_room_percent') as bigint) as room,
           cast(max(value) filter (where name = 'quantile_executions_least') as bigint) as enough
    from parameters
    where control_id = 'JA-20' and job_id is null
),
held as (
    select jobs.job_id, jobs.raw_ref, jobs.replica_timeout_s as timeout, jobs.replica_retry_limit as retries, setting.*,
           coalesce(ran.measured, 0) as measured,
           coalesce(ran.executions, 0) as executions,
           case when ran.measured >= setting.enough then ran.p95_s else ran.longest_s end as took,
           ran.longest_s, ran.longest_name, ran.longest_ref,
           jobs.replica_timeout_s * (100 - setting.room) / 100.0 as allowed
    from jobs
    cross join setting
    left join execution_totals as ran on lower(ran.job_id) = lower(jobs.job_id)
    where jobs.in_scope
)
select job_id, 'replica timeout' as subject,
       case when timeout is null then 'not_assessed' when timeout between 1 and timeout_most then 'pass' else 'fail' end
           as verdict,
       case when timeout is null then 'Azure doesn''t state it'
            else 'set to ' || timeout || ' s; '
                 || if(timeout between 1 and timeout_most, 'within', 'outside') || ' the baseline of 1 to ' || timeout_most
                 || ' s' end as reason,
       raw_ref
from held
union all
select job_id, 'retry limit',
       case when retries is null then 'not_assessed' when retries between 0 and retries_most then 'pass' else 'fail' end,
       case when retries is null then 'unset, and Azure doesn''t state what holds then'
            else 'set to ' || retries || '; ' || if(retries between 0 and retries_most, 'within', 'outside')
                 || ' the baseline of 0 to ' || retries_most end,
       raw_ref
from held
union all
select job_id, 'room for the work',
       case when timeout is null then 'not_assessed'
            when measured = 0 and executions > 0 then 'not_assessed'
            when measured = 0 then 'not_applicable'
            when took <= allowed then 'pass'
            else 'fail' end,
       case when timeout is null then 'Azure doesn''t state the timeout'
            when measured = 0 and executions > 0
                then 'of ' || executions || ' executions in the window nothing tells how long they took'
            when measured = 0 then 'no execution ran in the window'
            else case when measured >= enough then 'the p95 of ' || measured || ' executions took ' || round(took)::BIGINT
                           || ' s, the longest (' || replace(left(longest_name, 80), '"', '''') || ') '
                           || round(longest_s)::BIGINT || ' s'
                      else 'the longest of ' || measured || ' executions (' || replace(left(longest_name, 80), '"', '''')
                           || ') took ' || round(took)::BIGINT || ' s' end
                 || '; the timeout of ' || timeout || ' s leaves ' || greatest(0, floor(100 - 100 * took / timeout))::BIGINT
                 || ' % above that, at least ' || room || ' % expected'
       end,
       coalesce(longest_ref, raw_ref)
from held
