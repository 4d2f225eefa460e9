"""Alert rules of the story, good and useless, and what fired in the last thirty days."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from audit.sandbox.estate.budgets import action_group
from audit.sandbox.estate.metrics import DEAD_CLOCK
from audit.sandbox.estate.moments import zulu
from audit.sandbox.estate.rhythms import CRASH_LOOP_CLOCK, CRASH_LOOP_DAY

if TYPE_CHECKING:
    from audit.sandbox.estate.foundation import Foundation
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

_CRITERIA = "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria"
_MULTIPLE = "Microsoft.Azure.Monitor.MultipleResourceMultipleMetricCriteria"
_QUERY = """ContainerAppSystemLogs_CL
| where JobName_s startswith "billing-" and Reason_s in ("BackoffLimitExceeded", "DeadlineExceeded")
| summarize failures = count() by JobName_s"""


def settle(world: World, ground: Foundation) -> None:
    """Add production's rules, and the alerts that fired; nobody watches imports, search and tools."""
    home = f"/subscriptions/{ground.production}/resourceGroups"
    orders, billing = f"{home}/rg-orders-prod", f"{home}/rg-billing-prod"
    told = action_group(
        world,
        orders,
        "ag-orders-on-call",
        emails={"on call": "orders@norvane.example"},
        webhook=world.planted.callback("orders on call"),
    )
    gone = action_group(world, billing, "ag-billing", emails={"billing": "oskar.brandt@norvane.example"}, live=False)
    platform = action_group(world, ground.platform, "ag-platform", emails={"platform": "platform@norvane.example"})
    failed = metric_alert(
        world,
        orders,
        "orders-fulfil-failed",
        f"{orders}/providers/Microsoft.App/jobs/orders-fulfil",
        above("Executions", 0, state="Failed"),
        told=told,
        description="An order was not fulfilled. https://wiki.norvane.example/runbooks/orders/fulfil",
    )
    failed["properties"]["actions"][0]["webHookProperties"] = {"token": world.planted.password("alert webhook")}
    metric_alert(
        world,
        orders,
        "orders-waiting",
        ground.bus,
        above("ActiveMessages", 100, "Average", EntityName="orders-placed"),
        told=told,
        description="Orders wait for longer than usual.",
    )
    log_alert(world, billing, "billing-jobs-failed", ground.workspace, _QUERY, gone)
    activity_alert(world, ground.platform, "jobs-deleted", f"/subscriptions/{ground.production}", platform)
    metric_alert(
        world,
        f"{home}/rg-telemetry-prod",
        "telemetry-ingest-restarts",
        f"{home}/rg-telemetry-prod/providers/Microsoft.App/jobs/telemetry-ingest",
        above("RestartCount", 5),
        told=platform,
        enabled=False,
    )
    bus = f"{billing}/providers/Microsoft.ServiceBus/namespaces/sb-norvane-billing"
    dead = metric_alert(
        world,
        billing,
        "billing-dead-letters",
        bus,
        above("DeadletteredMessages", 10, "Average", EntityName="invoices-due"),
        told=gone,
        severity=1,
    )
    metric_alert(
        world,
        f"{home}/rg-notifications-prod",
        "mail-restarts",
        f"{home}/rg-notifications-prod/providers/Microsoft.App/jobs/notifications-mail",
        above("RestartCount", 3),
        told=None,
    )
    deleted = f"{ground.platform}/providers/Microsoft.Insights/activityLogAlerts/jobs-deleted"
    began = world.before(CRASH_LOOP_DAY, CRASH_LOOP_CLOCK) + timedelta(hours=2, minutes=23)
    fired(world, dead["id"], bus, began, severity="Sev1", until=world.before(CRASH_LOOP_DAY - 1, DEAD_CLOCK))
    backfill = f"{orders}/providers/Microsoft.App/jobs/orders-backfill"
    fired(world, deleted, backfill, world.before(12, "23:49"), signal="Log")
    fired(world, dead["id"], bus, world.before(40, "03:10"), severity="Sev1", until=world.before(40, "05:20"))


def generated(world: World, group: str, index: int, told: str) -> None:
    """Add the rules of a generated subscription: failures and deletes, but in one of three nobody watches failures."""
    scope = "/".join(group.split("/")[:3])
    if index % 3 != 1:
        rule = metric_alert(world, group, "jobs-failed", scope, above("Executions", 0, state="Failed"), told=told)
        facts = rule["properties"]
        facts["targetResourceType"] = facts["criteria"]["allOf"][0]["metricNamespace"] = "Microsoft.App/jobs"
        facts["criteria"]["odata.type"] = _MULTIPLE
        jobs = (key for key in world.estate.resources if key.startswith(scope.lower()) and "/jobs/" in key)
        for first in islice(jobs, 1):
            fired(world, rule["id"], first, world.before(1 + index % 28, "04:12"), severity="Sev2")
    activity_alert(world, group, "jobs-deleted", scope, told)


