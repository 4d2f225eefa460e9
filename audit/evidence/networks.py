"""Virtual networks of environments and private endpoints: their subnets, and which DNS servers they ask."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from audit.model import EvidenceKind, GapReason, Json, Level, Page, ReadFailed, Record, Scope, Window, ids, reach, whole
from audit.model.wire import ResourceId, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class VirtualNetwork(Record, frozen=True, kw_only=True):
    """One virtual network. Source: GET {network}."""

    table = "virtual_networks"
    row_key = ("vnet_id",)

    vnet_id: str
    name: str
    location: str | None = None
    address_prefixes: Json | None = None
    """List of ranges (CIDR)."""
    dns_servers: Json
    """List of the DNS servers that its machines ask; empty = Azure's own.

    Only with Azure's own do this network's links to private DNS zones decide; other servers have links of theirs.
    """
    peered_vnet_ids: Json
    """List of ids of the networks that it is peered with."""
    provisioning_state: str | None = None


class Subnet(Record, frozen=True, kw_only=True):
    """One subnet of such a network, whether a job uses it or not. Source: GET {network}, properties.subnets."""

    table = "subnets"
    row_key = ("subnet_id",)

    subnet_id: str
    name: str
    vnet_id: str
    address_prefixes: Json
    """List of ranges (CIDR)."""
    nsg_id: str | None = None
    """The network security group; null = none."""
    route_table_id: str | None = None
    nat_gateway_id: str | None = None
    service_endpoints: Json
    """List of services, such as ``Microsoft.KeyVault``, that are reached from here by a service endpoint."""
    delegations: Json
    """List of services that the subnet is handed to, such as ``Microsoft.App/environments``."""
    private_endpoint_policies: str | None = None
    """Whether network security groups and routes hold for private endpoints here, ``Disabled`` where they don't."""
    default_outbound: bool | None = None
    """False: nothing here reaches the internet without a way of its own; null = not stated."""


class _Id(Wire, frozen=True, kw_only=True):
    id: Text


class _Service(Wire, frozen=True, kw_only=True):
    service: str | None = None


class _Delegated(Wire, frozen=True, kw_only=True):
    service_name: str | None = None


class _Delegation(Wire, frozen=True, kw_only=True):
    properties: _Delegated


class _SubnetFacts(Wire, frozen=True, kw_only=True):
    address_prefix: str | None = None
    address_prefixes: list[str] | None = None
    network_security_group: _Id | None = None
    route_table: _Id | None = None
    nat_gateway: _Id | None = None
    service_endpoints: list[_Service] | None = None
    delegations: list[_Delegation] | None = None
    private_endpoint_network_policies: str | None = None
    default_outbound_access: bool | None = None


class _Subnet(Wire, frozen=True, kw_only=True):
    id: ResourceId
    name: Text
    properties: _SubnetFacts


class _Space(Wire, frozen=True, kw_only=True):
    address_prefixes: list[str] | None = None


class _Dhcp(Wire, frozen=True, kw_only=True):
    dns_servers: list[str] | None = None


class _Remote(Wire, frozen=True, kw_only=True):
    remote_virtual_network: _Id | None = None


class _Peering(Wire, frozen=True, kw_only=True):
    properties: _Remote


class _Facts(Wire, frozen=True, kw_only=True):
    address_space: _Space | None = None
    dhcp_options: _Dhcp | None = None
    subnets: list[_Subnet] | None = None
    virtual_network_peerings: list[_Peering] | None = None
    provisioning_state: str | None = None


class _Network(Wire, frozen=True, kw_only=True):
    id: ResourceId
    name: Text
    location: str | None = None
    properties: _Facts


_ITEM = decoder(_Network)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the one page of one virtual network. Raises ReadFailed for an id of something else."""
    if ids.segment(scope.id, "virtualNetworks") is None:
        raise ReadFailed(GapReason.UNSUPPORTED, f"not the id of a virtual network: {scope.id}")
    yield await azure.get(scope.id, api_version="2024-05-01", scope=scope)


def normalise(item: bytes, page: Page) -> Iterator[Record]:  # noqa: ARG001  the seam is one
    """Yield the network's row, then one row per subnet."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    dhcp, space = facts.dhcp_options or _Dhcp(), facts.address_space or _Space()
    remote = [each.properties.remote_virtual_network for each in facts.virtual_network_peerings or ()]
    yield VirtualNetwork(
        vnet_id=wire.id,
        name=wire.name,
        location=text(wire.location),
        address_prefixes=None if space.address_prefixes is None else Json(space.address_prefixes),
        dns_servers=Json(dhcp.dns_servers or []),
        peered_vnet_ids=Json([each.id for each in remote if each]),
        provisioning_state=text(facts.provisioning_state),
    )
    for subnet in facts.subnets or ():
        yield _subnet(wire.id, subnet)


def _subnet(network: str, wire: _Subnet) -> Subnet:
    facts = wire.properties
    ranges = facts.address_prefixes or ([facts.address_prefix] if facts.address_prefix else [])
    return Subnet(
        subnet_id=wire.id,
        name=wire.name,
        vnet_id=network,
        address_prefixes=Json(ranges),
        nsg_id=facts.network_security_group.id if facts.network_security_group else None,
        route_table_id=facts.route_table.id if facts.route_table else None,
        nat_gateway_id=facts.nat_gateway.id if facts.nat_gateway else None,
        service_endpoints=Json([each.service for each in facts.service_endpoints or () if each.service]),
        delegations=Json(
            [each.properties.service_name for each in facts.delegations or () if each.properties.service_name]
        ),
        private_endpoint_policies=text(facts.private_endpoint_network_policies),
        default_outbound=facts.default_outbound_access,
    )


_USED = f"""
    with {reach.REACHED},
    subnets_used as (
        select environments.vnet_subnet_id as subnet_id, jobs.job_id
        from environments
        join jobs on lower(jobs.environment_id) = lower(environments.environment_id)
        where jobs.in_scope
        union all
        select private_endpoints.subnet_id, reached.job_id
        from private_endpoints
        join reached on lower(reached.resource_id) = lower(private_endpoints.target_id)
    ),
    used as (
        select regexp_replace(subnet_id, '(?i)/subnets/[^/]+/?$', '') as scope, job_id
        from subnets_used where subnet_id is not null
    )
"""

KIND = EvidenceKind(
    name="networks",
    title="Virtual networks",
    records=(VirtualNetwork, Subnet),
    per=Level.RESOURCE,
    actions=("Microsoft.Network/virtualNetworks/read",),
    fetch=fetch,
    normalise=normalise,
    items=whole,
    item_path="$",
    after=("jobs", "inventory", "environments", "private_endpoints"),
    population=reach.population(_USED),
    affects=reach.affects(_USED),
)
