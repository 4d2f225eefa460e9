/*---
id: JA-27
title: The environment sends console and system logs to a workspace
area: logging
severity: high
needs: [jobs, environments, diagnostic_settings, inventory]
subjects: |
  select job_id, kind as subject
  from population cross join (values ('console logs'), ('system logs')) as log (kind)
  where state = 'present'
frameworks:
  mcsb: [LT-3]
  iso27001: [A.8.15]
  soc2: [CC7.2]
  nist80053: [AU-12]
  cis: ["6.1.4"]
rationale: >
  Azure keeps a hundred executions of a job and nothing that they wrote. What a failed run printed, and why the
  platform started or killed it, is only in the logs that the environment sends on; the job itself has no setting for
  that.
remediation: >
  az containerapp env update --name ENVIRONMENT --resource-group GROUP --logs-destination log-analytics
  --logs-workspace-id CUSTOMER_ID --logs-workspace-key KEY (az monitor log-analytics workspace get-shared-keys
  --workspace-name WORKSPACE --resource-group GROUP); or choose azure-monitor there and add a diagnostic setting on the
  environment with ContainerAppConsoleLogs and ContainerAppSystemLogs and a workspace (in the portal, the environment's
  Logging options).
limits: >
  The setting is as it was when it was read; a night without it shows in table changes (kind diagnostics) only. That
  lines arrive is not tried here: table execution_logs has those that did. What a job writes to files, and what a
  daily cap of the workspace throws away, is not seen. An environment that names no destination is taken as one that
  sends nothing.
---*/
with asked as (
    select population.job_id, population.raw_ref as job_ref, lower(population.job_id) as job_key,
           log.subject, log.category_key, here.environment_id, here.raw_ref, here.workspace_id,
           lower(here.environment_id) as environment_key, lower(coalesce(here.log_destination, '')) as destination,
           '"' || replace(left(coalesce(here.name, split_part(jobs.environment_id, '/', -1)), 80), '"', '''') || '"' as name
    from population
    join jobs on lower(jobs.job_id) = lower(population.job_id)
    left join environments as here on lower(here.environment_id) = lower(jobs.environment_id)
    cross join (values ('console logs', 'containerappconsolelogs'), ('system logs', 'containerappsystemlogs'))
        as log (subject, category_key)
    where population.state = 'present'
),
direct as (
    select lower(job_id) as job_key, bool_or(resolved) as resolved,
           min('"' || split_part(resource_id, '/', -1) || '"') as workspace
    from dependencies
    where relation = 'workspace' and found_by = 'properties.appLogsConfiguration'
    group by lower(job_id)
),
settings as (
    select row_id, lower(resource_id) as environment_key, raw_ref, logs, name as setting,
           '"' || replace(left(name, 80), '"', '''') || '"' as name,
           coalesce(storage_account_id, event_hub_rule_id, marketplace_partner_id) is not null as elsewhere,
           '"' || replace(left(split_part(rtrim(workspace_id, '/'), '/', -1), 80), '"', '''') || '"' as workspace,
           workspace_id is not null and exists (
               from inventory where lower(inventory.resource_id) = lower(rtrim(workspace_id, '/'))) as resolved
    from diagnostic_settings
),
-- A group other than allLogs may hold the category or not: Azure's answer doesn't tell.
sent as (
    select asked.job_key, asked.subject, settings.name, settings.workspace, settings.resolved, settings.elsewhere,
           settings.row_id, settings.raw_ref,
           max(case when lower(log.value ->> '$.category') = asked.category_key
                         or lower(log.value ->> '$.categoryGroup') = 'alllogs' then 2
                    when coalesce(log.value ->> '$.categoryGroup', '') <> '' then 1 else 0 end) as sends
    from asked
    join settings on settings.environment_key = asked.environment_key
    cross join json_each(coalesce(settings.logs, '[]')) as log
    where try_cast(log.value ->> '$.enabled' as boolean)
    group by all
),
summed as (
    select job_key, subject,
           string_agg('the diagnostic setting ' || name || ' sends them to the workspace ' || workspace, '; '
                      order by lower(name), row_id) filter (where sends = 2 and resolved) as passing,
           min(raw_ref) filter (where sends = 2 and resolved) as passing_ref,
           string_agg(case when sends = 1 then 'the diagnostic setting ' || name || ' sends a group of categories, and '
                               || 'which ones are in it isn''t told'
                           else 'the diagnostic setting ' || name || ' sends them to the workspace ' || workspace
                               || ', which the caller can''t see: it may be hidden, or not there' end, '; '
                      order by lower(name), row_id)
               filter (where workspace is not null and (sends = 1 or sends = 2 and not resolved)) as open,
           string_agg(name, ', ' order by lower(name), row_id)
               filter (where sends = 2 and workspace is null and elsewhere) as elsewhere,
           min(raw_ref) as any_ref
    from sent group by job_key, subject
)
select asked.job_id,
       asked.subject,
       case when asked.environment_id is null then 'not_assessed'
            when destination = 'log-analytics' and direct.resolved then 'pass'
            when destination = 'log-analytics' and direct.resolved is not null then 'not_assessed'
            when destination = 'azure-monitor' and passing is not null then 'pass'
            when destination = 'azure-monitor' and open is not null then 'not_assessed'
            when destination in ('log-analytics', 'azure-monitor', 'none', '') then 'fail'
            else 'not_assessed' end as verdict,
       left(case
           when asked.environment_id is null then 'the environment ' || coalesce(asked.name, '(none named)')
               || ' was not found: it may not be there any more'
           when destination = 'log-analytics' and direct.resolved
               then 'the environment ' || asked.name || ' sends them to the workspace ' || direct.workspace
           when destination = 'log-analytics' and direct.resolved is not null
               then 'the environment ' || asked.name || ' sends them to the workspace ' || direct.workspace
                    || ', which the caller can''t see: it may be hidden, or not there'
           when destination = 'log-analytics' then 'the environment ' || asked.name || ' names no workspace to send them to'
           when destination in ('none', '') then 'the environment ' || asked.name || ' sends no logs anywhere'
               || case when destination = '' then ': it names no destination' else '' end
           when destination <> 'azure-monitor'
               then 'the environment ' || asked.name || ' sends logs to "' || left(destination, 80)
                    || '", which isn''t known here'
           when passing is not null then passing
           when open is not null then open
           when elsewhere is not null then 'the environment ' || asked.name || ' sends them elsewhere only, not to a '
               || 'workspace, by ' || elsewhere
           else 'the environment ' || asked.name || ' leaves it to diagnostic settings, and none sends them' end, 500)
       as reason,
       coalesce(case when destination = 'azure-monitor' then coalesce(passing_ref, any_ref) end,
                asked.raw_ref, asked.job_ref) as raw_ref
from asked
left join direct on direct.job_key = asked.job_key
left join summed on summed.job_key = asked.job_key and summed.subject = asked.subject
