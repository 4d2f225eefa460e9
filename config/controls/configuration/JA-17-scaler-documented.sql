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
  pages about jobs; for the others somebody should have tried that this scaler starts this kind of job, and say so. A
  failure here doesn't mean that the scaler doesn't work.
remediation: >
  Try the scaler with a job (messages arrive, executions start, the queue empties, nothing starts when it is empty) and
  record by whom and when under policy.verified_scalers.
parameters:
  documented_scalers:
    type: list of text
    default: [azure-pipelines, azure-queue, azure-servicebus, github-runner, kafka, rabbitmq]
    description: Scalers that the platform's own pages about jobs name.
  verified_scalers:
    type: table of tables
    default: {}
    description: Scalers that somebody verified for jobs, each with `by` and `on`, and what was tried if you like (`for`).
---*/
with setting as (
    select from_json(max(value) filter (where name = 'documented_scalers'), '["VARCHAR"]') as documented,
           max(value) filter (where name = 'verified_scalers') as verified
    from parameters
    where control_id = 'JA-17' and job_id is null
),
verified as (
    select lower(entry.key) as scaler, min(nullif(trim(entry.value ->> '$.by'), '')) as by_whom,
           min(nullif(trim(entry.value ->> '$.on'), '')) as on_day
    from setting, json_each(setting.verified) as entry
    group by all
)
select rule.job_id,
       rule.rule_name as subject,
       case when list_contains(setting.documented, lower(rule.scaler_type)) then 'pass'
            when verified.by_whom is not null and verified.on_day is not null then 'pass'
            else 'fail' end as verdict,
       case when list_contains(setting.documented, lower(rule.scaler_type))
            then 'the platform''s pages about jobs name the scaler ' || rule.scaler_type
            when verified.by_whom is not null and verified.on_day is not null
            then 'the scaler ' || rule.scaler_type || ' was verified by ' || verified.by_whom || ' on ' || verified.on_day
            when verified.scaler is not null
            then 'verify support: policy.verified_scalers lists ' || rule.scaler_type || ' without saying by whom and on which day'
            else 'verify support: the scaler ' || rule.scaler_type
                || ' is not named in the platform''s pages about jobs, and nobody recorded having verified it'
       end as reason,
       rule.raw_ref
from scale_rules as rule
cross join setting
left join verified on verified.scaler = lower(rule.scaler_type)
