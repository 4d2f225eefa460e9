"""What the Activity Log of a subscription says about a window: writes, deletes and actions (reads are never logged)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from audit.model import EvidenceKind, GapReason, Json, Level, Page, ReadFailed, Record, Scope, Window, ids
from audit.model.wire import ArmId, Instant, Named, Wire, decoder, kept, text

if TYPE_CHECKING:
    from audit.azure import Azure


class ActivityEvent(Record, frozen=True, kw_only=True):
    """One event; an operation writes several (group by correlation_id and operation_id).

    Source: GET /subscriptions/{id}/providers/Microsoft.Insights/eventtypes/management/values.
    """

    table = "activity_log"
    row_key = ("event_id",)

    event_id: str
    """eventDataId, which is also the GUID in the event's path."""
    event_time: datetime
    operation: str | None = None
    """For example ``Microsoft.App/jobs/write``; casing varies."""
    status: str | None = None
    """``Started``, ``Accepted``, ``Succeeded``, ``Failed``…"""
    sub_status: str | None = None
    caller: str | None = None
    """A user principal name, or an object id."""
    caller_object_id: str | None = None
    """From the token's claims, where given."""
    resource_id: str | None = None
    resource_type: str | None = None
    resource_group: str | None = None
    subscription_id: str | None = None
    correlation_id: str | None = None
    operation_id: str | None = None
    event_name: str | None = None
    """``BeginRequest``, ``EndRequest``…"""
    level: str | None = None
    category: str | None = None
    """``Administrative``, ``Security``, ``Policy``…"""
    client_ip: str | None = None
    http_method: str | None = None
    status_code: str | None = None
    claims: Json | None = None
    """The claims of the caller's token that the store keeps."""
    properties: Json | None = None
    """What the resource provider added, redacted as stored."""


class _Request(Wire, frozen=True, kw_only=True):
    client_ip_address: str | None = None
    method: str | None = None


class _Event(Wire, frozen=True, kw_only=True):
    id: ArmId
    event_timestamp: Instant
    event_data_id: str | None = None
    operation_name: Named | None = None
    status: Named | None = None
    sub_status: Named | None = None
    caller: str | None = None
    resource_id: str | None = None
    resource_type: Named | None = None
    resource_group_name: str | None = None
    subscription_id: str | None = None
    correlation_id: str | None = None
    operation_id: str | None = None
    event_name: Named | None = None
    level: str | None = None
    category: Named | None = None
    http_request: _Request | None = None
    claims: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None


_ITEM = decoder(_Event)
_PLACE = re.compile(r"(?i)^(?P<resource>.*)/events/(?P<event>[^/]+)(?:/ticks/\d+)?$")
_UNTIL = re.compile(r"eventTimestamp le '(?P<at>[^']+)'")
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
RETENTION = timedelta(days=90)
"""How long Azure keeps events. https://learn.microsoft.com/azure/azure-monitor/platform/activity-log"""
_SKEW = timedelta(minutes=1)
"""How far Azure's clock may be ahead of ours without our asking for what it has just forgotten."""


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:
    """Yield every page of a subscription's events in the window.

    Azure refuses a start before its memory, so the part of the window that it can still know is asked for; then
    ReadFailed(beyond_retention) names the rest. https://github.com/Azure/azure-cli/issues/4885
    """
    oldest = datetime.now(UTC) - RETENTION
    since = window.since if window.since >= oldest else oldest + _SKEW
    if since < window.until:
        path = f"{scope.id}/providers/Microsoft.Insights/eventtypes/management/values"
        asked = {"$filter": _filter(since, window.until)}
        async for page in azure.pages(path, api_version="2015-04-01", scope=scope, params=asked):
            yield page
    if since > window.since:
        hole = f"{window.since:%Y-%m-%dT%H:%M:%SZ} to {min(since, window.until):%Y-%m-%dT%H:%M:%SZ}"
        raise ReadFailed(
            GapReason.BEYOND_RETENTION,
            f"Azure keeps {RETENTION.days} days of the Activity Log; nothing can be known of {hole}",
        )


def _filter(since: datetime, until: datetime) -> str:
    """Return a time range as OData. ``lt`` is not offered, so it ends at the last tick (100 ns) before ``until``."""
    last = until - timedelta(microseconds=1)
    return f"eventTimestamp ge '{since:%Y-%m-%dT%H:%M:%S.%f}0Z' and eventTimestamp le '{last:%Y-%m-%dT%H:%M:%S.%f}9Z'"


def normalise(item: bytes, page: Page) -> Iterator[ActivityEvent]:
    """Yield the row of one event. An event after the end that the request names isn't in the window: no row."""
    wire = _ITEM.decode(item)
    if _after_end(wire.event_timestamp.at, page.url):
        return
    place = _PLACE.match(wire.id)
    resource_id = text(wire.resource_id) or (place["resource"] if place else None)
    claims, properties, request = wire.claims or {}, wire.properties or {}, wire.http_request or _Request()
    yield ActivityEvent(
        event_id=text(wire.event_data_id) or (place["event"] if place else wire.id),
        event_time=wire.event_timestamp.at,
        operation=_value(wire.operation_name),
        status=_value(wire.status),
        sub_status=_value(wire.sub_status),
        caller=text(wire.caller),
        caller_object_id=_said(claims.get(_OBJECT_ID) or claims.get("oid")),
        resource_id=resource_id,
        resource_type=_value(wire.resource_type),
        resource_group=text(wire.resource_group_name) or ids.resource_group_of(resource_id or ""),
        subscription_id=text(wire.subscription_id) or page.scope.subscription_id or None,
        correlation_id=text(wire.correlation_id),
        operation_id=text(wire.operation_id),
        event_name=_value(wire.event_name),
        level=text(wire.level),
        category=_value(wire.category),
        client_ip=text(request.client_ip_address) or _said(claims.get("ipaddr")),
        http_method=text(request.method),
        status_code=_said(properties.get("statusCode")),
        claims=kept(wire.claims),
        properties=kept(wire.properties),
    )


def _after_end(at: datetime, url: str) -> bool:
    """Hold an event against the end that the page's own request names: Azure's filter is trusted, and checked."""
    asked = parse_qs(urlsplit(url).query).get("$filter", [""])[0]
    until = _UNTIL.search(asked)
    return until is not None and at > datetime.fromisoformat(until["at"])


def _value(named: Named | None) -> str | None:
    return text(named.value) if named else None


def _said(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None


KIND = EvidenceKind(
    name="activity_log",
    title="Activity Log",
    records=(ActivityEvent,),
    per=Level.SUBSCRIPTION,
    actions=("Microsoft.Insights/eventtypes/values/read",),
    fetch=fetch,
    normalise=normalise,
    after=("subscriptions",),
    filtered=True,
)
