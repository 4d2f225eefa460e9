"""What the teams of the story stand on: subscriptions, environments, registries, vaults, workspaces and queues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.sandbox.estate import sources, workspaces
from audit.sandbox.estate.environments import environment, nowhere, to_azure_monitor, to_workspace
from audit.sandbox.estate.registries import registry
from audit.sandbox.estate.vaults import vault

if TYPE_CHECKING:
    from audit.sandbox.estate.world import World

WEST, NORTH = "westeurope", "northeurope"
PROFILE = "ingest-d4"
"""The workload profile that telemetry's jobs run on: its nodes are billed to the environment, not to the jobs."""


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """Ids of what is shared; everything a team's file needs to know of the others."""

    landing_zones: str
    production: str
    shared: str
    platform: str
    shared_platform: str
    env_production: str
    env_telemetry: str
    env_tools: str
    workspace: str
    shared_workspace: str
    registry: str
    shared_registry: str
    vault: str
    shared_vault: str
    bus: str
    hubs: str
    storage: str
    shared_bus: str


def lay(world: World) -> Foundation:
    """Make the company's ground."""
    world.management_group(world.estate.tenant_id)
    world.management_group("norvane")
    landing_zones = world.management_group("norvane-landing-zones")
    production = world.subscription("norvane-production", {"environment": "production", "cost-centre": "CC-1000"})
    shared = world.subscription("norvane-shared", {"environment": "shared"})
    platform_tags = {"owner": "platform@norvane.example", "environment": "production", "cost-centre": "CC-1000"}
    platform = world.group(production, "rg-platform-prod", WEST, platform_tags)
    shared_platform = world.group(shared, "rg-platform-shared", NORTH, {"Owner": "platform@norvane.example"})

    customer, shared_customer = world.chance.guid("workspace", "prod"), world.chance.guid("workspace", "shared")
    workspace = workspaces.workspace(world, platform, "log-norvane-prod", WEST, customer, keep=365, local_auth=False)
    shared_workspace = workspaces.workspace(
        world, shared_platform, "log-norvane-shared", NORTH, shared_customer, keep=30, quota=2.0
    )
    network = f"{platform}/providers/Microsoft.Network/virtualNetworks/vnet-norvane-prod/subnets"
    return Foundation(
        landing_zones=landing_zones,
        production=production,
        shared=shared,
        platform=platform,
        shared_platform=shared_platform,
        env_production=environment(
            world,
            platform,
            "cae-prod-weu",
            WEST,
            logs=to_workspace(customer),
            author="deploy.platform",
            days=540,
            subnet=f"{network}/snet-jobs",
            internal=True,
            zones=True,
            tags=platform_tags,
        ),
        env_telemetry=environment(
            world,
            platform,
            "cae-telemetry-weu",
            WEST,
            logs=to_azure_monitor(),
            author="deploy.platform",
            days=310,
            subnet=f"{network}/snet-telemetry",
            tags=platform_tags,
            profiles=({"workloadProfileType": "D4", "name": PROFILE, "minimumCount": 1, "maximumCount": 10},),
        ),
        env_tools=environment(
            world,
            shared_platform,
            "cae-tools-neu",
            NORTH,
            logs=nowhere(),
            author="petra.okafor",
            days=260,
        ),
        workspace=workspace,
        shared_workspace=shared_workspace,
        registry=registry(world, platform, "norvane", WEST, let_in=("203.0.113.0/27",), zones=True),
        shared_registry=registry(world, shared_platform, "norvaneshared", NORTH, sku="Standard", admin=True),
        vault=vault(world, platform, "kv-norvane-prod", WEST, public=False, let_in=()),
        shared_vault=vault(world, shared_platform, "kv-norvane-shared", NORTH, let_in=("203.0.113.0/27",)),
        bus=sources.bus(world, platform, "sb-norvane-prod", WEST, tier="Premium", local_auth=False, public=False),
        hubs=sources.hubs(world, platform, "evh-norvane-prod", WEST),
        storage=sources.account(world, platform, "stnorvaneimports", WEST, recoverable=False),
        shared_bus=sources.bus(world, shared_platform, "sb-norvane-shared", NORTH),
    )
