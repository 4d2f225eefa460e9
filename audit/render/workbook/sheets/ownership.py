"""Whose the jobs are, and which budget covers them."""

from __future__ import annotations

from audit.render.workbook.sheet import Column, Kind, Link, Sheet

TAGS = Sheet(
    title="Tags",
    note="Tags of jobs, and of the resource groups and subscriptions above them, each with its source.",
    query="select t.*, coalesce(s.name, regexp_extract(t.resource_id, '[^/]+$')) as resource from tags t "
    "left join subscriptions s on lower(rtrim(t.resource_id, '/')) = '/subscriptions/' || lower(s.subscription_id)",
    order="list_position(['job', 'resource_group', 'subscription'], source), lower(resource), lower(resource_id), "
    "lower(key), key, row_id",
    tables=("tags", "subscriptions"),
    kinds=("tags",),
    columns=(
        Column("resource", "Resource", 30, note="Leads to the job.", link=Link("Jobs", "job", "resource_id")),
        Column("source", "Source", 16, note="job, resource_group or subscription."),
        Column("key", "Tag", 24),
        Column("value", "Value", 44),
        Column("resource_id", "Resource id", 80, Kind.CODE),
    ),
    anchors={"resource": "lower(resource_id)"},
)

_CONTACTS = (
    "flatten([cast(coalesce(n->'contactEmails', '[]') as varchar[]) for n in {notices} if n->>'enabled' = 'true'])"
)
_NOTICES = "map_values(cast(notifications as map(varchar, json)))"

BUDGETS = Sheet(
    title="Budgets",
    note="Budgets at the subscriptions and resource groups of the jobs. A scope without a budget has a row as well: "
    "confirmed as none, or a gap. Spend is what Azure had computed when asked.",
    query=f"""
        with told as (
            select 'set' as state, * exclude (subscription_id), null::varchar as detail,
                   current_spend / nullif(amount, 0) as spent,
                   array_to_string(list_sort(list_distinct({_CONTACTS.format(notices=_NOTICES)})), ', ') as contacts
            from budgets
            union all by name
            select case outcome when 'gap' then 'gap' else 'none' end as state, row_id, observed_at, raw_ref, scope,
                   concat_ws(': ', reason, detail) as detail
            from coverage where kind = 'budgets' and (outcome = 'gap' or rows = 0)),
        placed as (select *, regexp_extract(scope, '(?i)^/subscriptions/([^/]+)', 1) as subscription_id from told)
        select placed.*, coalesce(s.name, placed.subscription_id) as subscription,
               coalesce(nullif(regexp_extract(scope, '(?i)/resourcegroups/([^/]+)', 1), ''), '(all)') as resource_group
        from placed left join subscriptions s on lower(s.subscription_id) = lower(placed.subscription_id)
    """,
    order="list_position(['gap', 'none', 'set'], state), lower(scope), name, row_id",
    tables=("budgets", "coverage", "subscriptions"),
    kinds=("budgets",),
    columns=(
        Column("state", "State", 9, Kind.WORD, "set; none: Azure confirmed there is none; gap: it couldn't be read."),
        Column("subscription", "Subscription", 24),
        Column("resource_group", "Resource group", 26, note="(all): the budget is the subscription's."),
        Column("name", "Budget", 26),
        Column("amount", "Amount", 14, Kind.MONEY),
        Column("current_spend", "Spent", 14, Kind.MONEY),
        Column("forecast_spend", "Forecast", 14, Kind.MONEY, "Empty: Azure gives none."),
        Column("currency", "Currency", 10),
        Column("spent", "Spent of amount", 10, Kind.PERCENT),
        Column("time_grain", "Per", 12),
        Column("contacts", "E-mail contacts", 36, Kind.LONG, "Of its switched-on notifications. Empty: nobody."),
        Column("detail", "Detail", 36, Kind.LONG, "For a gap: why."),
        Column("filter", "Filter (JSON)", 40, Kind.CODE, "Empty: covers the whole scope."),
        Column("notifications", "Notifications (JSON)", 50, Kind.CODE),
        Column("scope", "Scope", 60, Kind.CODE),
        Column("budget_id", "Budget id", 60, Kind.CODE),
    ),
)
