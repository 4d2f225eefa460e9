/*---
id: JA-22
title: Every write of the job belongs to an approved change
area: change
severity: high
needs: [jobs, activity_log, resource_changes, principals]
fails_despite: [activity_log, resource_changes, principals]
subjects: |
  select job_id, subject
  from change_tickets where relation = 'job' and kind in ('configuration', 'deletion') and state <> 'unused'
empty: no write of the job is known in the window
frameworks:
  mcsb: [AM-3]
  iso27001: [A.8.32]
  soc2: [CC8.1]
  nist80053: [CM-3, "CM-3(2)"]
  pci: ["6.5.1"]
rationale: >
  A job that is changed without anybody having agreed runs code and holds access that nobody answers for. A write belongs
  to a ticket that names the job, while it was planned, made by the ticket's implementer; one of the three lacking is
  named with the ticket that comes nearest. What Azure's platform changed by itself and writes that failed need none.
remediation: >
  Have the change looked at by who would have approved it and undo it if they don't stand by it (the job's page tells what
  was before). Then find out how it came about outside the procedure; a ticket written afterwards is an emergency
  (emergency = yes, with its review). Where the ticket is right and its export is not, mend the row that the reason names.
limits: >
  The tickets are what people exported, not read from the ticket system. A wide pattern or a long planned window covers all
  in it. What a pipeline writes is its own: who started the pipeline stands in its log. Azure remembers property changes
  for fourteen days; of a write that only they tell of nothing is known afterwards.
---*/
select job_id, subject,
       case state when 'matched' then 'pass' when 'not_expected' then 'not_applicable' when 'not_compared' then 'not_assessed'
                  else if(undecided, 'not_assessed', 'fail') end as verdict,
       'by ' || coalesce(changed_by_name, changed_by, 'nobody that Azure names') || ': ' || why
           || case when state = 'matched' and approved_at is null
                   then ' (' || if(emergency, 'an emergency: JA-25', 'JA-23: nobody has approved it') || ')' else '' end as reason,
       raw_ref
from change_tickets
where relation = 'job' and kind in ('configuration', 'deletion') and state <> 'unused'
