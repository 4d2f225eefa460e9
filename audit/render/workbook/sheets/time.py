"""What changed, what it cost, what people said, and how far back the evidence reaches."""

from __future__ import annotations

from audit.render.workbook.sheet import EVERY_KIND, Column, Kind, Link, Sheet
from audit.render.workbook.sheets.jobs import JOB, JOB_NAME

CHANGES = Sheet(
    title="Changes",
    note="Changes of the jobs and of what they stand on, newest first: one row for each job and property, with before "
    "and after where Azure tells. Folded from the Activity Log, Resource Graph and deployments.",
    query=f"""
        select *, {JOB_NAME}, regexp_extract(resource_id, '[^/]+$') as resource
        from changes
        left join (select change_id, job_id, state, ticket, why, approvers, approved_at from change_tickets)
            using (change_id, job_id)
    """,
    order='"at" desc, change_id, lower(job_id), property nulls first, row_id',
    tables=("changes", "change_tickets"),
    kinds=("activity_log", "resource_changes", "deployments"),
    columns=(
        Column("at", "Time (UTC)", 20, Kind.DATETIME),
        JOB,
        Column("relation", "Touches", 14, note="job: the job itself; else what it stands on."),
        Column("kind", "Kind", 16),
        Column("changed_by_name", "Changed by", 30),
        Column("property", "Property", 34, note="Empty: Azure names none."),
        Column("before", "Before", 36, Kind.LONG, "Redacted."),
        Column("after", "After", 36, Kind.LONG, "Redacted."),
        Column(
            "before_after", "Before and after", 16, note="known, unknown (Azure doesn't tell), or why there is none."
        ),
        Column("status", "Status", 12),
        Column(
            "state",
            "Held against tickets",
            18,
            note="matched, unmatched, not_expected, not_compared. Empty: outside the window.",
        ),
        Column("ticket", "Ticket", 14, note="Leads to it.", link=Link("Tickets", "ticket", "ticket")),
        Column(
            "why", "Why", 44, Kind.LONG, "What makes it the ticket's, or which ticket comes nearest and what it lacks."
        ),
        Column("approvers", "Approved by", 30),
        Column("approved_at", "Approved at (UTC)", 20, Kind.DATETIME),
        Column("operation", "Operation", 50),
        Column("client", "Client", 18),
        Column("changed_by_type", "Caller is", 16),
        Column("source", "Known from", 16),
        Column("resource", "Resource", 28),
        Column("correlation_id", "Correlation id", 36, Kind.CODE),
        Column("changed_by", "Caller as recorded", 36, Kind.CODE),
        Column("resource_id", "Resource id", 60, Kind.CODE),
        Column("change_id", "Change", 18, Kind.CODE, "The same for all rows of one change."),
    ),
    anchors={"job": "lower(job_id)"},
)

TICKETS = Sheet(
    title="Tickets",
    note="What people's ticket system exported as approved: one row for each ticket and what it is for, with how many "
    "changes of the window belong to it. Not collected from Azure.",
    query="""
        select a.*, array_to_string(from_json(a.approvers, '["VARCHAR"]'), ', ') as approved_by,
               array_to_string(from_json(a.implementers, '["VARCHAR"]'), ', ') as made_by,
               count(distinct t.change_id) as changes, min(t.why) filter (where t.state = 'unused') as unused,
               case when bool_or(t.approved_by_implementer) then true
                    when count(t.change_id) > 0 and count(t.change_id) = count(t.approved_by_implementer) then false
               end as self_approved,
               case when bool_or(not t.approved_before) then true
                    when count(t.change_id) > 0 and count(t.change_id) = count(t.approved_before) then false
               end as approved_late
        from approved_changes a left join change_tickets t on t.ticket_row = a.row_id
        group by all
    """,
    order="planned_from desc, lower(ticket), lower(subject), row_id",
    tables=("approved_changes", "change_tickets"),
    kinds=(),
    columns=(
        Column("ticket", "Ticket", 14),
        Column("subject_kind", "Kind", 10, note="job or resource."),
        Column("subject", "For", 36, note="An id, a name or a pattern, as written."),
        Column("planned_from", "Planned from (UTC)", 20, Kind.DATETIME),
        Column("planned_until", "Until (UTC)", 20, Kind.DATETIME, "That moment excluded."),
        Column("changes", "Changes", 10, Kind.INT, "Of the window, that belong to it."),
        Column("unused", "Why there is none", 44, Kind.LONG, "Empty: there is one."),
        Column("requester", "Requester", 30),
        Column("approved_by", "Approved by", 30, note="Empty: nobody."),
        Column("approved_at", "Approved at (UTC)", 20, Kind.DATETIME),
        Column(
            "approved_late",
            "Approved late",
            10,
            Kind.BOOL,
            "TRUE: after a change that belongs to it had begun. Empty: not known, or no change.",
        ),
        Column(
            "self_approved",
            "By who made it",
            10,
            Kind.BOOL,
            "TRUE: an approver made a change that belongs to it. Empty: not known, or no change.",
        ),
        Column("made_by", "Implementer", 30),
        Column("emergency", "Emergency", 10, Kind.BOOL),
        Column("reviewed_by", "Reviewed by", 30),
        Column("reviewed_at", "Reviewed at (UTC)", 20, Kind.DATETIME),
        Column("risk", "Risk", 40, Kind.LONG),
        Column("test", "Test", 40, Kind.LONG),
        Column("rollback", "Rollback", 40, Kind.LONG),
        Column("source", "Stands in", 26),
    ),
    anchors={"ticket": "ticket"},
    nothing="No approved changes were given.",
    frozen=1,
)

