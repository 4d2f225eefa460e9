"""Putting a job in place: who wrote it and when, in ``systemData`` and, while Azure keeps it, in the Activity Log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from audit.sandbox.estate import events
from audit.sandbox.estate.moments import bare

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

KEPT = 90
"""Days that Azure keeps of the Activity Log."""


@dataclass(frozen=True, kw_only=True)
class Write:
    """One write of a job, ``days`` ago at ``clock``, by an actor's key; ``before`` makes the body what it was then."""

    days: int
    by: str
    clock: str = "13:20"
    before: Callable[[Body], None] | None = None


def deploy(world: World, body: Body, *writes: Write) -> str:
    """Add a job that came about by these writes, oldest first; return its id."""
    first, last = writes[0], writes[-1]
    maker, editor = world.actors[first.by], world.actors[last.by]
    body["systemData"] = {
        "createdBy": maker.author,
        "createdByType": maker.author_type,
        "createdAt": bare(world.before(first.days, first.clock)),
        "lastModifiedBy": editor.author,
        "lastModifiedByType": editor.author_type,
        "lastModifiedAt": bare(world.before(last.days, last.clock) + timedelta(seconds=4)),
    }
    log(world, body, *writes)
    world.writes[body["id"].lower()] = writes
    return world.add(body)


def log(world: World, body: Body, *writes: Write) -> None:
    """Write the events of a job's writes, without putting it in place."""
    for write in writes:
        if write.days >= KEPT:
            continue
        request = then(body, write)
        events.record(
            world,
            events.Operation(
                when=world.before(write.days, write.clock),
                actor=world.actors[write.by],
                action=events.JOB_WRITE,
                target=body["id"],
                request=request,
                response={"id": body["id"], "properties": {"provisioningState": "InProgress"}},
                correlation=correlation(world, body["id"], write),
            ),
        )


def correlation(world: World, resource_id: str, write: Write) -> str:
    """Return what joins a write, the deployment that made it and the changes that it brought."""
    return world.chance.guid("write", resource_id.lower(), write.days, write.clock)


def then(body: Body, write: Write) -> Body:
    """Return what a write asked for: the job as it was then."""
    request = asked(body)
    if write.before:
        request = msgspec.json.decode(msgspec.json.encode(request))
        write.before(request)
    return request


def asked(body: Body) -> Body:
    """Return what a client sends to make a job like this one; it shares its parts with the job."""
    properties = {key: body["properties"][key] for key in ("environmentId", "configuration", "template")}
    return {
        "location": body["location"],
        "tags": body.get("tags"),
        "identity": body["identity"],
        "properties": properties,
    }


def image(world: World, tag: str) -> Callable[[Body], None]:
    """Return a change that puts an earlier image into the first container."""

    def change(body: Body) -> None:
        first = body["properties"]["template"]["containers"][0]
        repository = first["image"].partition("@")[0]
        first["image"] = f"{repository}@sha256:{world.chance.digits(64, 'image', repository, tag)}"

    return change


def secret(name: str, text: str) -> Callable[[Body], None]:
    """Return a change that sends a secret's value along, as a client does that sets one."""

    def change(body: Body) -> None:
        configuration = body["properties"]["configuration"]
        others = [held for held in configuration["secrets"] or [] if held["name"] != name]
        configuration["secrets"] = [*others, {"name": name, "value": text}]

    return change


def variable(name: str, text: str) -> Callable[[Body], None]:
    """Return a change that puts a plain environment variable into the first container."""

    def change(body: Body) -> None:
        first = body["properties"]["template"]["containers"][0]
        held, new = first.get("env", []), {"name": name, "value": text}
        there = [new if each["name"] == name else each for each in held]
        first["env"] = there if new in there else [*held, new]

    return change


def metadata(key: str, text: str) -> Callable[[Body], None]:
    """Return a change of one entry in the first scale rule's metadata."""

    def change(body: Body) -> None:
        scale = body["properties"]["configuration"]["eventTriggerConfig"]["scale"]
        scale["rules"][0]["metadata"][key] = text

    return change


def together(*changes: Callable[[Body], None]) -> Callable[[Body], None]:
    """Return a change that makes several at once."""

    def change(body: Body) -> None:
        for each in changes:
            each(body)

    return change


def bound(name: str, number: int) -> Callable[[Body], None]:
    """Return a change of one bound of an event job's scale: minExecutions, maxExecutions, pollingInterval."""

    def change(body: Body) -> None:
        body["properties"]["configuration"]["eventTriggerConfig"]["scale"][name] = number

    return change
