/*---
id: JA-12
title: Secrets are references into an approved vault
area: identity
severity: high
needs: [jobs]
subjects: |
  select job_id, name as subject from job_secrets
empty: the job has no secret
frameworks:
  mcsb: [IM-8]
  iso27001: [A.5.17]
  soc2: [CC6.1]
  nist80053: [IA-5]
  pci: ["8.6.3"]
  cis: ["8.3.3", "8.3.6"]
rationale: >
  A value kept in the job can be listed by everyone who may list the job's secrets, expires never and is rotated by hand.
  A reference leaves the value in Key Vault, with its own access, log and expiry; those are the vault's and are not
  checked here.
remediation: >
  Put the value into an approved Key Vault, set the secret's keyVaultUrl and the identity that may read it, and rotate the
  value that stood in the job.
limits: >
  That the vault and the secret are there, that the identity may read them and when the value was last rotated is not
  checked. A value that was in the job before and was not rotated stays known to whoever read it. Secrets that code
  fetches by itself are not seen.
parameters:
  approved_vaults:
    type: list of text
    default: []
    description: Names or host names of the vaults that secrets may come from; empty = no baseline, any vault passes.
---*/
with setting as (
    select list_transform(from_json(max(value), '["VARCHAR"]'), lambda each: lower(each)) as approved
    from parameters
    where control_id = 'JA-12' and name = 'approved_vaults' and job_id is null
),
secrets as (
    select job_secrets.*, setting.approved,
           lower(regexp_extract(key_vault_url, '(?i)^https://([^/:?#]+)', 1)) as host
    from job_secrets cross join setting
),
judged as (
    select *, len(approved) = 0 as open,
           list_contains(approved, host) or list_contains(approved, split_part(host, '.', 1)) as listed
    from secrets
)
select job_id,
       name as subject,
       case
           when coalesce(key_vault_url, '') = '' or host = '' then 'fail'
           when open or listed then 'pass'
           else 'fail'
       end as verdict,
       case
           when coalesce(key_vault_url, '') = '' then 'its value is kept in the job itself'
           when host = '' then 'its reference is not an https address of a vault'
           when open then 'it refers to the vault ' || host || '; no baseline of approved vaults is set, so any vault passes'
           when listed then 'it refers to the approved vault ' || host
           else 'it refers to the vault ' || host || ', which is not among the approved vaults'
       end
       || case when host <> '' and coalesce(identity, '') = '' then '; no identity is named to read it' else '' end as reason,
       raw_ref
from judged
