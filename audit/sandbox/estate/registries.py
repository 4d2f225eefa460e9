"""Container registries as ARM answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate.moments import zulu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

KIND = "Microsoft.ContainerRegistry/registries"


def registry(
    world: World,
    group: str,
    name: str,
    location: str,
    *,
    sku: str = "Premium",
    admin: bool = False,
    let_in: Sequence[str] | None = None,
    zones: bool = False,
) -> str:
    """Add a registry and return its id. ``let_in``: addresses that its firewall lets in; None = no firewall."""
    off = {"status": "disabled"}
    properties: Body = {
        "loginServer": f"{name}.azurecr.io",
        "creationDate": zulu(world.before(700, "08:05")),
        "provisioningState": "Succeeded",
        "adminUserEnabled": admin,
        "policies": {
            "quarantinePolicy": off,
            "trustPolicy": {"type": "Notary", **off},
            "retentionPolicy": {"days": 7, "lastUpdatedTime": "2024-03-04T09:21:11.0712334+00:00", **off},
            "exportPolicy": {"status": "enabled"},
            "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
            "softDeletePolicy": {"retentionDays": 7, "lastUpdatedTime": "2024-03-04T09:21:11.0714551+00:00", **off},
        },
        "encryption": {"status": "disabled"},
        "dataEndpointEnabled": False,
        "dataEndpointHostNames": [],
        "privateEndpointConnections": [],
        "publicNetworkAccess": "Enabled",
        "networkRuleBypassOptions": "AzureServices",
        "zoneRedundancy": "Enabled" if zones else "Disabled",
        "anonymousPullEnabled": False,
    }
    if let_in is not None:
        rules = [{"action": "Allow", "value": each} for each in let_in]
        properties["networkRuleSet"] = {"defaultAction": "Deny", "ipRules": rules}
    return world.resource(group, KIND, name, location, properties, sku={"name": sku, "tier": sku}, tags={})
