/*---
id: JA-19
title: Polling interval, executions and parallelism keep to the baseline
area: configuration
severity: low
needs: [jobs]
subjects: |
  select job_id, setting as subject
  from population
  cross join (values ('polling interval'), ('minimum executions'), ('maximum executions'), ('parallelism')) as s (setting)
  where state = 'present'
frameworks:
  mcsb: [PV-2]
  iso27001: [A.8.6]
  soc2: [A1.1]
  nist80053: [CM-6]
rationale: >
  These four settings bound what one busy queue may start and what an idle one costs. A setting that the job leaves out
  takes the platform's default, which the reason names: nobody chose it.
remediation: >
  Set the value in the job's scale section, or change the baseline in [policy] if the wider bound is meant.
limits: >
  The setting as it was when read, not what happened in between. Whether the bounds fit the work is not judged, nor
  the quota of the environment, which may be lower. Several rules, or several jobs on one source, add up unseen.
parameters:
  polling_interval_least_s:
    default: 5
    description: Shortest polling interval, in seconds.
  polling_interval_most_s:
    default: 300
    description: Longest polling interval, in seconds.
  min_executions_most:
    default: 0
    description: Highest minimum of executions per polling interval; above 0 the job runs without work.
  max_executions_most:
    default: 100
    description: Highest maximum of executions per polling interval.
  parallelism_most:
    default: 10
    description: Highest number of replicas per execution.
---*/
with setting as (
    select cast(max(value) filter (where name = 'polling_interval_least_s') as bigint) as polling_least,
           cast(max(value) filter (where name = 'polling_interval_most_s') as bigint) as polling_most,
           cast(max(value) filter (where name = 'min_executions_most') as bigint) as minimum_most,
           cast(max(value) filter (where name = 'max_executions_most') as bigint) as maximum_most,
           cast(max(value) filter (where name = 'parallelism_most') as bigint) as parallelism_most
    from parameters
    where control_id = 'JA-19' and job_id is null
),
configured as (
    select jobs.job_id, jobs.raw_ref, place.*
    from jobs
    cross join setting
    cross join lateral (values
        ('polling interval', polling_interval_s, 30, polling_least, polling_most, ' s'),
        ('minimum executions', min_executions, 0, 0, minimum_most, ''),
        ('maximum executions', max_executions, 100, greatest(0, coalesce(min_executions, 0)), maximum_most, ''),
        ('parallelism', parallelism, 1, 1, parallelism_most, '')
    ) as place (subject, chosen, platform, least, most, unit)
    where in_scope
)
select job_id,
       subject,
       case when coalesce(chosen, platform) between least and most then 'pass' else 'fail' end as verdict,
       case when chosen is null then 'unset, so the platform''s default applies: ' || platform else 'set to ' || chosen end
       || unit
       || case when coalesce(chosen, platform) between least and most then '; within the baseline of '
               when subject = 'maximum executions' and coalesce(chosen, platform) < least
               then '; below the job''s own minimum of executions, and the baseline is '
               else '; outside the baseline of ' end
       || least || ' to ' || most || unit as reason,
       raw_ref
from configured
