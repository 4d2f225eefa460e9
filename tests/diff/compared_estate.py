"""Collections of one estate before and after it changed, and with reads that fail, as tables to compare."""

from __future__ import annotations

import copy
import json
import os
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from audit import assess
from audit.diff import Side
from audit.pipeline.tabling import controls_in, derived
from audit.sandbox import Sandbox
from audit.sandbox.faults import Fault
from audit.store import Store
from tests.conftest import NOW, collected, serving, settings_for

GONE, FRESH, DELETED = "orders-returns", "orders-archive", "orders-backfill"
CONFIGURED = "billing-invoices"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
CONTROLS = ("JA-01", "JA-12", "JA-16", "JA-19", "JA-20")
RUNS = ("old", "less", "one", "roles", "jobs", "new", "blind")
FORBIDDEN: dict[str, Any] = {"status": 403, "code": "AuthorizationFailed", "message": "does not have authorization"}


def job(estate: Any, name: str) -> dict[str, Any]:
    (found,) = [body for key, body in estate.resources.items() if key.endswith(f"/microsoft.app/jobs/{name}")]
    return found


def change(estate: Any) -> None:
    """Do to the estate what people do in a month."""
    gone = job(estate, GONE)
    del estate.resources[gone["id"].lower()]
    for events in estate.activity.values():
        events[:0] = [made for event in events for made in _deleted_too(event)]
    fresh = copy.deepcopy(gone)
    fresh["id"], fresh["name"] = gone["id"].replace(GONE, FRESH), FRESH
    estate.resources[fresh["id"].lower()] = fresh
    configured = job(estate, CONFIGURED)
    configuration = configured["properties"]["configuration"]
    configuration["replicaTimeout"] = 4242
    configured["properties"]["template"]["containers"][0]["image"] = "docker.io/somebody/else:latest"
    configured["tags"] = {**(configured.get("tags") or {}), "owner": "nobody", "fresh": "tag"}
    logged = next(key for key in sorted(estate.diagnostic_settings) if "/managedenvironments/" in key)
    estate.diagnostic_settings[logged] = []
    removed = next(
        each
        for each in estate.role_assignments
        if "/subscriptions/" in each["properties"]["scope"] and each["properties"]["principalType"] == "User"
    )
    estate.role_assignments.remove(removed)
    given = json.loads(json.dumps(removed))
    given["name"] = "77777777-0000-4000-8000-000000000001"
    given["id"] = removed["id"].rsplit("/", 1)[0] + "/" + given["name"]
    given["properties"]["roleDefinitionId"] = (
        removed["properties"]["roleDefinitionId"].rsplit("/", 1)[0] + "/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    )
    estate.role_assignments.append(given)
    for budgets in estate.budgets.values():
        for budget in budgets:
            budget["properties"]["amount"] = 1 + float(budget["properties"]["amount"])
    for lines in estate.costs.values():
        for line in lines:
            if f"/{CONFIGURED}" in line["resource"].lower():
                line["actual"] = line["actual"] * 2


def _deleted_too(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The events that tell of a job's deletion, told of the one that is gone as well."""
    text = json.dumps(event)
    if DELETED not in text or "/delete" not in text.lower():
        return []
    made: dict[str, Any] = json.loads(text.replace(DELETED, GONE))
    made["eventDataId"] = str(uuid.uuid5(uuid.NAMESPACE_URL, made["eventDataId"]))
    made["correlationId"] = str(uuid.uuid5(uuid.NAMESPACE_URL, made["correlationId"]))
    made["eventTimestamp"] = made["submissionTimestamp"] = f"{NOW - timedelta(hours=2):%Y-%m-%dT%H:%M:%S}.0000000Z"
    made["id"] = made["id"].replace(event["eventDataId"], made["eventDataId"])
    return [made]


async def collect(output: Path) -> None:
    """Collect the estate as it is, with reads that fail, of less, and once it has changed."""
    async with serving() as sandbox:
        os.environ.update(sandbox.environment())
        await _collect(sandbox, output, "old")
        await _collect(sandbox, output, "less", kinds=("jobs",))
        first = (sandbox.estate.subscriptions[0]["subscriptionId"],)
        one = settings_for(sandbox, subscriptions=first, expected_subscriptions=first)
        await _collect(sandbox, output, "one", settings=one, kinds=("jobs", "tags"))
        await _collect(
            sandbox, output, "roles", faults=("forbidden-roles",), kinds=("role_definitions", "group_members")
        )
        production = job(sandbox.estate, CONFIGURED)["id"].split("/")[2]
        no_jobs = Fault(path=rf"/subscriptions/{production}/providers/microsoft\.app/jobs\?", **FORBIDDEN)
        await _collect(sandbox, output, "jobs", faults=(no_jobs,), kinds=("environments",))
        change(sandbox.estate)
        sandbox.refresh()
        await _collect(sandbox, output, "new")
        await _collect(
            sandbox, output, "blind", faults=("forbidden-diagnostics",), kinds=("diagnostic_settings", "tags")
        )


async def _collect(sandbox: Sandbox, output: Path, run_id: str, faults: tuple[Any, ...] = (), **given: Any) -> None:
    for fault in faults:
        sandbox.faults.add(fault)
    await collected(sandbox, output, run_id=run_id, wait=0.2, **given)
    sandbox.faults.clear()


def table(output: Path, run_id: str, settings: dict[str, Any] | None = None, name: str = "") -> Side:
    """Write a run's tables beside the others, judged by a few controls and ``settings``; return its side."""
    store = Store(output)
    database = output / f"{name or run_id}.duckdb"
    run = derived(store.read(run_id), database, history=store.history)
    run = msgspec.structs.replace(run, settings=settings or {})
    assess.assess(database, run, [control for control in controls_in(()) if control.id in CONTROLS])
    return Side(run=run)
