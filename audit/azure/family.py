"""API families: the groups of requests that Azure throttles together, and that `stats` counts by."""

from __future__ import annotations

import re
from functools import lru_cache

_NAMES = {
    "microsoft.alertsmanagement": "alerts",
    "microsoft.app": "container_apps",
    "microsoft.authorization": "authorization",
    "microsoft.consumption": "consumption",
    "microsoft.managedidentity": "identity",
    "microsoft.operationalinsights": "log_analytics",
    "microsoft.resourcegraph": "resource_graph",
    "microsoft.resources": "resources",
}
_INSIGHTS = {"eventtypes": "activity_log", "metrics": "metrics"}
_ELSEWHERE = {
    "/v1.0/": "graph",
    "/beta/": "graph",
    "/v1/workspaces/": "log_analytics",
    "/metadata/": "metadata",
    "/acr/v1/": "registry",
    "/oauth2/": "registry",
}
_SUBSCRIPTION = re.compile(r"^/subscriptions/([^/]+)")


@lru_cache(maxsize=4096)
def family_of(path: str) -> tuple[str, str]:
    """Return (subscription GUID in lower case or empty, API family) of an ARM or Graph path.

    The family is that of the last provider in the path: the one that answers.
    """
    lower = path.lower()
    match = _SUBSCRIPTION.match(lower)
    subscription = match.group(1) if match else ""
    for prefix, family in _ELSEWHERE.items():
        if lower.startswith(prefix):
            return "", family
    _, found, rest = lower.rpartition("/providers/")
    if not found:
        return subscription, "resources"
    provider, _, kind = rest.partition("/")
    if provider == "microsoft.insights":
        return subscription, _INSIGHTS.get(kind.partition("/")[0], "monitor")
    if provider == "microsoft.costmanagement":
        return "", "cost"  # its quota is the tenant's, whichever subscription is asked about
    return subscription, _NAMES.get(provider, provider)
