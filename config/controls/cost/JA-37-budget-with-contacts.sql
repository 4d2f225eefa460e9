/*---
id: JA-37
title: A budget that tells somebody covers the job
area: cost
severity: medium
needs: [jobs, tags, budgets, action_groups]
subjects: |
  select job_id, name as subject from population where state = 'present'
frameworks:
  iso27001: [A.8.6]
  soc2: [A1.1]
rationale: >
  A job that starts by itself also spends by itself; a message that fails for ever is a bill. A budget helps only while it
  runs, covers the job, and somebody hears of it. A role or an e-mail address is taken as somebody; whether mail is read
  there is not checked. The links to the requirements about capacity are weak.
remediation: >
  Create a cost budget on the subscription or the resource group whose filter doesn't leave the job out, and enable a
  notification with e-mail addresses, roles, or an action group that is enabled and has a receiver.
limits: >
  Whether mail is read, whether the amount is sensible and whether an action group's webhook answers is not tried.
  Budgets of management groups and billing accounts, and alerts on anomalies, are not read. A budget tells, hours
  late, and never stops a job.
---*/
with here as (
    select population.job_id, population.name, population.raw_ref, lower(jobs.job_id) as job_key,
           lower(jobs.subscription_id) as subscription_key, lower(jobs.resource_group) as group_key,
           lower(replace(jobs.location, ' ', '')) as location_key
    from population join jobs on lower(jobs.job_id) = lower(population.job_id)
    where population.state = 'present'
),
above as (
    select job_id, job_key, subscription_key, group_key, location_key, place.scope_key
    from here
    cross join lateral (values
        ('/subscriptions/' || subscription_key),
        ('/subscriptions/' || subscription_key || '/resourcegroups/' || group_key)
    ) as place (scope_key)
),
-- A filter is one condition, or several under "and". What isn't understood leaves the question open.
conditions as (
    select budgets.row_id as budget_row,
           coalesce(part.value -> '$.dimensions', part.value -> '$.tags') as condition,
           case when json_keys(part.value) = ['dimensions'] then 'dimension'
                when json_keys(part.value) = ['tags'] then 'tag' else 'other' end as kind
    from budgets,
         json_each(case when json_type(budgets.filter, '$.and') = 'ARRAY' and len(json_keys(budgets.filter)) = 1
                            then budgets.filter -> '$.and'
                        when coalesce(json_type(budgets.filter), 'NULL') = 'NULL' or len(json_keys(budgets.filter)) = 0
                            then '[]'
                        else json_array(budgets.filter) end) as part
),
parts as (
    select budget_row, kind, lower(condition ->> '$.name') as name, condition ->> '$.name' as name_told,
           lower(coalesce(condition ->> '$.operator', 'In')) = 'in' as understood,
           list_transform(from_json(coalesce(condition -> '$.values', '[]'), '["VARCHAR"]'), lambda each: lower(each)) as wanted
    from conditions
),
matched as (
    select above.job_id, parts.budget_row, parts.name_told,
           case
               when parts.kind = 'other' or not parts.understood then 'open'
               when parts.kind = 'tag' and exists (
                   select 1 from tags where tags.source = 'job' and lower(tags.resource_id) = above.job_key
                   and lower(tags.key) = parts.name and list_contains(parts.wanted, lower(tags.value))) then 'in'
               when parts.kind = 'tag' and exists (
                   select 1 from tags where tags.source <> 'job'
                   and starts_with(above.job_key, lower(rtrim(tags.resource_id, '/')) || '/')
                   and lower(tags.key) = parts.name and list_contains(parts.wanted, lower(tags.value))) then 'open'
               when parts.kind = 'tag' then 'out'
               when parts.name in ('resourcegroupname', 'resourcegroup')
                   then if(list_contains(parts.wanted, above.group_key), 'in', 'out')
               when parts.name = 'resourceid' then if(list_contains(parts.wanted, above.job_key), 'in', 'out')
               when parts.name = 'resourcetype' then if(list_contains(parts.wanted, 'microsoft.app/jobs'), 'in', 'out')
               when parts.name = 'subscriptionid' then if(list_contains(parts.wanted, above.subscription_key), 'in', 'out')
               when parts.name in ('resourcelocation', 'location')
                   then if(list_contains(list_transform(parts.wanted, lambda each: replace(each, ' ', '')),
                                         above.location_key), 'in', 'out')
               when parts.name in ('servicename', 'metercategory')
                   then if(list_contains(parts.wanted, 'azure container apps'), 'in', 'out')
               else 'open'
           end as answer
    from parts
    join budgets on budgets.row_id = parts.budget_row
    join above on above.scope_key = lower(rtrim(budgets.scope, '/'))
),
covering as (
    select job_id, budget_row,
           case when bool_or(answer = 'out') then 'out' when bool_or(answer = 'open') then 'open' else 'in' end as answer,
           string_agg(distinct coalesce(name_told, 'a condition'), ', ' order by coalesce(name_told, 'a condition'))
               filter (where answer <> 'in') as because
    from matched
    group by all
),
notices as (
    select budgets.row_id as budget_row, notice.key as notice,
           coalesce(try_cast(notice.value ->> '$.enabled' as boolean), false) as enabled, notice.value as body
    from budgets, json_each(coalesce(budgets.notifications, '{}')) as notice
),
contacts as (
    select budget_row, 'e-mail' as kind, word.value ->> '$' as contact
    from notices, json_each(coalesce(notices.body -> '$.contactEmails', '[]')) as word where enabled
    union all
    select budget_row, 'role', word.value ->> '$'
    from notices, json_each(coalesce(notices.body -> '$.contactRoles', '[]')) as word where enabled
    union all
    select budget_row, 'action group', word.value ->> '$'
    from notices, json_each(coalesce(notices.body -> '$.contactGroups', '[]')) as word where enabled
),
alive as (
    select action_groups.row_id, count(receiver.value) filter (
               where lower(coalesce(receiver.value ->> '$.status', 'Enabled')) <> 'disabled') as receivers
    from action_groups left join json_each(coalesce(action_groups.receivers, '[]')) as receiver on true
    group by all
),
heard as (
    select distinct contacts.budget_row, contacts.kind, contacts.contact,
           case
               when regexp_replace(coalesce(contacts.contact, ''), '[\s\pZ\pC]+', '', 'g') = '' then 'dead'
               when contacts.kind <> 'action group' then 'live'
               when known.row_id is null then
                   if(exists (select 1 from coverage where kind = 'action_groups' and outcome = 'collected'
                              and starts_with(lower(contacts.contact), lower(rtrim(scope, '/')) || '/')), 'dead', 'open')
               when known.enabled is false then 'dead'
               when alive.receivers = 0 then 'dead'
               else 'live'
           end as answer,
           case
               when contacts.kind <> 'action group' then contacts.kind || ' ' || coalesce(contacts.contact, '')
               else 'action group ' || coalesce(regexp_extract(contacts.contact, '[^/]+$'), '')
                   || case when known.row_id is null then ' (not found)' when known.enabled is false then ' (disabled)'
                           when known.receiver_count = 0 then ' (no receiver)'
                           when alive.receivers = 0 then ' (receivers: ' || known.receiver_count || ', all disabled)'
                           else ' (receivers: ' || alive.receivers || ')' end
           end as told
    from contacts
    left join action_groups as known
        on contacts.kind = 'action group' and lower(known.action_group_id) = lower(rtrim(contacts.contact, '/'))
    left join alive on alive.row_id = known.row_id
),
hearing as (
    select budget_row,
           case when bool_or(answer = 'live') then 'live' when bool_or(answer = 'open') then 'open' else 'dead' end as answer,
           string_agg(told, ', ' order by told) filter (where answer = 'live') as reached,
           string_agg(told, ', ' order by told) filter (where answer <> 'live') as lost
    from heard
    group by all
),
judged as (
    select above.job_id, budgets.row_id as budget_row, budgets.raw_ref,
           'the budget ' || budgets.name as named,
           coalesce(covering.answer, 'in') as covers, covering.because,
           coalesce(hearing.answer, 'dead') as hears, hearing.reached, hearing.lost,
           case
               when lower(coalesce(budgets.category, 'Cost')) <> 'cost' then 'watches usage, not cost'
               when budgets.start_date > budgets.observed_at then 'starts only on '
                   || strftime(budgets.start_date at time zone 'UTC', '%Y-%m-%d')
               when budgets.end_date <= budgets.observed_at then 'ended on '
                   || strftime(budgets.end_date at time zone 'UTC', '%Y-%m-%d')
           end as idle
    from above
    join budgets on lower(rtrim(budgets.scope, '/')) = above.scope_key
    left join covering on covering.job_id = above.job_id and covering.budget_row = budgets.row_id
    left join hearing on hearing.budget_row = budgets.row_id
),
ranked as (
    select *,
           case when idle is not null or covers = 'out' or hears = 'dead' then 'fail'
                when covers = 'in' and hears = 'live' then 'pass' else 'not_assessed' end as verdict,
           case
               when idle is not null then named || ' ' || idle
               when covers = 'out' then named || ' leaves the job out by its filter on ' || because
               when hears = 'dead' then named || ' tells nobody'
                   || coalesce(': ' || lost, ': no enabled notification names anybody')
               when covers = 'open' then 'whether ' || named || ' covers the job can''t be told: it filters on ' || because
               when hears = 'open' then 'whether ' || named || ' tells anybody can''t be told: ' || lost
               else named || ' covers the job and tells ' || reached
           end as told
    from judged
),
best as (
    select job_id,
           case when bool_or(verdict = 'pass') then 'pass' when bool_or(verdict = 'not_assessed') then 'not_assessed'
                else 'fail' end as verdict,
           string_agg(told, '; ' order by told) filter (where verdict = 'pass') as passing,
           string_agg(told, '; ' order by told) filter (where verdict = 'not_assessed') as open,
           string_agg(told, '; ' order by told) as everything,
           min(raw_ref) filter (where verdict = 'pass') as passing_ref, min(raw_ref) as any_ref
    from ranked
    group by all
)
select here.job_id,
       here.name as subject,
       coalesce(best.verdict, 'fail') as verdict,
       coalesce(best.passing, best.open, best.everything, 'its subscription and its resource group have no budget') as reason,
       coalesce(best.passing_ref, best.any_ref, here.raw_ref) as raw_ref
from here
left join best on best.job_id = here.job_id