def metric_alert(
    world: World,
    group: str,
    name: str,
    target: str,
    condition: Body,
    *,
    told: str | None,
    enabled: bool = True,
    severity: int = 2,
    description: str = "",
) -> Body:
    """Add a metric alert on one resource and return it. ``told``: an action group; None tells nobody."""
    namespace = "/".join(target.rsplit("/providers/", 1)[-1].split("/")[:2])
    return _add(
        world,
        group,
        "Microsoft.Insights/metricAlerts",
        name,
        {
            "description": description,
            "severity": severity,
            "enabled": enabled,
            "scopes": [target],
            "evaluationFrequency": "PT5M",
            "windowSize": "PT15M",
            "criteria": {"allOf": [{**condition, "metricNamespace": namespace}], "odata.type": _CRITERIA},
            "autoMitigate": True,
            "targetResourceType": namespace,
            "targetResourceRegion": "westeurope",
            "actions": [{"actionGroupId": told, "webHookProperties": {}}] if told else [],
        },
    )


def above(metric: str, threshold: float, by: str = "Total", **split: str) -> Body:
    """Return a condition: more than ``threshold`` of a metric, of one value of each dimension in ``split``."""
    dimensions = [{"name": name, "operator": "Include", "values": [value]} for name, value in split.items()]
    return {
        "threshold": threshold,
        "name": "Metric1",
        "metricName": metric,
        "dimensions": dimensions,
        "operator": "GreaterThan",
        "timeAggregation": by,
        "skipMetricValidation": False,
        "criterionType": "StaticThresholdCriterion",
    }


def log_alert(world: World, group: str, name: str, workspace: str, query: str, told: str) -> Body:  # noqa: PLR0917  a row
    """Add a scheduled query rule over a workspace and return it."""
    condition = {
        "query": query,
        "timeAggregation": "Total",
        "metricMeasureColumn": "failures",
        "dimensions": [{"name": "JobName_s", "operator": "Include", "values": ["*"]}],
        "operator": "GreaterThan",
        "threshold": 2.0,
        "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
    }
    body = _add(
        world,
        group,
        "microsoft.insights/scheduledqueryrules",
        name,
        {
            "createdWithApiVersion": "2023-12-01",
            "displayName": name,
            "description": "",
            "severity": 2,
            "enabled": True,
            "evaluationFrequency": "PT15M",
            "scopes": [workspace],
            "targetResourceTypes": ["Microsoft.OperationalInsights/workspaces"],
            "windowSize": "PT1H",
            "criteria": {"allOf": [condition]},
            "autoMitigate": False,
            "actions": {"actionGroups": [told], "customProperties": {}},
        },
    )
    body.update({"location": "westeurope", "kind": "LogAlert"})
    return body


def activity_alert(world: World, group: str, name: str, scope: str, told: str) -> Body:
    """Add an Activity Log alert on deleted jobs and return it."""
    condition = [
        {"field": "category", "equals": "Administrative"},
        {"field": "operationName", "equals": "Microsoft.App/jobs/delete"},
        {"anyOf": [{"field": "status", "equals": "Succeeded"}, {"field": "status", "equals": "Accepted"}]},
    ]
    return _add(
        world,
        group,
        "Microsoft.Insights/ActivityLogAlerts",
        name,
        {
            "scopes": [scope],
            "condition": {"allOf": condition},
            "actions": {"actionGroups": [{"actionGroupId": told, "webhookProperties": {}}]},
            "enabled": True,
            "description": "Somebody deleted a job.",
        },
    )


def fired(
    world: World,
    rule: str,
    target: str,
    at: datetime,
    *,
    until: datetime | None = None,
    severity: str = "Sev4",
    signal: str = "Metric",
) -> None:
    """Add an alert that fired ``at`` and, with ``until``, resolved itself."""
    subscription = rule.split("/")[2]
    guid = world.chance.guid("alert", rule, at.isoformat())
    essentials: Body = {
        "severity": severity,
        "signalType": signal,
        "alertState": "New",
        "monitorCondition": "Resolved" if until else "Fired",
        "monitorService": "Platform" if signal == "Metric" else "ActivityLog Administrative",
        "targetResource": target.lower(),
        "targetResourceName": target.rsplit("/", 1)[-1].lower(),
        "targetResourceGroup": target.split("/")[4].lower(),
        "targetResourceType": "/".join(target.rsplit("/providers/", 1)[-1].split("/")[:2]).lower(),
        "sourceCreatedId": guid,
        "alertRule": rule,
        "startDateTime": zulu(at),
        "lastModifiedDateTime": zulu(until or at),
        "lastModifiedUserName": "System",
        "actionStatus": {"isSuppressed": False},
        "description": "",
    }
    if until:
        essentials["monitorConditionResolvedDateTime"] = zulu(until)
    world.estate.fired_alerts.setdefault(subscription, []).append(
        {
            "properties": {"essentials": essentials, "context": None, "egressConfig": None},
            "id": f"{target.lower()}/providers/Microsoft.AlertsManagement/alerts/{guid}",
            "type": "Microsoft.AlertsManagement/alerts",
            "name": rule.rsplit("/", 1)[-1],
        },
    )


def _add(world: World, group: str, sort: str, name: str, properties: Body) -> Body:
    body: Body = {
        "id": f"{group}/providers/{sort}/{name}",
        "name": name,
        "type": sort,
        "location": "global",
        "tags": {},
        "properties": properties,
    }
    world.estate.alerts.setdefault(group.split("/")[2], []).append(body)
    return body
