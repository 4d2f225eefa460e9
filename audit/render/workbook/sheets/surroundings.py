"""What the jobs stand on: dependencies, event sources, the network, and who is told when something breaks."""

from __future__ import annotations

from audit.render.sections.budgets import LIVE
from audit.render.workbook.sheet import Column, Kind, Link, Sheet
from audit.render.workbook.sheets.jobs import JOB, JOB_NAME

DEPENDENCIES = Sheet(
    title="Dependencies",
    note="What each job stands on, as a tree: each row hangs on the thing named under Hangs on. Unresolved: a name "
    "that leads to no resource the caller can see, which is not the same as none.",
    query=f"select *, regexp_extract(resource_id, '[^/]+$') as thing, regexp_extract(via, '[^/]+$') as hangs, "
    f"{JOB_NAME} from dependencies",
    order="lower(job), lower(job_id), relation, lower(resource_id), lower(via), found_by, row_id",
    tables=("dependencies",),
    kinds=("inventory", "jobs"),
    columns=(
        JOB,
        Column("relation", "Relation", 16),
        Column("thing", "Resource or address", 34),
        Column("hangs", "Hangs on", 28),
        Column("resolved", "Resolved", 10, Kind.BOOL),
        Column("found_by", "Found by", 36, Kind.LONG),
        Column("detail", "Detail", 36, Kind.LONG, "A role, a state, or why it is unresolved."),
        Column("resource_type", "Type", 36),
        Column("resource_id", "Resource id or address", 60, Kind.CODE),
        Column("via", "Hangs on (id)", 60, Kind.CODE),
    ),
    anchors={"job": "lower(job_id)"},
    frozen=1,
)

EVENT_SOURCES = Sheet(
    title="Event sources",
    note="What the scale rules watch: the resource, how it can be reached and signed in to, and the queue or topic, "
    "with what keeps its messages safe.",
    query="""
        with found as (
            select r.*, i.resource_id from rule_sources r
            left join (select distinct on (lower(host)) * from inventory where host is not null
                       order by lower(host), lower(resource_id)) i on lower(i.host) = lower(r.host))
        select f.row_id, f.observed_at, f.raw_ref, f.job_id, regexp_extract(f.job_id, '[^/]+$') as job, f.rule_name,
               f.scaler_type, f.host, f.entity_kind, f.entity, f.unresolved, s.name as source, s.sku,
               s.local_auth_disabled, s.public_access, s.default_action, s.min_tls, s.zone_redundant, e.status,
               e.lock_duration_s, e.max_delivery_count, e.dead_letter_on_expiration, e.default_ttl_s, e.active_messages,
               e.dead_letters, coalesce(s.resource_id, f.resource_id) as resource_id
        from found f
        left join event_sources s on lower(s.resource_id) = lower(f.resource_id)
        left join event_source_entities e on lower(e.resource_id) = lower(f.resource_id)
            and e.entity_kind = f.entity_kind and lower(e.name) = lower(f.entity)
            and lower(coalesce(e.parent, '')) = lower(coalesce(f.parent_entity, ''))
    """,
    order="lower(job), lower(job_id), rule_name, lower(resource_id), row_id",
    tables=("rule_sources", "inventory", "event_sources", "event_source_entities"),
    kinds=("event_sources",),
    columns=(
        JOB,
        Column("rule_name", "Rule", 20),
        Column("scaler_type", "Scaler", 18),
        Column("source", "Event source", 26, note="Empty: its address leads to no resource that was read."),
        Column("entity_kind", "Watches", 14),
        Column("entity", "Entity", 28),
        Column("unresolved", "Unresolved", 36, Kind.LONG, "Why the address is not known."),
        Column("sku", "SKU", 12),
        Column("local_auth_disabled", "Keys switched off", 10, Kind.BOOL, "FALSE: keys can sign in."),
        Column("public_access", "Public access", 12),
        Column("default_action", "Default action", 12, note="Allow: every network is let in."),
        Column("min_tls", "TLS at least", 10),
        Column("zone_redundant", "Zone redundant", 11, Kind.BOOL),
        Column("status", "Entity state", 12),
        Column("lock_duration_s", "Lock (s)", 9, Kind.NUMBER),
        Column("max_delivery_count", "Deliveries at most", 11, Kind.INT),
        Column("dead_letter_on_expiration", "Dead-letters expired", 11, Kind.BOOL),
        Column("default_ttl_s", "Lives for (s)", 12, Kind.NUMBER),
        Column("active_messages", "Waiting", 9, Kind.INT, "When read."),
        Column("dead_letters", "Dead letters", 9, Kind.INT, "When read."),
        Column("host", "Address", 44, Kind.CODE),
        Column("resource_id", "Resource id", 60, Kind.CODE),
    ),
    anchors={"job": "lower(job_id)"},
    frozen=1,
)

