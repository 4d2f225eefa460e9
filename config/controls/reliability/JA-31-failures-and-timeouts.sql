/*---
id: JA-31
title: Few executions fail or need a retry, and none runs into its timeout
area: reliability
severity: medium
needs: [jobs, executions]
fails_despite: [executions]
subjects: |
  select job_id, aspect as subject
  from population cross join (values ('failures'), ('retries'), ('timeouts')) as a (aspect)
  where state = 'present'
frameworks:
  mcsb: [LT-3]
  iso27001: [A.8.16]
  soc2: [PI1.3]
  nist80053: [AU-6, SI-4]
rationale: >
  A job that starts by itself also fails by itself, and nobody sits in front of it. A retry hides a failure that was
  paid for; a timeout ends work at a point that nobody chose, and the message comes again. Executions that somebody
  stopped are JA-45's, a loop of failures JA-46's.
remediation: >
  Look at the executions named (portal: the job › Execution history, or az containerapp job execution list --name JOB
  --resource-group GROUP) and their console logs in the workspace; the dossier of the job groups its failures by reason.
  Mend the cause, or raise the timeout where the work is longer: az containerapp job update --name JOB --resource-group
  GROUP --replica-timeout SECONDS.
limits: >
  An execution counts as failed as the platform says: a program that ends with 0 after an error of its own succeeded. A
  retry shows only where Azure still tells of the execution's replicas, so of executions that the logs alone know there
  may be more. A timeout is told by the platform's reason, else by a failed execution having taken as long as the
  timeout that is set now.
parameters:
  failed_percent_most:
    default: 5
    description: Most failed executions, in percent of those in the window that ended by themselves.
  retried_percent_most:
    default: 10
    description: Most executions that succeeded after a retry only, in percent of those that succeeded.
  timeouts_most:
    default: 0
    description: Most executions in the window that ran into the replica timeout.
---*/
with setting as (
    select cast(max(value) filter (where name = 'failed_percent_most') as bigint) as failed_most,
           cast(max(value) filter (where name = 'retried_percent_most') as bigint) as retried_most,
           cast(max(value) filter (where name = 'timeouts_most') as bigint) as timeouts_most
    from parameters
    where control_id = 'JA-31' and job_id is null
),
-- Where not every execution is known, a share of those that are is no share of all: only a count is certain.
partly as (
    select distinct lower(job_id) as job_key from job_gaps where kind = 'executions'
),
held as (
    select jobs.job_id, jobs.raw_ref as job_ref, setting.*, ran.* exclude (row_id, observed_at, job_id),
           coalesce(ran.succeeded, 0) + coalesce(ran.failed, 0) as ended,
           -- nothing tells how these ended
           coalesce(ran.executions - ran.succeeded - ran.failed - ran.stopped - ran.running, 0) as untold,
           partly.job_key is not null as partly
    from jobs
    cross join setting
    left join execution_totals as ran on lower(ran.job_id) = lower(jobs.job_id)
    left join partly on partly.job_key = lower(jobs.job_id)
    where jobs.in_scope
),
shared as (
    select *, 100.0 * failed / nullif(ended + untold, 0) as failed_least,
           100.0 * (failed + untold) / nullif(ended + untold, 0) as failed_highest,
           100.0 * retried / nullif(succeeded, 0) as retried_share
    from held
)
select job_id, 'failures' as subject,
       case when ended + untold = 0 then 'not_applicable'
            when partly then 'not_assessed'
            when failed_least > failed_most then 'fail'
            when failed_highest > failed_most then 'not_assessed'
            else 'pass' end as verdict,
       case when ended + untold = 0 then 'no execution ended in the window'
            else failed || ' of ' || (ended + untold) || ' executions failed (' || round(failed_least, 1) || ' %), at most '
                 || failed_most || ' % expected'
                 || case when untold > 0 then '; of ' || untold || ' nothing tells how they ended' else '' end
                 || case when failed = 1 then '; it was ' || replace(left(last_failed_name, 80), '"', '''')
                              || coalesce(' at ' || strftime(last_failed at time zone 'UTC', '%Y-%m-%d %H:%M UTC'), '')
                         when failed > 1 then ';'
                              || coalesce(' from ' || strftime(first_failed at time zone 'UTC', '%Y-%m-%d %H:%M UTC')
                              || ' to ' || strftime(last_failed at time zone 'UTC', '%Y-%m-%d %H:%M UTC') || ',', '')
                              || ' the latest ' || replace(left(last_failed_name, 80), '"', '''')
                         else '' end
       end as reason,
       coalesce(last_failed_ref, raw_ref, job_ref) as raw_ref
from shared
union all
select job_id, 'retries',
       case when coalesce(succeeded, 0) = 0 then 'not_applicable'
            when partly then 'not_assessed'
            when retried_share > retried_most then 'fail'
            else 'pass' end,
       case when coalesce(succeeded, 0) = 0 then 'no execution succeeded in the window'
            else retried || ' of ' || succeeded || ' successful executions needed a retry (' || round(retried_share, 1)
                 || ' %), at most ' || retried_most || ' % expected'
                 || case when retried > 0 then '; the latest was ' || replace(left(last_retried_name, 80), '"', '''')
                              || coalesce(' at ' || strftime(last_retried at time zone 'UTC', '%Y-%m-%d %H:%M UTC'), '')
                         else '' end
       end,
       coalesce(last_retried_ref, raw_ref, job_ref)
from shared
union all
select job_id, 'timeouts',
       case when timed_out > timeouts_most then 'fail'
            when ended + untold = 0 then 'not_applicable'
            else 'pass' end,
       case when ended + untold = 0 then 'no execution ended in the window'
            when timed_out = 0 then 'none of ' || (ended + untold) || ' executions ran into the timeout'
            else timed_out || ' of ' || (ended + untold) || ' executions ran into the timeout, at most ' || timeouts_most
                 || ' expected; the latest was ' || replace(left(last_timed_out_name, 80), '"', '''')
                 || coalesce(' at ' || strftime(last_timed_out at time zone 'UTC', '%Y-%m-%d %H:%M UTC'), '')
       end,
       coalesce(last_timed_out_ref, raw_ref, job_ref)
from shared
