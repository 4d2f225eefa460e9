/*---
id: JA-42
title: The job behaves as a job, not as a daemon
area: fit
severity: low
needs: [jobs, executions]
fails_despite: [executions]
subjects: |
  select job_id, aspect as subject
  from population
  cross join (values ('running time'), ('runs near the timeout'), ('runs that don''t end')) as a (aspect)
  where state = 'present'
frameworks:
  iso27001: [A.8.6]
  soc2: [PI1.3]
rationale: >
  A job starts, does a bounded piece of work and ends. One that always runs, or that ends by its timeout, is a service in
  a job's clothes: its timeout interrupts work, its cost never pauses, and what it waits for is hidden from the scaler.
remediation: >
  Let the program end when the queue is empty instead of polling for more, and set minExecutions to 0 (az containerapp
  job update --name JOB --resource-group GROUP --min-executions 0); or move it to a container app with a scale rule
  (az containerapp create --name APP --resource-group GROUP --environment ENVIRONMENT), which is made for what always
  runs.
limits: >
  Executions that overlap count once, so steady work of many short runs reads like a daemon; the page of the job shows
  which it is. Runs are held against the timeout that is set now.
parameters:
  running_percent_most:
    default: 80
    description: Most of the window, in percent, in which at least one execution may run.
  near_timeout_percent_most:
    default: 25
    description: Most executions, in percent of those that ended, that take nine tenths of the timeout or longer.
  open_hours_most:
    default: 24
    description: Hours for which an execution may run without having ended.
---*/
with setting as (
    select cast(max(value) filter (where name = 'running_percent_most') as bigint) as running_most,
           cast(max(value) filter (where name = 'near_timeout_percent_most') as bigint) as near_most,
           cast(max(value) filter (where name = 'open_hours_most') as bigint) as open_most
    from parameters
    where control_id = 'JA-42' and job_id is null
),
asked as (
    select jobs.job_id, jobs.raw_ref as job_ref, aspect.*
    from jobs
    cross join setting
    cross join lateral (values
        ('running time', 'running_share', running_most, false),
        ('runs near the timeout', 'near_timeout_share', near_most, true),
        ('runs that don''t end', 'longest_open_h', open_most, false)
    ) as aspect (subject, signal, most, of_all)
    where jobs.in_scope
),
partly as (
    select distinct lower(job_id) as job_key from job_gaps where kind = 'executions'
),
held as (
    select asked.*, fit.value, fit.detail, fit.raw_ref, ran.executions,
           fit.value * if(asked.signal = 'longest_open_h', 1, 100) as exact, round(exact, 1) as figure,
           -- a share of the executions that are known is no share of all; time that it ran, it ran at least
           of_all and partly.job_key is not null as uncertain
    from asked
    left join fit on lower(fit.job_id) = lower(asked.job_id) and fit.signal = asked.signal
    left join execution_totals as ran on lower(ran.job_id) = lower(asked.job_id)
    left join partly on partly.job_key = lower(asked.job_id)
)
select job_id, subject,
       case when exact > most and not uncertain then 'fail'
            when exact > most then 'not_assessed'
            when figure is not null then 'pass'
            when executions is null then 'not_applicable'
            when signal = 'longest_open_h' then 'pass'
            else 'not_assessed' end as verdict,
       case when executions is null then 'no execution ran in the window'
            when figure is null and signal = 'longest_open_h' then 'every execution of the window had ended when it was read'
            when figure is null then 'of ' || executions || ' executions nothing tells how long they took'
            else case signal
                     when 'running_share' then 'at least one execution ran in ' || figure || ' % of the window'
                     when 'near_timeout_share' then figure || ' % of the executions ended close to the timeout'
                     else 'the longest execution that has not ended had run for ' || figure || ' h' end
                 || ', at most ' || most || if(signal = 'longest_open_h', ' h', ' %') || ' expected: ' || detail
       end as reason,
       coalesce(raw_ref, job_ref) as raw_ref
from held
