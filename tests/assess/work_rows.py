"""Rows of what a job did and what waited for it, for the tests of the controls of reliability, fit and cost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from access_rows import BUS, GROUP, ORDERS, QUEUE
from run_tables import NOW, SUB

from audit.evidence.action_groups import ActionGroup
from audit.evidence.alerts import AlertRule
from audit.evidence.costs import Cost
from audit.evidence.event_sources import EventSourceEntity
from audit.evidence.executions import Execution
from audit.evidence.jobs import Job
from audit.evidence.metrics import MetricPoint
from audit.model import Json

SINCE = NOW - timedelta(days=30)
HOUR = timedelta(hours=1)
ON_CALL = f"{GROUP}/providers/microsoft.insights/actionGroups/on-call"


def ran(owner: Job, at: datetime, seconds: float | None = 60, status: str = "Succeeded", **fields: Any) -> Execution:
    """Return an execution; ``seconds`` None: it has no end. Its name tells when it began."""
    name = f"{owner.name}-{at:%d%H%M%S}"
    defaults: dict[str, Any] = {
        "execution_id": f"{owner.job_id}/executions/{name}", "job_id": owner.job_id, "name": name, "status": status,
        "started": at, "ended": None if seconds is None else at + timedelta(seconds=seconds), "duration_s": seconds,
        "cpu": 0.5, "memory_gib": 1.0, "replica_count": 1, "exit_codes": Json([0 if status == "Succeeded" else 1]),
    }  # fmt: skip
    return Execution(**defaults | fields)


def daily(owner: Job, count: int = 29, **fields: Any) -> list[Execution]:
    """Return an execution a day, the newest yesterday."""
    return [ran(owner, NOW - timedelta(days=day + 1), **fields) for day in range(count)]


def series(metric: str, values: Iterable[float], **fields: Any) -> list[MetricPoint]:
    """Return hourly figures of the queue, the last of them of the hour before the window ends."""
    given = list(values)
    defaults: dict[str, Any] = {
        "resource_id": BUS, "metric": metric, "dimension": "in", "interval_s": 3600,
        "aggregation": "maximum" if metric.startswith(("Active", "Dead", "Queue")) else "total",
    }  # fmt: skip
    return [
        MetricPoint(**defaults | fields | {"at": NOW - (len(given) - place) * HOUR, "value": float(value)})
        for place, value in enumerate(given)
    ]


def queue(**fields: Any) -> EventSourceEntity:
    defaults: dict[str, Any] = {
        "entity_id": QUEUE, "resource_id": BUS, "entity_kind": "queue", "name": "in", "status": "Active",
        "active_messages": 0, "dead_letters": 0, "max_delivery_count": 10,
    }  # fmt: skip
    return EventSourceEntity(**defaults | fields)


def group(**fields: Any) -> ActionGroup:
    defaults: dict[str, Any] = {
        "action_group_id": ON_CALL, "name": "on-call", "subscription_id": SUB, "enabled": True,
        "receivers": Json([{"kind": "email", "name": "ops", "status": "Enabled"}]), "receiver_count": 1,
    }  # fmt: skip
    return ActionGroup(**defaults | fields)


def above(metric: str, *, operator: str = "GreaterThan", **dimensions: list[str]) -> dict[str, Any]:
    named = [{"name": name, "operator": "Include", "values": values} for name, values in dimensions.items()]
    return {"metricName": metric, "operator": operator, "threshold": 0, "dimensions": named}


def asks(query: str, **fields: Any) -> dict[str, Any]:
    return {"query": query, "operator": "GreaterThan", "threshold": 0} | fields


def alert(name: str, scope: str, *conditions: dict[str, Any], kind: str = "metric", **fields: Any) -> AlertRule:
    defaults: dict[str, Any] = {
        "alert_id": f"{GROUP}/providers/microsoft.insights/{kind}Alerts/{name}", "kind": kind, "name": name,
        "subscription_id": SUB, "enabled": True, "scopes": Json([scope]),
        "condition": Json({"allOf": list(conditions)}),
        "action_group_ids": Json([ON_CALL]),
    }  # fmt: skip
    return AlertRule(**defaults | fields)


def bill(owner: Job, day: datetime, amount: str, **fields: Any) -> Cost:
    defaults: dict[str, Any] = {
        "subscription_id": SUB, "resource_id": owner.job_id.lower(), "day": day.date(), "meter": "vCPU",
        "amount": Decimal(amount), "currency": "EUR", "basis": "actual",
    }  # fmt: skip
    return Cost(**defaults | fields)


def at_work() -> list[Any]:
    """Return a month of ORDERS as it should be: it runs, its queue empties, and somebody hears when it doesn't."""
    return [
        *daily(ORDERS),
        *(bill(ORDERS, NOW - timedelta(days=day + 1), "0.02") for day in range(29)),
        *series("ActiveMessages", [0, 3, 0]),
        *series("DeadletteredMessages", [0, 0, 0]),
        *series("IncomingMessages", [3, 3]),
        *series("CompleteMessage", [3, 3]),
        group(),
        alert("failed", ORDERS.job_id, above("Executions", state=["Failed"])),
        alert("waits", BUS, above("ActiveMessages", EntityName=["in"])),
    ]
