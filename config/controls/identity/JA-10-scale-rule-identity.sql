/*---
id: JA-10
title: Every scale rule authenticates by identity, not by secret
area: identity
severity: medium
needs: [jobs]
subjects: |
  select job_id, rule_name as subject from scale_rules
empty: the job has no scale rule
frameworks:
  mcsb: [IM-3]
  iso27001: [A.5.17]
  soc2: [CC6.1]
  nist80053: [IA-5, IA-9]
  pci: ["8.6.3"]
rationale: >
  The scaler watches the event source around the clock. With a connection string it holds a long-lived key, often one
  that may do more than count messages; with an identity there is nothing to steal or to rotate.
remediation: >
  Set the rule's identity, grant that identity the data role which the scaler needs on the event source, then remove the
  secret references and the secrets. Where the scaler knows no identity, record an exception.
limits: >
  What the container itself uses to fetch messages is not seen. Which scalers can take an identity is a list in
  policy, after one KEDA version; whether the platform hands the identity to a scaler is not tried. Whether the
  identity holds the role that it needs is not checked.
parameters:
  identity_scalers:
    type: list of text
    default: [azure-app-insights, azure-blob, azure-data-explorer, azure-eventhub, azure-log-analytics, azure-monitor,
              azure-pipelines, azure-queue, azure-servicebus, mssql, postgresql, prometheus, rabbitmq]
    description: Scalers that can authenticate with a workload identity; for the others the reason says that KEDA offers none.
  sourceless_scalers:
    type: list of text
    default: [cron, cpu, memory]
    description: Scalers that reach no event source, so that there is nothing to authenticate.
---*/
with setting as (
    select from_json(max(value) filter (where name = 'identity_scalers'), '["VARCHAR"]') as identity_scalers,
           from_json(max(value) filter (where name = 'sourceless_scalers'), '["VARCHAR"]') as sourceless_scalers
    from parameters
    where control_id = 'JA-10' and job_id is null
),
planted as (
    select lower(job_id) as job_key, owner, string_agg(name, ', ' order by name) as keys
    from job_values
    where place = 'scaler_metadata' and secret_like is not null
    group by all
),
rules as (
    select rule.job_id, rule.rule_name, rule.scaler_type, rule.auth_method, rule.raw_ref,
           case lower(rule.identity) when 'system' then 'the system-assigned identity'
                else 'the identity ' || regexp_extract(rule.identity, '[^/]+$') end as identity_told,
           exists (
               select 1 from job_identities as has
               where lower(has.job_id) = lower(rule.job_id)
                 and case when lower(rule.identity) = 'system' then has.kind = 'system'
                          else lower(has.identity_id) = lower(rule.identity) end
           ) as held,
           (select string_agg(entry.value ->> '$.secretRef', ', ' order by entry.value ->> '$.secretRef')
            from json_each(coalesce(rule.auth, '[]')) as entry) as secrets,
           array_to_string(list_sort(list_filter(json_keys(rule.metadata), lambda each: each ilike '%FromEnv')), ', ')
               as from_environment,
           planted.keys as planted_keys,
           list_contains(setting.identity_scalers, lower(rule.scaler_type)) as can,
           list_contains(setting.sourceless_scalers, lower(rule.scaler_type)) as sourceless
    from scale_rules as rule
    cross join setting
    left join planted on planted.job_key = lower(rule.job_id) and planted.owner = rule.rule_name
)
select job_id,
       rule_name as subject,
       case
           when auth_method = 'identity' and held and secrets is null then 'pass'
           when auth_method = 'none' and sourceless and coalesce(from_environment, '') = '' and planted_keys is null
               then 'not_applicable'
           else 'fail'
       end as verdict,
       case
           when auth_method = 'identity' and not held then 'it names ' || identity_told || ', which the job does not have'
           when auth_method = 'identity' and secrets is not null
               then 'it names ' || identity_told || ' and still passes the secrets ' || secrets
           when auth_method = 'identity' then 'it authenticates as ' || identity_told
           when secrets is not null then 'it authenticates with secrets of the job: ' || secrets
           when planted_keys is not null then 'a secret stands in its metadata: ' || planted_keys
           when from_environment <> ''
               then 'it names no identity and takes values from environment variables: ' || from_environment
           when sourceless then 'the scaler ' || scaler_type || ' reaches no event source, so nothing authenticates'
           else 'it names neither an identity nor a secret; how it reaches its event source is not told'
       end
       || case when auth_method <> 'identity' and not sourceless and not can
               then ' (the scaler ' || scaler_type || ' is not known to accept an identity)' else '' end as reason,
       raw_ref
from rules
