"""Alerts that fired: which rule, on what, when, and whether the condition has gone since."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from audit.model import EvidenceKind, GapReason, Level, Page, ReadFailed, Record, Scope, Window
from audit.model.wire import ArmId, Instant, Text, Wire, decoder, moment, spelled, text

if TYPE_CHECKING:
    from audit.azure import Azure


class FiredAlert(Record, frozen=True, kw_only=True):
    """One alert that fired in the window, of any rule and any resource of the subscription.

    Source: GET /subscriptions/{id}/providers/Microsoft.AlertsManagement/alerts.
    """

    table = "fired_alerts"
    row_key = ("fired_id",)

    fired_id: str
    subscription_id: str
    rule_id: str | None = None
    """Id of the alert rule; of some services an address in their portal instead."""
    name: str
    target_resource_id: str | None = None
    severity: str | None = None
    """``Sev0`` (critical) to ``Sev4`` (verbose)."""
    signal_type: str | None = None
    """``Metric`` ``Log`` ``Unknown``."""
    service: str | None = None
    """What fired it: ``Platform``, ``Log Alerts V2``, ``ActivityLog Administrative``…"""
    condition: str | None = None
    """``Fired``, or ``Resolved``: the condition no longer holds."""
    state: str | None = None
    """What people made of it: ``New`` ``Acknowledged`` ``Closed``."""
    fired_at: datetime
    resolved_at: datetime | None = None
    description: str | None = None


class _Essentials(Wire, frozen=True, kw_only=True):
    start_date_time: Instant
    alert_rule: str | None = None
    target_resource: str | None = None
    severity: str | None = None
    signal_type: str | None = None
    monitor_service: str | None = None
    monitor_condition: str | None = None
    monitor_condition_resolved_date_time: Instant | None = None
    alert_state: str | None = None
    description: str | None = None


class _Properties(Wire, frozen=True, kw_only=True):
    essentials: _Essentials


class _Alert(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: Text
    properties: _Properties


_ITEM = decoder(_Alert)
KEPT = timedelta(days=30)
"""How long Azure keeps fired alerts. https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-overview"""
_TRIED = timedelta(days=2)
"""A window whose start was forgotten less than this ago is asked for as it is: Azure says whether it still can."""
_SKEW = timedelta(minutes=1)
"""How far Azure's clock may be ahead of ours without our asking for what it has just forgotten."""
_MOMENTS = timedelta(hours=1)
"""What collecting itself takes: a window of the last thirty days that is this much past it is no hole."""


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:
    """Yield every page of the alerts that fired in the window.

    Azure answers for the last thirty days. Where it refuses the window's start, the part that it still knows is asked
    for and ReadFailed(BEYOND_RETENTION) names the rest.
    """
    oldest = datetime.now(UTC) - KEPT
    if window.since >= oldest - _TRIED:
        answered = False
        try:
            async for page in _between(azure, scope, window.since, window.until):
                answered = True
                yield page
        except ReadFailed as error:
            if answered or error.reason is not GapReason.UNSUPPORTED or window.since >= oldest:
                raise
        else:
            return
    since = oldest + _SKEW
    if since < window.until:
        async for page in _between(azure, scope, since, window.until):
            yield page
    if since - window.since > _MOMENTS:
        hole = f"{window.since:%Y-%m-%dT%H:%M:%SZ} to {min(since, window.until):%Y-%m-%dT%H:%M:%SZ}"
        raise ReadFailed(
            GapReason.BEYOND_RETENTION,
            f"Azure keeps {KEPT.days} days of fired alerts; nothing can be known of {hole}",
        )


async def _between(azure: Azure, scope: Scope, since: datetime, until: datetime) -> AsyncIterator[Page]:
    path = f"{scope.id}/providers/Microsoft.AlertsManagement/alerts"
    asked = {
        "customTimeRange": f"{since:%Y-%m-%dT%H:%M:%SZ}/{until:%Y-%m-%dT%H:%M:%SZ}",
        "sortBy": "startDateTime",
        "sortOrder": "asc",
        "pageCount": "250",
    }
    async for page in azure.pages(path, api_version="2019-05-05-preview", scope=scope, params=asked):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[FiredAlert]:
    """Yield the row of one alert."""
    wire = _ITEM.decode(item)
    facts = wire.properties.essentials
    yield FiredAlert(
        fired_id=wire.id,
        subscription_id=page.scope.subscription_id,
        rule_id=text(facts.alert_rule),
        name=wire.name,
        target_resource_id=text(facts.target_resource),
        severity=text(facts.severity),
        signal_type=text(facts.signal_type),
        service=text(facts.monitor_service),
        condition=spelled(text(facts.monitor_condition), ("Fired", "Resolved")),
        state=spelled(text(facts.alert_state), ("New", "Acknowledged", "Closed")),
        fired_at=facts.start_date_time.at,
        resolved_at=moment(facts.monitor_condition_resolved_date_time),
        description=text(facts.description),
    )


KIND = EvidenceKind(
    name="fired_alerts",
    title="Fired alerts",
    records=(FiredAlert,),
    per=Level.SUBSCRIPTION,
    actions=("Microsoft.AlertsManagement/alerts/read",),
    fetch=fetch,
    normalise=normalise,
    after=("subscriptions",),
    filtered=True,
)
