"""Diagnostic settings: what is exported from environments, jobs and the subscriptions themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

ENVIRONMENT = {"ContainerAppConsoleLogs": True, "ContainerAppSystemLogs": True}
ACTIVITY = {
    "Administrative": True,
    "Security": True,
    "ServiceHealth": True,
    "Alert": True,
    "Recommendation": False,
    "Policy": True,
    "Autoscale": False,
    "ResourceHealth": False,
}


def send(
    world: World,
    resource: str,
    name: str,
    *,
    workspace: str | None = None,
    storage: str | None = None,
    logs: Mapping[str, bool] | None = None,
    metrics: bool = False,
) -> Body:
    """Add a setting to a resource (or to ``/subscriptions/…``) and return it. ``logs``: category → enabled."""
    unused = {"enabled": False, "days": 0}
    subscription = resource.count("/") == 2  # noqa: PLR2004  /subscriptions/<guid>
    spelled = resource.replace("/resourceGroups/", "/resourcegroups/")
    setting: Body = {
        "id": f"{spelled}/providers/microsoft.insights/diagnosticSettings/{name}",
        "type": "Microsoft.Insights/diagnosticSettings",
        "name": name,
        "location": "global" if subscription else None,
        "kind": None,
        "tags": None,
        "properties": {
            "storageAccountId": storage,
            "serviceBusRuleId": None,
            "workspaceId": workspace,
            "eventHubAuthorizationRuleId": None,
            "eventHubName": None,
            "metrics": [{"category": "AllMetrics", "enabled": True, "retentionPolicy": dict(unused)}]
            if metrics
            else [],
            "logs": [
                {"category": category, "categoryGroup": None, "enabled": on}
                | ({} if subscription else {"retentionPolicy": dict(unused)})
                for category, on in (logs or {}).items()
            ],
            "logAnalyticsDestinationType": None,
        },
        "identity": None,
    }
    world.estate.diagnostic_settings.setdefault(resource.lower(), []).append(setting)
    return setting
