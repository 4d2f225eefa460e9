"""Subscriptions below the management groups that the configured scope names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window, ids
from audit.model.wire import ArmId, Wire, decoder

if TYPE_CHECKING:
    from audit.azure import Azure


class ManagementGroupMember(Record, frozen=True, kw_only=True):
    """One subscription at whatever depth below a management group.

    Source: GET /providers/Microsoft.Management/managementGroups/{name}/descendants.
    """

    table = "management_group_members"
    row_key = ("management_group_id", "subscription_id")

    management_group_id: str
    """The group that the scope names."""
    subscription_id: str
    """The GUID."""
    parent_id: str | None = None
    """The group right above the subscription."""


class _Parent(Wire, frozen=True, kw_only=True):
    id: ArmId


class _Facts(Wire, frozen=True, kw_only=True):
    parent: _Parent | None = None


class _Descendant(Wire, frozen=True, kw_only=True):
    id: ArmId
    properties: _Facts | None = None


_ITEM = decoder(_Descendant)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of a management group's descendants."""
    async for page in azure.pages(f"{scope.id}/descendants", api_version="2020-05-01", scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[ManagementGroupMember]:
    """Yield a row for a subscription, and none for a group in between."""
    wire = _ITEM.decode(item)
    subscription = ids.subscription_of(wire.id)
    if subscription is not None:
        parent = wire.properties.parent if wire.properties else None
        yield ManagementGroupMember(
            management_group_id=page.scope.id,
            subscription_id=subscription,
            parent_id=parent.id if parent else None,
        )


KIND = EvidenceKind(
    name="management_group_members",
    title="Subscriptions below management groups",
    records=(ManagementGroupMember,),
    per=Level.RESOURCE,
    actions=("Microsoft.Management/managementGroups/descendants/read",),
    fetch=fetch,
    normalise=normalise,
    after=("subscriptions",),
    population="select null::varchar as scope where false",
    affects="""
        select management_group_id as scope, job_id
        from management_group_members join jobs using (subscription_id)
        where jobs.in_scope
    """,
)
"""The collector gives its scopes: they are the configured ones, and they decide what everything else reads."""
