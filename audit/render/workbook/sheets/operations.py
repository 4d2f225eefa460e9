"""What happened, and whether it was logged."""

from __future__ import annotations

from audit.render.workbook.sheet import Column, Kind, Link, Sheet
from audit.render.workbook.sheets.jobs import TO_JOB

ACTIVITY_LOG = Sheet(
    title="Activity Log",
    note="Management operations in the period, newest first. Azure keeps them for 90 days and never records reads; one "
    "operation can write several events, which share a correlation id.",
    query="""
        with named as (
            select lower(principal_id) as principal_key, min(display_name) as name from principals group by all)
        select a.*, s.name as subscription, regexp_extract(resource_id, '[^/]+$') as resource, a.resource_id as job_id,
               coalesce(named.name, a.caller) as who
        from activity_log a
        left join named on named.principal_key = lower(a.caller)
        left join subscriptions s on lower(s.subscription_id) = lower(a.subscription_id)
    """,
    order="event_time desc, event_id, row_id",
    tables=("activity_log", "subscriptions", "principals"),
    kinds=("activity_log",),
    columns=(
        Column("event_time", "Time (UTC)", 20, Kind.DATETIME, "When the event happened."),
        Column("operation", "Operation", 54),
        Column("status", "Status", 12),
        Column("sub_status", "Sub-status", 14),
        Column("who", "Caller", 34, note="Who asked for it: the name in the directory, else what Azure recorded."),
        Column("resource", "Resource", 28, note="Leads to the job, where it is one.", link=TO_JOB),
        Column("resource_group", "Resource group", 24),
        Column("subscription", "Subscription", 22),
        Column("level", "Level", 13),
        Column("category", "Category", 15),
        Column("caller", "Caller as recorded", 38, note="A name or an object id."),
        Column("correlation_id", "Correlation id", 36, Kind.CODE, "The same for all events of one operation."),
        Column("resource_id", "Resource id", 60, Kind.CODE),
        Column("event_id", "Event id", 60, Kind.CODE),
    ),
)

DIAGNOSTIC_SETTINGS = Sheet(
    title="Diagnostic settings",
    note="Where environments, jobs and subscriptions send their logs. A resource without a setting has a row as well: "
    "confirmed as none, or a gap.",
    query="""
        with told as (
            select 'set' as state, * rename (name as setting), null::varchar as detail, array_to_string(
                       [coalesce(entry->>'category', entry->>'categoryGroup') for entry in cast(logs as json[])
                        if entry->>'enabled' = 'true'], ', ') as categories
            from diagnostic_settings
            union all by name
            select case outcome when 'gap' then 'gap' else 'none' end as state, row_id, observed_at, raw_ref,
                   scope as resource_id, concat_ws(': ', reason, detail) as detail
            from coverage
            where kind = 'diagnostic_settings' and (outcome = 'gap' or rows = 0))
        select told.*, resource_id as job_id, coalesce(s.name, regexp_extract(resource_id, '[^/]+$')) as resource, case
                   when lower(resource_id) like '%/providers/microsoft.app/jobs/%' then 'job'
                   when lower(resource_id) like '%/providers/microsoft.app/managedenvironments/%' then 'environment'
                   when regexp_matches(lower(resource_id), '^/subscriptions/[^/]+/?$') then 'subscription'
               end as resource_type
        from told
        left join subscriptions s on lower(rtrim(told.resource_id, '/')) = '/subscriptions/' || lower(s.subscription_id)
    """,
    order="list_position(['gap', 'none', 'set'], state), resource_type, lower(resource), lower(resource_id), setting, "
    "row_id",
    tables=("diagnostic_settings", "coverage", "subscriptions"),
    kinds=("diagnostic_settings",),
    columns=(
        Column("state", "State", 9, Kind.WORD, "set; none: Azure confirmed there is none; gap: it couldn't be read."),
        Column("resource", "Resource", 28, note="Leads to the job, where it is one.", link=TO_JOB),
        Column("resource_type", "Resource type", 20),
        Column("setting", "Setting", 26),
        Column("categories", "Logs sent", 44, Kind.LONG, "Categories and groups that are switched on."),
        Column("workspace_id", "To workspace", 50, Kind.CODE),
        Column("storage_account_id", "To storage account", 50, Kind.CODE),
        Column("event_hub_rule_id", "To event hub", 40, Kind.CODE),
        Column("detail", "Detail", 40, Kind.LONG, "For a gap: why."),
        Column("logs", "Logs (JSON)", 50, Kind.CODE),
        Column("metrics", "Metrics (JSON)", 40, Kind.CODE),
        Column("resource_id", "Resource id", 60, Kind.CODE),
        Column("setting_id", "Setting id", 60, Kind.CODE),
    ),
)

RAW_FILES = Sheet(
    title="Raw files",
    note="Where every answer of Azure is stored, and the request that got it. One row for each file, address and "
    "api-version; the address is shown without its paging token.",
    query="select * from raw_files",
    order="kind, file, api_version, url, row_id",
    tables=("raw_files",),
    kinds=(),
    columns=(
        Column("kind", "Evidence kind", 20, link=Link("Coverage", "kind", "kind")),
        Column("scope", "Scope", 60, Kind.CODE),
        Column("pages", "Pages", 8, Kind.INT, "Answers stored in the file for this address."),
        Column("method", "Method", 9),
        Column("url", "Source address", 90, Kind.CODE),
        Column("api_version", "Api-version", 20),
        Column("first_received", "First answer (UTC)", 20, Kind.DATETIME),
        Column("last_received", "Last answer (UTC)", 20, Kind.DATETIME),
        Column("file", "File", 60, Kind.CODE, "Under this pack's folder: JSON Lines, zstd."),
    ),
)

ACTION_GROUPS = Sheet(
    title="Action groups",
    note="Whom alerts and budgets can reach.",
    query="select * from action_groups",
    order="lower(name), lower(action_group_id), row_id",
    tables=("action_groups",),
    kinds=("action_groups",),
    columns=(
        Column("name", "Action group", 30),
        Column("enabled", "Enabled", 10, Kind.BOOL),
        Column("receiver_count", "Receivers", 10, Kind.INT, "0: it reaches nobody."),
        Column("receivers", "Receivers (JSON)", 70, Kind.CODE),
        Column("action_group_id", "Action group id", 70, Kind.CODE),
    ),
)
