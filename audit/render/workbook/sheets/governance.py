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

EXCEPTIONS = Sheet(
    title="Exceptions",
    note="Failures that somebody bears for a time, as of the end of the run. A failure that is waived stays a failure; "
    "an exception that is expired, unused or broken is a finding of JA-40.",
    query="""
        select e.*, c.title, coalesce(j.name, regexp_extract(e.job_id, '[^/]+$')) as job
        from exceptions e
        left join controls c using (control_id)
        left join population j on lower(j.job_id) = lower(e.job_id)
    """,
    order="list_position(['expired', 'broken', 'unused', 'in_force'], state), expires, lower(id), row_id",
    tables=("exceptions", "controls", "population"),
    kinds=(),
    nothing="No exception was approved, or no file of exceptions was named when the run began.",
    columns=(
        Column("id", "Exception", 14),
        Column("state", "State", 11, Kind.WORD, "in_force, expired, unused (nothing to waive) or broken."),
        Column("detail", "What was found", 60, Kind.LONG),
        Column("used", "Used", 8, Kind.BOOL, "Whether it waives a failure. Empty: its check could not be assessed."),
        Column(
            "control_id", "Control", 10, note="Leads to the control.", link=Link("Controls", "control", "control_id")
        ),
        Column("title", "What it checks", 38, Kind.LONG),
        Column("job", "Job", 26, note="Leads to the job.", link=Link("Jobs", "job", "job_id")),
        Column("subject", "Subject", 26),
        Column("severity", "Severity", 10, Kind.WORD, "The control's."),
        Column("category", "Category", 14),
        Column("justification", "Why it is borne", 60, Kind.LONG),
        Column("compensating_control", "What is done instead", 60, Kind.LONG),
        Column("requester", "Asked for by", 28),
        Column("approver", "Approved by", 28),
        Column("approved_on", "Approved on", 12, Kind.DATE),
        Column("ticket", "Ticket", 14),
        Column("expires", "Expires", 12, Kind.DATE, "The last day on which it holds, in UTC."),
        Column("job_id", "Job (id)", 60, Kind.CODE, "As the file has it: there may be no such job."),
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
