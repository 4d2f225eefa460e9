/*---
id: JA-45
title: No execution was stopped, and nobody started, suspended or resumed the job by hand
area: reliability
severity: low
needs: [jobs, executions, activity_log]
fails_despite: [executions, activity_log]
spares:
  executions: [manual starts, suspension]
subjects: |
  select job_id, aspect as subject
  from population cross join (values ('manual starts'), ('stopped executions'), ('suspension')) as a (aspect)
  where state = 'present'
frameworks:
  iso27001: [A.8.16, A.8.19]
  soc2: [CC7.2]
rationale: >
  An event-driven job is started by its events. Users of the platform report that executions which were stopped or
  suspended go on counting as running and hold back new ones, and that a manual start can keep a job's trigger from
  firing. A start may also bring another image and command with it. Each of these acts may have been right; somebody
  should know of it and look whether the job starts by itself again.
remediation: >
  Ask the person named for the reason and note it with the change. Look whether executions begin by themselves since (az
  containerapp job execution list --name JOB --resource-group GROUP); where they don't, write the job again unchanged
  (az containerapp job update --name JOB --resource-group GROUP), or resume it in the portal (the job › Overview ›
  Resume). Take start and stop away from those who don't need them: JA-03.
limits: >
  The Activity Log tells that a start was asked for, not with which image or command: the execution's own template does,
  on the page of the job. Attempts that were refused don't count. What a program does to its own executions from inside
  leaves no event. Whether scaling was in fact disturbed, JA-44 asks.
parameters:
  manual_starts_most:
    default: 0
    description: Most starts by hand in the window that need no explanation.
  stopped_executions_most:
    default: 0
    description: Most stopped executions in the window that need no explanation.
---*/
with setting as (
    select cast(max(value) filter (where name = 'manual_starts_most') as bigint) as starts_most,
           cast(max(value) filter (where name = 'stopped_executions_most') as bigint) as stopped_most
    from parameters
    where control_id = 'JA-45' and job_id is null
),
acts as (
    select distinct on (lower(job_id), change_id) lower(job_id) as job_key, change_id, kind, "at", raw_ref,
           case when lower(operation) like '%/resume/action' then 'resumed' when kind = 'suspension' then 'suspended'
                when kind = 'stop' then 'stopped' else 'started' end
               || ' by "' || replace(left(coalesce(changed_by_name, changed_by, 'an unknown caller'), 80), '"', '''')
               || '" at ' || strftime("at" at time zone 'UTC', '%Y-%m-%d %H:%M UTC') as told
    from changes
    where kind in ('start', 'stop', 'suspension') and relation = 'job'
      and lower(coalesce(status, '')) not in ('failed', 'canceled', 'cancelled')
    order by lower(job_id), change_id, row_id
),
acted as (
    select job_key, count(*) filter (where kind = 'start') as starts, count(*) filter (where kind = 'stop') as stops,
           count(*) filter (where kind = 'suspension') as suspensions,
           array_to_string((list(told order by "at" desc, change_id) filter (where kind = 'start'))[1:3], '; ') as started,
           array_to_string((list(told order by "at" desc, change_id) filter (where kind = 'stop'))[1:3], '; ') as stopped,
           array_to_string((list(told order by "at" desc, change_id) filter (where kind = 'suspension'))[1:3], '; ')
               as suspended,
           arg_max(raw_ref, row("at", change_id)) filter (where kind = 'start') as start_ref,
           arg_max(raw_ref, row("at", change_id)) filter (where kind = 'stop') as stop_ref,
           arg_max(raw_ref, row("at", change_id)) filter (where kind = 'suspension') as suspension_ref
    from acts
    group by job_key
),
ended as (
    select lower(job_id) as job_key, count(*) as executions, arg_max(raw_ref, row(started, execution_id)) as raw_ref,
           array_to_string((list(replace(left(name, 80), '"', '''') || coalesce(' begun at '
               || strftime(started at time zone 'UTC', '%Y-%m-%d %H:%M UTC'), '')
               order by started desc nulls last, execution_id))[1:3], ', ') as told
    from execution_history
    where lower(status) = 'stopped'
    group by lower(job_id)
),
held as (
    select jobs.job_id, jobs.raw_ref as job_ref, setting.*, coalesce(starts, 0) as starts, coalesce(stops, 0) as stops,
           coalesce(suspensions, 0) as suspensions, started, stopped, suspended, start_ref, stop_ref, suspension_ref,
           coalesce(ended.executions, 0) as stopped_executions, ended.told as which, ended.raw_ref as ended_ref,
           lower(coalesce(jobs.running_state, '')) = 'suspended' as suspended_now
    from jobs
    cross join setting
    left join acted on acted.job_key = lower(jobs.job_id)
    left join ended on ended.job_key = lower(jobs.job_id)
    where jobs.in_scope
)
select job_id, 'manual starts' as subject, if(starts > starts_most, 'fail', 'pass') as verdict,
       case when starts = 0 then 'nobody started it by hand'
            else starts || if(starts = 1, ' start', ' starts') || ' by hand, at most ' || starts_most || ' expected: '
                 || started || if(starts > 3, '; and ' || (starts - 3) || ' more', '') end as reason,
       coalesce(start_ref, job_ref) as raw_ref
from held
union all
select job_id, 'stopped executions', if(greatest(stopped_executions, stops) > stopped_most, 'fail', 'pass'),
       case when stopped_executions + stops = 0 then 'no execution was stopped'
            when stopped_executions = 0
                then 'a stop was asked for, though of no execution it is known that it ended so: ' || stopped
                     || if(stops > 3, '; and ' || (stops - 3) || ' more', '')
            else stopped_executions || if(stopped_executions = 1, ' execution', ' executions') || ' stopped, at most '
                 || stopped_most || ' expected: ' || which
                 || if(stopped_executions > 3, ', and ' || (stopped_executions - 3) || ' more', '')
                 || case when stops > 0 then '; ' || stopped || if(stops > 3, '; and ' || (stops - 3) || ' more', '')
                         else '; the Activity Log doesn''t tell by whom' end
       end,
       coalesce(stop_ref, ended_ref, job_ref)
from held
union all
select job_id, 'suspension', if(suspensions > 0 or suspended_now, 'fail', 'pass'),
       concat_ws('; ', case when suspended_now then 'it is suspended: nothing starts' end,
                 case when suspensions > 0 then suspended || if(suspensions > 3, '; and ' || (suspensions - 3) || ' more', '')
                      else 'nobody suspended or resumed it' || if(suspended_now, ' in the window', '') end),
       coalesce(suspension_ref, job_ref)
from held
