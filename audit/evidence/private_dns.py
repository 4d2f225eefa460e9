"""Private DNS zones that keep the names of private endpoints, and the virtual networks that ask them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from audit.model import EvidenceKind, GapReason, Level, Page, ReadFailed, Record, Scope, Window, ids, reach
from audit.model.wire import ArmId, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class PrivateDnsLink(Record, frozen=True, kw_only=True):
    """One link of a zone to a virtual network, for each private endpoint that keeps its names there.

    A zone without a link has one row for each endpoint, with nulls: no network asks it. Source: GET
    {zone}/virtualNetworkLinks.
    """

    table = "private_dns"
    row_key = ("zone_id", "endpoint_id", "link_id")

    zone_id: str
    zone: str
    """The zone's name, for example ``privatelink.servicebus.windows.net``."""
    endpoint_id: str
    link_id: str | None = None
    linked_vnet_id: str | None = None
    link_state: str | None = None
    """``Completed`` where the network asks the zone, ``InProgress`` on the way there."""
    registration_enabled: bool | None = None
    """True: the network's machines write their own names into the zone."""
    resolution_policy: str | None = None
    """``NxDomainRedirect``: what the zone doesn't know is asked of public DNS; ``Default`` or null: it isn't."""


class _Network(Wire, frozen=True, kw_only=True):
    id: Text


class _Facts(Wire, frozen=True, kw_only=True):
    virtual_network: _Network
    virtual_network_link_state: str | None = None
    registration_enabled: bool | None = None
    resolution_policy: str | None = None


class _Link(Wire, frozen=True, kw_only=True):
    id: ArmId
    properties: _Facts


class _Item(Wire, frozen=True, kw_only=True):
    """One link as ``combine`` wraps it; None = the zone has no link at all."""

    link: _Link | None


class _Listed(msgspec.Struct):
    value: list[msgspec.Raw]


_ITEM = decoder(_Item)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the pages of one zone's links. Raises ReadFailed for an id of something else."""
    if ids.segment(scope.id, "privateDnsZones") is None:
        raise ReadFailed(GapReason.UNSUPPORTED, f"not the id of a private DNS zone: {scope.id}")
    async for page in azure.pages(f"{scope.id}/virtualNetworkLinks", api_version="2024-06-01", scope=scope):
        yield page


def combine(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    """Yield every link of the zone, or one item that says that it has none."""
    found = False
    for page in pages:
        for link in msgspec.json.decode(page.body, type=_Listed).value:
            found = True
            yield msgspec.json.encode({"link": link}), page
    if not found:
        yield msgspec.json.encode({"link": None}), pages[0]


def normalise(item: bytes, page: Page) -> Iterator[PrivateDnsLink]:
    """Yield the link's row for each endpoint of the unit's ``scope.ids``."""
    link = _ITEM.decode(item).link
    facts = link.properties if link else None
    for endpoint in page.scope.ids:
        yield PrivateDnsLink(
            zone_id=page.scope.id,
            zone=ids.name_of(page.scope.id).lower(),
            endpoint_id=endpoint,
            link_id=link.id if link else None,
            linked_vnet_id=facts.virtual_network.id if facts else None,
            link_state=text(facts.virtual_network_link_state) if facts else None,
            registration_enabled=facts.registration_enabled if facts else None,
            resolution_policy=text(facts.resolution_policy) if facts else None,
        )


_KEPT = f"""
    with {reach.REACHED},
    used as (
        select unnest(zone_ids::VARCHAR[]) as scope, endpoint_id, target_id from private_endpoints
    )
"""

KIND = EvidenceKind(
    name="private_dns",
    title="Private DNS zones",
    records=(PrivateDnsLink,),
    per=Level.RESOURCE,
    actions=("Microsoft.Network/privateDnsZones/virtualNetworkLinks/read",),
    fetch=fetch,
    normalise=normalise,
    item_path="$",
    combine=combine,
    after=("jobs", "inventory", "private_endpoints"),
    population=reach.population(_KEPT, ids="endpoint_id"),
    affects=f"""{_KEPT}
        select min(used.scope) over (partition by lower(used.scope)) as scope, reached.job_id
        from used join reached on lower(reached.resource_id) = lower(used.target_id)
    """,
)
