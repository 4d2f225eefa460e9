"""``approved_changes``: the tickets of the run's head as rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from audit.model import Json, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.model import Run


class ApprovedChange(Record, frozen=True, kw_only=True):
    """One ticket for one job or resource, as people's files of approved changes stated it when the run began."""

    table = "approved_changes"
    row_key = ("ticket", "subject_kind", "subject")

    ticket: str
    subject_kind: str
    """``job`` or ``resource``."""
    subject: str
    """What it is for, as written: a resource id, a name or a pattern."""
    planned_from: datetime
    planned_until: datetime
    """That moment excluded."""
    requester: str
    approvers: Json
    """Array of names, as written; empty = nobody has approved it."""
    approved_at: datetime | None = None
    implementers: Json
    """Array of names, as written."""
    emergency: bool
    """It may be made before it is approved, to be reviewed afterwards."""
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None
    risk: str | None = None
    """Redacted, as ``test`` and ``rollback``."""
    test: str | None = None
    rollback: str | None = None
    source: str
    """File and row: a spreadsheet's row, or the number of the change in JSON."""


def approved(run: Run) -> Iterator[ApprovedChange]:
    """Yield the tickets of a run's head."""
    for each in run.tickets.tickets if run.tickets else ():
        yield ApprovedChange(
            ticket=each.ticket,
            subject_kind="job" if each.job else "resource",
            subject=each.subject,
            planned_from=each.planned_from,
            planned_until=each.planned_until,
            requester=each.requester,
            approvers=Json(list(each.approver)),
            approved_at=each.approved_at,
            implementers=Json(list(each.implementer)),
            emergency=each.emergency,
            reviewed_at=each.reviewed_at,
            reviewed_by=each.reviewed_by or None,
            risk=each.risk or None,
            test=each.test or None,
            rollback=each.rollback or None,
            source=each.source,
        )
