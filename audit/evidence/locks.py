"""Management locks: what nobody may delete or change, whatever their role."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window
from audit.model.wire import ArmId, Text, Wire, decoder, kept, spelled, text

if TYPE_CHECKING:
    from audit.azure import Azure


class Lock(Record, frozen=True, kw_only=True):
    """One lock. Source: GET /subscriptions/{id}/providers/Microsoft.Authorization/locks, which lists those below too.

    A lock that was removed shows in the Activity Log only.
    """

    table = "locks"
    row_key = ("lock_id",)

    lock_id: str
    name: str
    subscription_id: str
    scope: str
    """What is locked, with everything below it: a subscription, resource group or resource."""
    level: str | None = None
    """``CanNotDelete``, or ``ReadOnly`` (neither changed nor deleted)."""
    notes: str | None = None
    """Why, in the words of whoever set it."""
    owners: Json | None = None
    """List of {applicationId}: applications that hold the lock; null for a lock that people set."""


class _Properties(Wire, frozen=True, kw_only=True):
    level: str | None = None
    notes: str | None = None
    owners: list[dict[str, Any]] | None = None


class _Lock(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: Text
    properties: _Properties


_ITEM = decoder(_Lock)
_LEVELS = ("CanNotDelete", "ReadOnly", "NotSpecified")
_ROUTE = "/providers/microsoft.authorization/locks/"


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of the locks at a subscription and below it."""
    path = f"{scope.id}/providers/Microsoft.Authorization/locks"
    async for page in azure.pages(path, api_version="2020-05-01", scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[Lock]:
    """Yield the row of one lock."""
    wire = _ITEM.decode(item)
    at = wire.id.lower().rfind(_ROUTE)
    yield Lock(
        lock_id=wire.id,
        name=wire.name,
        subscription_id=page.scope.subscription_id,
        scope=wire.id[:at] if at > 0 else page.scope.id,
        level=spelled(text(wire.properties.level), _LEVELS),
        notes=text(wire.properties.notes),
        owners=kept(wire.properties.owners),
    )


KIND = EvidenceKind(
    name="locks",
    title="Locks",
    records=(Lock,),
    per=Level.SUBSCRIPTION,
    actions=("Microsoft.Authorization/locks/read",),
    fetch=fetch,
    normalise=normalise,
    after=("subscriptions",),
    filtered=True,
)
