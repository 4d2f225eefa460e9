/*---
id: JA-17
title: The scaler is documented for jobs, or somebody verified it
area: configuration
severity: low
needs: [jobs]
subjects: |
  select job_id, rule_name as subject from scale_rules
empty: the job has no scale rule
frameworks:
  mcsb: [PV-2]
  iso27001: [A.8.9]
  soc2: [CC8.1]
  nist80053: [CM-6]
rationale: >
  Event-driven jobs accept any KEDA scaler, and there is no tested list for jobs. A few are named in the platform's own
  pages about jobs (docs/scalers.md says which, and where); for the others somebody should have tried that this scaler
  starts this kind of job, and say so. A failure here doesn't mean that the scaler doesn't work.
remediation: >
  Try the scaler with a job (messages arrive, executions start, the queue empties, nothing starts when it is empty) and
  record by whom and when: for the estate under [[scalers]] in audit.toml, for one job as scaler_support in jobs.toml.
limits: >
  Nothing is tried here: the list is what the platform's pages named when docs/scalers.md was written, and a
  verification is somebody's word, which may be older than the scaler that runs today.
---*/
select job_id,
       rule_name as subject,
       case when support = 'documented' or verified_by is not null then 'pass' else 'fail' end as verdict,
       case when support = 'documented'
            then 'the platform''s pages about jobs name the scaler ' || scaler_type || ': ' || support_source
            when verified_by is not null
            then 'the scaler ' || scaler_type || ' was verified by ' || verified_by || ' on ' || verified_on
                 || ' (stated by people in ' || verified_source || ')'
            when support = 'unknown'
            then 'verify support: no scaler ' || scaler_type || ' is known to KEDA, and nobody recorded having verified it'
            else 'verify support: the scaler ' || scaler_type
                || ' is not named in the platform''s pages about jobs, and nobody recorded having verified it'
       end as reason,
       raw_ref
from scaler_facts
