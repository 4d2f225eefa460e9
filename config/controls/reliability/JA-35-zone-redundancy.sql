/*---
id: JA-35
title: The environment is spread over availability zones
area: reliability
severity: low
needs: [jobs, environments]
subjects: |
  select job_id, 'zone redundancy' as subject from population where state = 'present'
frameworks:
  iso27001: [A.8.14]
  soc2: [A1.2]
  nist80053: [CP-10]
rationale: >
  An environment in one zone stops with that zone, and no execution starts until it is back; messages wait and may
  expire.
remediation: >
  It can only be chosen for a new environment, and needs a subnet: az containerapp env create --name ENVIRONMENT
  --resource-group GROUP --location REGION --infrastructure-subnet-resource-id SUBNET_ID --zone-redundant; then move
  the jobs there. Where work may wait, take the environment out of policy.zone_redundant_environments.
limits: >
  Only the environment is looked at: a source, vault or registry that stands in one zone stops the job as well (their
  columns zone_redundant tell). Whether the region has zones at all is not known here: say it in policy. Another
  region is never asked for, and a restart elsewhere is not tried.
parameters:
  zone_redundant_environments:
    type: list of text
    default: ["*"]
    description: Environments that have to be spread over zones, as resource ids or names, or names with * and ?.
  regions_without_zones:
    type: list of text
    default: []
    description: Regions that have no availability zones, such as westcentralus, where it can't be asked for.
---*/
with listed as (
    select name, lower(trim(unnest(from_json(value, '["VARCHAR"]')))) as entry
    from parameters where control_id = 'JA-35' and job_id is null
),
patterns as (
    select distinct replace(replace(replace(replace(replace(
               entry, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'), '?', '_') as pattern
    from listed where name = 'zone_redundant_environments' and entry <> ''
),
asked as (
    select population.job_id, population.raw_ref as job_ref, here.environment_id, here.zone_redundant, here.raw_ref,
           replace(left(here.location, 60), '"', '''') as region,
           '"' || replace(left(coalesce(here.name, split_part(jobs.environment_id, '/', -1), '(none named)'), 80),
                          '"', '''') || '"' as told,
           exists (from patterns where lower(here.name) like pattern escape '\'
                                    or lower(here.environment_id) like pattern escape '\') as meant,
           exists (from listed where name = 'regions_without_zones'
                       and replace(entry, ' ', '') = lower(replace(here.location, ' ', ''))) as zoneless
    from population
    join jobs on lower(jobs.job_id) = lower(population.job_id)
    left join environments as here on lower(here.environment_id) = lower(jobs.environment_id)
    where population.state = 'present'
)
select job_id,
       'zone redundancy' as subject,
       case when environment_id is null then 'not_assessed'
            when zone_redundant then 'pass'
            when not meant or zoneless then 'not_applicable'
            when zone_redundant is null then 'not_assessed'
            else 'fail' end as verdict,
       case when environment_id is null then 'the environment ' || told || ' was not found: it may not be there any more'
            when zone_redundant
                then 'the environment ' || told || ' is spread over the zones of ' || coalesce(region, 'its region')
            when not meant then 'policy.zone_redundant_environments does not ask it of the environment ' || told
            when zoneless then 'policy.regions_without_zones says that ' || region || ' has no zones'
            when zone_redundant is null then 'Azure did not say it of the environment ' || told
            else 'the environment ' || told || ' stands in one zone of ' || coalesce(region, 'its region') end as reason,
       coalesce(raw_ref, job_ref) as raw_ref
from asked
