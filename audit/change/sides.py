"""A job on the three sides of a closing comparison: as it was, as it was approved, as it is."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.change.alike import key
from audit.model import ids
from audit.store.tables import literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    import duckdb

    from audit.model import Run

# The metadata of a rule stands there key by key too, as values/scaler_metadata/….
_SETTINGS = """
select lower(job_id), property, value, hidden_under from {table}
where list_contains($jobs::VARCHAR[], lower(job_id)) and not regexp_full_match(property, 'rules/.*/metadata(#\\d+)?')
order by lower(job_id), property
"""
_TAGS = """
select lower(job_id), entry.key, entry.value ->> '$' from {table}, json_each(coalesce(tags, '{{}}')) as entry
where list_contains($jobs::VARCHAR[], lower(job_id)) order by all
"""
_NOW = """
select lower(job_id), job_id, observed_at, raw_ref, in_scope from jobs
where list_contains($jobs::VARCHAR[], lower(job_id)) order by lower(job_id), row_id
"""
_GONE = """
select lower(job_id), state,
       'the job was deleted at ' || strftime(deleted_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S UTC')
       || ' by ' || coalesce(deleted_by, 'an unknown caller')
from population where list_contains($jobs::VARCHAR[], lower(job_id)) order by all
"""
_GAPS = """
select distinct scope, reason, detail from coverage
where kind in ('jobs', 'subscriptions') and outcome = 'gap' and (scope = '/' or lower(rtrim(scope, '/')) in (
    select unnest($scopes::VARCHAR[]))) order by all limit 3
"""


class Side(NamedTuple):
    """A property's value on one side; ``name`` is the property as that side spells it, empty where it isn't set."""

    name: str = ""
    value: str | None = None
    hidden_under: str | None = None


class Job(NamedTuple):
    """One job on its three sides. ``unread``: why its settings of now aren't known; empty where they are."""

    job_id: str
    since: datetime
    """When the run began that read the settings on which the proposal was made."""
    observed_at: datetime
    raw_ref: str
    patch: dict[str, Any]
    definition: dict[str, Any] | None
    """Null: the proposal doesn't name the job."""
    before: dict[str, Side]
    approved: dict[str, Side]
    applied: dict[str, Side]
    unread: str
    gone: str
    """That it isn't there, and when and by whom it was deleted where that is known; empty for a job that is there."""


def jobs(con: duckdb.DuckDBPyConnection, run: Run, data: Path, since: datetime, more: Collection[str]) -> Iterator[Job]:
    """Yield each job that the proposal in a pack's ``data`` names and those in ``more``, in order of their ids."""
    proposals = {
        ids.key(job): (job, json.loads(patch), json.loads(definition))
        for job, patch, definition in con.execute(
            f"select job_id, patch, definition from {_parquet(data, 'change_proposals')}"
        ).fetchall()
    }
    wanted = sorted(proposals.keys() | {ids.key(job) for job in more})
    before = _side(con, _parquet(data, "job_configuration"), _parquet(data, "jobs"), wanted)
    approved = _side(con, _parquet(data, "proposed_configuration"), None, wanted)
    applied = _side(con, "job_configuration", "jobs", wanted)
    now = {row[0]: row[1:] for row in con.execute(_NOW, {"jobs": wanted}).fetchall()}
    states = {row[0]: row[1:] for row in con.execute(_GONE, {"jobs": wanted}).fetchall()}
    for each in wanted:
        job_id, patch, definition = proposals.get(each, (None, {}, None))
        here = now.get(each)
        unread, gone = ("", "") if here and here[3] else _absent(con, each, here is not None, states.get(each))
        yield Job(
            job_id=here[0] if here else job_id or next(one for one in more if ids.key(one) == each),
            since=since,
            observed_at=here[1] if here else run.finished or run.started,
            raw_ref=here[2] if here else "run.json",
            patch=patch,
            definition=definition,
            before=before.get(each, {}),
            approved=_with_tags(approved.get(each, {}), definition) if definition else before.get(each, {}),
            applied=applied.get(each, {}),
            unread=unread,
            gone=gone,
        )


def _parquet(data: Path, table: str) -> str:
    return f"read_parquet({literal(str(data / f'{table}.parquet'))})"


def _side(
    con: duckdb.DuckDBPyConnection, settings: str, listed: str | None, wanted: list[str]
) -> dict[str, dict[str, Side]]:
    found: dict[str, dict[str, Side]] = {}
    for job, prop, value, under in con.execute(_SETTINGS.format(table=settings), {"jobs": wanted}).fetchall():
        found.setdefault(job, {})[key(prop)] = Side(prop, value, under)
    if listed is not None:
        for job, name, value in con.execute(_TAGS.format(table=listed), {"jobs": wanted}).fetchall():
            if job in found:
                found[job][f"tags/{name.lower()}"] = Side(f"tags/{name}", value)
    return found


def _with_tags(settings: dict[str, Side], definition: dict[str, Any]) -> dict[str, Side]:
    tags = definition.get("tags") or {}
    return settings | {f"tags/{name.lower()}": Side(f"tags/{name}", value) for name, value in tags.items()}


def _absent(con: duckdb.DuckDBPyConnection, job: str, listed: bool, state: tuple[str, str] | None) -> tuple[str, str]:
    """Return why a job's settings of now aren't known, or why it has none."""
    if listed:
        return "no event starts the job any more, and the settings of such a job are not in the run's tables", ""
    if state is not None and state[0] == "deleted":
        return "", state[1] or "the job was deleted"
    if state is not None and state[0] == "unreadable":
        return "the job's item could not be decoded: the coverage names it", ""
    scopes = [ids.key(scope) for scope in ids.enclosing(job)]
    gaps = con.execute(_GAPS, {"scopes": scopes}).fetchall()
    if gaps:
        told = "; ".join(f"{scope}: {reason}" + (f" ({detail})" if detail else "") for scope, reason, detail in gaps)
        return f"jobs could not be listed: {told}", ""
    listed_there = con.execute(
        "select count(*) from coverage where kind = 'jobs' and place is null "
        "and list_contains($scopes::VARCHAR[], lower(rtrim(scope, '/')))",
        {"scopes": scopes},
    ).fetchone()
    if listed_there == (0,):
        return "the run listed no jobs there", ""
    return "", "the job isn't there"
