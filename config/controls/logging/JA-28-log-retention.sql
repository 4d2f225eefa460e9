/*---
id: JA-28
title: Logs are kept as long as policy asks
area: logging
severity: medium
needs: [jobs, environments, diagnostic_settings, inventory, workspaces]
subjects: |
  select job_id, kind as subject
  from population cross join (values ('logs of the environment'), ('Activity Log')) as log (kind)
  where state = 'present'
frameworks:
  mcsb: [LT-6]
  iso27001: [A.8.15]
  soc2: [CC7.2]
  nist80053: [AU-11]
  pci: ["10.5.1"]
rationale: >
  What was deleted before somebody asked can't be evidence. A year covers an annual audit and is what card data needs;
  Azure itself keeps the Activity Log for ninety days, and logs of jobs not at all.
remediation: >
  az monitor log-analytics workspace update --resource-group GROUP --workspace-name WORKSPACE --retention-time 365 (in
  the portal, the workspace's Usage and estimated costs > Data retention). Where nothing is sent to a workspace at
  all, do first what JA-26 and JA-27 ask.
limits: >
  A workspace's retention counts; a table of it may keep its rows for less or for more, its archive is not looked at,
  and a daily cap may have kept rows out. How long a storage account, an event hub's consumer or a partner keeps a
  copy isn't known, so that alone is never a pass. Rows that were taken in before the retention was raised may be
  gone.
parameters:
  log_retention_days:
    default: 365
    description: Days that console and system logs of jobs have to be kept in a workspace.
  activity_log_retention_days:
    default: 365
    description: Days that the Activity Log has to be kept; Azure itself keeps 90.
  activity_log_categories:
    type: list of text
    default: [Administrative, Security]
    description: Categories of the Activity Log that have to leave the subscription.
---*/
with setting as (
    select max(value) filter (where name = 'log_retention_days')::BIGINT as log_days,
           max(value) filter (where name = 'activity_log_retention_days')::BIGINT as activity_days,
           max(value) filter (where name = 'activity_log_categories') as categories
    from parameters where control_id = 'JA-28' and job_id is null
),
-- What has to be kept for each job, where it is said what is sent, and how long Azure keeps it by itself.
wanted as (
    select population.job_id, lower(population.job_id) as job_key, 'logs of the environment' as subject, log.category,
           lower(jobs.environment_id) as scope_key, setting.log_days as days, 0 as anyway,
           here.environment_id is null as lost, lower(coalesce(here.log_destination, '')) as destination, here.raw_ref
    from population
    join jobs on lower(jobs.job_id) = lower(population.job_id)
    left join environments as here on lower(here.environment_id) = lower(jobs.environment_id)
    cross join setting
    cross join (values ('ContainerAppConsoleLogs'), ('ContainerAppSystemLogs')) as log (category)
    where population.state = 'present'
    union all
    select population.job_id, lower(population.job_id), 'Activity Log', log.category,
           '/subscriptions/' || lower(population.subscription_id), setting.activity_days, 90, false, 'settings', null
    from population
    cross join setting
    cross join lateral (
        select min(trim(entry.value ->> '$')) as category from json_each(setting.categories) as entry
        where trim(entry.value ->> '$') <> '' group by lower(trim(entry.value ->> '$'))
    ) as log
    where population.state = 'present'
),
settings as (
    select row_id, lower(rtrim(resource_id, '/')) as scope_key, raw_ref, rtrim(workspace_id, '/') as workspace_id, logs,
           coalesce(storage_account_id, event_hub_rule_id, marketplace_partner_id) is not null as elsewhere
    from diagnostic_settings
),
sent as (
    select wanted.job_key, wanted.subject, wanted.category, settings.workspace_id, settings.elsewhere, settings.raw_ref,
           max(case when lower(log.value ->> '$.category') = lower(wanted.category)
                         or lower(log.value ->> '$.categoryGroup') = 'alllogs' then 2
                    when coalesce(log.value ->> '$.categoryGroup', '') <> '' then 1 else 0 end) as sends
    from wanted
    join settings on settings.scope_key = wanted.scope_key
    cross join json_each(coalesce(settings.logs, '[]')) as log
    where wanted.destination in ('settings', 'azure-monitor') and try_cast(log.value ->> '$.enabled' as boolean)
    group by all
),
kept as (
    select job_key, subject, category, sends = 2 as sure, held.name, held.retention_days as days,
           coalesce(held.raw_ref, sent.raw_ref) as raw_ref,
           case when sends = 1 then 'a group of categories is sent, and which ones are in it isn''t told'
                when sent.workspace_id is null then 'how long another destination than a workspace keeps it isn''t known'
                when held.workspace_id is null
                    then 'the workspace "' || split_part(sent.workspace_id, '/', -1) || '" was not found'
                when held.retention_days is null then 'Azure did not say how long "' || held.name || '" keeps it' end as open
    from sent
    left join workspaces as held on lower(held.workspace_id) = lower(sent.workspace_id)
    where sends > 0 and (sent.workspace_id is not null or sent.elsewhere)
    union all
    -- The same setting may send it to a storage account besides, for longer than the workspace keeps it.
    select job_key, subject, category, false, null, null, raw_ref,
           'how long another destination than a workspace keeps it isn''t known'
    from sent where sends = 2 and workspace_id is not null and elsewhere
    union all
    select wanted.job_key, wanted.subject, wanted.category, true, held.name, held.retention_days,
           coalesce(held.raw_ref, named.raw_ref),
           case when held.workspace_id is null
                    then 'no workspace that the caller can see has the id "' || left(named.resource_id, 80) || '"'
                when held.retention_days is null then 'Azure did not say how long "' || held.name || '" keeps it' end
    from wanted
    join dependencies as named
        on lower(named.job_id) = wanted.job_key and named.relation = 'workspace'
       and named.found_by = 'properties.appLogsConfiguration'
    left join workspaces as held on lower(held.workspace_id) = lower(named.resource_id)
    where wanted.destination = 'log-analytics'
),
best as (
    select job_key, subject, category, max(days) filter (where sure and open is null) as days,
           arg_max('the workspace "' || replace(left(name, 80), '"', '''') || '"', (days, lower(name)))
               filter (where sure and open is null) as place,
           min(open) as open, arg_max(raw_ref, (days, raw_ref)) filter (where open is null) as held_ref,
           min(raw_ref) as any_ref
    from kept group by job_key, subject, category
),
judged as (
    select wanted.*, greatest(coalesce(best.days, 0), anyway) as kept_days,
           coalesce(best.held_ref, best.any_ref, wanted.raw_ref) as decisive_ref,
           case when lost then 'not_assessed'
                when greatest(coalesce(best.days, 0), anyway) >= wanted.days then 'pass'
                when best.open is not null or destination not in ('settings', 'azure-monitor', 'log-analytics', 'none', '')
                    then 'not_assessed'
                else 'fail' end as verdict,
           case when lost then 'the environment was not found: it may not be there any more'
                else wanted.category || case when best.days is null and anyway = 0 then ' is not kept in any workspace'
                                      when coalesce(best.days, 0) < anyway
                                          then ' is kept for ' || anyway || ' days, by Azure itself'
                                      else ' is kept for ' || best.days || ' days, in ' || best.place end
                     || case when greatest(coalesce(best.days, 0), anyway) < wanted.days
                             then coalesce('; ' || left(best.open, 200), '') else '' end end as told
    from wanted
    left join best on best.job_key = wanted.job_key and best.subject = wanted.subject and best.category = wanted.category
),
summed as (
    select job_key, subject, max(days) as days,
           case when bool_or(verdict = 'fail') then 'fail' when bool_or(verdict = 'not_assessed') then 'not_assessed'
                else 'pass' end as verdict,
           array_to_string(list(distinct told order by told), '. ') as told,
           arg_min(decisive_ref, (case verdict when 'fail' then 0 when 'not_assessed' then 1 else 2 end, category))
               as decisive_ref
    from judged group by job_key, subject
)
select population.job_id,
       log.subject,
       coalesce(summed.verdict, 'not_applicable') as verdict,
       coalesce(left(told, 500) || ' (asked for: ' || days || ' days)',
                'no category is asked for (policy.activity_log_categories is empty)') as reason,
       coalesce(decisive_ref, population.raw_ref) as raw_ref
from population
cross join (values ('logs of the environment'), ('Activity Log')) as log (subject)
left join summed on summed.job_key = lower(population.job_id) and summed.subject = log.subject
where population.state = 'present'
