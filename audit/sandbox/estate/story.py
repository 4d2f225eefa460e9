"""The default story: Norvane, two subscriptions, three environments, seven teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import (
    alerts,
    connections,
    costs,
    deployments,
    entitlements,
    governance,
    logs,
    metrics,
    noise,
    operations,
    oversight,
    people,
    privileged,
    rhythms,
    roles,
    seen,
    volumes,
)
from audit.sandbox.estate.access import collector
from audit.sandbox.estate.foundation import lay
from audit.sandbox.estate.teams import billing, imports, notifications, orders, telemetry, tools

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

_BUSY = ("deploy.platform", "deploy.tools", "petra.okafor", "li.wei", "nightly.report")


def tell(world: World, caller_role: Body | None) -> None:
    """Make the whole estate of the story."""
    world.estate.role_definitions |= roles.built_in()
    people.hire(world)
    ground = lay(world)
    for team in (orders, billing, telemetry, imports, notifications, tools):
        team.settle(world, ground)
    for part in (connections, entitlements, oversight, operations):
        part.settle(world, ground)
    rhythms.settle(world)
    logs.settle(world)
    volumes.settle(world)
    for part in (metrics, alerts):
        part.settle(world, ground)
    deployments.tell(world)
    for part in (governance, privileged, seen):
        part.settle(world, ground)
    world.estate.costs = dict(costs.Billed(world))
    collector(world, caller_role, ground.landing_zones)
    actors = [world.actors[key] for key in _BUSY]
    for subscription, count in ((ground.production, 64), (ground.shared, 38)):
        groups = [body["id"] for body in world.estate.resource_groups if subscription in body["id"]]
        noise.make(world, subscription, groups, actors, count)
