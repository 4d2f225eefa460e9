"""ARM deployments: what pipelines write, they write by a template; people click."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from audit.sandbox.estate import events
from audit.sandbox.estate.deploy import KEPT, Write, correlation, then
from audit.sandbox.estate.moments import zulu

if TYPE_CHECKING:
    from datetime import datetime

    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

_ACTION = "Microsoft.Resources/deployments/write"
_AHEAD = timedelta(seconds=27)
"""A deployment begins a little before the first write that it makes."""


def settle(world: World, *, most: int | None = None) -> None:
    """Add the deployment of every job's write by a pipeline, of the last ``most`` writes if a number is given."""
    for key, writes in world.writes.items():
        body = world.estate.resources[key]
        for write in writes[-most:] if most else writes:
            if write.by.startswith("deploy."):
                _deploy(world, body, write)


def tell(world: World) -> None:
    """Add those of the story: one that said too much, and one that failed before the next one did it."""
    settle(world)
    jobs = {body["name"]: body for body in world.estate.resources.values() if body["type"].endswith("/jobs")}
    _failed(world, jobs["billing-invoices"], Write(days=17, by="deploy.billing", clock="08:37"))


def _deploy(world: World, body: Body, write: Write) -> None:
    when = world.before(write.days, write.clock) - _AHEAD
    parameters = _parameters(then(body, write), body["name"])
    said: Body = {"properties": {"mode": "Incremental", "templateLink": _template(body["name"])}}
    name, secrets = f"{body['name']}-{1000 + world.chance.number(9000, 'build', body['id'], write.days)}", {}
    if (body["name"], write.days) == ("search-indexer", 45):
        name, secrets = "search-indexer-45", _secrets(world)
        said["properties"]["parameters"] = {key: {"value": each["value"]} for key, each in secrets.items()}
    made = _body(world, body, write, name, when) | {}
    made["properties"]["parameters"] = {**parameters, **secrets, "registryPassword": {"type": "SecureString"}}
    if secrets:
        made["properties"]["outputs"] = {"connectionString": secrets["busConnection"]}
    _add(world, body, made)
    _record(world, write, made, when=when, said=said)


def _failed(world: World, body: Body, write: Write) -> None:
    when = world.before(write.days, write.clock)
    image = f"norvane.azurecr.io/billing/invoices@sha256:{world.chance.digits(64, 'image', 'never pushed')}"
    reason = {
        "code": "ContainerAppImageInvalid",
        "message": f"Field 'template.containers.invoices.image' is invalid: {image}: MANIFEST_UNKNOWN: not found",
    }
    error = {
        "code": "DeploymentFailed",
        "message": "At least one resource deployment operation failed. Please list deployment operations for details.",
        "details": [reason],
    }
    made = _body(world, body, write, "billing-invoices-1716", when)
    made["properties"] |= {"provisioningState": "Failed", "outputResources": [], "error": error}
    made["properties"]["parameters"] = {"image": {"type": "String", "value": image}}
    _add(world, body, made)
    _record(world, write, made, when=when, failure=error)


def _body(world: World, body: Body, write: Write, name: str, when: datetime) -> Body:
    group = body["id"].split("/providers/")[0]
    took = 24 + world.chance.number(70, "took", body["id"], write.days)
    location = body["location"].replace(" ", "").lower()
    return {
        "id": f"{group}/providers/Microsoft.Resources/deployments/{name}",
        "name": name,
        "type": "Microsoft.Resources/deployments",
        "tags": {"pipeline": world.actors[write.by].name},
        "properties": {
            "templateHash": str(int(world.chance.digits(15, "template", body["name"]), 16)),
            "templateLink": _template(body["name"]),
            "mode": "Incremental",
            "provisioningState": "Succeeded",
            "timestamp": zulu(when + timedelta(seconds=took)),
            "duration": f"PT{took // 60}M{took % 60}.{world.chance.number(9999999, 'fraction', name):07d}S",
            "correlationId": correlation(world, body["id"], write),
            "providers": [
                {"namespace": "Microsoft.App", "resourceTypes": [{"resourceType": "jobs", "locations": [location]}]}
            ],
            "dependencies": [],
            "outputResources": [{"id": body["id"]}],
            "validationLevel": "Provider",
        },
    }


def _template(name: str) -> Body:
    team = name.partition("-")[0]
    return {"uri": f"https://artifacts.norvane.example/{team}/{name}.json", "contentVersion": "1.0.0.0"}


def _parameters(asked: Body, name: str) -> Body:
    trigger = asked["properties"]["configuration"].get("eventTriggerConfig") or {}
    found: Body = {
        "jobName": {"type": "String", "value": name},
        "image": {"type": "String", "value": asked["properties"]["template"]["containers"][0]["image"]},
    }
    if "scale" in trigger:
        found["maxExecutions"] = {"type": "Int", "value": trigger["scale"]["maxExecutions"]}
    return found


def _secrets(world: World) -> Body:
    """Return what should have been secure parameters, and was not."""
    connection = world.planted.service_bus("sb-norvane-shared", "deploy-tools")
    return {
        "busConnection": {"type": "String", "value": connection},
        "adminPassword": {"type": "String", "value": world.planted.password("search admin")},
    }


def _add(world: World, body: Body, made: Body) -> None:
    group = body["id"].split("/providers/")[0].lower()
    world.estate.deployments.setdefault(group, []).insert(0, made)


def _record(
    world: World, write: Write, made: Body, *, when: datetime, said: Body | None = None, failure: Body | None = None
) -> None:
    if write.days >= KEPT:
        return
    events.record(
        world,
        events.Operation(
            when=when,
            actor=world.actors[write.by],
            action=_ACTION,
            target=made["id"],
            steps=events.REFUSED if failure else events.LONG,
            request=said,
            correlation=made["properties"]["correlationId"],
            failure=failure and {"error": failure},
        ),
    )
