/*---
id: JA-32
title: What comes to the event source is worked on, and nothing is left among the dead letters
area: reliability
severity: medium
needs: [jobs, executions, inventory, event_sources, metrics]
fails_despite: [executions, metrics]
subjects: |
  select job_id, rule_name || aspect as subject
  from scale_rules cross join (values (': dead letters'), (': work')) as a (aspect)
empty: the job has no scale rule
frameworks:
  iso27001: [A.8.16]
  soc2: [PI1.3]
  nist80053: [AU-6, SI-4]
rationale: >
  Executions that succeed say that a program ended well, not that the work was done; the source's own figures do. A dead
  letter is work that was given up, and nothing starts for it any more until somebody looks.
remediation: >
  Look at the dead letters (portal: the namespace › Queues › the queue › Service Bus Explorer › Dead-letter), mend what
  they stumble over and send them again, or complete them with a note. Where less is done than comes, look at the
  executions of the time, raise maxExecutions (az containerapp job update --name JOB --resource-group GROUP
  --max-executions N) or mend the scaler (JA-44).
limits: >
  Messages that are received and deleted at once, or expire, are not told from lost ones. A storage queue has neither
  dead letters nor a measured flow: a poison queue is one more queue to Azure. What an event hub gave out counts for all
  its consumer groups; a topic's figures are those of all its subscriptions. Brokers outside Azure Monitor aren't seen.
parameters:
  dead_letters_most:
    default: 0
    description: Most dead letters that may lie in the queue or subscription of a rule.
  work_done_percent_least:
    default: 90
    description: Least part of what came in the window, in percent, that has to have been completed or read.
---*/
with setting as (
    select cast(max(value) filter (where name = 'dead_letters_most') as bigint) as dead_most_allowed,
           cast(max(value) filter (where name = 'work_done_percent_least') as bigint) as done_least
    from parameters
    where control_id = 'JA-32' and job_id is null
),
partly as (
    select distinct lower(job_id) as job_key from job_gaps where kind = 'executions'
),
-- What came and what was done are told apart by the metrics alone.
blind as (
    select distinct lower(job_id) as job_key from job_gaps where kind = 'metrics'
),
held as (
    select rules.job_id, rules.rule_name, rules.scaler_type, rules.raw_ref as rule_ref, setting.*,
           w.* exclude (row_id, observed_at, job_id, rule_name, scaler_type, raw_ref),
           coalesce(ran.succeeded, 0) as succeeded, partly.job_key is not null as partly,
           blind.job_key is not null as blind,
           coalesce(unmeasured_because, 'the rule''s source is not known') as unseen,
           -- the queue's own count is exact; the metric is of the last interval
           coalesce(dead_letters, case when measure = 'queue' then dead_last end) as dead_now,
           case when measure = 'hub' then came else came + coalesce(depth_first, 0) end as to_do,
           case when measure = 'hub' then read else completed end as done,
           strftime(measured_from at time zone 'UTC', '%Y-%m-%d %H:%M UTC') || ' to '
               || strftime(measured_until at time zone 'UTC', '%Y-%m-%d %H:%M UTC') as span,
           '"' || replace(left(coalesce(entity, ''), 80), '"', '''') || '"' as named
    from scale_rules as rules
    join jobs on lower(jobs.job_id) = lower(rules.job_id)
    cross join setting
    left join source_work as w on lower(w.job_id) = lower(rules.job_id) and w.rule_name = rules.rule_name
    left join execution_totals as ran on lower(ran.job_id) = lower(rules.job_id)
    left join partly on partly.job_key = lower(rules.job_id)
    left join blind on blind.job_key = lower(rules.job_id)
    where jobs.in_scope
),
weighed as (
    select *, 100.0 * done / nullif(to_do, 0) as done_share,
           -- of what isn't done, what still lies there: the rest left in a way that Azure doesn't count
           coalesce(depth_last, 0) + greatest(0, coalesce(dead_last, 0) - coalesce(dead_first, 0)) as left_over
    from held
)
select job_id, rule_name || ': dead letters' as subject,
       case when sourceless then 'not_applicable'
            when measure in ('hub', 'account') or measure is null and entity_kind = 'container'
                then 'not_applicable'
            when measure is null or dead_now is null then 'not_assessed'
            when dead_now > dead_most_allowed then 'fail'
            else 'pass' end as verdict,
       case when sourceless then 'the rule watches no event source'
            when measure = 'hub' then 'an event hub has no dead letters'
            when measure = 'account' then 'a storage queue has no dead letters: what is put aside lies in a queue of its own'
            when measure is null and entity_kind = 'container' then 'blobs have no dead letters'
            when measure is null then 'what was given up there isn''t seen: ' || unseen
            when dead_now is null then 'Azure didn''t say how many dead letters ' || named || ' holds'
            else dead_now::BIGINT || if(dead_now = 1, ' dead letter lies in ', ' dead letters lie in ') || named || ', at most '
                 || dead_most_allowed || ' expected'
                 || case when dead_most > 0 and measure = 'queue'
                         then '; ' || coalesce(dead_first, 0)::BIGINT || ' when the window began, ' || dead_most::BIGINT
                              || ' at most' else '' end
                 || coalesce('; a message is tried ' || max_delivery_count || ' times', '')
       end as reason,
       coalesce(entity_ref, metrics_ref, rule_ref) as raw_ref
from weighed
union all
select job_id, rule_name || ': work',
       case when sourceless then 'not_applicable'
            when measure is null or not measured or blind then 'not_assessed'
            when measure in ('topic', 'account')
                then case when depth_most = 0 and coalesce(came, 0) = 0 then 'not_applicable'
                          when depth_most is null then 'not_assessed'
                          when succeeded > 0 and last_empty >= measured_until - interval 24 hour then 'pass'
                          else 'not_assessed' end
            when coalesce(to_do, 0) = 0 then 'not_applicable'
            when done_share < done_least and (measure = 'hub' or left_over >= (to_do - done) / 2) then 'fail'
            when done_share < done_least then 'not_assessed'
            when succeeded = 0 then 'not_assessed'
            when measure = 'hub' and coalesce(consumer_groups, 0) > 1 then 'not_assessed'
            else 'pass' end,
       case when sourceless then 'the rule watches no event source'
            when measure is null then 'Azure Monitor doesn''t measure what comes there: ' || unseen
            when not measured then 'Azure Monitor gave no figure of ' || named
            when measure in ('topic', 'account')
                then case measure when 'topic' then 'Azure measures the topic "' || replace(left(parent_entity, 80), '"', '''')
                                                    || '" with all its subscriptions'
                                  else 'Azure measures the queues of the account "' || split_part(resource_id, '/', -1)
                                       || '" as one, and no flow' end
                     || case when depth_most = 0 and coalesce(came, 0) = 0 then ': nothing waited there in the window'
                             when depth_most is null then ', and gave no depth'
                             else ': ' || coalesce('it was last empty at '
                                      || strftime(last_empty at time zone 'UTC', '%Y-%m-%d %H:%M UTC'), 'it was never empty')
                                  || ', and ' || succeeded || if(succeeded = 1, ' execution', ' executions') || ' succeeded; '
                                  || named || ' itself holds ' || coalesce(active_messages::VARCHAR, 'an unknown number of')
                                  || ' messages now' end
            when coalesce(to_do, 0) = 0 then 'nothing came to ' || named || ' in the window, and nothing waited'
            else done::BIGINT || ' of ' || to_do::BIGINT
                 || case measure when 'hub' then ' events were read' else ' messages were completed' end || ' ('
                 || floor(done_share)::BIGINT || ' %, at least ' || done_least || ' % expected) from ' || span || '; '
                 || if(partly, 'at least ', '') || succeeded || if(succeeded = 1, ' execution', ' executions') || ' succeeded'
                 || case when measure <> 'hub' and done_share < done_least
                         then '; ' || coalesce(depth_last, 0)::BIGINT || ' wait, and dead letters went from '
                              || coalesce(dead_first, 0)::BIGINT || ' to ' || coalesce(dead_last, 0)::BIGINT else '' end
                 || case when measure <> 'hub' and done_share < done_least and left_over < (to_do - done) / 2
                         then '; the others left in a way that Azure doesn''t count: received and deleted at once, or expired'
                         when done_share >= done_least and succeeded = 0 then ', so somebody else works on it'
                         when measure = 'hub' and done_share >= done_least and consumer_groups > 1
                         then '; they were read by ' || consumer_groups || ' consumer groups together, which Azure doesn''t tell apart'
                         else '' end
       end,
       coalesce(metrics_ref, rule_ref)
from weighed
