"""What changed, what it cost, what people said, and how far back the evidence reaches."""

from __future__ import annotations

from audit.render.workbook.sheet import EVERY_KIND, Column, Kind, Link, Sheet
from audit.render.workbook.sheets.jobs import JOB, JOB_NAME

CHANGES = Sheet(
    title="Changes",
    note="Changes of the jobs and of what they stand on, newest first: one row for each job and property, with before "
    "and after where Azure tells. Folded from the Activity Log, Resource Graph and deployments.",
    query=f"""
        select *, {JOB_NAME}, regexp_extract(resource_id, '[^/]+$') as resource from changes
    """,
    order='"at" desc, change_id, lower(job_id), property nulls first, row_id',
    tables=("changes",),
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
