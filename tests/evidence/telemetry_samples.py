"""What Azure answers about alerts, metrics, executions, logs and workspaces."""

from __future__ import annotations

from typing import Any

from samples import ACTION_GROUP, GROUP_ID, JOB_ID, SUBSCRIPTION_ID

ALERT_RULE: dict[str, Any] = {
    "id": f"{GROUP_ID}/providers/microsoft.insights/metricAlerts/failed",
    "name": "failed",
    "type": "Microsoft.Insights/metricAlerts",
    "location": "global",
    "tags": {},
    "properties": {
        "description": "",
        "severity": 1,
        "enabled": True,
        "scopes": [JOB_ID],
        "evaluationFrequency": "PT1M",
        "windowSize": "PT15M",
        "targetResourceType": "Microsoft.App/jobs",
        "criteria": {
            "odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
            "allOf": [
                {
                    "criterionType": "StaticThresholdCriterion",
                    "name": "Metric1",
                    "metricName": "Executions",
                    "metricNamespace": "Microsoft.App/jobs",
                    "timeAggregation": "Total",
                    "dimensions": [{"name": "state", "operator": "Include", "values": ["Failed", "Degraded"]}],
                    "operator": "GreaterThan",
                    "threshold": 0.0,
                }
            ],
        },
        "autoMitigate": False,
        "actions": [{"actionGroupId": ACTION_GROUP["id"], "webHookProperties": {}}],
    },
}

FIRED_ALERT: dict[str, Any] = {
    "id": f"{SUBSCRIPTION_ID}/providers/Microsoft.AlertsManagement/alerts/1",
    "name": "failed",
    "type": "Microsoft.AlertsManagement/alerts",
    "properties": {
        "essentials": {
            "severity": "Sev1",
            "signalType": "Metric",
            "alertState": "acknowledged",
            "monitorCondition": "resolved",
            "monitorService": "Platform",
            "targetResource": JOB_ID.lower(),
            "alertRule": ALERT_RULE["id"],
            "startDateTime": "2026-11-01T03:15:00.1234567Z",
            "monitorConditionResolvedDateTime": "2026-11-01T04:00:00Z",
            "description": "",
        },
        "context": None,
    },
}

METRIC: dict[str, Any] = {
    "id": f"{JOB_ID}/providers/Microsoft.Insights/metrics/UsageNanoCores",
    "type": "Microsoft.Insights/metrics",
    "name": {"value": "UsageNanoCores", "localizedValue": "CPU Usage"},
    "displayDescription": "CPU consumed by the container app job, in nano cores.",
    "unit": "NanoCores",
    "timeseries": [
        {"metadatavalues": [], "data": [{"timeStamp": "2026-10-05T06:00:00Z", "average": 3e8, "maximum": 5e8}]},
    ],
    "errorCode": "Success",
}


EXECUTION = {
    "id": f"{JOB_ID}/executions/order-intake-a1b2c3d",
    "name": "order-intake-a1b2c3d",
    "type": "Microsoft.App/jobs/executions",
    "properties": {
        "status": "Succeeded",
        "startTime": "2026-11-20T10:00:00+00:00",
        "endTime": "2026-11-20T10:01:30+00:00",
        "template": {"containers": [{"name": "main", "image": "acr.azurecr.io/a:1"}]},
        "detailedStatus": {"replicas": [{"name": "r", "containers": [{"name": "main", "code": 0}]}]},
    },
}

LOG_VOLUME: dict[str, Any] = {
    "TimeGenerated": "2026-11-20T00:00:00Z",
    "Environment": "calmdune-8fc8ad45",
    "Job": "order-intake",
    "Resource": "",
    "Lines": 12,
    "Bytes": 16020.0,
    "Source": "ContainerAppConsoleLogs_CL",
}
LOG_LINE = {
    "TimeGenerated": "2026-11-20T10:00:01.1234567Z",
    "Source": "ContainerAppSystemLogs",
    "Environment": "cae",
    "Job": "order-intake",
    "Execution": "order-intake-a1b2c3d",
    "Replica": "order-intake-a1b2c3d-x1y2z",
    "Reason": "PulledImage",
    "Level": "Normal",
    "Log": "",
    "Count": 1.0,
    "Resource": "",
}

WORKSPACE = {
    "id": f"{GROUP_ID}/providers/Microsoft.OperationalInsights/workspaces/log-orders",
    "name": "log-orders",
    "location": "westeurope",
    "properties": {
        "customerId": "eeeeeeee-0000-4000-8000-000000000003",
        "sku": {"name": "PerGB2018"},
        "retentionInDays": 90,
    },
}
