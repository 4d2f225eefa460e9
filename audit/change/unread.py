"""What a proposal newly refers to and the run did not read: evidence that the proposed job lacks.

Each evidence kind says itself what it asks about, in SQL over the tables (``EvidenceKind.population``). What it would
ask about with the proposal in place, and did not without, was never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id
from audit.evidence import KINDS
from audit.model import Level
from audit.store.history import EVENT_TABLES
from audit.store.tables import literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb

    from audit.model import EvidenceKind, Run

WORDS = "the proposal newly refers to it, and the run did not read it"

Asked = dict[str, dict[str, frozenset[str]]]
"""Kind → lower-case scope → what is asked about there, in lower case."""

_NEW = f"""
insert into job_gaps by name
select {row_id("job_gaps", "job_id", "kind", "scope", "reason", "detail")} as row_id, *
from (
    select observed_at, raw_ref, job_id, $kind as kind, $what as scope, 'unavailable' as reason, '{WORDS}' as detail
    from population where lower(job_id) = $job
)
"""

# Only gaps that the run's own tables don't have: the others lack as much without the proposal.
_ADDED = """
from job_gaps as added
where list_contains($jobs::VARCHAR[], lower(added.job_id)) and not list_contains($events::VARCHAR[], added.kind)
  and not exists (
      select 1 from held.job_gaps as known
      where lower(known.job_id) = lower(added.job_id) and known.kind = added.kind
        and lower(known.scope) = lower(added.scope))
"""

_REWORD = f"""
update job_gaps set detail = '{WORDS}' where reason = 'unavailable' and row_id in (select added.row_id {_ADDED})
"""


def asked(con: duckdb.DuckDBPyConnection, run: Run) -> Asked:
    """Return what the kinds of the run ask about, as its tables stand in ``con``."""
    return {kind.name: dict(_asked(con, kind)) for kind in _kinds(run)}


def mark(
    con: duckdb.DuckDBPyConnection, run: Run, before: Asked, jobs: Sequence[str], database: Path
) -> dict[str, list[tuple[str, str]]]:
    """Complete ``job_gaps`` of the proposed jobs, and return by lower-case job id what they lack: kind and what.

    ``con`` holds the tables with the proposal, derived; ``before`` is what was asked about without it; ``database``
    holds the run's own tables.
    """
    keys = [job.lower() for job in jobs]
    for kind in _kinds(run):
        now = dict(_asked(con, kind))
        known = before[kind.name]
        new = {scope: about - known[scope] - set(keys) for scope, about in now.items() if scope in known}
        if any(new.values()):
            for job in keys:
                _lacks(con, kind, job, new)
    con.execute(f"attach {literal(str(database))} as held (read_only)")
    given = {"jobs": keys, "events": sorted(EVENT_TABLES)}
    con.execute(_REWORD, given)
    found: dict[str, list[tuple[str, str]]] = {}
    for job, kind_name, scope in con.execute(
        f"select distinct lower(added.job_id), added.kind, added.scope {_ADDED} order by all", given
    ).fetchall():
        found.setdefault(job, []).append((kind_name, scope))
    con.execute("detach held")
    return found


def _lacks(con: duckdb.DuckDBPyConnection, kind: EvidenceKind, job: str, new: dict[str, frozenset[str]]) -> None:
    """Add a gap for everything new that the kind would ask about for this job, were it the only one."""
    con.begin()
    con.execute("update jobs set in_scope = in_scope and lower(job_id) = $job", {"job": job})
    own = dict(_asked(con, kind))
    con.rollback()
    for scope, about in own.items():
        for what in sorted(about & new.get(scope, frozenset())):
            con.execute(_NEW, {"kind": kind.name, "what": f"{scope}: {what}", "job": job})


def _kinds(run: Run) -> Iterator[EvidenceKind]:
    """Yield the kinds that ask about single resources, and of those not the ones that tell what happened."""
    for kind in KINDS:
        asks = kind.population is not None and kind.affects is not None and kind.per is Level.RESOURCE
        if asks and kind.name in run.kinds and kind.name not in EVENT_TABLES:
            yield kind


def _asked(con: duckdb.DuckDBPyConnection, kind: EvidenceKind) -> Iterator[tuple[str, frozenset[str]]]:
    result = con.execute(str(kind.population))
    names = [column[0] for column in result.description or ()]
    for row in result.fetchall():
        told = dict(zip(names, row, strict=True))
        yield told["scope"].rstrip("/").lower(), frozenset(str(one).lower() for one in told.get("ids") or ())
