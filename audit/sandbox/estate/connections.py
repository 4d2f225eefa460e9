"""What the story's jobs reach privately, and what they only seem to: a zone that their network doesn't ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.model import ids
from audit.sandbox.estate.foundation import WEST
from audit.sandbox.estate.network import (
    BUS,
    NETWORKS,
    REGISTRY,
    SERVICES,
    VAULT,
    Subnet,
    endpoint,
    network,
    zone,
)
from audit.sandbox.estate.registries import registry
from audit.sandbox.estate.vaults import policy, vault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.sandbox.estate.fleet import Plot
    from audit.sandbox.estate.foundation import Foundation
    from audit.sandbox.estate.world import World

STRANGE_VAULT = "kv-team-sandbox"
"""The vault that a team made for itself."""
_GENERATED = "vnet-norvane"
_INSIDE = Subnet(name="snet-private-endpoints", prefix="10.40.8.0/24")


def settle(world: World, ground: Foundation) -> None:
    """Lay the production network; the registry's zone is linked to the hub only, so its name goes out to the public."""
    hub = network(world, ground.platform, "vnet-norvane-hub", WEST, "10.32.0.0/16", ())
    subnets = (
        Subnet(name="snet-jobs", prefix="10.40.0.0/21", for_jobs=True),
        _INSIDE,
        Subnet(name="snet-telemetry", prefix="10.40.16.0/21", for_jobs=True, guarded=False),
    )
    ours = network(world, ground.platform, "vnet-norvane-prod", WEST, "10.40.0.0/16", subnets, peers=(hub,))
    zones = {
        BUS.zone: zone(world, ground.platform, BUS.zone, ours, hub),
        VAULT.zone: zone(world, ground.platform, VAULT.zone, ours),
        REGISTRY.zone: zone(world, ground.platform, REGISTRY.zone, hub),
    }
    for number, target in enumerate((ground.bus, ground.hubs, ground.vault, ground.registry)):
        endpoint(world, f"{ours}/subnets/{_INSIDE.name}", target, zones, host=4 + 2 * number)


def subnet_of(plot: Plot, number: int) -> str:
    """Return the id of the subnet of the environment with this number in a generated subscription."""
    return f"{plot.groups[0]}/providers/{NETWORKS}/{_GENERATED}/subnets/snet-{number + 1:03d}"


def generate(world: World, plots: Sequence[Plot]) -> None:
    """Add the registry and the vaults that generated jobs share, and each subscription's network.

    Everything that a private endpoint can lead to has one, but for the vault that nobody approved; every zone but the
    registry's is linked to the network beside it.
    """
    home = plots[0]
    registry(world, home.groups[0], "norvane", home.location, let_in=("203.0.113.0/27",))
    vault(world, home.groups[0], "kv-norvane-prod", home.location, public=False, let_in=())
    vault(world, home.groups[0], "kv-norvane-shared", home.location, let_in=("203.0.113.0/27",))
    policies = (policy(world, world.actors["tove.lindqvist"], "get", "list"),)
    vault(world, home.groups[0], STRANGE_VAULT, home.location, policies=policies, keep=7, purge_protection=False)
    for plot in plots:
        ours = network(world, plot.groups[0], _GENERATED, plot.location, "10.0.0.0/8", _subnets(plot))
        targets = _reached(world, f"/subscriptions/{plot.subscription}/")
        if not targets:
            continue
        zones = {
            service.zone: zone(world, plot.groups[0], service.zone, *(() if service is REGISTRY else (ours,)))
            for service in (BUS, VAULT, REGISTRY)
        }
        for number, target in enumerate(targets):
            endpoint(world, f"{ours}/subnets/{_INSIDE.name}", target, zones, host=4 + 2 * number)


def _subnets(plot: Plot) -> list[Subnet]:
    places = [ids.name_of(subnet_of(plot, number)) for number in range(len(plot.environments))]
    jobs = [
        Subnet(name=name, prefix=f"10.{64 + number // 32}.{number % 32 * 8}.0/21", for_jobs=True)
        for number, name in enumerate(places)
    ]
    return [*jobs, _INSIDE]


def _reached(world: World, here: str) -> list[str]:
    """Return the ids of the resources in a subscription that a private endpoint can lead to."""
    return [
        body["id"]
        for key, body in world.estate.resources.items()
        if key.startswith(here) and body["type"].lower() in SERVICES and body["name"] != STRANGE_VAULT
    ]
