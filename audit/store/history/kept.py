"""Which tables hold events, and until when Azure can be asked for them: what history needs to know of a table.

Every other table tells how something is, and is kept run by run. A table of events that isn't named here would be
kept that way too: nothing is lost, it only takes more room.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Where a covered interval begins when a list was whole: before anything there could be."""
UNKNOWN = "unknown"
"""The month of an event that has no time (yet)."""


class EventTable(msgspec.Struct, frozen=True, kw_only=True):
    """One table whose rows happened at a time of their own; the kind that fills it has the same name."""

    table: str
    time: str
    """The column with the event's own time."""
    retention: timedelta | None = None
    """How far back Azure remembers; None: as far as anybody asks, or as somebody configured."""
    settle: timedelta = timedelta(0)
    """How long after an event it may still come up: what is younger at the time of the read isn't covered by it."""
    limit: int | None = None
    """Set where Azure answers with the newest so many, whatever the window is: a shorter list is the whole."""
    final: str = "true"
    """SQL telling whether a row's state is its last: such a row wins over one observed later."""
    action: str = ""
    """What its list is filtered by; where the window reaches beyond Azure's memory, only this shows the rest whole."""
    lasting: bool = True
    """Whether a row that a later whole list lacks has vanished; points of another interval are no such loss."""
    lasts: str = ""
    """SQL of the interval that a row is about, from its time on; empty: a moment. A window takes in what ends in it."""
    grain: str = ""
    """The column of whole numbers by which lists of the same time differ: a list in other steps has other rows."""


_LATE = timedelta(minutes=15)
"""Logs are mostly there within three minutes; some ways take fifteen.
https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time"""

EVENT_TABLES: dict[str, EventTable] = {
    each.table: each
    for each in (
        EventTable(
            table="activity_log",
            time="event_time",
            retention=timedelta(days=90),
            settle=_LATE,
            action="microsoft.insights/eventtypes/values/read",
        ),
        EventTable(table="costs", time="day", lasts="interval 1 day"),
        EventTable(table="deployments", time="at", limit=700),
        EventTable(table="execution_logs", time="at", settle=_LATE),
        EventTable(
            table="executions",
            time="started",
            limit=100,
            final="lower(status) in ('succeeded', 'failed', 'stopped')",
        ),
        EventTable(
            table="fired_alerts",
            time="fired_at",
            retention=timedelta(days=30),
            settle=_LATE,
            action="microsoft.alertsmanagement/alerts/read",
        ),
        EventTable(
            table="metrics",
            time="at",
            retention=timedelta(days=93),
            settle=_LATE,
            lasting=False,
            lasts="to_seconds(interval_s)",
            grain="interval_s",
        ),
        EventTable(table="resource_changes", time="at", retention=timedelta(days=14), settle=_LATE),
    )
}
"""By name. Of deployments Azure keeps 800 per group, and begins to delete below that. As documented:
https://learn.microsoft.com/azure/container-apps/jobs (executions),
https://learn.microsoft.com/azure/azure-resource-manager/templates/deployment-history-deletions (deployments),
https://learn.microsoft.com/azure/governance/resource-graph/changes/get-resource-changes (changes),
https://learn.microsoft.com/azure/azure-monitor/essentials/data-platform-metrics (metrics),
https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-overview (fired alerts)."""
