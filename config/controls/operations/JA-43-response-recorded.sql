/*---
id: JA-43
title: Runbook, expected behaviour and escalation are recorded for the job
area: operations
severity: medium
needs: [jobs, tags]
spares:
  tags: [expected behaviour, escalation]
subjects: |
  select population.job_id, replace(asked.topic, '_', ' ') as subject
  from population
  cross join (
      select distinct lower(trim(entry.value ->> '$')) as topic
      from parameters, json_each(parameters.value) as entry
      where control_id = 'JA-43' and name = 'required_statements' and job_id is null
        and trim(entry.value ->> '$') <> ''
  ) as asked
  where population.state = 'present'
empty: no statement is asked for (policy.required_statements is empty)
frameworks:
  iso27001: [A.5.24, A.5.37]
  soc2: [CC7.3, CC7.4]
rationale: >
  Whoever is woken at night has to know what the job should do, what to try and whom to call. A statement that nobody
  has confirmed for a year describes a job that may not exist any more.
remediation: >
  Write runbook (an https address), expected_behaviour and escalation for the job into jobs.toml, with stated_by and
  stated_on (config/jobs.toml is a sample); or set the tag runbook to the address (az tag update --resource-id JOB_ID
  --operation Merge --tags runbook=https://…). Confirm what still holds by a new stated_on.
limits: >
  It is what people state, and nothing here tries it: that the runbook's address opens, that it fits the job, that the
  people named are reached. A tag has no date, so how old it is can't be judged. jobs.toml is read when a collection
  begins.
parameters:
  required_statements:
    type: list of text
    default: [runbook, expected_behaviour, escalation]
    description: >-
      Topics of jobs.toml that every job has to have: runbook, expected_behaviour, escalation, owner, objective,
      idempotence, first_response, known_limit, downstream, test, scaler_support or event_source.
  statement_age_most_days:
    default: 365
    description: Days after which a statement has to be confirmed.
  runbook_tags:
    type: list of text
    default: [runbook]
    description: Tags whose value is taken as a runbook where jobs.toml names none.
  tag_placeholders:
    default: ["-", "?", n/a, na, none, "null", tbc, tbd, todo, unknown, xxx]
    description: Values that say nothing; they count as empty.
---*/
with given as (
    select name, lower(trim(entry.value ->> '$')) as word, entry.id as place
    from parameters, json_each(parameters.value) as entry
    where control_id = 'JA-43' and job_id is null and name <> 'statement_age_most_days'
),
setting as (
    select max(value)::BIGINT as age_most
    from parameters where control_id = 'JA-43' and name = 'statement_age_most_days' and job_id is null
),
known as (
    select unnest(['runbook', 'expected_behaviour', 'escalation', 'owner', 'objective', 'idempotence', 'first_response',
                   'known_limit', 'downstream', 'test', 'scaler_support', 'event_source']) as topic
),
asked as (
    select population.job_id, population.raw_ref, population.observed_at, wanted.topic,
           wanted.topic in (select topic from known) as known
    from population
    cross join (select distinct word as topic from given where name = 'required_statements' and word <> '') as wanted
    where population.state = 'present'
),
-- Of several texts on a topic (limits, tests) the first one that says something speaks for it.
said as (
    select lower(job_id) as job_key, topic, text, stated_by, stated_on, source, raw_ref,
           bare = '' or bare in (select word from given where name = 'tag_placeholders') as empty
    from (select *, lower(regexp_replace(text, '^[\s\pZ\pC]+|[\s\pZ\pC]+$', '', 'g')) as bare from statements)
    where job_id is not null
    qualify row_number() over (partition by lower(job_id), topic order by empty, position, row_id) = 1
),
tagged as (
    select population.job_id, tags.key, regexp_replace(tags.value, '^[\s\pZ\pC]+|[\s\pZ\pC]+$', '', 'g') as value, tags.raw_ref
    from population
    cross join lateral (values
        ('job', 1, lower(job_id)),
        ('resource_group', 2, lower(regexp_extract(job_id, '^(/[^/]+/[^/]+/[^/]+/[^/]+)', 1))),
        ('subscription', 3, lower(regexp_extract(job_id, '^(/[^/]+/[^/]+)', 1)))
    ) as place (source, distance, resource_key)
    join tags on tags.source = place.source and lower(rtrim(tags.resource_id, '/')) = place.resource_key
    join given on given.name = 'runbook_tags' and given.word = lower(tags.key)
    qualify row_number() over (
        partition by population.job_id order by place.distance, given.place, tags.key, tags.row_id) = 1
),
judged as (
    select asked.*, said.text, said.stated_by, said.stated_on, said.source, said.raw_ref as said_ref, said.empty,
           tagged.key, tagged.value, tagged.raw_ref as tag_ref, setting.age_most,
           date_diff('day', said.stated_on, (asked.observed_at at time zone 'UTC')::DATE) as age,
           coalesce(regexp_full_match(trim(said.text), '(?is)https?://[^\s/]+\S*'), false) as linked,
           coalesce(regexp_full_match(tagged.value, '(?is)https?://[^\s/]+\S*'), false) as tag_linked
    from asked
    cross join setting
    left join said on said.job_key = lower(asked.job_id) and said.topic = asked.topic
    left join tagged on asked.topic = 'runbook' and tagged.job_id = asked.job_id
),
ranked as (
    select *,
           case when not known then 'unknown'
                when tag_linked and (stated_on is null or empty or not linked) then 'tag'
                when stated_on is null then 'none'
                when empty then 'empty'
                when topic = 'runbook' and not linked then 'no link'
                when age > age_most then 'old' else 'good' end as state
    from judged
)
select job_id,
       replace(topic, '_', ' ') as subject,
       case when state = 'unknown' then 'not_assessed' when state in ('good', 'tag') then 'pass' else 'fail' end as verdict,
       case state
           when 'unknown'
               then 'policy.required_statements asks for "' || left(topic, 60) || '", which jobs.toml has no word for'
           when 'tag' then 'the tag ' || key || ' names "' || replace(left(value, 200), '"', '''') || '"'
           when 'none' then 'nobody stated it in jobs.toml' || case when topic = 'runbook' then coalesce(
               ', and the tag ' || key || ' is no web address: "' || replace(left(value, 80), '"', '''') || '"',
               ', and no tag names it') else '' end
           else case state when 'empty' then 'what is stated says nothing: '
                           when 'no link' then 'what is stated is no web address: '
                           when 'old' then 'stated ' || age || ' days ago, more than ' || age_most || ': ' else '' end
               || '"' || replace(left(text, 200), '"', '''') || '" (stated by ' || left(stated_by, 80)
               || ' on ' || stated_on
               || ', ' || left(source, 80) || ')'
       end as reason,
       coalesce(case when state = 'tag' then tag_ref else said_ref end, raw_ref) as raw_ref
from ranked
