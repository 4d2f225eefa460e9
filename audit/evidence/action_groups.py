"""Action groups: who is told when a budget or an alert fires."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window, ids
from audit.model.wire import ArmId, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class ActionGroup(Record, frozen=True, kw_only=True):
    """One action group. Source: GET /subscriptions/{id}/providers/Microsoft.Insights/actionGroups."""

    table = "action_groups"
    row_key = ("action_group_id",)

    action_group_id: str
    name: str
    subscription_id: str
    resource_group: str | None = None
    short_name: str | None = None
    enabled: bool | None = None
    receivers: Json
    """List of the receivers as Azure gives them, each with its ``kind`` (``email``, ``webhook``, ``armRole``…)."""
    receiver_count: int
    """How many receivers, whatever their status."""


class _Group(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: Text
    properties: dict[str, Any]


class _Facts(Wire, frozen=True, kw_only=True):
    group_short_name: str | None = None
    enabled: bool | None = None


class _Known(Wire, frozen=True, kw_only=True):
    """The same item again, for the fields that have a type."""

    properties: _Facts


_ITEM = decoder(_Group)
_KNOWN = decoder(_Known)
_RECEIVERS = "Receivers"


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of a subscription's action groups."""
    client = azure.monitor(scope.subscription_id)
    async for page in azure.typed(client.action_groups.list_by_subscription_id(), scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[ActionGroup]:
    """Yield the row of one action group, with the receivers of every kind, known to us or not."""
    wire, facts = _ITEM.decode(item), _KNOWN.decode(item).properties
    receivers = list(_receivers(wire.properties))
    yield ActionGroup(
        action_group_id=wire.id,
        name=wire.name,
        subscription_id=page.scope.subscription_id,
        resource_group=ids.resource_group_of(wire.id),
        short_name=text(facts.group_short_name),
        enabled=facts.enabled,
        receivers=Json(receivers),
        receiver_count=len(receivers),
    )


def _receivers(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield ``emailReceivers`` as kind ``email`` and so on; lists of one kind stay in Azure's order."""
    for name in sorted(properties):
        if name.endswith(_RECEIVERS):
            for receiver in msgspec.convert(properties[name] or [], list[dict[str, Any]]):
                yield {"kind": name.removesuffix(_RECEIVERS), **receiver}


KIND = EvidenceKind(
    name="action_groups",
    title="Action groups",
    records=(ActionGroup,),
    per=Level.SUBSCRIPTION,
    actions=("Microsoft.Insights/actionGroups/read",),
    fetch=fetch,
    normalise=normalise,
    after=("subscriptions",),
    filtered=True,
)
