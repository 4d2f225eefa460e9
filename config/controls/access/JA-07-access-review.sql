/*---
id: JA-07
title: The last access review is complete, nobody reviewed themselves, and its revocations happened
area: access
severity: high
needs: [jobs, subscriptions, principals, role_assignments, role_eligibility, group_members, group_eligibility]
fails_despite: [subscriptions, principals, role_assignments, role_eligibility, group_members, group_eligibility]
subjects: |
  select job_id, 'access review' as subject from jobs where in_scope
empty: there is no such job
frameworks:
  mcsb: [PA-4]
  iso27001: [A.5.18, A.5.3]
  soc2: [CC6.2, CC6.3]
  nist80053: [AC-2, AC-5, AC-6(7)]
  pci: ["7.2.4", "7.2.5.1"]
  cis: ["5.3.4", "5.3.7"]
rationale: >
  Access that nobody looks at grows. A review counts when every entitlement that reaches the job was decided by somebody
  else than its holder, and when what was to be revoked is gone in what Azure lists afterwards, not in a ticket.
remediation: >
  Render an access-review pack (jobaudit run access-review --month last), send its workbooks to the reviewers, and take
  them in again (jobaudit review import FILE.xlsx …). Carry out overdue revocations at the scope that the pack names:
  Access control (IAM) › Role assignments › Remove, or az role assignment delete --ids ASSIGNMENT; memberships in Entra ID
  under the group's Members.
limits: >
  Only reviews of this tool, kept below output/history, are known. Who decided is what a reviewer typed, until the record
  is signed. A revocation shows where the list that held the access was read whole; who removed a membership the
  directory's own audit log tells, which is not read. What a reviewer should have revoked and kept no query can tell.
parameters:
  access_review_days_most:
    default: 35
    description: Days from the collection that the last review asked about to this one's end; monthly reviews need about 35.
---*/
with setting as (
    select max(value)::INTEGER as days from parameters
    where control_id = 'JA-07' and name = 'access_review_days_most' and job_id is null
),
told as (
    select jobs.job_id, jobs.created_at, jobs.raw_ref as job_ref, r.*  exclude (job_id, row_id, observed_at),
           datediff('day', r.run_started, r.judged_at) as age, setting.days,
           r.silent_review is not null and r.silent_due < r.judged_at as silent
    from jobs cross join setting left join job_reviews as r on lower(r.job_id) = lower(jobs.job_id)
    where jobs.in_scope
)
select job_id,
       'access review' as subject,
       case
           when review is null then 'not_assessed'
           when entitlements = 0 and created_at > run_started then 'not_applicable'
           when overdue > 0 or re_granted > 0 or own_access > 0 or silent or age > days
                or owed > 0 and due < judged_at then 'fail'
           when owed > 0 or unknown > 0 or coalesce(entitlements, 0) = 0 or own_access is null or to_do is null
                or unread is not null
               then 'not_assessed'
           else 'pass'
       end as verdict,
       case
           when review is null then 'no access review is recorded in this store: nobody can tell here whether one was done'
           when entitlements = 0 and created_at > run_started
               then 'the job is younger than the last review, which asked about '
                    || strftime(run_started at time zone 'UTC', '%Y-%m-%d')
           else concat_ws('; ',
               case when overdue > 0 or re_granted > 0
                    then concat_ws(', ', case when overdue > 0 then overdue || ' overdue' end,
                                   case when re_granted > 0 then re_granted || ' granted again' end)
                         || ' of ' || to_do || ' to be revoked or changed, such as ' || worst end,
               case when own_access > 0 then own_access || ' decided by whoever holds the access' end,
               case when own_access is null and entitlements > 0
                    then 'whether who decided holds the access can''t be told: the directory was not read' end,
               case when owed > 0 then owed || ' of ' || entitlements || ' were not decided, '
                    || case when due < judged_at then 'which was due on ' else 'which is due on ' end
                    || strftime(due at time zone 'UTC', '%Y-%m-%d') end,
               case when silent then '"' || silent_review || '" was sent and nothing of it came back by '
                    || strftime(silent_due at time zone 'UTC', '%Y-%m-%d') end,
               case when age > days then 'the last review asked about the access of '
                    || strftime(run_started at time zone 'UTC', '%Y-%m-%d') || ', ' || age
                    || ' days before this collection; ' || days || ' are allowed' end,
               case when unknown > 0 then unknown || ' of ' || to_do
                    || ' to be revoked or changed could not be looked for: the list was not read whole' end,
               case when unread is not null then 'what it asked about may not be all: ' || unread
                    || ' could not be read for it' end,
               case when entitlements = 0 then 'the last review did not ask about this job' end,
               case when entitlements is null or to_do is null
                    then 'which jobs a review asked about is not written out: it reached more than can be kept' end,
               case when owed = 0 and entitlements > 0 then 'all ' || entitlements || ' entitlements were decided' end,
               case when to_do > 0 and overdue + re_granted + unknown = 0
                    then done || ' of ' || to_do || ' to be revoked or changed are done'
                         || case when open > 0 then ', the others are not due yet' else '' end end)
               || ' (' || review || ')'
       end as reason,
       coalesce(raw_ref, job_ref) as raw_ref
from told
