/*---
id: JA-18
title: The scale rule says all that its scaler needs, and how much work starts an execution
area: configuration
severity: medium
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
  The platform takes any metadata. A key that the scaler doesn't know is passed over without a word, one that it lacks
  shows only when nothing starts, and a threshold that nobody set is KEDA's. Keys are case-sensitive.
remediation: >
  Correct the rule's metadata (az containerapp job update --name JOB --resource-group GROUP --scale-rule-name RULE
  --scale-rule-type TYPE --scale-rule-metadata KEY=VALUE …, or the job's Event-driven scaling page in the portal);
  docs/scalers.md lists what each scaler needs and its threshold.
limits: >
  Whether a value is the right one (the right queue, a threshold that fits the work) is not judged. A threshold that
  comes from a secret is seen to be set, not how high. What a scaler can't do without is known for those that
  docs/scalers.md describes; of another one only what is wrong can be said, never that all is there. The catalogue is
  that of one KEDA version, and the platform's may be another.
parameters:
  threshold_may_be_default:
    default: false
    description: Whether the scaler's own default threshold will do where the rule sets none.
---*/
with setting as (
    select max(value)::BOOLEAN as default_will_do
    from parameters where control_id = 'JA-18' and name = 'threshold_may_be_default' and job_id is null
),
-- What a job writes stays text in quotes, and short.
keys as (
    select row_id, kind, word, place
    from scaler_facts
    cross join lateral (
        select 'unknown' as kind, '"' || replace(left(key.value ->> '$', 60), '"', '''') || '"'
               || coalesce(' (did you mean ' || nullif(
                      json_extract_string(near_keys,
                      '/' || replace(replace(key.value ->> '$', '~', '~0'), '/', '~1')), '') || '?)', '')
               as word, key.id as place
        from json_each(coalesce(unknown_keys, '[]')) as key
        union all
        select 'missing', replace(key.value ->> '$', '|', ' or '), key.id
        from json_each(coalesce(missing_keys, '[]')) as key
        union all
        select 'doubtful', key.value ->> '$', key.id from json_each(coalesce(maybe_missing_keys, '[]')) as key
        union all
        select 'deprecated', entry.key || ' (' || (entry.value ->> '$') || ')', entry.id
        from json_each(coalesce(deprecated_keys, '{}')) as entry
        union all
        select 'unfit', entry.key || ' = "' || replace(left(entry.value ->> '$', 60), '"', '''') || '"', entry.id
        from json_each(coalesce(unfit_values, '{}')) as entry
    )
),
worded as (
    select row_id, kind, count(*) as found,
           array_to_string(list(word order by place)[1:3], ', ')
           || case when count(*) > 3 then ', and ' || (count(*) - 3) || ' more' else '' end as told
    from keys group by row_id, kind
),
judged as (
    select fact.*, regexp_replace(threshold::VARCHAR, '[.]0$', '') as amount,
           replace(left(fact.scaler_type, 60), '"', '''') as scaler, setting.default_will_do,
           unknown.told as unknown_told, missing.told as missing_told, doubtful.told as doubtful_told,
           deprecated.told as deprecated_told, unfit.told as unfit_told,
           case when threshold_origin = 'missing' then threshold_key || ', the threshold, is not set and has no default'
                when threshold_origin = 'scaler default' and not default_will_do
                    then threshold_key || ', the threshold, is not set, so the scaler''s default applies: '
                         || coalesce(amount, 'an unknown one')
                when threshold_origin = 'set' and threshold is null
                     and (threshold_written is not null or threshold_note like '%which the job doesn''t set')
                    then threshold_key || ', the threshold, is no amount: ' || coalesce(threshold_note, 'not a number')
                when threshold_origin = 'set' and threshold <= 0
                    then threshold_key || ', the threshold, is ' || amount || ': not above 0'
           end as threshold_against,
           case when threshold_key is null then 'which parameter is the threshold isn''t known here' end as threshold_open
    from scaler_facts as fact
    cross join setting
    left join worded as unknown on unknown.row_id = fact.row_id and unknown.kind = 'unknown'
    left join worded as missing on missing.row_id = fact.row_id and missing.kind = 'missing'
    left join worded as doubtful on doubtful.row_id = fact.row_id and doubtful.kind = 'doubtful'
    left join worded as deprecated on deprecated.row_id = fact.row_id and deprecated.kind = 'deprecated'
    left join worded as unfit on unfit.row_id = fact.row_id and unfit.kind = 'unfit'
),
told as (
    select *,
           nullif(concat_ws('; ', 'missing: ' || missing_told, threshold_against,
                  'unknown to the scaler: ' || unknown_told, 'deprecated: ' || deprecated_told,
                  'values that it doesn''t take: ' || unfit_told,
                  'the scaler itself is deprecated: ' || scaler_deprecated), '') as against,
           nullif(concat_ws('; ', case when missing_keys is null then 'what it can''t do without isn''t known here' end,
                  'KEDA''s schema asks for more than is given: ' || doubtful_told, threshold_open), '') as open
    from judged
)
select job_id,
       rule_name as subject,
       case when support = 'unknown' then 'not_assessed' when against is not null then 'fail'
            when open is not null then 'not_assessed' else 'pass' end as verdict,
       case when support = 'unknown' then 'no scaler "' || scaler || '" is in the catalogue: what it needs isn''t known'
            when against is not null then scaler || ': ' || against
            when open is not null then scaler || ': nothing wrong was found, but ' || open
            else scaler || ': all that it needs is given, and ' || threshold_key || ', the threshold, is '
                 || case when threshold_origin = 'scaler default' then 'the scaler''s default, '
                             || coalesce(amount, 'unknown') || ' (policy.threshold_may_be_default)'
                         else coalesce(amount, 'set') || coalesce(' (' || threshold_note || ')', '') end
       end as reason,
       raw_ref
from told
