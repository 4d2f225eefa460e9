/*---
id: JA-38
title: Little of what the job costs is wasted, and useful work costs what it may
area: cost
severity: low
needs: [jobs, executions, costs, metrics]
fails_despite: [metrics]
subjects: |
  select job_id, aspect as subject
  from population cross join (values ('cost of a useful execution'), ('waste')) as a (aspect)
  where state = 'present'
frameworks:
  iso27001: [A.8.6]
  soc2: [A1.1]
rationale: >
  What failed, was repeated, found nothing to do or was done twice is paid for like what was useful. Waste is named by
  the executions' states and by the event source's own metrics; a work that succeeded and served nobody isn't seen. The
  links to the requirements about capacity are weak.
remediation: >
  The job's page tells the parts: failed and retried work is mended in the program, idle work by a minimum of 0 executions
  (az containerapp job update --name JOB --resource-group GROUP --min-executions 0), duplicates by idempotent handling and
  by a message that stays hidden for longer than the work takes: on Service Bus by the queue's lock (az servicebus queue
  update --name QUEUE --namespace-name NAMESPACE --resource-group GROUP --lock-duration PT5M), on a storage queue by the
  visibility timeout with which the program takes the message. Set policy.cost_per_execution_most to what an execution may
  cost.
limits: >
  Idle and repeated work is only told of where Azure measures the event source (Service Bus, storage queues of an account
  with one queue's work); elsewhere it counts as useful. Where Azure bills the environment and not the job, the figure is
  an estimate at list prices, and says so. What the event source, the workspace or a node cost beside it isn't counted.
parameters:
  wasted_percent_most:
    default: 20
    description: Most of the job's cost, in percent, that may go to failed, retried, idle or repeated work.
  cost_per_execution_most:
    type: table of text
    default: {}
    description: >-
      Most that a useful execution may cost, by currency, such as { EUR = "0.05" }; without the currency that the job's
      cost is told in, it is not assessed.
---*/
with setting as (
    select cast(max(value) filter (where name = 'wasted_percent_most') as bigint) as wasted_most,
           max(value) filter (where name = 'cost_per_execution_most') as limits
    from parameters
    where control_id = 'JA-38' and job_id is null
),
limits as (
    select upper(entry.key) as currency, try_cast(entry.value ->> '$' as decimal(28, 6)) as most
    from setting, json_each(setting.limits) as entry
),
held as (
    select jobs.job_id, jobs.raw_ref as job_ref, setting.wasted_most, spent.* exclude (row_id, observed_at, job_id),
           limits.most, limits.currency is not null as limited,
           spent.amount::DECIMAL(28, 6)::VARCHAR || ' ' || coalesce(spent.currency, '') as spent_told,
           case when spent.basis = 'estimate' then ', by estimate' when not spent.final then ', not final yet' else '' end
           || ' (' || strftime(spent.first_day, '%Y-%m-%d') || ' to ' || strftime(spent.last_day, '%Y-%m-%d') || ')'
               as how,
           100 * coalesce(spent.wasted_amount, 0) / nullif(spent.amount, 0) as wasted_least,
           -- what is billed on a day of which no execution is known may have been useful or not
           100 * (coalesce(spent.wasted_amount, 0) + spent.unallocated_amount) / nullif(spent.amount, 0) as wasted_highest,
           ran.executions,
           -- whether executions found work is told where the event source's depth is measured; only a minimum of
           -- executions starts any without work
           idle.value is not null as measured, coalesce(jobs.min_executions, 0) as least,
           least > 0 and idle.value is null as untold,
           case when untold then '; ' || if(least = 1, '1 execution is', least || ' executions are')
                || ' started at every look, and whether they found work can''t be told' else '' end as doubt
    from jobs
    cross join setting
    left join cost_totals as spent on lower(spent.job_id) = lower(jobs.job_id) and spent.told
    left join limits on limits.currency = upper(spent.currency)
    left join fit as idle on lower(idle.job_id) = lower(jobs.job_id) and idle.signal = 'idle_share'
    left join execution_totals as ran on lower(ran.job_id) = lower(jobs.job_id)
    where jobs.in_scope
)
select job_id, 'waste' as subject,
       case when amount is null and executions > 0 then 'not_assessed'
            when coalesce(amount, 0) <= 0 then 'not_applicable'
            when wasted_least > wasted_most then 'fail'
            when wasted_highest > wasted_most or untold then 'not_assessed'
            else 'pass' end as verdict,
       case when amount is null and executions > 0 then 'what its executions cost is not known: neither bill nor estimate'
            when coalesce(amount, 0) <= 0 then 'it cost nothing in the window'
            else if(unallocated_amount > 0, 'at least ', '') || round(wasted_least, 1) || ' % of ' || spent_told || ' went to waste' || how || ', at most ' || wasted_most
                 || ' % expected: failed or retried '
                 || coalesce(failed_amount::DECIMAL(28, 6)::VARCHAR, 'not known') || ', idle '
                 || if(measured, coalesce(idle_amount::DECIMAL(28, 6)::VARCHAR, 'not known'), 'not measured') || ', suspected of being done twice '
                 || if(measured, coalesce(duplicate_amount::DECIMAL(28, 6)::VARCHAR, 'not known'), 'not measured')
                 || doubt
                 || case when unallocated_amount > 0 then '; ' || unallocated_amount::DECIMAL(28, 6)
                         || ' was billed on days of which not every execution is known' else '' end
       end as reason,
       coalesce(raw_ref, job_ref) as raw_ref
from held
union all
select job_id, 'cost of a useful execution',
       case when amount is null and executions > 0 then 'not_assessed'
            when coalesce(amount - logs_amount, 0) <= 0 then 'not_applicable'
            when not limited or most is null then 'not_assessed'
            when useful_executions = 0 or cost_per_useful > most then 'fail'
            when untold then 'not_assessed'
            else 'pass' end,
       case when amount is null and executions > 0 then 'what its executions cost is not known: neither bill nor estimate'
            when coalesce(amount - logs_amount, 0) <= 0 then 'its running cost nothing in the window'
            else case when useful_executions = 0
                      then (amount - logs_amount)::DECIMAL(28, 6) || ' ' || currency
                           || ' was spent and no execution was useful'
                      else cost_per_useful::DECIMAL(28, 6) || ' ' || currency || ' for each of ' || useful_executions
                           || ' useful executions' end || how
                 || case when not limited
                         then '; no baseline is set: policy.cost_per_execution_most has no ' || coalesce(currency, 'currency')
                         when most is null then '; policy.cost_per_execution_most.' || currency || ' is no amount'
                         else ', at most ' || most::DECIMAL(28, 6) || ' expected' end
                 || doubt
       end,
       coalesce(raw_ref, job_ref)
from held
