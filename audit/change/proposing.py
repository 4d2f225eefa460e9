"""What the jobs would be: each document merged into what the run read of its job, redacted before anything is kept.

The file's secrets pass the rules that Azure's answers pass, under the run's key, so that a value which is set already
has the digest that it has now, and reads as unchanged.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from audit.change import merge
from audit.change.current import Current, current
from audit.errors import ConfigError, UsageError
from audit.evidence.jobs import KIND, Job
from audit.model import Page, Record, Scope, ids
from audit.model.record import must_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from audit.change.proposal import Asked
    from audit.model import Run
    from audit.store import Readable, Redactor

_DECODER = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()
_REQUIRED = ("location", "properties.environmentId", "properties.configuration.triggerType",
             "properties.configuration.replicaTimeout", "properties.template.containers")  # fmt: skip
"""What Azure asks of a new job (API 2025-07-01)."""
_SHOWN = 5
"""How many names a note spells out before it counts the rest."""

_KNOWN = """
select job_id from population where lower(name) = lower($name)
   and ($group = '' or lower(resource_group) = lower($group)) and state <> 'deleted'
union
select job_id from jobs where lower(name) = lower($name) and ($group = '' or lower(resource_group) = lower($group))
order by all
"""
_UNREADABLE = "select count(*) from population where lower(job_id) = lower($job) and state = 'unreadable'"
# Whether a job that no row tells of would have been listed: a list there that was read to its end.
_LISTED = """
select outcome, reason from coverage where kind = 'jobs' and place is null
   and list_contains($scopes::VARCHAR[], lower(rtrim(scope, '/')))
order by outcome = 'gap' desc
"""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One job as it would be. Nothing in it is secret: values that the rules hide are marks."""

    job_id: str
    """As Azure spells it, or as the file does for a job that isn't there yet."""
    name: str
    file: str
    sha256: str
    what: str
    """``update`` or ``create``."""
    patch: dict[str, Any]
    """What is sent, redacted."""
    definition: dict[str, Any]
    """What the job would be, in ARM's shape, redacted."""
    records: tuple[Record, ...]
    """The rows that the evidence kind ``jobs`` makes of the definition."""
    notes: tuple[str, ...]
    observed_at: datetime
    raw_ref: str
    """Where the definition of now stands; run.json for a job that isn't there yet."""


def propose(
    asked: Sequence[Asked], con: duckdb.DuckDBPyConnection, stored: Readable, redactor: Redactor
) -> list[Proposal]:
    """Return what each document would make of its job, in order of the jobs' ids.

    ``con``: the run's tables, derived. Raises UsageError where a document's job can't be told, or whether it exists;
    where the redaction key isn't the run's; and ConfigError for a document that makes no valid job.
    """
    if redactor.key_id != stored.run.redaction_key_id:
        raise UsageError(
            f"run {stored.run.run_id} was redacted with another key ({stored.run.redaction_key_id})",
            hint="give the key that the run was made with: what the file hides can't be compared under another",
        )
    named = [(_job(each, con, stored.run), each) for each in asked]
    twice = sorted(job for job, _ in named if sum(ids.same(job, other) for other, _ in named) > 1)
    if twice:
        raise ConfigError(f"two documents are about {twice[0]}", where=asked[0].file, hint="put them into one")
    found = current(con, stored, [job_id for job_id, _ in named])
    made = [_proposal(job_id, each, found.get(job_id.lower()), con, stored.run, redactor) for job_id, each in named]
    return sorted(made, key=lambda each: each.job_id.lower())


def _job(asked: Asked, con: duckdb.DuckDBPyConnection, run: Run) -> str:
    """Return the id of the job that a document names."""
    if asked.job_id:
        return asked.job_id
    given = {"name": asked.name, "group": asked.resource_group}
    known = [job_id for (job_id,) in con.execute(_KNOWN, given).fetchall()]
    if len(known) > 1:
        told = f"{len(known)} jobs are called {asked.name!r}: {', '.join(known[:3])}"
        raise UsageError(told, where=asked.where, hint="write the job's `id`, or `resourceGroup` beside `name`")
    if known:
        return str(known[0])
    if not asked.resource_group or len(run.subscriptions) != 1:
        told = f"the run knows no job called {asked.name!r}"
        raise UsageError(told, where=asked.where, hint="for a job that isn't there yet, write its `id`")
    place = f"/subscriptions/{run.subscriptions[0]}/resourceGroups/{asked.resource_group}"
    return f"{place}/providers/Microsoft.App/jobs/{asked.name}"


def _proposal(  # noqa: PLR0917  a document, its job and what both are read with
    job_id: str, asked: Asked, now: Current | None, con: duckdb.DuckDBPyConnection, run: Run, redactor: Redactor
) -> Proposal:
    if now is None:
        _must_be_new(job_id, asked, con)
    members, left = (asked.members, []) if asked.whole else merge.sent(asked.members)
    page = now.page if now else _page(job_id, run)
    patch = _redacted(members, page, redactor)
    before = _DECODER.decode(now.item) if now else {"id": job_id, "name": asked.name, "type": "Microsoft.App/jobs"}
    definition = (merge.replaced if asked.whole or now is None else merge.updated)(before, patch)
    _possible(definition, before if now else None, asked)
    records = _records(definition, page, asked)
    notes = [*asked.notes, *_notes(patch, before if now else None, left)]
    if not any(isinstance(record, Job) and record.in_scope for record in records):
        notes.append("the proposed job is out of scope: no event starts it, or it lacks the tags of [scope]")
    return Proposal(
        job_id=now.job_id if now else job_id,
        name=str(definition["name"]),
        file=asked.file,
        sha256=asked.sha256,
        what="update" if now else "create",
        patch=patch,
        definition=definition,
        records=records,
        notes=tuple(notes),
        observed_at=now.observed_at if now else run.finished or run.started,
        raw_ref=now.raw_ref if now else "run.json",
    )


