"""The sheets that a change pack has before the others: before and after, what came of it, the way back."""

from __future__ import annotations

from audit.render.workbook.sheet import EVERY_KIND, Column, Kind, Link, Sheet
from audit.render.workbook.sheets.jobs import JOB, JOB_NAME

PROPERTIES = Sheet(
    title="Before and after",
    note="What is otherwise than before, property by property: of the jobs of the change, what they stand on and who "
    "has access. In a pack for approval: what would be.",
    query=f"select *, {JOB_NAME} from change_properties",
    order="lower(job_id), area, subject nulls first, property, row_id",
    tables=("change_properties",),
    kinds=EVERY_KIND,
    columns=(
        JOB,
        Column("area", "Area", 14),
        Column("subject", "Of", 40, note="What the job stands on, or the access. Empty: the job itself."),
        Column("property", "Property", 38),
        Column("kind", "Difference", 12, Kind.WORD, "added, removed, changed, or unknown: evidence is missing."),
        Column("before", "Before", 44, Kind.LONG, "Redacted. Empty: not set."),
        Column("after", "After", 44, Kind.LONG, "Redacted; what is proposed, in a pack for approval."),
        Column("because", "Why it isn't known", 44, Kind.LONG),
        Column("note", "Note", 40, Kind.LONG),
        Column("candidates", "Writes that may have", 10, Kind.INT, "How many writes of the job may have set it."),
        Column("change_id", "Change", 18, Kind.CODE, "The one write that set it, where only one can have."),
        Column("before_ref", "Known before from", 44, Kind.CODE),
        Column("job_id", "Job id", 60, Kind.CODE),
    ),
)

EFFECTS = Sheet(
    title="What came of it",
    note="Executions and cost of each job of the change over stretches of the same length, before and after. In a pack "
    "for approval: how the jobs did of late.",
    query=f"select *, {JOB_NAME} from change_effects",
    order="lower(job_id), place, row_id",
    tables=("change_effects",),
    kinds=("executions", "costs"),
    columns=(
        JOB,
        Column("phase", "Stretch", 10, note="before, during (from the first write to the last), after; or recent."),
        Column("since", "From (UTC)", 20, Kind.DATETIME),
        Column("until", "Until (UTC)", 20, Kind.DATETIME),
        Column("days", "Days", 8, Kind.NUMBER),
        Column("executions", "Executions", 11, Kind.INT),
        Column("succeeded", "Succeeded", 11, Kind.INT),
        Column("failed", "Failed", 8, Kind.INT),
        Column("unknown", "End unknown", 10, Kind.INT, "Nothing tells how they ended."),
        Column("p50_s", "p50 (s)", 10, Kind.NUMBER),
        Column("p95_s", "p95 (s)", 10, Kind.NUMBER),
        Column("amount", "Cost", 14, Kind.MONEY, "Of the whole days of the stretch."),
        Column("currency", "Currency", 9),
        Column("cost_days", "Whole days", 9, Kind.INT),
        Column("basis", "Basis", 12),
        Column("final", "Final", 8, Kind.BOOL),
        Column("because", "Not all is known", 44, Kind.LONG, "Why there may have been more executions."),
        Column("job_id", "Job id", 60, Kind.CODE),
    ),
)

OPENED = Sheet(
    title="Findings of the change",
    note="What each control said of the jobs of the change before and after, where either is no pass. In a pack for "
    "approval: what it says of the proposal.",
    query=f"select *, {JOB_NAME} from change_findings",
    order="list_position(['opened', 'open', 'still open', 'closed', 'gone', 'not known'], state), control_id, "
    "lower(job_id), subject, row_id",
    tables=("change_findings",),
    kinds=EVERY_KIND,
    columns=(
        Column("state", "State", 12, note="opened, open (before isn't known), still open, closed, gone, not known."),
        Column(
            "control_id", "Control", 10, note="Leads to the control.", link=Link("Controls", "control", "control_id")
        ),
        JOB,
        Column("subject", "Subject", 30),
        Column("severity", "Severity", 10, Kind.WORD),
        Column("before", "Before", 15, Kind.WORD),
        Column("after", "After", 15, Kind.WORD),
        Column("waived", "Waived", 8, Kind.BOOL),
        Column("after_reason", "Why, after", 60, Kind.LONG),
        Column("before_reason", "Why, before", 60, Kind.LONG),
        Column("job_id", "Job id", 60, Kind.CODE),
    ),
)

RISKS = Sheet(
    title="Risks",
    note="What the settings of the jobs of the change allow: load, cost, how often sources are asked.",
    query=f"select *, {JOB_NAME} from change_risks",
    order="weight <> 'warn', lower(job_id), risk, row_id",
    tables=("change_risks",),
    kinds=("jobs",),
    columns=(
        JOB,
        Column("risk", "Risk", 30),
        Column("weight", "Weight", 8, note="warn: it grew; note; open: a figure isn't set."),
        Column("before", "Before", 36),
        Column("after", "After", 36),
        Column("detail", "How it is reckoned", 70, Kind.LONG),
        Column("job_id", "Job id", 60, Kind.CODE),
    ),
)

ROLLBACK = Sheet(
    title="The way back",
    note="How each job of the change was right before it, and what it takes to have that again. The files lie in "
    "change/rollback/ of the pack.",
    query=f"select *, {JOB_NAME} from rollbacks",
    order="lower(job_id), row_id",
    tables=("rollbacks",),
    kinds=("jobs",),
    columns=(
        JOB,
        Column("file", "File", 36, note="Below change/rollback/. Empty: there is no recipe."),
        Column("complete", "Certain", 9, Kind.BOOL, "FALSE: it may not be how the job was. Empty: no recipe."),
        Column("because", "Why not", 60, Kind.LONG),
        Column("source", "Known from", 18),
        Column("as_of", "As of (UTC)", 20, Kind.DATETIME),
        Column("required_inputs", "Required inputs (JSON)", 60, Kind.CODE, "Values that only a person can give."),
        Column("by_hand", "By hand (JSON)", 60, Kind.CODE, "What a file can't bring back."),
        Column("images", "Images (JSON)", 60, Kind.CODE),
        Column("job_id", "Job id", 60, Kind.CODE),
    ),
)

CLOSING = Sheet(
    title="Approved and applied",
    note="What was applied, held against the proposal that was approved under the same ticket.",
    query=f"select *, {JOB_NAME}, array_to_string(from_json(change_ids, '[\"VARCHAR\"]'), ', ') as changes "
    "from change_closing",
    order="lower(job_id), property nulls last, outcome, because, row_id",
    tables=("change_closing",),
    kinds=EVERY_KIND,
    nothing="No approved proposal of this ticket is known, or the pack itself is for approval.",
    columns=(
        Column("outcome", "Outcome", 13, note="as approved, not applied, otherwise, extra, or unknown."),
        JOB,
        Column("property", "Property", 40, note="Empty: a change that is none of a setting."),
        Column("before", "Before", 36, Kind.LONG),
        Column("approved", "Approved", 36, Kind.LONG),
        Column("applied", "Applied", 36, Kind.LONG),
        Column("because", "Because", 50, Kind.LONG),
        Column("changed_by", "By", 30),
        Column("changes", "Changes", 36, Kind.CODE),
        Column("job_id", "Job id", 60, Kind.CODE),
    ),
)

CHANGE = (PROPERTIES, CLOSING, EFFECTS, OPENED, RISKS, ROLLBACK)
"""In the order in which an approver asks for them."""
