"""What is known of the writes of a job since a moment, and whether a write may have gone unseen."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from audit.change.rollback.definition import applies
from audit.change.rollback.undo import Property
from audit.model import ids
from audit.store.history import EVENT_TABLES, EVER

if TYPE_CHECKING:
    import duckdb

# A failed write changed nothing. A write of the tags has an id below the job's.
_WRITES = """
select lower(changes.job_id) as job_key, changes.change_id, changes."at", changes.kind,
       coalesce(changes.changed_by_name, changes.changed_by, 'somebody') as who, changes.property, changes.before,
       changes.after, changes.before_after
from changes
where changes.relation = 'job' and changes.before_after <> 'nothing changed'
  and lower(changes.job_id) in (select lower(job_id) from change_jobs)
  and (changes.kind in ('configuration', 'tags', 'deletion')
       or changes.property is not null and lower(rtrim(changes.resource_id, '/')) = lower(changes.job_id)
          and changes.before_after in ('known', 'cut by Azure'))
order by job_key, changes."at" desc, changes.change_id, changes.property
"""
_KNOWN = """
select lower(scope), "from", "to" from continuity
where kind = 'activity_log' and state = 'continuous' order by lower(scope), "from" nulls first
"""
_BESIDE = timedelta(minutes=2)
"""How far the time that a job names as its last write's may lie from the event of that write."""


class Write(NamedTuple):
    """One write of a job. ``untold``: Azure doesn't tell, or not whole, what it changed."""

    at: datetime
    kind: str
    who: str
    properties: tuple[Property, ...]
    untold: bool


class Writes:
    """What is known of the writes of ``change_jobs``, and how far the Activity Log is known."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._writes = _read(con)
        self._known: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
        for scope, since, until in con.execute(_KNOWN).fetchall():
            self._known[ids.subscription_of(scope) or ""].append((since or EVER, until))

    def since(self, job_id: str, moment: datetime) -> list[Write]:
        """Return a job's writes from a moment on, the newest first."""
        return [each for each in self._writes.get(job_id.lower(), ()) if each.at >= moment]

    def between(self, job_id: str, since: datetime, until: datetime) -> list[Write]:
        """Return a job's writes from one moment to before another, the newest first."""
        return [each for each in self.since(job_id, since) if each.at < until]

    def unseen(self, job_id: str, since: datetime, until: datetime, *, modified: datetime | None) -> str | None:
        """Return, in words, of when between two moments a write may be unknown; None where every one is known.

        ``modified``: when the job says it was last written, where it is there to be asked: nothing came after that.
        """
        if modified is not None and not self._told(job_id, modified):
            until = min(until, modified)
        elif modified is not None:
            until = min(until, modified - _BESIDE)
        for start, end in self._known[(ids.subscription_of(job_id) or "").lower()]:
            if start <= since <= end:
                since = end
        if since >= until:
            return None
        return f"the Activity Log is not known from {utc(since)} to {utc(until)}"

    def _told(self, job_id: str, modified: datetime) -> bool:
        return any(abs(each.at - modified) <= _BESIDE for each in self._writes.get(job_id.lower(), ()))


def too_old(write: Write, now: datetime) -> bool:
    """Tell whether Resource Graph has forgotten the values of a write."""
    kept = EVENT_TABLES["resource_changes"].retention
    return kept is not None and now - write.at > kept


def utc(moment: datetime) -> str:
    """Return a time to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _read(con: duckdb.DuckDBPyConnection) -> dict[str, list[Write]]:
    found: dict[str, list[Write]] = defaultdict(list)
    result = con.execute(_WRITES)
    names = [column[0] for column in result.description or ()]
    change: tuple[str, str] | None = None
    rows: list[dict[str, object]] = []
    for values in result.fetchall():
        row = dict(zip(names, values, strict=True))
        if (row["job_key"], row["change_id"]) != change:
            _add(found, rows)
            change, rows = (row["job_key"], row["change_id"]), []
        rows.append(row)
    _add(found, rows)
    return found


def _add(found: dict[str, list[Write]], rows: list[dict[str, object]]) -> None:
    """Add the write that these rows tell of, a property each; one of read-only properties alone is none."""
    told = [row for row in rows if row["property"] is None or applies(str(row["property"]))]
    if not told:
        return
    first = told[0]
    properties = tuple(
        Property(str(row["property"]), row["before"], row["after"])  # type: ignore[arg-type]
        for row in told
        if row["before_after"] == "known"
    )
    found[str(first["job_key"])].append(
        Write(
            at=first["at"],  # type: ignore[arg-type]
            kind=str(first["kind"]),
            who=str(first["who"]),
            properties=properties,
            untold=len(properties) < len(told),
        )
    )
