"""What the engine has to know besides a control: whom it has to answer for, and which evidence they lack."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from audit.assess.locked import Locked
    from audit.model import Run

_HERE = "audit/assess/estate.py"
WHOLE = ""
"""The key of the whole estate, where a control answers about no job in particular."""


class Job(NamedTuple):
    """One job of the population."""

    job_id: str
    name: str
    observed_at: datetime
    raw_ref: str
    deleted: str
    """When and by whom, in words; empty for a job that is there."""


class Lack(NamedTuple):
    """One gap that a job's verdict would rest on."""

    kind: str
    scope: str
    reason: str

    def __str__(self) -> str:
        """Return the gap in words."""
        return f"{self.kind} at {self.scope}: {self.reason}"


class Estate(NamedTuple):
    """The population by lower-case job id, every known job's id, and the gaps by kind and job."""

    jobs: dict[str, Job]
    known: frozenset[str]
    gaps: dict[str, dict[str, list[Lack]]]
    unlisted: tuple[str, ...]
    """Scopes whose jobs could not be listed, with the reason."""
    unread: dict[str, list[Lack]]
    """Every gap by kind: what an answer about the whole estate would rest on."""
    read_at: frozenset[str]
    """Lower-case scopes whose jobs were listed to the end."""
    fallback: tuple[datetime, str]
    """observed_at and raw_ref of an answer that no job's row can carry: what the jobs list itself said."""

    def lacks(self, needs: tuple[str, ...], key: str) -> list[Lack]:
        """Return the gaps in the needed kinds for one job, by lower-case id; for WHOLE those of the whole estate."""
        if key == WHOLE:
            return [lack for kind in needs for lack in self.unread.get(kind, ())]
        return [lack for kind in needs for lack in self.gaps.get(kind, {}).get(key, ())]

    def listed(self, key: str) -> bool:
        """Tell whether all jobs were read where a job of this key would be."""
        parts = key.split("/")
        return not self.unread.get("jobs") and bool({"/".join(parts[:3]), "/".join(parts[:5])} & self.read_at)


def read(locked: Locked, run: Run) -> Estate:
    """Read the estate from the derived tables."""
    jobs = {job.job_id.lower(): job for job in _jobs(locked)}
    listed = locked.select("select lower(job_id) as job_id from jobs", where=_HERE, required=("job_id",))
    gaps: dict[str, dict[str, list[Lack]]] = defaultdict(lambda: defaultdict(list))
    columns = ("job_id", "kind", "scope", "reason", "detail")
    for job_id, kind, scope, reason, detail in locked.select(
        f"select {', '.join(columns)} from job_gaps order by row_id", where=_HERE, required=columns
    ):
        told = f"{reason} ({detail})" if detail else reason
        gaps[kind][job_id.lower()].append(Lack(kind, scope, told))
    for lacking in gaps.values():
        for lacks in lacking.values():
            lacks.sort()
    unlisted = locked.select(
        "select scope || ': ' || reason as told from coverage where kind = 'jobs' and outcome = 'gap' order by all",
        where=_HERE,
        required=("told",),
    )
    read_at = locked.select(
        "select scope from coverage where kind = 'jobs' and outcome = 'collected'", where=_HERE, required=("scope",)
    )
    unread: dict[str, list[Lack]] = defaultdict(list)
    for kind, scope, reason, detail in locked.select(
        f"select {', '.join(columns[1:])} from coverage where outcome = 'gap' order by kind, lower(scope), row_id",
        where=_HERE,
        required=columns[1:],
    ):
        unread[kind].append(Lack(kind, scope, f"{reason} ({detail})" if detail else reason))
    return Estate(
        jobs=jobs,
        known=frozenset(jobs) | {row[0] for row in listed},
        gaps=gaps,
        unlisted=tuple(row[0] for row in unlisted),
        unread=unread,
        read_at=frozenset(scope.rstrip("/").lower() for (scope,) in read_at),
        fallback=_fallback(locked, run),
    )


def _jobs(locked: Locked) -> list[Job]:
    columns = ("job_id", "name", "observed_at", "raw_ref", "deleted")
    rows = locked.select(
        """
        select job_id, name, observed_at, raw_ref,
               case when state = 'deleted' then
                   'deleted at ' || strftime(deleted_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S UTC')
                   || ' by ' || coalesce(deleted_by, 'an unknown caller') else '' end as deleted
        from population order by lower(job_id)
        """,
        where=_HERE,
        required=columns,
    )
    return [Job(*row) for row in rows]


def _fallback(locked: Locked, run: Run) -> tuple[datetime, str]:
    columns = ("observed_at", "raw_ref")
    rows = locked.select(
        "select observed_at, raw_ref from coverage where kind in ('jobs', 'subscriptions') "
        "order by kind, lower(scope), row_id limit 1",
        where=_HERE,
        required=columns,
    )
    for observed_at, raw_ref in rows:
        return observed_at or run.started, raw_ref or "run.json"
    return run.started, "run.json"