NETWORK = Sheet(
    title="Network",
    note="Private endpoints of event sources, vaults and registries, with the DNS zones that lead to them and the "
    "networks these are linked to. A zone without a link leads nobody there.",
    query="""
        select p.row_id, p.observed_at, p.raw_ref, p.endpoint_id, regexp_extract(p.endpoint_id, '[^/]+$') as endpoint,
               p.target_id, regexp_extract(p.target_id, '[^/]+$') as target, p.group_ids, p.status, p.subnet_id,
               p.fqdns,
               p.addresses, z.zone, z.linked_vnet_id, regexp_extract(z.linked_vnet_id, '[^/]+$') as linked, z.link_state
        from private_endpoints p left join private_dns z on lower(z.endpoint_id) = lower(p.endpoint_id)
    """,
    order="lower(target), lower(endpoint), lower(endpoint_id), zone, lower(linked_vnet_id), row_id",
    tables=("private_endpoints", "private_dns"),
    kinds=("private_endpoints", "private_dns"),
    columns=(
        Column("endpoint", "Private endpoint", 30),
        Column("target", "Leads to", 26),
        Column("group_ids", "Part", 16),
        Column("status", "State", 12),
        Column("zone", "DNS zone", 34, note="Empty: no zone gives it a name."),
        Column("linked", "Linked network", 24),
        Column("link_state", "Link", 12),
        Column("fqdns", "Names", 40, Kind.CODE),
        Column("addresses", "Addresses", 24, Kind.CODE),
        Column("subnet_id", "Subnet", 56, Kind.CODE),
        Column("target_id", "Target id", 60, Kind.CODE),
        Column("endpoint_id", "Endpoint id", 60, Kind.CODE),
    ),
)

_GROUPS = "from_json(a.action_group_ids, '[\"VARCHAR\"]')"
ALERTS = Sheet(
    title="Alerts",
    note="Alert rules of the subscriptions, and whether a live action group would hear of them.",
    query=f"""
        with heard as (
            select lower(action_group_id) as key, {LIVE} as live from action_groups),
        named as (
            select a.row_id, bool_or(coalesce(h.live, false)) as live,
                   string_agg(regexp_extract(g.id, '[^/]+$'), ', ' order by lower(g.id)) as groups
            from alerts a, unnest({_GROUPS}) as g(id) left join heard h on h.key = lower(g.id) group by all)
        select a.*, coalesce(n.live, false) as live, n.groups from alerts a left join named n using (row_id)
    """,
    order="lower(name), lower(alert_id), row_id",
    tables=("alerts", "action_groups"),
    kinds=("alerts",),
    columns=(
        Column("name", "Alert rule", 34),
        Column("kind", "Kind", 13, note="metric, log or activity_log."),
        Column("enabled", "Enabled", 9, Kind.BOOL),
        Column("live", "Heard", 9, Kind.BOOL, "An action group that is switched on and has a receiver hears of it."),
        Column("groups", "Action groups", 28, note="Empty: none."),
        Column("severity", "Severity", 9, Kind.INT, "0 is heaviest."),
        Column("condition_text", "Fires when", 50, Kind.LONG),
        Column("window_s", "Over (s)", 9, Kind.INT),
        Column("frequency_s", "Every (s)", 9, Kind.INT),
        Column("scopes", "Watches (JSON)", 60, Kind.CODE),
        Column("alert_id", "Alert id", 60, Kind.CODE),
    ),
)

FIRED = Sheet(
    title="Alerts fired",
    note="Alerts that fired, newest first. Azure keeps them for 30 days.",
    query="select *, regexp_extract(target_resource_id, '[^/]+$') as target, target_resource_id as job_id "
    "from fired_alerts",
    order="fired_at desc, fired_id, row_id",
    tables=("fired_alerts",),
    kinds=("fired_alerts",),
    columns=(
        Column("fired_at", "Fired (UTC)", 20, Kind.DATETIME),
        Column("resolved_at", "Resolved (UTC)", 20, Kind.DATETIME, "Empty: not resolved."),
        Column("name", "Alert", 36),
        Column("target", "On", 28, note="Leads to the job, where it is one.", link=Link("Jobs", "job", "job_id")),
        Column("severity", "Severity", 10),
        Column("condition", "Condition", 12),
        Column("state", "State", 14),
        Column("signal_type", "Signal", 14),
        Column("description", "Description", 44, Kind.LONG),
        Column("target_resource_id", "Target id", 60, Kind.CODE),
    ),
)
