"""Changes of the simulated estate after a collection: made as somebody would, so that the logs tell of them."""

from __future__ import annotations

import copy
import re
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from audit.sandbox import Sandbox
from audit.sandbox.estate.moments import zulu

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
_NUMBERS = count(1)
Body = dict[str, Any]


def job(sandbox: Sandbox, name: str) -> Body:
    (found,) = [each for key, each in sandbox.estate.resources.items() if key.endswith(f"/jobs/{name}")]
    return found


def put(sandbox: Sandbox, name: str, values: dict[str, Any], at: datetime, *, told: bool = True) -> None:
    """Write a job: set values by path; Resource Graph tells the properties where ``told``."""
    body = job(sandbox, name)
    changes = {}
    for path, value in values.items():
        steps: list[str | int] = [word or int(place) for word, place in _STEP.findall(path)]
        inner: Any = body
        for step in steps[:-1]:
            inner = inner[step]
        old = inner.get(steps[-1]) if isinstance(inner, dict) else inner[int(steps[-1])]
        inner[steps[-1]] = value
        changes[path] = {
            "propertyChangeType": "Update", "changeCategory": "User", "newValue": str(value),
            "previousValue": None if old is None else str(old),
        }  # fmt: skip
    shared = log(sandbox, body["id"], "Microsoft.App/jobs/write", at)
    if told:
        see(sandbox, body["id"], changes, at, shared)


def see(sandbox: Sandbox, target: str, changes: Body, at: datetime, shared: str) -> None:
    """Let Resource Graph tell of a change."""
    seen = copy.deepcopy(
        next(
            each
            for each in sandbox.estate.resource_changes
            if each["properties"]["targetResourceType"] == "microsoft.app/jobs"
            and each["properties"]["changeType"] == "Update"
        )
    )
    name = f"{next(_NUMBERS):020d}_{UUID(int=next(_NUMBERS))}"
    seen["id"], seen["name"] = f"{target}/providers/Microsoft.Resources/changes/{name}", name
    seen["properties"]["targetResourceId"] = target
    seen["properties"]["changes"] = changes
    seen["properties"]["changeAttributes"] |= {
        "correlationId": shared, "changesCount": len(changes), "timestamp": zulu(at + timedelta(seconds=6))
    }  # fmt: skip
    sandbox.estate.resource_changes.append(seen)


def log(sandbox: Sandbox, target: str, operation: str, at: datetime, **properties: str) -> str:
    """Write an operation that succeeded into the Activity Log; return its correlation id."""
    events = sandbox.estate.activity[target.split("/")[2]]
    model = next(
        each for each in events
        if each["operationName"]["value"] == "Microsoft.App/jobs/write" and each["status"]["value"] == "Succeeded"
    )  # fmt: skip
    shared = str(UUID(int=next(_NUMBERS)))
    said = copy.deepcopy(model)
    event = str(UUID(int=next(_NUMBERS)))
    spelled = target.replace("/resourceGroups/", "/resourcegroups/")
    said |= {
        "correlationId": shared, "operationId": shared, "eventDataId": event, "resourceId": spelled,
        "id": f"{spelled}/events/{event}/ticks/1", "eventTimestamp": zulu(at), "submissionTimestamp": zulu(at),
        "operationName": {"value": operation, "localizedValue": operation},
    }  # fmt: skip
    said["properties"] = {**said["properties"], "entity": spelled, "message": operation, **properties}
    events.insert(0, said)
    return shared
