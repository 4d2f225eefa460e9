"""Tags of jobs, of their resource groups and of their subscriptions, each with where it was read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import msgspec

from audit.model import EvidenceKind, Level, NotThere, Page, Record, Scope, Window, ids, listed, whole
from audit.model.wire import ArmId, Text, Wire, decoder

if TYPE_CHECKING:
    from audit.azure import Azure


class Tag(Record, frozen=True, kw_only=True):
    """One tag of one job, resource group or subscription.

    Source: the resources list, the resource groups list, {subscription}/providers/Microsoft.Resources/tags/default.
    """

    table = "tags"
    row_key = ("resource_id", "key", "source")

    resource_id: str
    """The job, resource group or subscription that carries it."""
    key: str
    """As spelled; Azure compares keys case-insensitively."""
    value: str
    source: str
    """``job``, ``resource_group`` or ``subscription``."""
    subscription_id: str
    resource_group: str | None = None
    """Null for a subscription's own tags."""


class _OwnTags(Wire, frozen=True, kw_only=True):
    tags: dict[str, str | None] | None = None


class _Tagged(Wire, frozen=True, kw_only=True):
    """A resource or a resource group, whose tags stand beside its id; or the tags resource of a subscription."""

    id: ArmId
    type: Text
    tags: dict[str, str | None] | None = None
    properties: _OwnTags | None = None


class _Shape(msgspec.Struct):
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_ITEM = decoder(_Tagged)
_SOURCES = {
    "microsoft.app/jobs": "job",
    "microsoft.resources/resourcegroups": "resource_group",
    "microsoft.resources/tags": "subscription",
}


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the pages of the jobs' tags, of the resource groups' and of the subscription's."""
    client, group = azure.resources(scope.subscription_id), scope.resource_group
    jobs = "resourceType eq 'Microsoft.App/jobs'"
    listing = client.resources
    found = listing.list_by_resource_group(group, filter=jobs) if group else listing.list(filter=jobs)
    async for page in azure.typed(found, scope=scope):
        yield page
    groups = client.resource_groups
    async for page in azure.typed(groups.get(group) if group else groups.list(), scope=scope):
        yield page
    path = f"/subscriptions/{scope.subscription_id}/providers/Microsoft.Resources/tags/default"
    try:
        yield await azure.get(path, api_version="2021-04-01", scope=scope)
    except NotThere:
        return  # Azure's answer for a subscription that was never tagged


def items(page: Page) -> Iterator[bytes]:
    """Yield the resources of a list, or the one resource that the page is."""
    shape = msgspec.json.decode(page.body, type=_Shape)
    return whole(page) if shape.value is msgspec.UNSET else listed(page)


def normalise(item: bytes, page: Page) -> Iterator[Tag]:
    """Yield a row for each tag. Raises msgspec.ValidationError for a resource of a type that wasn't asked for."""
    wire = _ITEM.decode(item)
    source = _SOURCES.get(wire.type.lower())
    if source is None:
        raise msgspec.ValidationError(f"Expected a job, a resource group or tags, got {wire.type} - at `$.type`")
    own = (wire.properties.tags if wire.properties else None) if source == "subscription" else wire.tags
    for key, value in (own or {}).items():
        yield Tag(
            resource_id=f"/subscriptions/{page.scope.subscription_id}" if source == "subscription" else wire.id,
            key=key,
            value=value or "",
            source=source,
            subscription_id=ids.subscription_of(wire.id) or page.scope.subscription_id,
            resource_group=None if source == "subscription" else ids.resource_group_of(wire.id),
        )


KIND = EvidenceKind(
    name="tags",
    title="Tags",
    records=(Tag,),
    per=Level.SUBSCRIPTION,
    actions=(
        "Microsoft.App/jobs/read",
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        "Microsoft.Resources/subscriptions/resources/read",
        "Microsoft.Resources/tags/read",
    ),
    fetch=fetch,
    normalise=normalise,
    items=items,
    after=("subscriptions",),
    filtered=True,
    groupwise=True,
)
