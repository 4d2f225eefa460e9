"""What the teams of the story stand on: subscriptions, environments, registries, vaults, workspaces and queues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.sandbox.estate.environments import environment, nowhere, to_azure_monitor, to_workspace

if TYPE_CHECKING:
    from audit.sandbox.estate.world import World

WEST, NORTH = "westeurope", "northeurope"


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
    workspace = _workspace(world, platform, "log-norvane-prod", WEST, customer, keep=365)
    shared_workspace = _workspace(world, shared_platform, "log-norvane-shared", NORTH, shared_customer, keep=30)
    network = f"{platform}/providers/Microsoft.Network/virtualNetworks/vnet-norvane-weu/subnets"
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
        registry=_registry(world, platform, "norvane", WEST, admin=False),
        shared_registry=_registry(world, shared_platform, "norvaneshared", NORTH, admin=True),
        vault=_vault(world, platform, "kv-norvane-prod", WEST),
        bus=_namespace(world, platform, "Microsoft.ServiceBus", "sb-norvane-prod", WEST, local_auth_off=True),
        hubs=_namespace(world, platform, "Microsoft.EventHub", "evh-norvane-prod", WEST, local_auth_off=False),
        storage=_storage(world, platform, "stnorvaneimports", WEST),
        shared_bus=_namespace(
            world,
            shared_platform,
            "Microsoft.ServiceBus",
            "sb-norvane-shared",
            NORTH,
            local_auth_off=False,
        ),
    )


def _workspace(world: World, group: str, name: str, location: str, customer: str, *, keep: int) -> str:
    kind = "Microsoft.OperationalInsights/workspaces"
    return world.resource(group, kind, name, location, {"customerId": customer, "retentionInDays": keep}, tags={})


def _registry(world: World, group: str, name: str, location: str, *, admin: bool) -> str:
    properties = {
        "loginServer": f"{name}.azurecr.io",
        "provisioningState": "Succeeded",
        "adminUserEnabled": admin,
        "publicNetworkAccess": "Enabled",
    }
    sku = {"name": "Premium", "tier": "Premium"}
    return world.resource(group, "Microsoft.ContainerRegistry/registries", name, location, properties, sku=sku, tags={})


def _vault(world: World, group: str, name: str, location: str) -> str:
    properties = {
        "tenantId": world.estate.tenant_id,
        "vaultUri": f"https://{name}.vault.azure.net/",
        "enableRbacAuthorization": True,
        "enableSoftDelete": True,
    }
    return world.resource(group, "Microsoft.KeyVault/vaults", name, location, properties, tags={})


def _namespace(world: World, group: str, provider: str, name: str, location: str, *, local_auth_off: bool) -> str:
    properties = {"disableLocalAuth": local_auth_off, "zoneRedundant": True, "status": "Active"}
    sku = {"name": "Standard", "tier": "Standard"}
    return world.resource(group, f"{provider}/namespaces", name, location, properties, sku=sku, tags={})


def _storage(world: World, group: str, name: str, location: str) -> str:
    properties = {"allowSharedKeyAccess": True, "supportsHttpsTrafficOnly": True, "provisioningState": "Succeeded"}
    sku = {"name": "Standard_ZRS", "tier": "Standard"}
    kind = "Microsoft.Storage/storageAccounts"
    return world.resource(group, kind, name, location, properties, sku=sku, kind="StorageV2", tags={})
