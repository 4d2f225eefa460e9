/*---
id: JA-26
title: The subscription's Activity Log is exported
area: logging
severity: high
needs: [jobs, diagnostic_settings, inventory]
subjects: |
  select population.job_id, wanted.category as subject
  from population
  cross join (
      select min(trim(entry.value ->> '$')) as category
      from parameters, json_each(parameters.value) as entry
      where control_id = 'JA-26' and name = 'activity_log_categories' and job_id is null
        and trim(entry.value ->> '$') <> ''
      group by lower(trim(entry.value ->> '$'))
  ) as wanted
  where population.state = 'present'
empty: no category is asked for (policy.activity_log_categories is empty)
frameworks:
  mcsb: [LT-3]
  iso27001: [A.8.15]
  soc2: [CC7.2]
  nist80053: [AU-2, AU-12]
  pci: ["10.2.1.2", "10.2.1.5"]
  cis: ["6.1.1.1", "6.1.1.2"]
rationale: >
  Azure keeps the Activity Log for ninety days and then nobody can tell any more who changed a job, gave access to it
  or read its secrets. Only an export keeps it, and each category is exported by itself.
remediation: >
  In the portal, Monitor > Activity log > Export Activity Logs > Add diagnostic setting: choose Administrative and
  Security and a Log Analytics workspace; or az monitor diagnostic-settings subscription create --name export-activity
  --location LOCATION --workspace WORKSPACE_ID --logs
  '[{"category":"Administrative","enabled":true},{"category":"Security", "enabled":true}]'.
limits: >
  The setting is as it was when it was read: that it stood throughout the window is not shown (changes of it are in
  table changes, kind diagnostics). That events arrive is not tried, nor what protects the copy from being deleted;
  how long it is kept is asked by JA-28. A destination counts where the caller can see that it is there. The Activity
  Log itself never holds reads.
parameters:
  activity_log_categories:
    type: list of text
    default: [Administrative, Security]
    description: Categories of the Activity Log that have to leave the subscription.
---*/
with wanted as (
    select min(trim(entry.value ->> '$')) as category, lower(trim(entry.value ->> '$')) as category_key
    from parameters, json_each(parameters.value) as entry
    where control_id = 'JA-26' and name = 'activity_log_categories' and job_id is null and trim(entry.value ->> '$') <> ''
    group by lower(trim(entry.value ->> '$'))
),
settings as (
    select row_id, lower(rtrim(resource_id, '/')) as scope_key, logs, raw_ref,
           '"' || replace(left(name, 80), '"', '''') || '"' as name,
           workspace_id, storage_account_id, event_hub_rule_id, marketplace_partner_id
    from diagnostic_settings
    where regexp_full_match(resource_id, '(?i)/subscriptions/[^/]+/?')
),
destinations as (
    select settings.row_id, place.kind, place.id,
           exists (from inventory where lower(inventory.resource_id) = lower(rtrim(place.id, '/'))) as found
    from settings
    cross join lateral (values
        ('the workspace', workspace_id), ('the storage account', storage_account_id),
        ('the event hubs', regexp_replace(event_hub_rule_id, '(?i)/authorizationRules/.*$', '')),
        ('a partner''s solution', marketplace_partner_id)
    ) as place (kind, id)
    where place.id is not null
),
reached as (
    select row_id, bool_or(found) as found,
           string_agg(kind || ' "' || replace(left(split_part(rtrim(id, '/'), '/', -1), 80), '"', '''') || '"', ' and '
                      order by kind, lower(id)) filter (where found) as told,
           string_agg(kind || ' "' || replace(left(split_part(rtrim(id, '/'), '/', -1), 80), '"', '''') || '"', ' and '
                      order by kind, lower(id)) filter (where not found) as hidden
    from destinations group by row_id
),
sent as (
    select distinct settings.row_id, settings.scope_key, lower(log.value ->> '$.category') as category_key,
           lower(log.value ->> '$.categoryGroup') as group_key
    from settings, json_each(coalesce(settings.logs, '[]')) as log
    where try_cast(log.value ->> '$.enabled' as boolean)
),
-- A group other than allLogs may hold the category or not: Azure's answer doesn't tell.
matched as (
    select settings.scope_key, wanted.category_key, settings.row_id, settings.name, settings.raw_ref, reached.found,
           reached.told, reached.hidden,
           max(case when sent.category_key = wanted.category_key or sent.group_key = 'alllogs' then 2
                    when sent.group_key <> '' then 1 else 0 end) as sends
    from settings
    cross join wanted
    left join sent on sent.row_id = settings.row_id
    left join reached on reached.row_id = settings.row_id
    group by all
),
summed as (
    select scope_key, category_key, count(*) as settings,
           string_agg(name || ' sends it to ' || told, '; ' order by lower(name), row_id)
               filter (where sends = 2 and found) as passing,
           min(raw_ref) filter (where sends = 2 and found) as passing_ref,
           string_agg(case when sends = 2 then name || ' sends it to ' || hidden || ', which the caller can''t see: '
                               || 'it may be hidden, or not there'
                           else name || ' sends a group of categories, and which ones are in it isn''t told' end, '; '
                      order by lower(name), row_id)
               filter (where sends = 2 and not found or sends = 1 and found is not null) as open,
           min(raw_ref) as any_ref
    from matched group by scope_key, category_key
),
asked as (
    select coverage.raw_ref, lower(rtrim(coverage.scope, '/')) as scope_key
    from coverage where kind = 'diagnostic_settings' and outcome = 'collected' and place is null
)
select population.job_id,
       wanted.category as subject,
       case when passing is not null then 'pass' when open is not null then 'not_assessed' else 'fail' end as verdict,
       left(case when passing is not null then passing
                 when open is not null then open
                 when settings is null then 'the subscription has no diagnostic setting'
                 else 'diagnostic settings of the subscription: ' || settings || ', and none sends it anywhere' end, 500)
       as reason,
       coalesce(passing_ref, any_ref, asked.raw_ref, population.raw_ref) as raw_ref
from population
cross join wanted
left join summed on summed.category_key = wanted.category_key
    and summed.scope_key = '/subscriptions/' || lower(population.subscription_id)
left join asked on asked.scope_key = '/subscriptions/' || lower(population.subscription_id)
where population.state = 'present'
