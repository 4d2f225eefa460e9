"""Jobs as they were read, from the raw pages of a run: by this one, and by earlier ones before a moment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from audit.change.items import items
from audit.errors import IntegrityError
from audit.model import ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

    from audit.render.raw_pages import Answers
    from audit.store import StoredRun

_COLUMNS = "lower(job_id), raw_ref, observed_at, created_at, modified_at"
_OWN = f"""
select {_COLUMNS} from jobs where lower(job_id) in (select lower(job_id) from change_jobs) order by raw_ref
"""
_EARLIER = f"""
select {_COLUMNS} from read_parquet(?)
where lower(job_id) in (select unnest(?::VARCHAR[])) and observed_at < ? order by raw_ref
"""


class Reading(NamedTuple):
    """A job as a run read it at ``at``. ``item``: as ARM sent it, redacted, undecoded."""

    run_id: str
    at: datetime
    raw_ref: str
    created: datetime | None
    modified: datetime | None
    """When the job says that it was last written."""
    key_id: str
    """Of the key that the item was redacted under."""
    item: bytes

    def whole(self) -> dict[str, Any]:
        """Return the item decoded."""
        return msgspec.json.decode(self.item, type=dict[str, Any])


class _Named(msgspec.Struct):
    id: str


def own(con: duckdb.DuckDBPyConnection, stored: Answers) -> dict[str, Reading]:
    """Return the jobs of ``change_jobs`` as this run read them, by their ids in lower case."""
    return _items(stored, con.execute(_OWN).fetchall())


def before(
    con: duckdb.DuckDBPyConnection, runs: Sequence[StoredRun], jobs: Iterable[str], moment: datetime
) -> tuple[dict[str, Reading], list[str]]:
    """Return each job as the newest run has it that read it before a moment, and what is damaged, in words.

    ``jobs``: ids in lower case.
    """
    found: dict[str, Reading] = {}
    damaged: list[str] = []
    wanted = set(jobs)
    for stored in newest(runs):
        if not wanted:
            break
        try:
            path = stored.table_file("jobs")
            if path is not None:
                rows = con.execute(_EARLIER, [str(path), sorted(wanted), moment]).fetchall()
                found |= _items(stored, rows)
        except IntegrityError as error:
            damaged.append(f"run {stored.run.run_id} can't be used: {error.message}")
        wanted -= found.keys()
    return found, damaged


def newest(runs: Sequence[StoredRun]) -> list[StoredRun]:
    """Return runs in order, the newest first."""
    return sorted(runs, key=lambda stored: (stored.run.started, stored.run.run_id), reverse=True)


def _items(stored: Answers, rows: Sequence[tuple[Any, ...]]) -> dict[str, Reading]:
    """Return the raw item of each row, where the run still has the page; one page is in memory at a time."""
    places = {row[1]: row for row in rows}
    found: dict[str, Reading] = {}
    for raw_ref, _, item in items(stored, places):
        job, _, at, created, modified = places[raw_ref]
        if ids.same(msgspec.json.decode(item, type=_Named).id, job):
            found[job] = Reading(stored.run.run_id, at, raw_ref, created, modified, stored.run.redaction_key_id, item)
    return found
