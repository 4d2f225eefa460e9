"""What ARM serves here: one file per API family, each with its ``ROUTES``."""

from __future__ import annotations

from audit.sandbox import log_analytics
from audit.sandbox.call import Route, every
from audit.sandbox.routes import (
    alerts,
    authorization,
    consumption,
    container_apps,
    cost_management,
    event_sources,
    governance,
    identities,
    management_groups,
    metrics,
    monitor,
    network,
    resource_graph,
    resources,
    workspaces,
)

ROUTES: tuple[Route, ...] = (
    *resources.ROUTES,
    *container_apps.ROUTES,
    *identities.ROUTES,
    *management_groups.ROUTES,
    *authorization.ROUTES,
    *monitor.ROUTES,
    *alerts.ROUTES,
    *metrics.ROUTES,
    *network.ROUTES,
    *consumption.ROUTES,
    *cost_management.ROUTES,
    *governance.ROUTES,
    *event_sources.ROUTES,
    *resource_graph.ROUTES,
    *workspaces.ROUTES,
)

READ_ACTIONS: tuple[str, ...] = (*every(ROUTES), *log_analytics.ACTIONS, network.METADATA)
"""The actions of a role that may read everything that is served."""
