"""Microsoft.Network, Microsoft.KeyVault, Microsoft.ContainerRegistry: what jobs reach, and how it is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.call import Call, Route
from audit.sandbox.routes.resources import body_at, get_resource

if TYPE_CHECKING:
    from audit.sandbox.wire import Answer

_NETWORK = ("2023-09-01", "2023-11-01", "2024-01-01", "2024-03-01", "2024-05-01", "2024-07-01")
_DNS = ("2018-09-01", "2020-06-01", "2024-06-01")
_VAULTS = ("2022-07-01", "2022-11-01", "2023-02-01", "2023-07-01", "2024-11-01")
_REGISTRIES = ("2022-12-01", "2023-07-01", "2023-11-01-preview", "2025-04-01", "2025-11-01")
METADATA = "Microsoft.ContainerRegistry/registries/metadata/read"
"""What a registry's own host asks for before it tells what its tags stand for."""
_READ_GROUPS = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups/read"
_READ_LINKS = "Microsoft.Network/privateDnsZones/virtualNetworkLinks/read"


def list_zone_groups(call: Call) -> Answer:
    """Answer the zone groups of a private endpoint."""
    return _children(call, _READ_GROUPS)


def list_links(call: Call) -> Answer:
    """Answer the links of a private DNS zone."""
    return _children(call, _READ_LINKS)


def _children(call: Call, action: str) -> Answer:
    call.require(action, call.parent)
    body_at(call, call.parent)
    found = [item.body for item in call.world.of_type(call.target.kind, call.parent)]
    return call.page(found, call.options.page_sizes.network)


def _one(kind: str, versions: tuple[str, ...]) -> Route:
    return Route(kind.lower(), True, versions, (f"{kind}/read",), get_resource)


ROUTES = (
    _one("Microsoft.Network/virtualNetworks", _NETWORK),
    _one("Microsoft.Network/privateEndpoints", _NETWORK),
    _one("Microsoft.KeyVault/vaults", _VAULTS),
    _one("Microsoft.ContainerRegistry/registries", _REGISTRIES),
    Route(
        "microsoft.network/privateendpoints/privatednszonegroups", False, _NETWORK, (_READ_GROUPS,), list_zone_groups
    ),
    Route("microsoft.network/privatednszones/virtualnetworklinks", False, _DNS, (_READ_LINKS,), list_links),
)
