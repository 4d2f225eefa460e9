"""Segregation of duties: what a pack's own evidence says against an approver. What it can't tell is said too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from audit.errors import IntegrityError
from audit.model.packs import ACCESS_REVIEW
from audit.seal import head, sums
from audit.store import tables

if TYPE_CHECKING:
    from pathlib import Path

READING = ("read_job", "read_logs")
"""What makes nobody a subject of the access outside of an access review: everybody may look."""

_WHO = """
select distinct lower(unnest([principal_id, app_id, user_principal_name, display_name])) from principals
where $by in (lower(principal_id), lower(app_id), lower(user_principal_name), lower(display_name))
"""
_CHANGED = """
select job_id, operation, count(*) from changes
where list_contains($who::VARCHAR[], lower(changed_by)) or list_contains($who::VARCHAR[], lower(changed_by_name))
group by all order by all
"""
_HOLDS = """
select capability, count(distinct job_id) from effective_access
where list_contains($who::VARCHAR[], lower(principal_id)) and denied is not true
  and ($all or not list_contains($reading::VARCHAR[], capability))
group by all order by all
"""
_GAPS = """
select kind, count(*) from coverage
where outcome = 'gap' and list_contains($kinds::VARCHAR[], kind) group by all order by all
"""
_CHANGES = ("activity_log", "resource_changes", "deployments")
_ACCESS = ("role_assignments", "role_definitions", "role_eligibility", "group_members", "principals", "event_sources")
_SHOWN = 3


class Independence(NamedTuple):
    """``conflicts``: why the approver isn't independent; ``not_shown``: what gaps in the evidence leave open."""

    conflicts: tuple[str, ...]
    not_shown: tuple[str, ...]


def of(pack: Path, by: str, caller: Sequence[str]) -> Independence:
    """Hold an approver against a pack's changes, its access, and who collected it (``caller``: all their names).

    ``by``: a login name, display name or object id. Raises IntegrityError where the pack's tables can't be read.
    """
    present = {name for name in sums.listed(pack) if name.startswith("data/")}
    with tables.connect() as con:
        for table in ("principals", "changes", "effective_access", "coverage"):
            if f"data/{table}.parquet" not in present:
                raise IntegrityError(f"the pack has no table {table}", where=str(pack))
            tables.view(con, table, pack / f"data/{table}.parquet")
        try:
            return _held(con, by, caller, every=head.read(pack).pack == ACCESS_REVIEW)
        except duckdb.Error as error:
            raise IntegrityError(f"the pack's tables can't be read: {error}", where=str(pack / "data")) from None


def _held(con: duckdb.DuckDBPyConnection, by: str, caller: Sequence[str], *, every: bool) -> Independence:
    name = by.strip().lower()
    known = {each for (each,) in con.execute(_WHO, {"by": name}).fetchall() if each}
    who = sorted(known | {name})
    conflicts = []
    if set(who) & {each.lower() for each in caller if each}:
        conflicts.append("collected the run that the pack is made of")
    changed = con.execute(_CHANGED, {"who": who}).fetchall()
    if changed:
        conflicts.append(f"made {sum(row[2] for row in changed)} changes in the window: {_listed(changed)}")
    held = con.execute(_HOLDS, {"who": who, "all": every, "reading": list(READING)}).fetchall()
    if held:
        conflicts.append("is a subject of the access: " + ", ".join(f"{what} on {jobs} jobs" for what, jobs in held))
    not_shown = [f"{count} gaps in {kind}" for kind, count in _gaps(con)]
    if not known:
        not_shown.append(
            f"the directory that was read knows nobody called {by}: no object id was held against the evidence"
        )
    return Independence(tuple(conflicts), tuple(not_shown))


def _listed(changed: list[Any]) -> str:
    shown = [f"{operation or 'a change'} of {(job or '').rpartition('/')[2]}" for job, operation, _ in changed[:_SHOWN]]
    return ", ".join(shown) + (", …" if len(changed) > _SHOWN else "")


def _gaps(con: duckdb.DuckDBPyConnection) -> list[Any]:
    return con.execute(_GAPS, {"kinds": [*_CHANGES, *_ACCESS]}).fetchall()
