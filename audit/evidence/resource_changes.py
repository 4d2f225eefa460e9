"""What Resource Graph saw change, property by property, with the value before and after."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window, graph_rows
from audit.model.wire import ArmId, Instant, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class ResourceChange(Record, frozen=True, kw_only=True):
    """One property that changed; a change of no known property (a deletion) has one row too.

    Source: Resource Graph, ``resourcechanges``. Azure keeps fourteen days, so a longer window is covered in part.
    Resource Graph leaves out, without a word, what the caller can't read: no row is no proof that nothing changed.
    """

    table = "resource_changes"
    row_key = ("change_id", "property")

    change_id: str
    target_resource_id: str
    target_type: str | None = None
    """In lower case, as ``microsoft.app/jobs``."""
    change_type: str | None = None
    """``Create``, ``Update`` or ``Delete``."""
    at: datetime
    """When Azure noticed, which can be a while after the change was made."""
    changed_by: str | None = None
    """A user principal name, an application's id, or ``System`` for what happened in the background."""
    changed_by_type: str | None = None
    """``User``, ``Application``, ``System``…"""
    client_type: str | None = None
    """``Azure Portal``, ``CLI``, ``ARM Template``…"""
    operation: str | None = None
    """For example ``Microsoft.App/jobs/write``."""
    correlation_id: str | None = None
    """As in the Activity Log; all zeros = not known."""
    property: str | None = None
    """Path such as ``properties.configuration.replicaTimeout``."""
    before: str | None = None
    """As Azure writes it, redacted by the rules of its place; null where there was nothing."""
    after: str | None = None
    """As ``before``."""
    truncated: bool | None = None
    """Azure cut the values short, so equal ones don't have to be equal; null where it doesn't say."""
    property_change_type: str | None = None
    """``Insert``, ``Update`` or ``Remove``."""
    category: str | None = None
    """``User``, or ``System`` for properties that Azure sets by itself."""


class _Property(Wire, frozen=True, kw_only=True):
    property_change_type: str | None = None
    change_category: str | None = None
    previous_value: Any = None
    new_value: Any = None
    is_truncated: bool | str | None = None


class _Attributes(Wire, frozen=True, kw_only=True):
    changed_by: str | None = None
    changed_by_type: str | None = None
    client_type: str | None = None
    operation: str | None = None
    correlation_id: str | None = None
    timestamp: Instant


class _Change(Wire, frozen=True, kw_only=True):
    id: Text
    target_resource_id: ArmId
    target_resource_type: str | None = None
    change_type: str | None = None
    change_attributes: _Attributes
    changes: dict[str, _Property] | None = None


_ITEM = decoder(_Change)
_TYPES = (
    "Microsoft.App/jobs",
    "Microsoft.App/managedEnvironments",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.EventHub/namespaces",
    "Microsoft.KeyVault/vaults",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.Network/privateDnsZones",
    "Microsoft.Network/privateEndpoints",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.ServiceBus/namespaces",
    "Microsoft.ServiceBus/namespaces/queues",
    "Microsoft.ServiceBus/namespaces/topics",
    "Microsoft.Storage/storageAccounts",
)
"""Jobs and what they stand on."""
QUERY = f"""resourcechanges
| extend kind = tolower(tostring(properties.targetResourceType)),
    at = todatetime(properties.changeAttributes.timestamp)
| where at >= datetime({{since}}) and at < datetime({{until}})
| where kind in~ ({", ".join(f"'{each}'" for each in _TYPES)})
| project id, targetResourceId = tostring(properties.targetResourceId), targetResourceType = kind,
    changeType = tostring(properties.changeType), changeAttributes = properties.changeAttributes,
    changes = properties.changes
| order by id asc"""


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:
    """Yield every page of the changes in the window, as far back as Azure remembers."""
    query = QUERY.format(
        since=f"{window.since:%Y-%m-%dT%H:%M:%S.%fZ}",
        until=f"{window.until:%Y-%m-%dT%H:%M:%S.%fZ}",
    )
    async for page in azure.resource_graph(query, subscriptions=scope.ids, scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[ResourceChange]:  # noqa: ARG001  the seam is one
    """Yield a row for each property that changed."""
    wire = _ITEM.decode(item)
    said = wire.change_attributes
    properties: list[tuple[str | None, _Property]] = [*sorted((wire.changes or {}).items())]
    for path, change in properties or [(None, _Property())]:
        yield ResourceChange(
            change_id=wire.id,
            target_resource_id=wire.target_resource_id,
            target_type=text(wire.target_resource_type),
            change_type=text(wire.change_type),
            at=said.timestamp.at,
            changed_by=text(said.changed_by),
            changed_by_type=text(said.changed_by_type),
            client_type=_said(said.client_type),
            operation=_said(said.operation),
            correlation_id=text(said.correlation_id),
            property=path,
            before=None if _is(change, "insert") else _value(change.previous_value),
            after=None if _is(change, "remove") else _value(change.new_value),
            truncated=_flag(change.is_truncated),
            property_change_type=text(change.property_change_type),
            category=text(change.change_category),
        )


def _is(change: _Property, kind: str) -> bool:
    """Tell whether a change is of this kind: Azure writes ``null`` as a text where there was nothing."""
    return (change.property_change_type or "").lower() == kind


def _value(value: Any) -> str | None:
    """Return a value as text: a text as it is, everything else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _said(word: str | None) -> str | None:
    """Return a word that says something: Azure writes ``Unspecified`` where it doesn't know."""
    return None if (word or "").lower() == "unspecified" else text(word)


def _flag(value: bool | str | None) -> bool | None:
    return value.lower() == "true" if isinstance(value, str) else value


KIND = EvidenceKind(
    name="resource_changes",
    title="Changes seen by Resource Graph",
    records=(ResourceChange,),
    per=Level.TENANT,
    actions=tuple(f"{each}/read" for each in _TYPES),
    fetch=fetch,
    normalise=normalise,
    items=graph_rows,
    item_path="$.data[{index}]",
    after=("subscriptions",),
    filtered=True,
)
