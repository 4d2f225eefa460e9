"""What ARM serves here: one file per API family, each with its ``ROUTES``."""

from __future__ import annotations

from audit.sandbox.call import Route, every
from audit.sandbox.routes import (
    authorization,
    consumption,
    container_apps,
    identities,
    management_groups,
    monitor,
    resource_graph,
    resources,
)

ROUTES: tuple[Route, ...] = (
    *resources.ROUTES,
    *container_apps.ROUTES,
    *identities.ROUTES,
    *management_groups.ROUTES,
    *authorization.ROUTES,
    *monitor.ROUTES,
    *consumption.ROUTES,
    *resource_graph.ROUTES,
)

READ_ACTIONS: tuple[str, ...] = every(ROUTES)
"""The actions of a role that may read everything that is served."""
