/*---
id: JA-11
title: Images are pulled by identity, not with a registry password
area: identity
severity: medium
needs: [jobs]
subjects: |
  select job_id, lower(server) as subject from job_registries
  union
  select job_id, lower(coalesce(registry, 'docker.io')) as subject from containers
empty: the job names no image and no registry
frameworks:
  mcsb: [IM-3]
  iso27001: [A.5.17]
  soc2: [CC6.1]
  nist80053: [IA-5]
  pci: ["8.6.3"]
rationale: >
  A registry password is shared by whoever can read the job's secrets, and the admin user of an Azure container registry
  may push as well as pull. A registry that the job holds a credential for counts even where no image comes from it.
remediation: >
  Name an identity in the job's registries entry, grant it AcrPull on the registry, remove the password secret, and switch
  the registry's admin user off.
limits: >
  Whether a registry is private is judged by its name alone; one of another name that needs a password somewhere else
  looks public. That the pull works, and which rights the identity holds there, is not checked.
parameters:
  private_registry_suffixes:
    type: list of text
    default: [.azurecr.io, .azurecr.us, .azurecr.cn]
    description: Ends of the names of registries that are private unless told otherwise; a pull without credentials fails.
---*/
with setting as (
    select from_json(max(value), '["VARCHAR"]') as suffixes
    from parameters
    where control_id = 'JA-11' and name = 'private_registry_suffixes' and job_id is null
),
entries as (
    select lower(job_id) as job_key, lower(server) as server,
           string_agg(distinct identity, ', ' order by identity) filter (where identity <> '') as identity,
           string_agg(distinct username, ', ' order by username) filter (where username <> '') as username,
           string_agg(distinct password_secret_ref, ', ' order by password_secret_ref)
               filter (where password_secret_ref <> '') as password,
           min(raw_ref) as raw_ref
    from job_registries
    group by all
),
pulled as (
    select lower(job_id) as job_key, lower(coalesce(registry, 'docker.io')) as server, count(*) as images,
           min(raw_ref) as raw_ref
    from containers
    group by all
),
sources as (
    select coalesce(entries.job_key, pulled.job_key) as job_key, coalesce(entries.server, pulled.server) as server,
           entries.identity, entries.username, entries.password, entries.server is not null as entered,
           coalesce(pulled.images, 0) as images, coalesce(entries.raw_ref, pulled.raw_ref) as raw_ref
    from entries full join pulled on pulled.job_key = entries.job_key and pulled.server = entries.server
),
judged as (
    select sources.*, jobs.job_id,
           list_bool_or(list_transform(setting.suffixes, lambda each: ends_with(sources.server, lower(each)))) as private,
           sources.username is not null or sources.password is not null as by_password,
           case lower(sources.identity) when 'system' then 'the system-assigned identity'
                else 'the identity ' || regexp_extract(sources.identity, '[^/]+$') end as identity_told,
           exists (
               select 1 from job_identities as has
               where lower(has.job_id) = sources.job_key
                 and (lower(has.identity_id) = lower(sources.identity)
                      or (lower(sources.identity) = 'system' and has.kind = 'system'))
           ) as held
    from sources
    join jobs on lower(jobs.job_id) = sources.job_key
    cross join setting
)
select job_id,
       server as subject,
       case
           when by_password then 'fail'
           when identity is not null then case when held then 'pass' else 'fail' end
           when private then 'fail'
           else 'not_applicable'
       end as verdict,
       case
           when by_password then 'it signs in as user ' || coalesce(username, '(none named)') || ' with a password'
               || coalesce(' in the secret ' || password, '')
           when identity is not null and held then 'images are pulled as ' || identity_told
           when identity is not null then 'its entry names ' || identity_told || ', which the job does not have'
           when private and entered then 'its entry names neither an identity nor a user; the registry is private by its name'
           when private then 'the registry is private by its name, and the job has no entry for it: how it pulls is not told'
           else 'pulled without any credential, so the registry is public: there is nothing to protect'
       end
       || case when images = 0 then '; no image comes from it' else '' end as reason,
       raw_ref
from judged
