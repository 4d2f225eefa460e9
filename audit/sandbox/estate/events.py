"""The Activity Log's events of one operation: it started, perhaps was accepted, and ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from audit.sandbox.estate.moments import ticks, zulu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import Actor, World

JOB_WRITE = "Microsoft.App/jobs/write"
JOB_DELETE = "Microsoft.App/jobs/delete"
JOB_START = "Microsoft.App/jobs/start/action"
JOB_STOP = "Microsoft.App/jobs/stop/action"
JOB_SECRETS = "Microsoft.App/jobs/listSecrets/action"

_LABELS = {
    JOB_WRITE: "Create or Update Container Apps Job",
    JOB_DELETE: "Delete Container Apps Job",
    JOB_START: "Start Container Apps Job",
    JOB_STOP: "Stop Container Apps Job",
    JOB_SECRETS: "List Secrets of Container Apps Job",
    "Microsoft.Authorization/roleAssignments/write": "Create role assignment",
    "Microsoft.Authorization/roleAssignments/delete": "Delete role assignment",
    "Microsoft.Insights/diagnosticSettings/write": "Create or update diagnostic setting",
    "Microsoft.Insights/diagnosticSettings/delete": "Delete diagnostic setting",
    "Microsoft.Storage/storageAccounts/listKeys/action": "List Storage Account Keys",
    "Microsoft.Authorization/locks/delete": "Delete management locks",
    "Microsoft.Authorization/locks/write": "Add management locks",
    "Microsoft.Authorization/policyExemptions/write": "Create or update a policy exemption",
    "Microsoft.KeyVault/vaults/write": "Update Key Vault",
    "Microsoft.Resources/deployments/write": "Create Deployment",
    "Microsoft.ServiceBus/namespaces/queues/write": "Create or update Queue",
}
_STEPS = {"Started": "BeginRequest", "Accepted": "EndRequest", "Succeeded": "EndRequest", "Failed": "EndRequest"}
_CODES = {"Accepted": "Accepted", "Succeeded": "OK", "Failed": "Forbidden"}
_METHODS = {"write": "PUT", "delete": "DELETE", "action": "POST"}
LONG = ("Started", "Accepted", "Succeeded")
SHORT = ("Started", "Succeeded")
REFUSED = ("Started", "Failed")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What somebody asked Azure to do, and what came of it.

    ``target``: the resource's id; ``at``: another scope for the record to stand under. ``said``: more ``properties``.
    """

    when: datetime
    actor: Actor
    action: str
    target: str
    steps: Sequence[str] = LONG
    request: Any = None
    response: Any = None
    said: Body | None = None
    category: str = "Administrative"
    level: str = "Informational"
    correlation: str = ""
    """The correlation id where several operations share one; empty: one of its own."""
    failure: Body | None = None
    """What ``REFUSED`` steps end with; None: the refusal of somebody who isn't authorised."""
    spelled: str = ""
    """The id as this provider spells it in the log; empty: with ``resourcegroups`` in lower case."""
    request_key: str = "requestbody"
    response_key: str = "responseBody"


def record(world: World, operation: Operation) -> None:
    """Write an operation's events into the log of the subscription that it happened in."""
    target = operation.spelled or operation.target.replace("/resourceGroups/", "/resourcegroups/")
    subscription = operation.target.split("/")[2]
    chance, moment = world.chance, operation.when
    name = (operation.action, target.lower(), moment.isoformat())
    run = chance.guid("operation", *name)
    common = _common(world, operation, target, run)
    log = world.estate.activity[subscription]
    for number, step in enumerate(operation.steps):
        event_id = chance.guid("event", run, number)
        log.append(
            common
            | {
                "eventName": _named(_STEPS[step], "Begin request" if step == "Started" else "End request"),
                "eventDataId": event_id,
                "eventTimestamp": zulu(moment),
                "submissionTimestamp": zulu(moment + timedelta(seconds=71 + number, microseconds=1913)),
                "id": f"{target}/events/{event_id}/ticks/{ticks(moment)}",
                "level": "Error" if step == "Failed" else operation.level,
                "status": _named(step),
                "subStatus": _sub_status(step, operation),
                "properties": _properties(operation, target, step, world.hierarchy.get(subscription, "")),
            },
        )
        moment += timedelta(seconds=2 + chance.number(20, "took", run, number), microseconds=412_003)


