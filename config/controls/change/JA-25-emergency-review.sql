/*---
id: JA-25
title: Emergency changes are reviewed in time
area: change
severity: medium
needs: [jobs, activity_log, resource_changes, principals]
fails_despite: [activity_log, resource_changes, principals]
subjects: |
  select job_id, subject
  from change_tickets
  where relation = 'job' and kind in ('configuration', 'deletion') and (state = 'matched' and emergency or state = 'not_compared')
empty: no emergency change of the job is known in the window
frameworks:
  mcsb: [AM-3]
  iso27001: [A.8.32]
  soc2: [CC8.1]
  nist80053: [CM-3]
  pci: ["6.5.1"]
rationale: >
  An emergency goes round the approval, so somebody else has to look at it soon afterwards; otherwise every change is one.
  The time runs from the change, not from the ticket. A review by who made the change is none.
remediation: >
  Review the change (the job's page tells what it set and what was before), and record reviewer and time on the ticket.
limits: >
  Which change was an emergency is what the ticket says. A change that no ticket belongs to is told by JA-22, not here.
parameters:
  emergency_review_hours:
    default: 48
    description: Hours after an emergency change within which somebody else has reviewed it.
---*/
with setting as (
    select max(value)::INTEGER as hours from parameters
    where control_id = 'JA-25' and name = 'emergency_review_hours' and job_id is null
),
writes as (
    select c.*,
           setting.hours, c."at" + to_hours(setting.hours) as due, t.observed_at as read_at,
           strftime(c.reviewed_at at time zone 'UTC', '%Y-%m-%d %H:%M UTC') as reviewed,
           coalesce(c.changed_by_name, c.changed_by, 'nobody that Azure names') as maker
    from change_tickets c cross join setting left join approved_changes t on t.row_id = c.ticket_row
    where c.relation = 'job' and c.kind in ('configuration', 'deletion')
      and (c.state = 'matched' and c.emergency or c.state = 'not_compared')
)
select job_id, subject,
       case when state = 'not_compared' then 'not_assessed'
            when reviewed_at is null then if(read_at > due, 'fail', 'not_assessed')
            when reviewed_at < "at" or reviewed_at > due or reviewed_by_implementer then 'fail'
            when reviewed_by_implementer is null then 'not_assessed'
            else 'pass' end as verdict,
       case when state = 'not_compared' then why
            else ticket || ' (' || ticket_source || '): ' || case
                when reviewed_at is null and read_at > due then 'not reviewed within ' || hours || ' hours, nor when the tickets were read'
                when reviewed_at is null then 'not reviewed yet; the ' || hours || ' hours ended at '
                    || strftime(due at time zone 'UTC', '%Y-%m-%d %H:%M UTC') || ', after the tickets were read'
                when reviewed_at < "at" then 'reviewed at ' || reviewed || ', before the change was made'
                when reviewed_at > due then 'reviewed at ' || reviewed || ', later than ' || hours || ' hours after it'
                when reviewed_by_implementer then maker || ' made it and reviewed it'
                when reviewed_by_implementer is null
                    then 'whether ' || reviewed_by || ' and ' || maker || ' are two can''t be told'
                else 'reviewed at ' || reviewed || ' by ' || reviewed_by || ', within ' || hours || ' hours' end end as reason,
       raw_ref
from writes
