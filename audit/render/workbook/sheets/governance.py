"""What holds the resources in place, what is excused from a policy, and how often evidence has to be collected."""

from __future__ import annotations

from audit.render.workbook.sheet import EVERY_KIND, Column, Kind, Link, Sheet

LOCKS = Sheet(
    title="Locks",
    note="Management locks in the subscriptions: what nobody may delete or change, whatever their role. A lock holds "
    "for everything below what it is set on.",
    query="select *, regexp_extract(scope, '[^/]+$') as place, scope as job_id from locks",
    order="lower(scope), lower(name), lower(lock_id), row_id",
    tables=("locks",),
    kinds=("locks",),
    columns=(
        Column("name", "Lock", 28),
        Column("level", "Level", 15, note="CanNotDelete, or ReadOnly: neither changed nor deleted."),
        Column("place", "Set on", 30, note="Leads to the job, where it is one.", link=Link("Jobs", "job", "job_id")),
        Column("notes", "Why", 60, Kind.LONG, "In the words of whoever set it."),
        Column("owners", "Held by (JSON)", 30, Kind.CODE, "Empty: people set it."),
        Column("scope", "Set on (id)", 60, Kind.CODE),
        Column("lock_id", "Lock id", 60, Kind.CODE),
    ),
)

EXEMPTIONS = Sheet(
    title="Policy exemptions",
    note="Scopes that were excused from a policy assignment, why, and until when. One row for each subscription whose "
    "list it stands in; expired ones are listed by Azure too.",
    query="""
        select *, regexp_extract(scope, '[^/]+$') as place, regexp_extract(assignment_id, '[^/]+$') as assignment,
               expires <= observed_at as expired from policy_exemptions
    """,
    order="lower(scope), lower(name), lower(exemption_id), lower(subscription_id), row_id",
    tables=("policy_exemptions",),
    kinds=("policy_exemptions",),
    columns=(
        Column("display_name", "Exemption", 36, note="Empty: it has a name only."),
        Column("name", "Name", 28),
        Column("category", "Category", 12, note="Waiver: the risk is accepted. Mitigated: met in another way."),
        Column("place", "Excused", 28, note="With everything below it."),
        Column("assignment", "Policy assignment", 28),
        Column("expires", "Expires (UTC)", 20, Kind.DATETIME, "Empty: never."),
        Column("expired", "Expired", 9, Kind.BOOL, "When it was read. Empty: it never expires."),
        Column("description", "Why", 60, Kind.LONG),
        Column("created_by", "Made by", 30),
        Column("created_at", "Made (UTC)", 20, Kind.DATETIME),
        Column("modified_by", "Last changed by", 30),
        Column("modified_at", "Last changed (UTC)", 20, Kind.DATETIME),
        Column("definition_reference_ids", "Policies (JSON)", 30, Kind.CODE, "Empty list: the whole assignment."),
        Column("metadata", "Noted (JSON)", 40, Kind.CODE),
        Column("scope", "Excused (id)", 60, Kind.CODE),
        Column("assignment_id", "Policy assignment (id)", 60, Kind.CODE),
        Column("subscription_id", "Listed by subscription", 36, Kind.CODE),
        Column("exemption_id", "Exemption id", 60, Kind.CODE),
    ),
)

CADENCE = Sheet(
    title="Cadence",
    note="How often each kind of evidence should be collected so that Azure forgets nothing in between: worked out "
    "from the rates of this window, halved.",
    query="select *, regexp_extract(scope, '[^/]+$') as place, scope as job_id from cadence",
    order="proposed_interval_h, kind, lower(scope), row_id",
    tables=("cadence",),
    kinds=EVERY_KIND,
    columns=(
        Column("kind", "Evidence", 18),
        Column(
            "place", "Of", 30, note="Leads to the job, where it is one. Empty: all.", link=Link("Jobs", "job", "job_id")
        ),
        Column("proposed_interval_h", "Collect every (h)", 12, Kind.NUMBER),
        Column("observed_per_day", "Rows a day", 11, Kind.NUMBER, "On the busiest day. Empty: none was observed."),
        Column("limit_rows", "Azure keeps (rows)", 12, Kind.INT, "Empty: it goes by time."),
        Column("limit_days", "Lost after (days)", 12, Kind.NUMBER),
        Column("reason", "Why", 80, Kind.LONG),
        Column("scope", "Scope", 60, Kind.CODE),
    ),
)
