"""Virtual networks, private endpoints and private DNS zones as ARM answers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.model import ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

NETWORKS = "Microsoft.Network/virtualNetworks"
ENDPOINTS = "Microsoft.Network/privateEndpoints"
ZONES = "Microsoft.Network/privateDnsZones"


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet to be. ``for_jobs``: it is handed to an environment; else it holds private endpoints."""

    name: str
    prefix: str
    for_jobs: bool = False
    guarded: bool = True
    """A network security group stands before it."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a private endpoint of a service needs: its part, its zone, and the endings of its names there."""

    part: str
    zone: str
    names: tuple[str, ...] = ("{name}",)


BUS = Service(part="namespace", zone="privatelink.servicebus.windows.net")
VAULT = Service(part="vault", zone="privatelink.vaultcore.azure.net")
REGISTRY = Service(part="registry", zone="privatelink.azurecr.io", names=("{name}", "{name}.{location}.data"))
SERVICES = {
    "microsoft.servicebus/namespaces": BUS,
    "microsoft.eventhub/namespaces": BUS,
    "microsoft.keyvault/vaults": VAULT,
    "microsoft.containerregistry/registries": REGISTRY,
}


def network(  # noqa: PLR0917  where it belongs
    world: World,
    group: str,
    name: str,
    location: str,
    prefix: str,
    subnets: Sequence[Subnet],
    *,
    peers: Sequence[str] = (),
) -> str:
    """Add a virtual network with its subnets and their security groups, peered with others; return its id."""
    place = f"{group}/providers/{NETWORKS}/{name}"
    properties: Body = {
        "provisioningState": "Succeeded",
        "resourceGuid": world.chance.guid("network", group, name),
        "addressSpace": {"addressPrefixes": [prefix]},
        "privateEndpointVNetPolicies": "Disabled",
        "subnets": [_subnet(world, group, place, location, each) for each in subnets],
        "virtualNetworkPeerings": [_peering(place, each) for each in peers],
        "enableDdosProtection": False,
    }
    return world.resource(group, NETWORKS, name, location, properties, tags={})


def _peering(network: str, other: str) -> Body:
    name = f"to-{ids.name_of(other)}"
    return {
        "name": name,
        "id": f"{network}/virtualNetworkPeerings/{name}",
        "type": f"{NETWORKS}/virtualNetworkPeerings",
        "properties": {
            "provisioningState": "Succeeded",
            "peeringState": "Connected",
            "peeringSyncLevel": "FullyInSync",
            "remoteVirtualNetwork": {"id": other},
            "allowVirtualNetworkAccess": True,
            "allowForwardedTraffic": True,
        },
    }


def _subnet(world: World, group: str, network: str, location: str, subnet: Subnet) -> Body:
    place = f"{network}/subnets/{subnet.name}"
    properties: Body = {
        "provisioningState": "Succeeded",
        "addressPrefix": subnet.prefix,
        "serviceEndpoints": [],
        "delegations": [],
        "privateEndpointNetworkPolicies": "Disabled",
        "privateLinkServiceNetworkPolicies": "Enabled",
    }
    if subnet.for_jobs:
        properties["delegations"] = [
            {
                "name": "Microsoft.App.environments",
                "id": f"{place}/delegations/Microsoft.App.environments",
                "properties": {
                    "provisioningState": "Succeeded",
                    "serviceName": "Microsoft.App/environments",
                    "actions": ["Microsoft.Network/virtualNetworks/subnets/join/action"],
                },
                "type": f"{NETWORKS}/subnets/delegations",
            },
        ]
    if subnet.guarded:
        name = f"nsg-{subnet.name.removeprefix('snet-')}"
        guard: Body = {"provisioningState": "Succeeded", "securityRules": []}
        sort = "Microsoft.Network/networkSecurityGroups"
        properties["networkSecurityGroup"] = {"id": world.resource(group, sort, name, location, guard, tags={})}
    return {"name": subnet.name, "id": place, "properties": properties, "type": f"{NETWORKS}/subnets"}


def zone(world: World, group: str, name: str, *networks: str) -> str:
    """Add a private DNS zone that these networks ask; return its id."""
    place = world.resource(
        group,
        ZONES,
        name,
        "global",
        {"numberOfVirtualNetworkLinks": len(networks), "provisioningState": "Succeeded"},
        tags={},
    )
    for linked in networks:
        link = f"{place}/virtualNetworkLinks/link-{ids.name_of(linked)}"
        world.add(
            {
                "id": link.replace("/resourceGroups/", "/resourcegroups/"),
                "name": ids.name_of(link),
                "type": f"{ZONES}/virtualNetworkLinks",
                "etag": f'"{world.chance.guid("etag", link)}"',
                "location": "global",
                "properties": {
                    "provisioningState": "Succeeded",
                    "registrationEnabled": False,
                    "resolutionPolicy": "Default",
                    "virtualNetwork": {"id": linked},
                    "virtualNetworkLinkState": "Completed",
                },
            },
        )
    return place