def _common(world: World, operation: Operation, target: str, run: str) -> Body:
    actor, when = operation.actor, int(operation.when.timestamp())
    provider, kind = _kind(operation.action, target)
    claims = actor.claims and {
        **actor.claims,
        "iat": str(when - 900),
        "nbf": str(when - 900),
        "exp": str(when + 3300),
        "aio": world.chance.digits(48, "aio", run),
        "uti": world.chance.digits(22, "uti", run),
    }
    return {
        "authorization": {"action": operation.action, "scope": target},
        "caller": actor.caller,
        "channels": "Operation",
        "claims": claims or {},
        "correlationId": operation.correlation or world.chance.guid("correlation", run),
        "description": "",
        "category": _named(operation.category),
        "httpRequest": {
            "clientRequestId": world.chance.guid("client request", run),
            "clientIpAddress": actor.address,
            "method": _METHODS[operation.action.rsplit("/", 1)[-1].lower()],
        },
        "operationId": run,
        "operationName": _named(operation.action, _LABELS.get(operation.action, operation.action)),
        "resourceGroupName": _group(target),
        "resourceProviderName": _named(provider),
        "resourceType": _named(kind),
        "resourceId": target,
        "subscriptionId": operation.target.split("/")[2],
        "tenantId": world.estate.tenant_id,
        "relatedEvents": [],
    }


def _properties(operation: Operation, target: str, step: str, hierarchy: str) -> Body:
    found: Body = {
        "eventCategory": operation.category,
        "entity": target,
        "message": operation.action,
        "hierarchy": hierarchy,
    }
    if step == "Started" and operation.request is not None:
        found[operation.request_key] = _text(operation.request)
    if step in _CODES:
        found["statusCode"] = _CODES[step]
        found["serviceRequestId"] = None
    if step in ("Accepted", "Succeeded") and operation.response is not None:
        found[operation.response_key] = _text(operation.response)
    if step == "Failed" and operation.failure is not None:
        found["statusCode"] = "Conflict"
        found["statusMessage"] = _text(operation.failure)
    elif step == "Failed":
        refusal = f"The client '{operation.actor.caller}' does not have authorization to perform '{operation.action}'."
        found["statusMessage"] = _text({"error": {"code": "AuthorizationFailed", "message": refusal}})
    return found | (operation.said or {})


def _text(body: Any) -> str:
    return body if isinstance(body, str) else msgspec.json.encode(body).decode()


def _named(text: str, localized: str | None = None) -> Body:
    return {"value": text, "localizedValue": text if localized is None else localized}


def _sub_status(step: str, operation: Operation) -> Body:
    action = operation.action
    if step == "Started":
        return _named("")
    if step == "Failed" and operation.failure is not None:
        return _named("Conflict", "Conflict (HTTP Status Code: 409)")
    if step == "Failed":
        return _named("Forbidden", "Forbidden (HTTP Status Code: 403)")
    if step == "Accepted":
        return _named("Accepted", "Accepted (HTTP Status Code: 202)")
    if action.endswith("/write"):
        return _named("Created", "Created (HTTP Status Code: 201)")
    return _named("OK", "OK (HTTP Status Code: 200)")


def _kind(action: str, target: str) -> tuple[str, str]:
    """Return (provider, resource type): of the last provider in the id, or of the action where the id has none."""
    _, found, tail = target.rpartition("/providers/")
    if not found:
        provider = action.split("/", 1)[0]
        return provider, f"{provider}/{action.split('/')[1]}"
    provider, *rest = tail.split("/")
    return provider, "/".join([provider, *rest[::2]])


def _group(target: str) -> str:
    parts = target.split("/")
    return parts[4] if len(parts) > 4 and parts[3].lower() == "resourcegroups" else ""  # noqa: PLR2004  the id's shape
