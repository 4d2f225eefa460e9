/*---
id: JA-21
title: The job is set to what was last approved
area: change
severity: high
needs: [jobs]
subjects: |
  select job_id, 'configuration' as subject from jobs where in_scope
empty: there is no such job
frameworks:
  mcsb: [PV-2]
  iso27001: [A.8.9]
  soc2: [CC7.1]
  nist80053: [CM-6, "CM-3(2)"]
  pci: ["6.5.1"]
rationale: >
  Drift is what is set differently from what was approved, however it came about. The job's settings are held against those
  of the last approved snapshot, property by property; hidden values by their digest, where both were hidden under one key.
remediation: >
  Set the property back, or have the present configuration approved (jobaudit approve on the pack that shows it).
limits: >
  The newest approved compliance or change pack beside this one that has the job speaks; where it is damaged, no older one
  does. A snapshot says what was set when its pack's run read it. Settings of what the job stands on (environment, event source,
  identities' roles) are not in it.
---*/
with approved as (
    select lower(job_id) as job_key, arg_max(a, row(coalesce(approved_at, 'infinity'), run_id, ticket)) as last
    from approved_snapshots a group by lower(job_id)
),
snapshots as (
    select job_key, last.approved_at, last.approved_by, last.ticket, last.run_id, last.pack, last.damage,
           last.configuration, last.redaction_key_id,
           coalesce(json_type(last.configuration) = 'OBJECT', false) as readable
    from approved
),
meant as (
    select s.job_key, each.key as property, each.value ->> '$' as value,
           case when contains(each.value ->> '$', '[redacted:') then s.redaction_key_id end as hidden_under
    from snapshots s, json_each(if(s.readable, s.configuration, '{}')) as each
),
now as (
    select lower(job_id) as job_key, property, value, hidden_under from job_configuration
    where lower(job_id) in (select job_key from snapshots)
),
compared as (
    select job_key, property, meant.value as meant, now.value as now,
           meant.hidden_under is not null and now.hidden_under is not null
               and meant.hidden_under is distinct from now.hidden_under as unknown
    from meant full join now using (job_key, property)
    where meant.value is distinct from now.value
),
told as (
    select job_key, count(*) filter (where not unknown) as differing, count(*) filter (where unknown) as unknown,
           list(property || ': ' || coalesce(left(meant, 60), 'nothing') || ' was approved, '
                || coalesce(left(now, 60), 'nothing') || ' is set' order by property) filter (where not unknown) as lines
    from compared group by all
)
select jobs.job_id, 'configuration' as subject,
       case when s.job_key is null or not s.readable then 'not_assessed'
            when told.differing > 0 then 'fail'
            when told.unknown > 0 then 'not_assessed' else 'pass' end as verdict,
       case when s.job_key is null then 'nobody has approved a snapshot of this job'
            when not s.readable then concat_ws(': ', 'the approved snapshot of '
                || coalesce(s.pack, 'run ' || s.run_id, 'a pack') || ' can''t be read', s.damage)
            else case
                when told.differing > 0 then told.differing || if(told.differing = 1, ' property differs', ' properties differ')
                    || ' from what was approved: ' || array_to_string(told.lines[:5], '; ')
                    || if(told.differing > 5, '; and ' || (told.differing - 5) || ' more', '')
                when told.unknown > 0 then told.unknown || ' hidden values can''t be compared: they were hidden under another key'
                else 'as approved' end
                || ' (run ' || s.run_id || ', approved at ' || strftime(s.approved_at at time zone 'UTC', '%Y-%m-%d %H:%M UTC')
                || ' by ' || coalesce(s.approved_by, 'nobody named') || coalesce(', ' || s.ticket, '') || ')' end as reason,
       jobs.raw_ref
from jobs
left join snapshots s on s.job_key = lower(jobs.job_id)
left join told on told.job_key = lower(jobs.job_id)
where jobs.in_scope
