/*---
id: JA-44
title: Work that waits is started on
area: reliability
severity: high
needs: [jobs, executions, inventory, event_sources, metrics]
fails_despite: [executions]
subjects: |
  select job_id, rule_name as subject from scale_rules
empty: the job has no scale rule
frameworks:
  mcsb: [LT-3]
  iso27001: [A.8.16]
  soc2: [CC7.2, PI1.3]
rationale: >
  The scaler looks at the source with a credential and over a network path of its own. Where either breaks, or executions
  that were stopped still count as running, messages wait and nothing starts: no execution fails, so no alert on failures
  fires. Time counts in which more waited than the rule's activation threshold and no execution of the job ran, however
  it ended.
remediation: >
  Read what the scaler says: in the environment's workspace, ContainerAppSystemLogs_CL | where JobName_s == 'JOB' and
  Reason_s == 'KEDAScalerFailed'. Mend the rule's identity or secret and the network path; where neither is wrong, write the
  job again unchanged (az containerapp job update --name JOB --resource-group GROUP), and start it once by hand to work
  off what waits. Let an alert on the source's depth tell of it earlier (JA-30).
limits: >
  Azure Monitor measures no broker outside it and no blobs, a topic with all its subscriptions and an account's queues as
  one: of these it is said only what follows all the same. Intervals are an hour or longer, so a short wait isn't seen. Of
  an event hub it is told what came since the job last ran; another reader of the same consumer group isn't known. Where
  the activation threshold is hidden, or intervals weren't measured, a wait that may have been too long is not assessed.
parameters:
  backlog_hours_most:
    default: 24
    description: Hours for which work may wait while no execution of the job runs.
---*/
with setting as (
    select cast(max(value) as bigint) as hours_most
    from parameters where control_id = 'JA-44' and name = 'backlog_hours_most' and job_id is null
),
longest as (
    select lower(job_id) as job_key, rule_name, max(hours) as hours
    from backlogs group by all
),
-- What is measured of several queues together waits for this job only where its own queue holds something to the end.
over as (
    select lower(b.job_id) as job_key, b.rule_name, b.*,
           b.measure in ('queue', 'hub') or b.ongoing and coalesce(w.active_messages, 0) > 0 as own,
           own and b.executions_known and b.activation_known and b.hours > setting.hours_most as certain
    from backlogs as b
    cross join setting
    left join source_work as w on lower(w.job_id) = lower(b.job_id) and w.rule_name = b.rule_name
    where b.hours_highest > setting.hours_most
),
worst as (
    select job_key, rule_name, count(*) as stretches, bool_or(certain) as certain,
           arg_max({'since': since, 'until': until, 'hours': hours, 'depth': depth_most, 'ongoing': ongoing,
                    'last_started': last_started, 'known': executions_known, 'active': activation_known, 'own': own,
                    'highest': hours_highest, 'raw_ref': raw_ref},
                   row(certain, ongoing, hours, since)) as one
    from over group by job_key, rule_name
),
held as (
    select rules.job_id, rules.rule_name, rules.scaler_type, rules.raw_ref as rule_ref, setting.hours_most,
           w.* exclude (row_id, observed_at, job_id, rule_name, scaler_type, raw_ref),
           longest.hours as longest_hours, worst.stretches, worst.certain, worst.one,
           lower(coalesce(jobs.running_state, '')) = 'suspended' as suspended,
           case w.measure when 'queue' then 'the queue "' || replace(left(w.entity, 80), '"', '''') || '"'
                          when 'hub' then 'the event hub "' || replace(left(w.entity, 80), '"', '''') || '"'
                          when 'topic' then 'the topic "' || replace(left(w.parent_entity, 80), '"', '''')
                               || '" with all its subscriptions'
                          when 'account' then 'the queues of the account "' || split_part(w.resource_id, '/', -1)
                               || '" together' end as place
    from scale_rules as rules
    join jobs on lower(jobs.job_id) = lower(rules.job_id)
    cross join setting
    left join source_work as w on lower(w.job_id) = lower(rules.job_id) and w.rule_name = rules.rule_name
    left join longest on longest.job_key = lower(rules.job_id) and longest.rule_name = rules.rule_name
    left join worst on worst.job_key = lower(rules.job_id) and worst.rule_name = rules.rule_name
    where jobs.in_scope
)
select job_id, rule_name as subject,
       case when sourceless then 'not_applicable'
            when measure is null or not measured then 'not_assessed'
            when certain then 'fail'
            when stretches > 0 then 'not_assessed'
            when measure = 'hub' and came = 0 or measure <> 'hub' and depth_most = 0 then 'not_applicable'
            when measure <> 'hub' and depth_most is null then 'not_assessed'
            else 'pass' end as verdict,
       case when sourceless then 'the rule watches no event source'
            when measure is null
                then 'Azure Monitor doesn''t measure what waits there: '
                     || coalesce(unmeasured_because, 'the rule''s source is not known')
            when not measured then 'Azure Monitor gave no figure of ' || place
            when stretches > 0
                then one.depth::BIGINT || case when measure = 'hub' then ' events came to ' || place else ' messages at most waited in '
                                               || place end
                     || ' from ' || strftime(one.since at time zone 'UTC', '%Y-%m-%d %H:%M UTC') || ' to '
                     || strftime(one.until at time zone 'UTC', '%Y-%m-%d %H:%M UTC') || ' (' || round(one.hours)::BIGINT
                     || ' h, at most ' || hours_most || ' h expected) while no execution ran'
                     || case when one.ongoing then ', and still do; the last one known began '
                                  || coalesce('at ' || strftime(one.last_started at time zone 'UTC', '%Y-%m-%d %H:%M UTC'),
                                              'before the window')
                             else '' end
                     || case when suspended then '; the job is suspended' else '' end
                     || case when not one.known then '; not every execution of that time is known' else '' end
                     || case when not one.active then '; up to how much nothing starts is hidden' else '' end
                     || case when one.hours <= hours_most
                             then '; with what was not measured beside it, it may have been ' || round(one.highest)::BIGINT
                                  || ' h' else '' end
                     || case when not one.own and one.known
                             then '; whether that was this job''s work can''t be told: its own queue holds '
                                  || coalesce(active_messages::VARCHAR, 'an unknown number of') || ' messages now' else '' end
                     || case when stretches > 1 then '; and ' || (stretches - 1) || ' more such times' else '' end
            when measure = 'hub' and came = 0 then 'no event came to ' || place || ' in the window'
            when measure <> 'hub' and depth_most = 0 then 'no message waited in ' || place || ' in the window'
            when measure <> 'hub' and depth_most is null then 'Azure Monitor gave no depth of ' || place
            else 'the longest that anything waited in ' || place || ' while no execution ran was '
                 || coalesce(round(longest_hours)::BIGINT || ' h', 'shorter than what is measured') || ', at most '
                 || hours_most || ' h expected'
       end as reason,
       coalesce(one.raw_ref, metrics_ref, rule_ref) as raw_ref
from held
