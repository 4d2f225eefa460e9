/*---
id: JA-30
title: An alert that somebody hears tells of failed and of stuck executions
area: reliability
severity: high
needs: [jobs, alerts, action_groups]
fails_despite: [action_groups]
subjects: |
  select job_id, aspect as subject
  from population cross join (values ('failed executions'), ('stuck executions')) as a (aspect)
  where state = 'present'
frameworks:
  mcsb: [IR-3]
  iso27001: [A.8.16]
  soc2: [CC7.2]
  nist80053: [AU-6, SI-4]
  pci: ["10.4.1"]
rationale: >
  Nobody watches a job that starts by itself. A failed execution shows as a metric and in the platform's log; a stuck one
  shows as work that waits, as an execution that doesn't end, or as nothing being started. An alert helps only while it
  is enabled and its action group is, with somebody in it. Whether mail is read there is not checked.
remediation: >
  For failures: az monitor metrics alert create --name JOB-failed --resource-group GROUP --scopes JOB_ID --condition
  "total Executions > 0 where state includes Failed" --action ACTION_GROUP_ID. For stuck work: the same on the event
  source (--scopes NAMESPACE_ID --condition "avg ActiveMessages > 100 where EntityName includes QUEUE"), or a log alert
  on DeadlineExceeded and KEDAScalerFailed in ContainerAppSystemLogs_CL. In the portal: the job › Alerts › Create.
limits: >
  Thresholds aren't weighed: a rule that fires at a thousand failures counts. Queries are read by the words in them, not
  run. What watches from elsewhere (a monitoring product, Prometheus rules, an alert processing rule that mutes these) isn't
  seen. Dead letters, restarts and deletions are neither failed nor stuck executions and count for neither. A rule may lie
  in any subscription: where the run reads only some of those that the caller can see, one that is missed is not assessed.
---*/
with watched as (
    select *, unnest(['failed executions', 'stuck executions']) as subject,
           unnest([tells_failed, tells_stuck]) as tells
    from job_alerts
),
-- A rule may lie in any subscription: one whose rules were not read may hold the one that is missed.
unread as (
    select nullif(concat_ws('; ',
               (select 'rules could not be read at ' || string_agg(scope, ', ' order by lower(scope)) from coverage
                where kind = 'alerts' and outcome = 'gap' and place is null),
               (select 'rules of subscriptions outside the run''s scope were not read: ' || count(*) from subscriptions
                where lower('/subscriptions/' || subscription_id) not in (
                    select lower(rtrim(scope, '/')) from coverage where kind = 'alerts' and place is null)
                having count(*) > 0)), '') as told
),
judged as (
    select *, case when tells = 'yes' and hears = 'live' then 'pass'
                   when tells <> 'no' and hears in ('live', 'open') then 'not_assessed'
                   when tells <> 'no' then 'fail' end as verdict,
           'the rule "' || replace(left(name, 80), '"', '''') || '" on '
           || case about when 'job' then 'the job' when 'scope' then 'a scope above it' when 'workspace' then 'its log workspace'
                         when 'environment' then 'its environment' when 'vault' then 'its vault'
                         when 'registry' then 'its registry' else 'its event source' end
           || case when hears = 'off' then ' is switched off'
                   when hears = 'dead' then ' tells nobody' || coalesce(': ' || heard_by, ': it has no action group')
                   when tells = 'open' then ' may tell of them: its condition is not understood'
                   when hears = 'open' then ' tells somebody whom nobody could read: ' || heard_by
                   else ' tells ' || heard_by end as told
    from watched
),
best as (
    select lower(job_id) as job_key, subject,
           case when bool_or(verdict = 'pass') then 'pass' when bool_or(verdict = 'not_assessed') then 'not_assessed'
                else 'fail' end as verdict,
           array_to_string((list(told order by told) filter (where verdict = 'pass'))[1:3], '; ') as passing,
           array_to_string((list(told order by told) filter (where verdict = 'not_assessed'))[1:3], '; ') as open,
           array_to_string((list(told order by told) filter (where verdict = 'fail'))[1:3], '; ') as failing,
           count(*) filter (where verdict is null) as others,
           min(raw_ref) filter (where verdict = 'pass') as passing_ref,
           min(raw_ref) filter (where verdict is not null) as any_ref
    from judged
    group by lower(job_id), subject
),
asked as (
    select jobs.job_id, jobs.raw_ref, unnest(['failed executions', 'stuck executions']) as subject
    from jobs where jobs.in_scope
)
select asked.job_id, asked.subject,
       case when best.verdict = 'pass' then 'pass'
            when best.verdict = 'not_assessed' or unread.told is not null then 'not_assessed'
            else 'fail' end as verdict,
       case when best.verdict = 'pass' then best.passing
            when best.verdict = 'not_assessed' then best.open
            else coalesce(best.failing, 'no alert rule tells of them'
                     || case when best.others > 0 then '; ' || best.others
                                  || if(best.others = 1, ' rule is', ' rules are') || ' about the job, and about something else'
                             else '' end) end
       || case when coalesce(best.verdict, 'fail') <> 'pass' then coalesce('; ' || unread.told, '') else '' end as reason,
       coalesce(best.passing_ref, best.any_ref, asked.raw_ref) as raw_ref
from asked
cross join unread
left join best on best.job_key = lower(asked.job_id) and best.subject = asked.subject
