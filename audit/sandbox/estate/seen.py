"""What Resource Graph saw change in fourteen days: the same writes as in the Activity Log, property by property."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from audit.sandbox.estate import events
from audit.sandbox.estate.deploy import correlation, then
from audit.sandbox.estate.moments import ticks

if TYPE_CHECKING:
    from audit.sandbox.estate.foundation import Foundation
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import Actor, World

_KEPT = timedelta(days=14)
_NOTICED = timedelta(seconds=6)
_UNKNOWN = "00000000-0000-0000-0000-000000000000"


def observe(world: World) -> None:
    """Add a change for every write of a job that differs from the one before it."""
    for key, writes in world.writes.items():
        body = world.estate.resources[key]
        for before, after in pairwise(writes):
            when = world.before(after.days, after.clock)
            if when < world.now - _KEPT:
                continue
            changed = differences(then(body, before), then(body, after))
            if changed:
                actor = world.actors[after.by]
                _see(world, body, when, changed, actor=actor, shared=correlation(world, body["id"], after))


def settle(world: World, ground: Foundation) -> None:
    """Add the changes of what the story's jobs stand on, with their events, and those that nobody made."""
    observe(world)
    resources = world.estate.resources
    marek, petra = world.actors["marek.dvorak"], world.actors["petra.okafor"]
    queue = next(body for key, body in resources.items() if key.endswith("/queues/invoices-due"))
    _write(world, queue, marek, world.before(4, "08:41"), {"properties.maxDeliveryCount": "5"})
    vault = resources[ground.vault.lower()]
    was = {"properties.publicNetworkAccess": "Enabled", "properties.networkAcls.defaultAction": "Allow"}
    _write(world, vault, petra, world.before(10, "13:05"), was)
    _background(world, resources[ground.env_production.lower()], world.before(8, "03:12"))
    _deleted(world)


def differences(before: Body, after: Body) -> Body:
    """Return Resource Graph's ``changes`` between two bodies: values as text, by path, null counting as nothing."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return {path: _change(old.get(path), new.get(path)) for path in {**old, **new} if old.get(path) != new.get(path)}


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _leaves(value, f"{path}.{name}" if path else name)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _leaves(value, f"{path}[{index}]")
    elif node is not None:
        yield path, str(node)


def _change(old: str | None, new: str | None) -> Body:
    kind = "Insert" if old is None else "Remove" if new is None else "Update"
    return {"propertyChangeType": kind, "changeCategory": "User", "previousValue": old, "newValue": new}


def _write(world: World, body: Body, actor: Actor, when: datetime, was: dict[str, str]) -> None:
    """Write an operation's events, and see what it changed: ``was`` are the values before, those after are there."""
    live = dict(_leaves(body))
    changed = {path: _change(old, live.get(path)) for path, old in was.items()}
    shared = world.chance.guid("write", body["id"].lower(), when.isoformat())
    kind = body["type"].replace("Namespaces", "namespaces")
    operation = events.Operation(
        when=when,
        actor=actor,
        action=f"{kind}/write",
        target=body["id"],
        steps=events.SHORT,
        correlation=shared,
    )
    events.record(world, operation)
    _see(world, body, when, changed, actor=actor, shared=shared)


def _background(world: World, environment: Body, when: datetime) -> None:
    """See what the platform did by itself; a long value comes cut short."""
    live = dict(_leaves(environment))
    version, stream = "properties.kedaConfiguration.version", "properties.eventStreamEndpoint"
    changed = {
        version: {**_change("2.17.1", live[version]), "changeCategory": "System"},
        stream: {
            **_change(live[stream][:60], live[stream][:64]),
            "changeCategory": "System",
            "isTruncated": "true",
        },
    }
    _see(world, environment, when, changed, actor=None, shared=_UNKNOWN)


def _deleted(world: World) -> None:
    """See the deletions that the Activity Log tells of: nothing is said of what was there."""
    for log in world.estate.activity.values():
        for event in log:
            if event["operationName"]["value"] == events.JOB_DELETE and event["status"]["value"] == "Succeeded":
                target = event["resourceId"].replace("/resourcegroups/", "/resourceGroups/")
                body = {"id": target, "type": "Microsoft.App/jobs"}
                when = datetime.fromisoformat(event["eventTimestamp"][:26] + "+00:00")
                actor = next(each for each in world.actors.values() if each.caller == event["caller"])
                if when >= world.now - _KEPT:
                    _see(world, body, when, {}, actor=actor, shared=event["correlationId"], kind="Delete")


def _see(
    world: World, body: Body, when: datetime, changed: Body, *, actor: Actor | None, shared: str, kind: str = "Update"
) -> None:
    at = (when + _NOTICED).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = f"{ticks(when):020d}_{world.chance.guid('seen', body['id'].lower(), at)}"
    sort = body["type"].lower()
    verb = "delete" if kind == "Delete" else "write"
    world.estate.resource_changes.append(
        {
            "id": f"{body['id']}/providers/Microsoft.Resources/changes/{name}",
            "name": name,
            "type": "microsoft.resources/changes",
            "properties": {
                "targetResourceId": body["id"],
                "targetResourceType": sort,
                "changeType": kind,
                "changeAttributes": {
                    "previousResourceSnapshotId": f"{name}_{world.chance.number(4 * 10**9, 'old', name)}",
                    "newResourceSnapshotId": f"{name}_{world.chance.number(4 * 10**9, 'new', name)}",
                    "correlationId": shared,
                    "changesCount": len(changed),
                    "timestamp": at,
                    "changedBy": "System" if actor is None else actor.author,
                    "changedByType": "System" if actor is None else _type(actor),
                    "clientType": "Unspecified" if actor is None else _client(actor),
                    "operation": "Unspecified" if actor is None else f"{sort}/{verb}",
                },
                "changes": changed,
            },
        },
    )


def _type(actor: Actor) -> str:
    return "User" if actor.kind == "User" else "Application"


def _client(actor: Actor) -> str:
    return "Azure Portal" if actor.kind == "User" else "ARM Template"
