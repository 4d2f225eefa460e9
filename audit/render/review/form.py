"""The form that a reviewer fills in: its sheets, and its columns in their order. The import reads by the same words."""

from __future__ import annotations

from openpyxl.utils import get_column_letter

from audit.model.review import Decision
from audit.render.workbook.sheet import Column, Kind

FORMAT = "1"
"""Of the form; a returned workbook of another one is refused."""
INSTRUCTIONS, DECISIONS, JOBS, IDENTITY = "Instructions", "Decisions", "Jobs", "jobaudit"
"""The sheets, in their order; the last one is hidden and tells which workbook this is."""
HEADINGS = 4
"""The row of the headings; the first entitlement stands in the next."""
WORDS = tuple(decision.value for decision in Decision)

TOLD = (
    Column("n", "No.", 5, Kind.INT, "In the order of the review: privileged and standing access first."),
    Column("who", "Who", 26, Kind.LONG, "The principal, and the name it signs in with."),
    Column("concern", "Concern", 11, Kind.LONG, "Orphaned (the directory doesn't know it), disabled, or a guest."),
    Column("access", "Kind", 14, Kind.LONG, "What the entitlement is: a role, a membership, a policy, an admin user."),
    Column("role", "Role or right", 24, Kind.LONG, "The role's name, the policy's rights, or the group's name."),
    Column("where", "Where", 24, Kind.LONG, "Where it was given; it holds for everything below."),
    Column("privileged", "Privileged", 11, Kind.TEXT, "Yes: it can change the job, act as it, or give others access."),
    Column("standing", "Standing", 10, Kind.LONG, "Standing: always there. Eligible: it has to be activated first."),
    Column("can", "What it can do", 34, Kind.LONG, "Its capabilities, over all jobs that it reaches."),
    Column("jobs", "Jobs", 6, Kind.INT, "How many jobs it reaches."),
    Column("job_names", "Which jobs", 26, Kind.LONG, "The first of them; the sheet Jobs has more."),
    Column("holders", "People", 8, Kind.INT, "How many people it reaches; for a group its members. Empty: not known."),
    Column("since_last", "Since the last review", 15, Kind.LONG, "New, changed (and how) or the same."),
    Column("last_change", "Last change", 24, Kind.LONG, "The newest change of it that is known, when, and by whom."),
    Column("previous", "Last decision", 26, Kind.LONG, "What was decided last time, by whom, and what came of it."),
    Column("limits", "Until, only where", 20, Kind.LONG, "When it ends by itself, and its condition."),
    Column("note", "Note", 28, Kind.LONG, "What could not be read, why this row is yours, and what to mind."),
    Column("entitlement_id", "Entitlement", 16, Kind.CODE, "Names the row. The same access keeps it in every review."),
)
"""What the evidence says: locked."""

DECISION, REASON, REVIEWER, DATE = "decision", "reason", "decided_by", "decided_on"
ASKED = (
    Column(DECISION, "Decision", 11, Kind.TEXT, "keep, revoke or change."),
    Column(REASON, "Reason", 36, Kind.LONG, "Needed to revoke, to change, and to keep what is privileged."),
    Column(REVIEWER, "Reviewer", 24, Kind.TEXT, "Your name or sign-in name."),
    Column(DATE, "Date", 12, Kind.DATE, "The day of the decision, as 2026-01-31."),
)
"""What the reviewer says: open."""

_WHO_WHAT_WHERE = 6
COLUMNS = (*TOLD[:_WHO_WHAT_WHERE], *ASKED, *TOLD[_WHO_WHAT_WHERE:])
"""In the order of the sheet: who, what and where, what is asked beside it, then what helps to decide."""
NUMBERS = {column.name: number for number, column in enumerate(COLUMNS, start=1)}
"""Column → its number on the sheet, from 1."""
LETTERS = {name: get_column_letter(number) for name, number in NUMBERS.items()}

IDENTITIES = ("form", "review", "run", "rows", "reviewer", "file")
"""What the hidden sheet tells, a row each: column A the word, column B what it is."""
