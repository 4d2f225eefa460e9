"""The management groups above each subscription: where policy and access that apply to a job may come from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window, graph_rows
from audit.model.wire import Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class ManagementGroup(Record, frozen=True, kw_only=True):
    """One management group above one subscription.

    Source: Resource Graph, ``resourcecontainers``, managementGroupAncestorsChain. A subscription whose ancestry
    Resource Graph doesn't tell has one row, with the subscription's id and nothing else.
    """

    table = "management_groups"
    row_key = ("subscription_id", "group_id")

    subscription_id: str
    group_id: str | None = None
    """``/providers/Microsoft.Management/managementGroups/{name}``; null = unknown."""
    name: str | None = None
    display_name: str | None = None
    depth: int | None = None
    """1 is the group right above the subscription; the largest is the tenant's root group."""


class _Group(Wire, frozen=True, kw_only=True):
    name: Text
    display_name: str | None = None


class _Subscription(Wire, frozen=True, kw_only=True):
    subscription_id: Text
    chain: list[_Group] | None = None


class _Id(Wire, frozen=True, kw_only=True):
    subscription_id: Any = None


_ITEM = decoder(_Subscription)
_GROUP = "/providers/Microsoft.Management/managementGroups/"
QUERY = """resourcecontainers
| where type =~ 'microsoft.resources/subscriptions'
| project id, subscriptionId, chain = properties.managementGroupAncestorsChain
| order by id asc"""


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of the query over the subscriptions in ``scope.ids``; none of them raises ReadFailed."""
    async for page in azure.resource_graph(QUERY, subscriptions=scope.ids, scope=scope):
        yield page


def combine(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    """Yield every subscription that came back, and ``{"subscriptionId"}`` for each that was asked for and didn't."""
    known: set[str] = set()
    for page in pages:
        for item in graph_rows(page):
            known.add(str(msgspec.json.decode(item, type=_Id).subscription_id).lower())
            yield item, page
    for asked in pages[0].scope.ids:
        if asked.lower() not in known:
            yield msgspec.json.encode({"subscriptionId": asked}), pages[-1]


def normalise(item: bytes, page: Page) -> Iterator[ManagementGroup]:  # noqa: ARG001  the seam is one
    """Yield a row for each group above one subscription, the nearest first."""
    wire = _ITEM.decode(item)
    if not wire.chain:
        yield ManagementGroup(subscription_id=wire.subscription_id)
        return
    for depth, group in enumerate(wire.chain, start=1):
        yield ManagementGroup(
            subscription_id=wire.subscription_id,
            group_id=_GROUP + group.name,
            name=group.name,
            display_name=text(group.display_name),
            depth=depth,
        )


KIND = EvidenceKind(
    name="management_groups",
    title="Management groups",
    records=(ManagementGroup,),
    per=Level.TENANT,
    actions=("Microsoft.Resources/subscriptions/read",),
    fetch=fetch,
    normalise=normalise,
    item_path="$.data[{index}]",
    combine=combine,
    after=("subscriptions",),
    filtered=True,
)
