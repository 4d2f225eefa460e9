"""Subscriptions that the caller can see: the outer population. What it can't see, only the owner's list can tell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from audit.model import EvidenceKind, GapReason, Json, Level, Page, ReadFailed, Record, Scope, Window
from audit.model.page import listed
from audit.model.wire import Text, Wire, decoder, kept

if TYPE_CHECKING:
    from audit.azure import Azure


class Subscription(Record, frozen=True, kw_only=True):
    """One subscription. Source: GET /subscriptions."""

    table = "subscriptions"
    row_key = ("subscription_id",)

    subscription_id: str
    """The GUID."""
    name: str | None = None
    """The display name."""
    state: str | None = None
    """``Enabled``, ``Warned``, ``PastDue``, ``Disabled`` or ``Deleted``, as Azure spells it."""
    tenant_id: str | None = None
    tags: Json | None = None
    """Object of text by text; null where Azure sends none."""


class _Subscription(Wire, frozen=True, kw_only=True):
    subscription_id: Text
    display_name: str | None = None
    state: str | None = None
    tenant_id: str | None = None
    tags: dict[str, str] | None = None


_ITEM = decoder(_Subscription)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of the caller's subscriptions.

    Azure lists what the caller may see, so a list of none is what a caller without access gets: it raises
    ReadFailed(partial_visibility), never a confirmed absence.
    """
    seen = False
    async for page in azure.typed(azure.subscriptions().subscriptions.list(), scope=scope):
        yield page
        seen = seen or any(listed(page))
    if not seen:
        raise ReadFailed(
            GapReason.PARTIAL_VISIBILITY, "the caller can see no subscription: Azure leaves out what may not be read"
        )


def normalise(item: bytes, page: Page) -> Iterator[Subscription]:  # noqa: ARG001  the seam is one
    """Yield the row of one subscription."""
    wire = _ITEM.decode(item)
    yield Subscription(
        subscription_id=wire.subscription_id,
        name=wire.display_name,
        state=wire.state,
        tenant_id=wire.tenant_id,
        tags=kept(wire.tags),
    )


KIND = EvidenceKind(
    name="subscriptions",
    title="Subscriptions",
    records=(Subscription,),
    per=Level.TENANT,
    actions=("Microsoft.Resources/subscriptions/read",),
    fetch=fetch,
    normalise=normalise,
)
