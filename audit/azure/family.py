"""API families: the groups of requests that Azure throttles together, and that `stats` counts by."""

from __future__ import annotations

import re
from functools import lru_cache

_NAMES = {
    "microsoft.app": "container_apps",
    "microsoft.authorization": "authorization",
    "microsoft.consumption": "consumption",
    "microsoft.costmanagement": "cost",
    "microsoft.managedidentity": "identity",
    "microsoft.operationalinsights": "log_analytics",
    "microsoft.resourcegraph": "resource_graph",
    "microsoft.resources": "resources",
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
    if lower.startswith(("/v1.0/", "/beta/")):
        return "", "graph"
    if lower.startswith("/metadata/"):
        return "", "metadata"
    _, found, rest = lower.rpartition("/providers/")
    if not found:
        return subscription, "resources"
    provider, _, kind = rest.partition("/")
    if provider == "microsoft.insights":
        return subscription, "activity_log" if kind.startswith("eventtypes/") else "monitor"
    return subscription, _NAMES.get(provider, provider)
