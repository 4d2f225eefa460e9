/*---
id: JA-15
title: The event source is reached with the least rights and without keys
area: identity
severity: medium
needs: [jobs, subscriptions, role_assignments, role_definitions, role_eligibility, role_activations, deny_assignments,
        principals, group_members, group_eligibility, management_groups, identities, inventory, event_sources]
subjects: |
  select job_id, name || aspect as subject
  from (
      select job_id, lower(resource_id) as source_key,
             case min(resource_type)
                 when 'microsoft.servicebus/namespaces' then 'Service Bus '
                 when 'microsoft.eventhub/namespaces' then 'Event Hubs '
                 when 'microsoft.storage/storageaccounts' then 'storage account '
                 else coalesce(min(resource_type) || ' ', '') end || split_part(min(resource_id), '/', -1) as name,
             unnest(case when not bool_or(resolved) then ['']
                         when min(resource_type) = 'microsoft.storage/storageaccounts'
                             then [': local authentication', ': rights of the identity']
                         else [': local authentication', ': Manage policies', ': rights of the identity']
                         end) as aspect
      from dependencies
      where relation = 'event_source'
      group by job_id, lower(resource_id)
  )
empty: the job waits for no event source
frameworks:
  mcsb: [PA-7, IM-1]
  iso27001: [A.5.18]
  soc2: [CC6.3]
  nist80053: [IA-5, IA-9]
  pci: ["8.6.3"]
rationale: >
  A key of the source works for whoever holds it, from anywhere, and one with Manage can delete what the job waits
  for. The job itself has to receive, not to send, write or manage. Rights count by what they allow; what they reach
  beyond this source is not judged. Sending by a job that puts messages back can be allowed. Keys of policies of other
  queues or hubs than the job's are not looked at.
remediation: >
  Give the identity the source's data receiver role on the one queue, topic or hub (az role assignment create --role
  "Azure Service Bus Data Receiver" --scope QUEUE), take wider roles away, then switch local authentication off (az
  servicebus namespace update --disable-local-auth true; for storage, az storage account update
  --allow-shared-key-access false).
limits: >
  Rights by a group of the identity count, what they reach beyond this source does not. Keys of other queues or hubs
  than the job's, signatures that were handed out before keys were switched off, and sources outside Azure Resource
  Manager are not looked at. The rights are as granted, not as used.
parameters:
  identity_may_send:
    default: false
    description: Whether a job's identity may also send to or write into the source that it reads from.
---*/
with sources as (
    select job_id, lower(resource_id) as source_key, min(resource_id) as resource_id, bool_or(resolved) as resolved,
           min(detail) as detail, min(raw_ref) as raw_ref,
           coalesce(min(resource_type) <> 'microsoft.storage/storageaccounts', true) as keyed,
           case min(resource_type)
               when 'microsoft.servicebus/namespaces' then 'Service Bus '
               when 'microsoft.eventhub/namespaces' then 'Event Hubs '
               when 'microsoft.storage/storageaccounts' then 'storage account '
               else coalesce(min(resource_type) || ' ', '') end || split_part(min(resource_id), '/', -1) as name
    from dependencies
    where relation = 'event_source'
    group by job_id, lower(resource_id)
),
setting as (
    select max(value)::BOOLEAN as may_send
    from parameters where control_id = 'JA-15' and name = 'identity_may_send' and job_id is null
),
authenticated as (
    select lower(resource_id) as source_key, bool_or(local_auth_disabled) as local_auth_disabled, min(raw_ref) as raw_ref
    from event_sources group by lower(resource_id)
),
watched as (
    select distinct lower(job_id) as job_key, lower(resource_id) as entity_key from dependencies where relation = 'entity'
    union
    select lower(job_id), lower(regexp_extract(resource_id, '(?i)^(.*/topics/[^/]+)/subscriptions/', 1)) from dependencies
    where relation = 'entity' and resource_id ilike '%/subscriptions/%/topics/%/subscriptions/%'
),
policies as (
    select sources.job_id, sources.source_key, count(*) as policies, count(*) filter (where can_manage) as managing,
           array_to_string(list(replace(left(p.name, 80), '"', '''')
               || case when p.entity_id is null then '' else ' of ' || split_part(p.entity_id, '/', -1) end
               order by lower(p.policy_id)) filter (where can_manage)[1:3], ', ') as told,
           min(p.raw_ref) filter (where can_manage) as raw_ref
    from sources
    join event_source_policies as p on lower(p.resource_id) = sources.source_key
    where p.entity_id is null
       or (lower(sources.job_id), lower(p.entity_id)) in (select job_key, entity_key from watched)
    group by sources.job_id, sources.source_key
),
rights as (
    select sources.job_id, sources.source_key, e.capability, w.words, e.raw_ref, e.conditional,
           case when e.scope = '/' then 'the tenant''s root'
                else split_part(e.scope, '/', -2) || ' ' || split_part(e.scope, '/', -1) end as place,
           coalesce(role.name, replace(e.via_kind, '_', ' ')) as role, coalesce(who.name, e.principal_id) as identity,
           case when e.capability = 'manage_event_source' then true
                when lower(w.needs::VARCHAR) like '%/listkeys/action%' then true
                when regexp_matches(lower(w.needs::VARCHAR), '/send/action|/messages/add/action|/blobs/write')
                    then not may_send
                else false end as beyond
    from sources
    cross join setting
    join identities as own on lower(own.job_id) = lower(sources.job_id)
    join effective_access as e
        on lower(e.job_id) = lower(sources.job_id) and lower(e.principal_id) = lower(own.principal_id)
       and starts_with(lower(e.target_id) || '/', sources.source_key || '/')
    join access_ways as w on w.capability = e.capability and w.way = e.way
    left join (select lower(role_guid) as role_guid, replace(left(min(name), 80), '"', '''') as name
               from role_definitions group by lower(role_guid)) as role
        on role.role_guid = lower(split_part(e.role_definition_id, '/', -1))
    left join (select lower(principal_id) as principal_key, replace(left(min(display_name), 80), '"', '''') as name
               from access_principals group by lower(principal_id)) as who
        on who.principal_key = lower(e.principal_id)
    where e.capability in ('access_event_source', 'manage_event_source') and e.steps = 1 and not e.denied
      -- a right over blobs says nothing about a queue, nor the other way round
      and not (e.target_id ilike '%/queueServices/%' and w.needs::VARCHAR ilike '%/blobServices/%')
      and not (e.target_id ilike '%/blobServices/%' and w.needs::VARCHAR ilike '%/queueServices/%')
),
worded as (
    select job_id, source_key, count(*) as ways, count(*) filter (where beyond) as beyond,
           array_to_string(list_sort(list(distinct '"' || identity || '" can ' || words || ' ("' || role || '" at '
               || place || case when conditional then ', under a condition' else '' end || ')')
               filter (where beyond))[1:3], '; ') as told,
           len(list(distinct (identity, words, role, place, conditional)) filter (where beyond)) as different,
           min(raw_ref) filter (where beyond) as raw_ref
    from rights
    group by job_id, source_key
),
hidden as (
    select lower(job_id) as job_key, left(string_agg(distinct why, '; ' order by why), 300) as told
    from (
        select job_id, unnest(from_json(reasons, '["VARCHAR"]')) as why from access_answers
        where not complete and capability in ('access_event_source', 'manage_event_source')
    )
    group by lower(job_id)
)
select job_id, name || ': local authentication' as subject,
       case when local_auth_disabled then 'pass' when not local_auth_disabled then 'fail' else 'not_assessed' end as verdict,
       case when local_auth_disabled then 'keys are refused: whoever connects has to sign in'
            when not local_auth_disabled then 'keys work besides identities'
            when authenticated.source_key is null then 'nothing of the source was read'
            else 'Azure did not say whether keys work' end as reason,
       coalesce(authenticated.raw_ref, sources.raw_ref) as raw_ref
from sources left join authenticated using (source_key)
where resolved
union all
select sources.job_id, name || ': Manage policies',
       case when authenticated.source_key is null then 'not_assessed'
            when coalesce(policies, 0) = 0 then 'not_applicable'
            when managing = 0 or local_auth_disabled then 'pass'
            when local_auth_disabled is null then 'not_assessed'
            else 'fail' end,
       case when authenticated.source_key is null then 'nothing of the source was read'
            when coalesce(policies, 0) = 0 then 'it has no shared-access policy'
            when managing = 0 then 'none of its ' || policies || ' shared-access policies may manage'
            else managing || ' of ' || policies || ' shared-access policies may manage: ' || policies.told
                 || case when managing > 3 then ', and ' || (managing - 3) || ' more' else '' end
                 || case when local_auth_disabled then '; but keys are refused'
                         when local_auth_disabled is null then '; whether keys work is not known' else '; their keys work' end
       end,
       coalesce(policies.raw_ref, authenticated.raw_ref, sources.raw_ref)
from sources
left join authenticated using (source_key)
left join policies on policies.job_id = sources.job_id and policies.source_key = sources.source_key
where resolved and keyed
union all
select sources.job_id, name || ': rights of the identity',
       case when worded.beyond > 0 then 'fail'
            when hidden.told is not null then 'not_assessed'
            when worded.ways is null then 'not_applicable'
            else 'pass' end,
       case when worded.beyond > 0 then worded.told
                || case when different > 3 then '; and ' || (different - 3) || ' more' else '' end
            when lower(sources.job_id) not in (select lower(job_id) from identities) then 'the job has no identity'
            when worded.ways is null then 'no identity of the job holds rights on it'
            else 'the job''s identities can do nothing to it but receive' || case when may_send then ' and send' else '' end
       end
       || coalesce('; there may be more: ' || hidden.told, ''),
       coalesce(worded.raw_ref, sources.raw_ref)
from sources
cross join setting
left join worded on worded.job_id = sources.job_id and worded.source_key = sources.source_key
left join hidden on hidden.job_key = lower(sources.job_id)
where resolved
union all
select job_id, name,
       case when detail = 'an address outside Azure Resource Manager' then 'not_applicable' else 'not_assessed' end,
       coalesce(detail, 'the event source is not known'), raw_ref
from sources
where not resolved
