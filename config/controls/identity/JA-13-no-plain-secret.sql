/*---
id: JA-13
title: No secret-like value stands in plain configuration
area: identity
severity: high
needs: [jobs]
subjects: |
  select job_id, case when init then 'init container ' else 'container ' end || container as subject from containers
  union all
  select job_id, 'scale rule ' || rule_name from scale_rules
empty: the job has no container and no scale rule
frameworks:
  mcsb: [IM-8]
  iso27001: [A.5.17]
  soc2: [CC6.1]
  nist80053: [IA-5]
  pci: ["8.6.3"]
rationale: >
  Environment values, commands, arguments and scaler metadata are readable by every reader of the job and land in
  templates, exports and logs. Detectors judge by form, so a pass means that none of them took a value for a secret, not
  that there is none. The value itself is never shown.
remediation: >
  Rotate what was exposed, put it into Key Vault, and refer to it as a secret; or use an identity and remove it.
limits: >
  A detector knows forms and names; a password that looks like a word passes, and a harmless value may fail. What
  stands in images, files, messages and logs is not looked at.
---*/
with owners as (
    select job_id, container as owner, 'container' as kind, raw_ref,
           case when init then 'init container ' else 'container ' end || container as subject
    from containers
    union all
    select job_id, rule_name, 'rule', raw_ref, 'scale rule ' || rule_name
    from scale_rules
),
values_told as (
    select lower(job_id) as job_key, owner, raw_ref,
           case when place = 'scaler_metadata' then 'rule' else 'container' end as kind,
           coalesce(secret_like, nullif(regexp_extract(value, '\[redacted:[0-9a-f]+:([a-z0-9-]+)\]', 1), '')) as detector,
           case place when 'env' then 'environment variable ' || name
                      when 'scaler_metadata' then 'metadata ' || name
                      else place || '[' || name || ']' end as told
    from job_values where place <> 'volume'
),
counted as (
    select job_key, owner, kind, count(*) as looked_at,
           string_agg(told || ' (' || detector || ')', ', ' order by told) filter (where detector is not null) as found,
           min(raw_ref) filter (where detector is not null) as raw_ref
    from values_told
    group by all
)
select owners.job_id,
       owners.subject,
       case when counted.looked_at is null then 'not_applicable'
            when counted.found is null then 'pass' else 'fail' end as verdict,
       case when counted.looked_at is null then 'it has no value to look at'
            when counted.found is null
            then 'none of its values looks like a secret (values looked at: ' || counted.looked_at || ')'
            else 'looks like a secret: ' || counted.found end as reason,
       coalesce(counted.raw_ref, owners.raw_ref) as raw_ref
from owners
left join counted
    on counted.job_key = lower(owners.job_id) and counted.owner = owners.owner and counted.kind = owners.kind
