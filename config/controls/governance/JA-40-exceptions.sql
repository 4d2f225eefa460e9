/*---
id: JA-40
title: Every exception is approved, in date and used
area: governance
severity: medium
last: true
needs: [jobs]
subjects: |
  select population.job_id, exceptions.id as subject
  from exceptions
  left join population on lower(population.job_id) = lower(exceptions.job_id)
  where population.job_id is not null
     or not exists (select 1 from jobs where lower(jobs.job_id) = lower(exceptions.job_id))
empty: no exception is about this job
frameworks:
  mcsb: [PV-2]
  iso27001: [A.5.36]
  soc2: [CC4.2]
  nist80053: [CA-5]
rationale: >
  An exception says that somebody bears a failure for a time, by whose word, and what is done instead. One that has
  expired, that is about nothing, or that nobody needs any more is a promise that nobody keeps; the failure it was about
  counts again. Each is held against the verdicts of this run and the day on which the run ended. A pass says that the
  exception is in order, not that its reasons are good: somebody has to read them.
remediation: >
  In the file that store.exceptions names: take out an exception that is unused, or of a job that is gone; ask for a new
  approval, with a new id, where an expired one is still needed; correct the control, job or subject of a broken one to
  what the finding says, or end it within policy.exception_days_most. What is mended counts from the next collection.
limits: >
  Approver and approval are as the file states them: whether that person may approve, and did, is not checked. A deleted
  job's exceptions stand in table exceptions; the job itself is not assessed.
---*/
select population.job_id,
       exceptions.id as subject,
       case
           when exceptions.state <> 'in_force' then 'fail'
           when exceptions.used then 'pass'
           else 'not_assessed'
       end as verdict,
       exceptions.control_id || ' "' || exceptions.subject || '"'
       || case when population.job_id is null then ' of ' || exceptions.job_id else '' end || ': '
       || case exceptions.state
           when 'in_force' then 'in force until ' || exceptions.expires || ', approved by "' || exceptions.approver
                || '" on ' || exceptions.approved_on || ' (' || exceptions.ticket || '): ' || exceptions.detail
           else exceptions.state || ', ' || exceptions.detail
       end as reason,
       exceptions.raw_ref
from exceptions
left join population on lower(population.job_id) = lower(exceptions.job_id)
where population.job_id is not null
   or not exists (select 1 from jobs where lower(jobs.job_id) = lower(exceptions.job_id))
