"""Whether what was applied is what was approved: ``change_closing``, property by property, and every extra change.

Outcomes: ``as approved``; ``not applied`` (still as it was); ``otherwise`` (another value was applied); ``extra`` (it
changed, and the proposal doesn't say so); ``unknown``, ``because`` saying why. What the proposal leaves as it is, and
is as it was, has no row. What Azure rewrites by itself is no difference: see ``audit.change.alike``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.change import beside, closing_rows, sides
from audit.change.alike import alike
from audit.change.closing_rows import Row
from audit.change.sides import Side
from audit.model import marker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import duckdb

    from audit.change.planned import Planned
    from audit.change.sides import Job
    from audit.model import Run


def closing(con: duckdb.DuckDBPyConnection, run: Run, planned: Planned, *, jobs: Collection[str] = ()) -> None:
    """Create ``change_closing`` from the run's tables in ``con`` and the pack that was approved; empty without one.

    ``jobs``: ids of more jobs that the change is about; the proposal leaves them as they are.
    """
    rows: list[Row] = []
    if planned.folder is not None and planned.since is not None:
        for job in sides.jobs(con, run, planned.folder / "data", planned.since, jobs):
            compared = list(_compared(job))
            rows += compared + beside.unaccounted(con, run, job, compared)
    closing_rows.fill(con, rows)


def _compared(job: Job) -> Iterator[Row]:
    for prop in sorted(job.before.keys() | job.approved.keys() | job.applied.keys()):
        before, approved, applied = (side.get(prop, Side()) for side in (job.before, job.approved, job.applied))
        said = _outcome(job, prop, before, approved, applied)
        if said is not None:
            yield _about(
                job,
                property=next(side.name for side in (approved, applied, before) if side.name),
                before=before.value,
                approved=approved.value,
                applied=None if job.unread else applied.value,
                outcome=said[0],
                because=said[1] or None,
            )
    if job.gone and job.before:
        yield _about(job, outcome="extra", because=job.gone)
    yield from _secrets(job)


def _about(job: Job, **told: Any) -> Row:
    return Row(observed_at=job.observed_at, raw_ref=job.raw_ref, job_id=job.job_id, **told)


def _outcome(job: Job, prop: str, before: Side, approved: Side, applied: Side) -> tuple[str, str] | None:
    """Return a property's outcome and why; None where there is nothing to tell."""
    asked = not alike(prop, before.value, approved.value)
    as_approved, as_before = alike(prop, approved.value, applied.value), alike(prop, before.value, applied.value)
    apart = _hidden_apart(approved, applied) or (asked and _hidden_apart(before, applied))
    if job.unread or job.gone:
        said = ("unknown" if job.unread else "not applied", job.unread or job.gone) if asked else None
    elif as_approved:
        said = ("as approved", "") if asked else None
    elif apart:
        said = "unknown", "hidden under another key, so it can't be compared"
    elif not asked:
        said = "extra", "the proposal leaves it as it was"
    else:
        said = "not applied" if as_before else "otherwise", ""
    return said


def _hidden_apart(left: Side, right: Side) -> bool:
    return left.hidden_under != right.hidden_under and marker.hidden(left.value) and marker.hidden(right.value)


def _secrets(job: Job) -> Iterator[Row]:
    """Yield a row for each secret whose value the proposal sets in the job: Azure never tells it."""
    properties = job.patch.get("properties") or {}
    for secret in (properties.get("configuration") or {}).get("secrets") or ():
        if secret.get("value"):
            yield _about(
                job,
                property=f"secrets/{secret.get('name')}/value",
                approved=secret["value"],
                outcome="unknown",
                because="Azure never tells the value of a secret",
            )