def _must_be_new(job_id: str, asked: Asked, con: duckdb.DuckDBPyConnection) -> None:
    """Raise UsageError where nobody can tell that there is no such job."""
    if con.execute(_UNREADABLE, {"job": job_id}).fetchall() != [(0,)]:
        raise UsageError(
            f"the run could not decode {job_id}, so what the job would be can't be told",
            where=asked.where,
            hint="the coverage names what is wrong with the item; collect again once it is mended",
        )
    scopes = [ids.key(scope) for scope in ids.enclosing(job_id)]
    states = con.execute(_LISTED, {"scopes": scopes}).fetchall()
    if not states or any(outcome != "collected" for outcome, _ in states):
        why = f"the list of jobs there is a gap ({states[0][1]})" if states else "no jobs were listed there"
        raise UsageError(
            f"whether {job_id} exists isn't known: {why}",
            where=asked.where,
            hint="check the id; else collect a run whose scope holds the job and whose list of jobs is whole",
        )


def _page(job_id: str, run: Run) -> Page:
    """Return a page such as a new job would be listed in: of the unit whose scope holds it."""
    around = {ids.key(scope) for scope in ids.enclosing(job_id)}
    scope = next(
        (unit.scope for unit in run.units if unit.kind == KIND.name and ids.key(unit.scope.id) in around),
        Scope(id="/".join(job_id.split("/")[:3])),
    )
    at = run.finished or run.started
    return Page(
        scope=scope, method="GET", url="", api_version="", status=200, request_id="", correlation_id="", received_at=at,
        body=b"null",
    )  # fmt: skip


def _redacted(members: dict[str, Any], page: Page, redactor: Redactor) -> dict[str, Any]:
    """Return a document as it would be stored had Azure sent it in a list of jobs."""
    body = _ENCODER.encode({"value": [members]})
    kept = redactor.page(msgspec.structs.replace(page, url="", body=body, request_body=None))
    (found,) = _DECODER.decode(kept.body)["value"]
    return dict(found)


def _possible(definition: dict[str, Any], before: dict[str, Any] | None, asked: Asked) -> None:
    """Raise ConfigError where Azure would refuse: a new job without what it asks for, a job that moves."""
    if before is None:
        missing = [place for place in _REQUIRED if not _at(definition, place)]
        trigger = _at(definition, "properties.configuration.triggerType")
        if not missing and str(trigger).lower() == "event" and not _at(
            definition, "properties.configuration.eventTriggerConfig"
        ):  # fmt: skip
            missing = ["properties.configuration.eventTriggerConfig"]
        if missing:
            told = f"the run knows no {definition['id']}, so it would be a new job, and of that is missing: "
            raise ConfigError(
                told + ", ".join(missing),
                where=asked.where,
                hint="write these, or check the id of the job that is meant",
            )
        if str(trigger).lower() != "event":
            told = "a new job that no event starts is none of those that this tool looks at"
            raise ConfigError(told, where=f"{asked.where}: properties.configuration.triggerType", hint="write Event")
    elif _folded(definition.get("location")) != _folded(before.get("location")):
        raise ConfigError(
            "the location is another one, and Azure moves no job",
            where=f"{asked.where}: location",
            hint="leave `location` out; a job elsewhere is a new job",
        )


def _at(definition: dict[str, Any], place: str) -> Any:
    value: Any = definition
    for step in place.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _folded(location: Any) -> str:
    return str(location or "").replace(" ", "").lower()


def _records(definition: dict[str, Any], page: Page, asked: Asked) -> tuple[Record, ...]:
    """Return the rows of a definition, by the decoder that reads what Azure sends."""
    try:
        records = tuple(KIND.normalise(_ENCODER.encode(definition), page))
        for record in records:
            must_fit(record)
    except (msgspec.MsgspecError, ValueError) as error:
        what, _, at = str(error).partition(" - at `$.")
        where = f"{asked.where}: {at.rstrip('`')}" if at else asked.where
        raise ConfigError(
            f"the job would not be valid: {what}",
            where=where,
            hint="lists are replaced whole: each needs all of its parts",
        ) from None
    return records


def _notes(patch: dict[str, Any], before: dict[str, Any] | None, left: list[str]) -> list[str]:
    told = []
    taken = [place for place in left if before and _at(before, place)]
    if taken:
        told.append(
            "the container-app CLI leaves a null out of what it sends, so nothing is taken away at: " + _listed(taken)
        )
    given = _at(patch, "identity.userAssignedIdentities") or {}
    had = {ids.key(each) for each in (_at(before or {}, "identity.userAssignedIdentities") or {})}
    new = [each for each in given if ids.key(each) not in had]
    if new and before:
        told.append(
            "the container-app CLI sends of an identity the type alone, so these are given with "
            "az containerapp job identity assign: " + _listed(new)
        )
    secrets = _at(patch, "properties.configuration.secrets") or ()
    kept = sorted(each["name"] for each in secrets if each.get("value") and each.get("name"))
    if kept:
        told.append(
            "Azure never tells the value of a secret, so whether these get another one than they have isn't known: "
            + _listed(kept)
        )
    return told


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
