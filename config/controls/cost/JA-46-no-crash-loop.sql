/*---
id: JA-46
title: No failing execution is started again and again by the same messages
area: cost
severity: high
needs: [jobs, executions]
fails_despite: [executions]
subjects: |
  select job_id, name as subject from population where state = 'present'
frameworks:
  iso27001: [A.8.16]
  soc2: [CC7.2, PI1.3]
rationale: >
  A job that crashes before it settles its message gets the message again, and starts again, for ever or until the source
  gives up: a bill, and work that waits behind it. It shows as failures that follow one another as fast as the scaler
  looks and the message's lock runs out, with few successes between them.
remediation: >
  Read the console log of the execution named (portal: the job › Execution history › Console logs) and mend the cause; until
  then suspend the job (portal: the job › Overview › Suspend). For good: let the program put aside what it can't work on.
  A Service Bus queue also gives up by itself after few deliveries (az servicebus queue update --name QUEUE
  --namespace-name NAMESPACE --resource-group GROUP --max-delivery-count 5). A storage queue and an event hub never give
  up: there the program reads the message's dequeue count, or keeps its own, and moves the message to a queue of its own.
limits: >
  Which message started an execution nobody records: that it was the same one is inferred from the rhythm. A loop slower
  than the pause set here, or one hidden among more successes than failures, is told as failures only (JA-31). What it
  cost is the cost of all that failed and was retried on those days. Where the list of executions has a hole within the
  loop's span, executions that succeeded may be missing from it, and nothing is concluded.
parameters:
  loop_failures_least:
    default: 5
    description: Failures in a row from which they count as a loop.
  loop_pause_most_s:
    default: 600
    description: >-
      Longest pause, in seconds, between the end of one failure and the start of the next in a loop: about the lock or
      visibility timeout of a message and a polling interval. A pause of two polling intervals of the job always counts.
---*/
with setting as (
    select cast(max(value) filter (where name = 'loop_failures_least') as bigint) as failures_least,
           cast(max(value) filter (where name = 'loop_pause_most_s') as bigint) as pause_most
    from parameters
    where control_id = 'JA-46' and job_id is null
),
failed as (
    select lower(e.job_id) as job_key, e.name, e.started, coalesce(e.ended, e.started) as ended, e.exit_codes, e.raw_ref,
           e.execution_id, greatest(setting.pause_most, 2 * coalesce(jobs.polling_interval_s, 30)) as pause,
           max(coalesce(e.ended, e.started)) over (
               partition by lower(e.job_id) order by e.started, e.execution_id
               rows between unbounded preceding and 1 preceding) as before
    from execution_history as e
    join jobs on lower(jobs.job_id) = lower(e.job_id)
    cross join setting
    where jobs.in_scope and lower(e.status) in ('failed', 'degraded') and e.started is not null
),
numbered as (
    select *, count(*) filter (where before is null or started > before + to_seconds(pause)) over (
               partition by job_key order by started, execution_id) as row_number
    from failed
),
rows_of as (
    select job_key, row_number, count(*) as failures, min(started) as since, max(started) as last_started,
           max(ended) as until, arg_min(name, row(started, execution_id)) as first_name,
           arg_min(raw_ref, row(started, execution_id)) as raw_ref,
           array_to_string(list_sort(list_distinct(flatten(list(from_json(exit_codes, '["BIGINT"]'))
               filter (where exit_codes is not null))))[1:5], ', ') as codes
    from numbered
    group by job_key, row_number
),
long as (
    select rows_of.* from rows_of cross join setting where failures >= failures_least
),
-- Failures among more successes are no loop: other messages are worked on.
weighed as (
    select long.*, count(*) as executions
    from long
    join execution_history as e
        on lower(e.job_id) = long.job_key and e.started >= long.since and e.started <= long.last_started
    group by all
),
-- What is not known of the time between may have succeeded.
loops as (
    select weighed.*, exists (
               from continuity as c
               where c.kind = 'executions' and c.state = 'hole' and lower(rtrim(c.scope, '/')) = weighed.job_key
                 and c."from" < weighed.last_started and c."to" > weighed.since) as broken
    from weighed
    where 2 * failures >= executions
),
-- What its failed executions cost on the days of its loops, in the basis that its cost is told in.
days as (
    select distinct job_key, unnest(generate_series(date_trunc('day', since), until, interval 1 day))::DATE as day from loops
),
-- A day whose bill is not divided, or that no figure tells of, cost more than what is added up.
daily as (
    select days.job_key, days.day, t.currency, t.basis,
           sum(c.amount) filter (where c.part in ('failed', 'retried')) as amount,
           count(*) filter (where c.part = 'unallocated') > 0 as undivided
    from days
    join cost_totals as t on lower(t.job_id) = days.job_key and t.told
    left join job_costs as c on lower(c.job_id) = days.job_key and c.day = days.day and c.basis = t.basis
         and c.currency is not distinct from t.currency
    group by all
),
spent as (
    select job_key, sum(amount)::DECIMAL(28, 6) as amount, any_value(currency) as currency, any_value(basis) as basis,
           bool_or(undivided or amount is null) as partly
    from daily group by job_key
),
counted as (
    select job_key, count(*) as loops, count(*) filter (where not broken) as certain,
           arg_max(raw_ref, row(not broken, failures, since)) as raw_ref, max(until) as until,
           array_to_string(list(failures || ' executions failed one after the other from '
               || strftime(since at time zone 'UTC', '%Y-%m-%d %H:%M UTC') || ' to '
               || strftime(until at time zone 'UTC', '%Y-%m-%d %H:%M UTC') || ', the first '
               || replace(left(first_name, 80), '"', '''')
               || case when executions > failures
                       then ', with ' || (executions - failures) || ' that did not fail between them' else '' end
               || coalesce(' (exit codes ' || nullif(codes, '') || ')', '')
               || if(broken, ', and not every execution between them is known', '')
               order by broken, failures desc, since)[1:3], '; ') as told
    from loops
    group by job_key
),
longest as (
    select job_key, max(failures) as failures, arg_max(since, row(failures, since)) as since,
           arg_max(raw_ref, row(failures, since)) as raw_ref
    from rows_of
    group by job_key
)
select jobs.job_id, jobs.name as subject,
       case when counted.certain > 0 then 'fail' when counted.loops > 0 then 'not_assessed'
            when ran.executions is null then 'not_applicable' else 'pass' end as verdict,
       case when counted.loops > 0
            then counted.told || if(counted.loops > 3, '; and ' || (counted.loops - 3) || ' more loops', '')
                 || case when counted.until >= ran.last_started then '; it was still so with the last execution known' else '' end
                 || coalesce('; what failed and was retried on those days cost ' || if(spent.partly, 'at least ', '')
                             || spent.amount || ' ' || spent.currency
                             || if(spent.basis = 'estimate', ' by estimate', ''), '; what it cost is not known')
            when ran.executions is null then 'no execution ran in the window'
            when longest.failures is null then 'none of ' || ran.executions || ' executions failed'
            else 'at most ' || longest.failures || if(longest.failures = 1, ' failure', ' failures')
                 || ' in a row'
                 || if(longest.failures < setting.failures_least, ', fewer than ' || setting.failures_least,
                       ', among more executions that did not fail') || '; the longest row began at '
                 || strftime(longest.since at time zone 'UTC', '%Y-%m-%d %H:%M UTC') end as reason,
       coalesce(counted.raw_ref, longest.raw_ref, ran.raw_ref, jobs.raw_ref) as raw_ref
from jobs
cross join setting
left join execution_totals as ran on lower(ran.job_id) = lower(jobs.job_id)
left join counted on counted.job_key = lower(jobs.job_id)
left join longest on longest.job_key = lower(jobs.job_id)
left join spent on spent.job_key = lower(jobs.job_id)
where jobs.in_scope