def endpoint(world: World, subnet: str, target: str, zones: Mapping[str, str], *, host: int) -> str:
    """Add the private endpoint ``pe-<resource>`` of a resource, beside it, and tell the resource; return its id.

    ``zones``: name → id of the private DNS zones that there are; without its own, nobody keeps the endpoint's names.
    ``host``: the first host number of its addresses.
    """
    resource = world.estate.resources[target.lower()]
    service, name = SERVICES[resource["type"].lower()], resource["name"]
    location = resource["location"].replace(" ", "").lower()
    group, zone_id = target.partition("/providers/")[0], zones.get(service.zone)
    title = f"pe-{name}"
    card = f"{title}.nic.{world.chance.guid('nic', target)}"
    place = f"{group}/providers/{ENDPOINTS}/{title}"
    approved = {"status": "Approved", "description": "Auto-Approved", "actionsRequired": "None"}
    public = service.zone.removeprefix("privatelink.").replace("vaultcore", "vault")
    names = [each.format(name=name, location=location) for each in service.names]
    addresses = [f"10.40.{8 + (host + at) // 256}.{(host + at) % 256}" for at in range(len(names))]
    named = [{"fqdn": f"{each}.{public}", "ipAddresses": [at]} for each, at in zip(names, addresses, strict=True)]
    world.resource(
        group,
        ENDPOINTS,
        title,
        location,
        {
            "provisioningState": "Succeeded",
            "resourceGuid": world.chance.guid("endpoint", target),
            "privateLinkServiceConnections": [
                {
                    "name": title,
                    "id": f"{place}/privateLinkServiceConnections/{title}",
                    "properties": {
                        "provisioningState": "Succeeded",
                        "privateLinkServiceId": target,
                        "groupIds": [service.part],
                        "privateLinkServiceConnectionState": approved,
                    },
                    "type": f"{ENDPOINTS}/privateLinkServiceConnections",
                },
            ],
            "manualPrivateLinkServiceConnections": [],
            "customNetworkInterfaceName": "",
            "subnet": {"id": subnet},
            "ipConfigurations": [],
            "networkInterfaces": [{"id": f"{group}/providers/Microsoft.Network/networkInterfaces/{card}"}],
            "customDnsConfigs": [] if zone_id else named,
        },
        tags={},
    )
    if zone_id:
        _zone_group(world, place, zone_id, names, addresses)
    resource["properties"].setdefault("privateEndpointConnections", []).append(
        {
            "id": f"{target}/privateEndpointConnections/{title}.{world.chance.guid('connection', target)}",
            "name": f"{title}.{world.chance.guid('connection', target)}",
            "type": f"{resource['type']}/privateEndpointConnections",
            "properties": {
                "provisioningState": "Succeeded",
                "privateEndpoint": {"id": place},
                "groupIds": [service.part],
                "privateLinkServiceConnectionState": approved,
            },
        },
    )
    return place


def _zone_group(world: World, endpoint: str, zone_id: str, names: Sequence[str], addresses: Sequence[str]) -> None:
    """Let a zone keep an endpoint's names."""
    place, title = f"{endpoint}/privateDnsZoneGroups/default", ids.name_of(zone_id).replace(".", "-")
    world.add(
        {
            "name": "default",
            "id": place,
            "type": f"{ENDPOINTS}/privateDnsZoneGroups",
            "properties": {
                "provisioningState": "Succeeded",
                "privateDnsZoneConfigs": [
                    {
                        "name": title,
                        "id": f"{place}/privateDnsZoneConfigs/{title}",
                        "type": f"{ENDPOINTS}/privateDnsZoneGroups/privateDnsZoneConfigs",
                        "properties": {
                            "provisioningState": "Succeeded",
                            "privateDnsZoneId": zone_id,
                            "recordSets": [
                                {
                                    "recordType": "A",
                                    "recordSetName": name,
                                    "fqdn": f"{name}.{ids.name_of(zone_id)}",
                                    "ttl": 10,
                                    "provisioningState": "Succeeded",
                                    "ipAddresses": [address],
                                }
                                for name, address in zip(names, addresses, strict=True)
                            ],
                        },
                    },
                ],
            },
        },
    )
