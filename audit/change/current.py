"""What jobs are set to now: the items as Azure sent them, found again by where their rows lead."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from audit.change.items import items
from audit.errors import IntegrityError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    import duckdb

    from audit.model import Page
    from audit.store import Readable

_ROWS = """
select lower(job_id), job_id, observed_at, raw_ref from jobs where list_contains($jobs::VARCHAR[], lower(job_id))
order by lower(job_id), row_id
"""


class Current(NamedTuple):
    """A job as a run read it."""

    job_id: str
    item: bytes
    """The item of the list, redacted as it was stored."""
    page: Page
    """The page that it stands in."""
    observed_at: datetime
    raw_ref: str


def current(con: duckdb.DuckDBPyConnection, stored: Readable, jobs: Collection[str]) -> dict[str, Current]:
    """Return the definitions of the named jobs that the run knows, by lower-case id.

    Raises UsageError where the run's raw answers are gone, IntegrityError where they are damaged.
    """
    rows = {
        raw_ref: (key, job_id, observed_at)
        for key, job_id, observed_at, raw_ref in con.execute(_ROWS, {"jobs": [job.lower() for job in jobs]}).fetchall()
    }
    found: dict[str, Current] = {}
    for raw_ref, page, item in items(stored, rows):
        key, job_id, observed_at = rows[raw_ref]
        found[key] = Current(job_id, item, page, observed_at, raw_ref)
    if lost := [job_id for key, job_id, _ in rows.values() if key not in found]:
        raise _gone(stored, lost)
    return found


def _gone(stored: Readable, jobs: list[str]) -> UsageError | IntegrityError:
    if stored.run.restored_from or not (stored.path / "raw").is_dir():
        return UsageError(
            f"what {jobs[0]} is set to now can't be told: the raw answers of run {stored.run.run_id} are gone",
            where=str(stored.path),
            hint="collect anew, and propose the change on that run",
        )
    return IntegrityError(
        f"the raw answers of run {stored.run.run_id} hold no item for {jobs[0]}",
        where=str(stored.path),
        hint="restore the run's folder from a copy, or collect again",
    )
