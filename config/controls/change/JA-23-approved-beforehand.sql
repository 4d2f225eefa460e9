/*---
id: JA-23
title: Changes are approved before they are made, and by somebody else
area: change
severity: high
needs: [jobs, activity_log, resource_changes, principals]
fails_despite: [activity_log, resource_changes, principals]
subjects: |
  select job_id, subject
  from change_tickets
  where relation = 'job' and kind in ('configuration', 'deletion') and state in ('matched', 'unmatched', 'not_compared')
empty: no write of the job is known in the window
frameworks:
  mcsb: [GS-2]
  iso27001: [A.5.3, A.8.32]
  soc2: [CC8.1]
  nist80053: [AC-5, "CM-3(2)", CM-5]
  pci: ["6.5.1"]
rationale: >
  An approval that comes after the change, or from who made it, stops nothing. The approval's time is held against the
  moment at which Azure was asked; the approver against who asked it, by all names that the directory knows of them. Who
  asked for a change may be one of its approvers, not the only one. An emergency may be approved afterwards.
remediation: >
  Have the change approved anew by somebody who neither asked for it nor made it, and record that on the ticket. Let the
  pipeline ask for the ticket's approval before it deploys (an environment with required reviewers, or a check of the
  ticket's state).
limits: >
  Names stand in the export as people wrote them. An approver whom the directory doesn't know by that name, and a maker whom
  it doesn't know either, can't be told apart. A board or a group counts as somebody else, though the maker may sit on it. Who started the pipeline that made a change isn't known to Azure.
---*/
with writes as (
    select *,
           strftime(approved_at at time zone 'UTC', '%Y-%m-%d %H:%M UTC') as approved,
           coalesce(changed_by_name, changed_by, 'nobody that Azure names') as maker
    from change_tickets
    where relation = 'job' and kind in ('configuration', 'deletion') and state in ('matched', 'unmatched', 'not_compared')
),
judged as (
    select *, concat_ws('; ',
               case when approved_at is null and not emergency then 'nobody has approved it' end,
               case when not approved_before and not emergency then 'it was approved at ' || approved || ', after it began' end,
               case when approved_by_implementer then maker || ' approved it and made it' end,
               case when approved_by_requester_alone then requester || ' asked for it, and nobody else approved it' end
           ) as wrong
    from writes
)
select job_id, subject,
       case when state <> 'matched' then 'not_assessed'
            when wrong <> '' then 'fail'
            when approved_at is null then 'not_applicable'
            when approved_by_implementer is null or approved_by_requester_alone is null then 'not_assessed'
            else 'pass' end as verdict,
       case when state = 'not_compared' then why
            when state <> 'matched' then 'no ticket belongs to it, so nothing tells who approved it: JA-22 says why'
            else ticket || ' (' || ticket_source || '): ' || case
                when wrong <> '' then wrong
                when approved_at is null then 'an emergency, not approved beforehand: JA-25 asks for its review'
                when approved_by_implementer is null
                    then 'whether ' || approvers || ' and ' || maker || ' are two can''t be told: the directory was not asked about them, or several bear the name'
                when approved_by_requester_alone is null
                    then 'whether ' || approvers || ' and ' || requester
                         || ', who asked for it, are two can''t be told: the directory was not asked about them, or several bear the name'
                else 'approved at ' || approved || ' by ' || approvers || if(approved_before, '', ', afterwards, as an emergency')
                    || ', and made by ' || maker end end as reason,
       raw_ref
from judged