COSTS = Sheet(
    title="Costs",
    note="What each job cost by month and by what it was spent on. An estimate is worked out from executions and a "
    "price list, not billed; actual and amortised tell the same money in two ways and are never added up.",
    query=f"""
        select min(row_id) as row_id, max(observed_at) as observed_at, min(raw_ref) as raw_ref, job_id, {JOB_NAME},
               date_trunc('month', day)::date as month, part, basis, currency, sum(amount) as amount,
               sum(executions)::bigint as executions, bool_and(final) as final, max(collected_at) as collected_at,
               min(note) as note
        from job_costs group by all
    """,
    order="lower(job), lower(job_id), basis, currency, month, part, row_id",
    tables=("job_costs",),
    kinds=("costs",),
    columns=(
        JOB,
        Column("month", "Month", 12, Kind.DATE, "Its first day."),
        Column("part", "Spent on", 18),
        Column("amount", "Amount", 14, Kind.MONEY),
        Column("currency", "Currency", 10),
        Column("basis", "Basis", 12, note="actual, amortised, or estimate."),
        Column("final", "Final", 9, Kind.BOOL, "FALSE: Azure may still change it."),
        Column("executions", "Executions", 11, Kind.INT),
        Column("collected_at", "Read (UTC)", 20, Kind.DATETIME),
        Column("note", "Note", 60, Kind.LONG),
    ),
    anchors={"job": "lower(job_id)"},
    nothing="Nothing was billed to the jobs, and no execution is known to estimate from.",
    frozen=1,
)

STATEMENTS = Sheet(
    title="Stated by people",
    note="What people wrote into the register of jobs. Not collected from Azure, and not checked against it.",
    query=f"select *, {JOB_NAME} from statements",
    order="lower(job), lower(job_id), topic, text, row_id",
    tables=("statements",),
    kinds=(),
    columns=(
        JOB,
        Column("topic", "Topic", 20),
        Column("text", "Statement", 70, Kind.LONG),
        Column("stated_by", "Stated by", 28),
        Column("stated_on", "Stated on", 12, Kind.DATE),
        Column("detail", "Detail (JSON)", 44, Kind.CODE),
        Column("source", "Source", 30),
    ),
    anchors={"job": "lower(job_id)"},
    frozen=1,
)

CONTINUITY = Sheet(
    title="Continuity",
    note="Whether the evidence of this period joins what was kept before it, or where exactly a hole is.",
    query="""select *, regexp_extract(scope, '[^/]+$') as place, scope as job_id from continuity""",
    order="list_position(['hole', 'continuous'], state), kind, lower(scope), \"from\", row_id",
    tables=("continuity",),
    kinds=EVERY_KIND,
    columns=(
        Column("kind", "Evidence", 18),
        Column("place", "Of", 30, note="Leads to the job, where it is one.", link=Link("Jobs", "job", "job_id")),
        Column("state", "State", 13, note="continuous or hole."),
        Column("from", "From (UTC)", 20, Kind.DATETIME),
        Column("to", "To (UTC)", 20, Kind.DATETIME),
        Column("detail", "Detail", 70, Kind.LONG),
        Column("scope", "Scope", 60, Kind.CODE),
    ),
)
