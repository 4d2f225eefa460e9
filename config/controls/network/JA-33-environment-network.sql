/*---
id: JA-33
title: The environment is in a network of the owner's and closed to the internet
area: network
severity: medium
needs: [jobs, environments]
subjects: |
  select job_id, aspect as subject
  from population cross join (values ('virtual network'), ('public access')) as asked (aspect)
  where state = 'present'
frameworks:
  mcsb: [NS-1, NS-2]
  iso27001: [A.8.20, A.8.22]
  soc2: [CC6.6]
  nist80053: [SC-7]
  pci: ["1.3.1"]
rationale: >
  Outside a virtual network nobody can limit where a job connects to, and it comes from addresses that every tenant of
  the region shares, so that sources and vaults can't let in the job alone. An event-driven job takes no connections
  itself; public access matters for the apps that share its environment.
remediation: >
  A network can only be given to a new environment: az containerapp env create --name ENVIRONMENT --resource-group
  GROUP --infrastructure-subnet-resource-id SUBNET_ID --internal-only true; then move the jobs there. Public access of
  one that has a network: az containerapp env update --name ENVIRONMENT --resource-group GROUP --public-network-access
  Disabled.
limits: >
  What the subnet's security group, routes and firewall let through is not judged, nor which ingress the apps of the
  environment have. Being in a virtual network is no proof that traffic is filtered there.
parameters:
  private_environments:
    type: list of text
    default: ["*"]
    description: >-
      Environments that have to be in a network and closed, as resource ids or names, or names with * and ?; the others
      are not asked.
---*/
with patterns as (
    select distinct replace(replace(replace(replace(replace(
               entry, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'), '?', '_') as pattern
    from (
        select lower(trim(unnest(from_json(value, '["VARCHAR"]')))) as entry
        from parameters where control_id = 'JA-33' and name = 'private_environments' and job_id is null
    )
    where entry <> ''
),
asked as (
    select population.job_id, population.raw_ref as job_ref, here.*,
           '"' || replace(left(coalesce(here.name, split_part(jobs.environment_id, '/', -1), '(none named)'), 80),
                          '"', '''') || '"' as told,
           '"' || replace(left(split_part(here.vnet_subnet_id, '/subnets/', 2), 80), '"', '''') || '" of "'
               || replace(left(regexp_extract(here.vnet_subnet_id, '(?i)/virtualNetworks/([^/]+)', 1), 80), '"', '''')
               || '"' as subnet,
           exists (from patterns where lower(here.name) like pattern escape '\'
                                    or lower(here.environment_id) like pattern escape '\') as meant
    from population
    join jobs on lower(jobs.job_id) = lower(population.job_id)
    left join environments as here on lower(here.environment_id) = lower(jobs.environment_id)
    where population.state = 'present'
),
judged as (
    select job_id, job_ref, raw_ref, environment_id, told, meant, 'virtual network' as subject,
           vnet_subnet_id is not null as good,
           case when vnet_subnet_id is not null then 'it is in the subnet ' || subnet
                else 'it is in no network of the owner''s' end as why
    from asked
    union all
    select job_id, job_ref, raw_ref, environment_id, told, meant, 'public access',
           lower(coalesce(public_access, '')) = 'disabled' or coalesce(internal, false),
           case when lower(coalesce(public_access, '')) = 'disabled' then 'public access is disabled'
                when internal then 'it has an internal address only'
                when public_access is null
                    then 'it has a public address, and public access is not stated: the platform''s default is enabled'
                else 'public access is "' || left(public_access, 40) || '"' end
    from asked
)
select job_id,
       subject,
       case when environment_id is null then 'not_assessed' when not meant then 'not_applicable'
            when good then 'pass' else 'fail' end as verdict,
       case when environment_id is null then 'the environment ' || told || ' was not found: it may not be there any more'
            when not meant then 'policy.private_environments does not ask it of the environment ' || told
            else 'of the environment ' || told || ': ' || why end as reason,
       coalesce(raw_ref, job_ref) as raw_ref
from judged
