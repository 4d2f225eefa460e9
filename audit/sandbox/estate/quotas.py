"""Quotas of environments as ARM answers them, and what of the cores is in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body, Estate

# What an environment may have until more is asked for: https://learn.microsoft.com/azure/container-apps/quotas.
_DEFAULTS = {
    "ManagedEnvironmentConsumptionCores": ("Managed Environment Consumption Cores", 100),
    "ManagedEnvironmentGeneralPurposeCores": ("Managed Environment General Purpose Cores", 100),
    "ManagedEnvironmentMemoryOptimizedCores": ("Managed Environment Memory Optimized Cores", 50),
}
CONSUMPTION = next(iter(_DEFAULTS))


def usages(granted: Mapping[str, int], cores: float) -> list[Body]:
    """Return an environment's quotas; ``granted``: those that were raised, ``cores``: in use on Consumption."""
    return [
        {
            "unit": "Count",
            "currentValue": cores if name == CONSUMPTION else 0,
            "limit": granted.get(name, limit),
            "name": {"value": name, "localizedValue": title},
        }
        for name, (title, limit) in _DEFAULTS.items()
    ]


def running_cores(estate: Estate, environment: str) -> float:
    """Return the cores of the executions that run now in an environment (lower-case id)."""
    cores = 0.0
    for key, body in estate.resources.items():
        home = body["properties"].get("environmentId") or "" if body["type"] == "Microsoft.App/jobs" else ""
        if home.lower() != environment:
            continue
        for each in estate.executions.get(key, []):
            if each["properties"]["status"] == "Running":
                asked = each["properties"]["template"]["containers"]
                cores += sum(container["resources"]["cpu"] for container in asked)
    return cores
