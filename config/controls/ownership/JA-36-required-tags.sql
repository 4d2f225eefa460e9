/*---
id: JA-36
title: Required tags are there and hold something
area: ownership
severity: medium
needs: [jobs, tags]
subjects: |
  select population.job_id, entry.value ->> '$' as subject
  from population, parameters, json_each(parameters.value) as entry
  where population.state = 'present'
    and parameters.control_id = 'JA-36' and parameters.name = 'required_tags' and parameters.job_id is null
empty: no tag is required (policy.required_tags is empty)
frameworks:
  mcsb: [AM-1]
  iso27001: [A.5.9]
  soc2: [CC6.1]
rationale: >
  A job that nobody owns is patched, paid and answered for by nobody. Azure doesn't hand tags down, so a tag of the
  resource group or the subscription counts here only where nothing nearer carries it; the nearest one decides, even if
  it is empty. Keys are compared without regard to case. That the person named is still there is not checked.
remediation: >
  Set the tag on the job, or on its resource group or subscription if it holds for everything there.
limits: >
  That what a tag says is true: that the owner is still there, that the runbook opens, that the cost centre exists.
  Tags that Azure Policy would add later, and tags of the environment or the event source, don't count.
parameters:
  required_tags:
    default: [owner, environment, cost-centre, runbook]
    description: Keys that every job must have, its own or from its resource group or subscription.
  tag_aliases:
    type: table of lists
    default:
      environment: [env]
      cost-centre: [costcentre, cost_centre, cost-center, costcenter, cost_center]
    description: Other spellings that count as a required key.
  tag_patterns:
    type: table of text
    default: {}
    description: A regular expression (RE2) that the whole value of a key must match.
  tag_placeholders:
    default: ["-", "?", n/a, na, none, "null", tbc, tbd, todo, unknown, xxx]
    description: Values that say nothing; they count as empty.
---*/
with setting as (
    select max(value) filter (where name = 'required_tags') as required,
           max(value) filter (where name = 'tag_aliases') as aliases,
           max(value) filter (where name = 'tag_patterns') as patterns,
           max(value) filter (where name = 'tag_placeholders') as placeholders
    from parameters
    where control_id = 'JA-36' and job_id is null
),
required as (
    select entry.value ->> '$' as wanted from setting, json_each(setting.required) as entry
),
spellings as (
    select wanted, lower(wanted) as spelling, 0 as choice from required
    union all
    select required.wanted, lower(word.value ->> '$'), 1 + word.id
    from setting, json_each(setting.aliases) as entry, json_each(entry.value) as word, required
    where lower(entry.key) = lower(required.wanted) and lower(word.value ->> '$') <> lower(required.wanted)
),
patterns as (
    select lower(entry.key) as key, entry.value ->> '$' as pattern from setting, json_each(setting.patterns) as entry
),
placeholders as (
    select lower(entry.value ->> '$') as word from setting, json_each(setting.placeholders) as entry
),
places as (
    select job_id, place.*
    from population
    cross join lateral (values
        ('job', 1, lower(job_id)),
        ('resource_group', 2, lower(regexp_extract(job_id, '^(/[^/]+/[^/]+/[^/]+/[^/]+)', 1))),
        ('subscription', 3, lower(regexp_extract(job_id, '^(/[^/]+/[^/]+)', 1)))
    ) as place (source, distance, resource_key)
    where state = 'present'
),
nearest as (
    select places.job_id, spellings.wanted, tags.key, tags.value, places.source, tags.raw_ref
    from places
    join tags on tags.source = places.source and lower(rtrim(tags.resource_id, '/')) = places.resource_key
    join spellings on spellings.spelling = lower(tags.key)
    qualify row_number() over (
        partition by places.job_id, spellings.wanted order by places.distance, spellings.choice, tags.key, tags.row_id
    ) = 1
),
judged as (
    select population.job_id, required.wanted, nearest.key, nearest.value,
           case nearest.source when 'job' then 'the job' when 'resource_group' then 'its resource group'
                               when 'subscription' then 'its subscription' end as source_told,
           coalesce(nearest.raw_ref, population.raw_ref) as raw_ref,
           patterns.pattern,
           coalesce(said.text, '') = '' or lower(said.text) in (select word from placeholders) as says_nothing,
           patterns.pattern is not null and not regexp_full_match(coalesce(nearest.value, ''), patterns.pattern) as mismatch
    from population
    cross join required
    left join nearest on nearest.job_id = population.job_id and nearest.wanted = required.wanted
    left join patterns on patterns.key = lower(required.wanted)
    cross join lateral (values
        -- without blanks of any kind, and what can't be seen, at either end
        (regexp_replace(nearest.value, '^[\s\pZ\pC]+|[\s\pZ\pC]+$', '', 'g'))
    ) as said (text)
    where population.state = 'present'
)
select job_id,
       wanted as subject,
       case when key is not null and not says_nothing and not mismatch then 'pass' else 'fail' end as verdict,
       case
           when key is null then 'neither the job nor its resource group nor its subscription carries it'
           when says_nothing then 'the tag ' || key || ' on ' || source_told || ' says nothing: "' || value || '"'
           when mismatch then 'the tag ' || key || ' on ' || source_told || ' is "' || value || '", which does not match '
               || pattern
           else 'the tag ' || key || ' on ' || source_told || ' is "' || value || '"'
       end as reason,
       raw_ref
from judged
