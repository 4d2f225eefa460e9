"""Private endpoints of event sources, vaults and registries, and the names that they give them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from audit.model import EvidenceKind, GapReason, Json, Level, Page, ReadFailed, Record, Scope, Window, ids, reach
from audit.model.wire import ResourceId, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class PrivateEndpoint(Record, frozen=True, kw_only=True):
    """One private endpoint: one row for each resource that it leads to, which is nearly always one.

    Source: GET {endpoint} and its privateDnsZoneGroups.
    """

    table = "private_endpoints"
    row_key = ("endpoint_id", "connection")

    endpoint_id: str
    name: str
    location: str | None = None
    connection: str
    """Name of the connection to the resource."""
    target_id: str | None = None
    """The resource that it leads to; null where it was asked for by an alias."""
    group_ids: Json | None = None
    """List of the parts of the resource that it leads to, such as ``namespace``, ``vault``, ``registry``, ``queue``."""
    status: str | None = None
    """``Approved``, ``Pending``, ``Rejected`` or ``Disconnected``."""
    manual: bool
    """True: the resource's owner had to be asked for approval."""
    subnet_id: str | None = None
    fqdns: Json | None = None
    """Names that lead to it, in lower case; empty = neither the endpoint nor a zone group gives it one."""
    addresses: Json | None = None
    """IP addresses of those names."""
    zone_ids: Json | None = None
    """Ids of the private DNS zones that keep its names; empty = no zone group, and who keeps them isn't known here."""
    provisioning_state: str | None = None


class _State(Wire, frozen=True, kw_only=True):
    status: str | None = None


class _Link(Wire, frozen=True, kw_only=True):
    private_link_service_id: str | None = None
    group_ids: list[str] | None = None
    private_link_service_connection_state: _State | None = None


class _Connection(Wire, frozen=True, kw_only=True):
    name: Text
    properties: _Link


class _Name(Wire, frozen=True, kw_only=True):
    fqdn: str | None = None
    ip_addresses: list[str] | None = None


class _Subnet(Wire, frozen=True, kw_only=True):
    id: str | None = None


class _Facts(Wire, frozen=True, kw_only=True):
    subnet: _Subnet | None = None
    private_link_service_connections: list[_Connection] | None = None
    manual_private_link_service_connections: list[_Connection] | None = None
    custom_dns_configs: list[_Name] | None = None
    provisioning_state: str | None = None


class _Endpoint(Wire, frozen=True, kw_only=True):
    id: ResourceId
    name: Text
    location: str | None = None
    properties: _Facts


class _Zone(Wire, frozen=True, kw_only=True):
    private_dns_zone_id: Text
    record_sets: list[_Name] | None = None


class _Config(Wire, frozen=True, kw_only=True):
    properties: _Zone


class _Configs(Wire, frozen=True, kw_only=True):
    private_dns_zone_configs: list[_Config] | None = None


class _Group(Wire, frozen=True, kw_only=True):
    properties: _Configs


class _Joined(Wire, frozen=True, kw_only=True):
    """One endpoint as ``combine`` puts it together."""

    endpoint: _Endpoint
    groups: list[_Group]


class _Listed(msgspec.Struct):
    value: list[msgspec.Raw]


_ITEM = decoder(_Joined)
_VERSION = "2024-05-01"


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the endpoint's page and those of its DNS zone groups. Raises ReadFailed for an id of something else."""
    if ids.segment(scope.id, "privateEndpoints") is None:
        raise ReadFailed(GapReason.UNSUPPORTED, f"not the id of a private endpoint: {scope.id}")
    yield await azure.get(scope.id, api_version=_VERSION, scope=scope)
    async for page in azure.pages(f"{scope.id}/privateDnsZoneGroups", api_version=_VERSION, scope=scope):
        yield page


def combine(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    """Yield the endpoint with its zone groups as one item; its rows lead to the endpoint's own page."""
    endpoint, *lists = pages
    groups = [each for page in lists for each in msgspec.json.decode(page.body, type=_Listed).value]
    yield msgspec.json.encode({"endpoint": msgspec.Raw(endpoint.body), "groups": groups}), endpoint


def normalise(item: bytes, page: Page) -> Iterator[PrivateEndpoint]:  # noqa: ARG001  the seam is one
    """Yield one row for each connection."""
    wire = _ITEM.decode(item)
    endpoint, facts = wire.endpoint, wire.endpoint.properties
    zones = [each.properties for group in wire.groups for each in group.properties.private_dns_zone_configs or ()]
    names = [*(facts.custom_dns_configs or ()), *(name for zone in zones for name in zone.record_sets or ())]
    found = [(each, False) for each in facts.private_link_service_connections or ()]
    found += [(each, True) for each in facts.manual_private_link_service_connections or ()]
    for connection, manual in found:
        link = connection.properties
        state = link.private_link_service_connection_state
        yield PrivateEndpoint(
            endpoint_id=endpoint.id,
            name=endpoint.name,
            location=text(endpoint.location),
            connection=connection.name,
            target_id=text(link.private_link_service_id),
            group_ids=None if link.group_ids is None else Json(link.group_ids),
            status=text(state.status) if state else None,
            manual=manual,
            subnet_id=text(facts.subnet.id) if facts.subnet else None,
            fqdns=Json(sorted({each.fqdn.lower().rstrip(".") for each in names if each.fqdn})),
            addresses=Json(sorted({address for each in names for address in each.ip_addresses or ()})),
            zone_ids=Json(list(dict.fromkeys(zone.private_dns_zone_id for zone in zones))),
            provisioning_state=text(facts.provisioning_state),
        )


# Whatever else such a list says of a connection, an endpoint's id stands in it as Azure spelled it.
_ENDPOINT = '(?i)/subscriptions/[^/"]+/resourceGroups/[^/"]+/providers/Microsoft\\.Network/privateEndpoints/[^/"]+'
_USED = f"""
    with {reach.REACHED},
    connected as (
        select vault_id as resource_id, private_endpoints from key_vaults
        union all select registry_id, private_endpoints from registries
        union all select resource_id, private_endpoints from event_sources
    ),
    used as (
        select unnest(regexp_extract_all(connected.private_endpoints::VARCHAR, '{_ENDPOINT}')) as scope, reached.job_id
        from connected join reached on lower(reached.resource_id) = lower(connected.resource_id)
    )
"""

KIND = EvidenceKind(
    name="private_endpoints",
    title="Private endpoints",
    records=(PrivateEndpoint,),
    per=Level.RESOURCE,
    actions=(
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups/read",
        "Microsoft.Network/privateEndpoints/read",
    ),
    fetch=fetch,
    normalise=normalise,
    item_path="$",
    combine=combine,
    after=("jobs", "inventory", "event_sources", "key_vaults", "registries"),
    population=reach.population(_USED),
    affects=reach.affects(_USED),
)
