"""How much jobs write into Log Analytics: lines and billed bytes of each job by day, and what the workspace took in.

Only counted: no query of this kind asks for a line's text, not even of console logs, which may hold business data.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window, log_tables
from audit.model.wire import Instant, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure

_TABLES = (
    "ContainerAppConsoleLogs_CL",
    "ContainerAppConsoleLogs",
    "ContainerAppSystemLogs_CL",
    "ContainerAppSystemLogs",
)
_USAGE = "Usage"
_COLUMNS = {
    "Environment": ("EnvironmentName_s", "EnvironmentName"),
    "Resource": ("_ResourceId", "_ResourceId"),
}
_JOB = {"console": ("ContainerJobName_s", "JobName"), "system": ("JobName_s", "JobName")}
_MEGABYTE = 1_000_000
"""Bytes; a GB that is billed is 10⁹ of them. https://learn.microsoft.com/azure/azure-monitor/logs/cost-logs"""


class LogVolume(Record, frozen=True, kw_only=True):
    """What one job wrote into one table on one day. Source: POST {logs}/v1/workspaces/{customer id}/query.

    One aggregated query a table. A day on which Azure had to be asked in parts has several rows that add up.
    """

    table = "log_volumes"
    row_key = ("workspace", "table_name", "day", "environment", "job_name")

    workspace: str
    """Customer id of the workspace."""
    environment: str | None = None
    """As the log names it: the first label of the environment's default domain, or its name."""
    environment_id: str | None = None
    """The environment of in-scope jobs that the lines came from; null = none of those that log to this workspace."""
    job_name: str
    day: date
    """UTC. The window's first and last day are whole days, also where the window begins or ends within them."""
    table_name: str
    """``ContainerAppConsoleLogs_CL`` ``ContainerAppSystemLogs_CL``, or without ``_CL`` where a diagnostic setting sends
    them."""
    rows: int
    """Lines. The name needs quotes in some SQL."""
    billed_bytes: int
    """Of the lines that are billed (``_IsBillable``), ``_BilledSize`` added up."""


class WorkspaceVolume(Record, frozen=True, kw_only=True):
    """What one workspace took in on one day that is billed, whoever sent it. Source: the same, table ``Usage``.

    Azure adds to it hour by hour: the newest day may still grow.
    """

    table = "workspace_volumes"
    row_key = ("workspace", "day")

    workspace: str
    """Customer id of the workspace."""
    day: date
    """UTC."""
    billed_bytes: int
    """Of all tables; Azure tells megabytes of 1,000,000 bytes."""


_Amount = Annotated[float, msgspec.Meta(ge=0)]


class _Line(Wire, frozen=True, kw_only=True, rename="pascal"):
    time_generated: Instant
    source: Text
    bytes: _Amount
    lines: Annotated[int, msgspec.Meta(ge=0)]
    environment: str | None = None
    job: Text
    resource: str | None = None


class _Total(Wire, frozen=True, kw_only=True, rename="pascal"):
    time_generated: Instant
    megabytes: _Amount


class _Sort(Wire, frozen=True, kw_only=True, rename="pascal"):
    source: Text


_SORT, _LINE, _TOTAL = decoder(_Sort), decoder(_Line), decoder(_Total)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:
    """Yield how much each table took in on the days of the window, then the workspace; raises as ``answers`` does."""
    first = datetime.combine(window.since.astimezone(UTC), time(0), UTC)
    end = datetime.combine((window.until - timedelta(microseconds=1)).astimezone(UTC), time(0), UTC) + timedelta(days=1)
    questions = {table: _question(table) for table in _TABLES}
    async for page in log_tables.answers(azure, scope, questions, since=first, until=end):
        yield page
    # Azure writes of an hour when it is over, so that a day's last line lies on the day after.
    total = {_USAGE: _usage(first, end)}
    async for page in log_tables.answers(azure, scope, total, since=first, until=end + timedelta(days=1)):
        yield page


def _question(table: str) -> str:
    named = _COLUMNS | {"Job": _JOB["console" if "Console" in table else "system"]}
    return (
        f"{table} | extend {log_tables.columns(named, {})} | where isnotempty(Job) and tobool(_IsBillable) "
        f"| summarize Lines = count(), Bytes = sum(_BilledSize) "
        f"by TimeGenerated = bin(TimeGenerated, 1d), Environment, Job, Resource "
        f'| extend Source = "{table}"'
    )


def _usage(since: datetime, until: datetime) -> str:
    return (
        f"{_USAGE} | where StartTime >= datetime({_utc(since)}) and StartTime < datetime({_utc(until)}) "
        "| where tobool(IsBillable) | summarize Megabytes = sum(Quantity) by TimeGenerated = bin(StartTime, 1d) "
        f'| extend Source = "{_USAGE}"'
    )


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def normalise(item: bytes, page: Page) -> Iterator[Record]:
    """Yield the row of one job's day in a table, or of the workspace's day."""
    workspace = page.scope.id.rpartition("/")[2]
    if _SORT.decode(item).source == _USAGE:
        total = _TOTAL.decode(item)
        yield WorkspaceVolume(
            workspace=workspace,
            day=total.time_generated.at.date(),
            billed_bytes=round(total.megabytes * _MEGABYTE),
        )
        return
    wire = _LINE.decode(item)
    yield LogVolume(
        workspace=workspace,
        environment=text(wire.environment),
        environment_id=log_tables.environment(wire.environment, wire.resource, page.scope.ids),
        job_name=wire.job,
        day=wire.time_generated.at.date(),
        table_name=wire.source,
        rows=wire.lines,
        billed_bytes=round(wire.bytes),
    )


KIND = EvidenceKind(
    name="log_volumes",
    title="Volume of logs",
    records=(LogVolume, WorkspaceVolume),
    per=Level.RESOURCE,
    actions=(
        "Microsoft.OperationalInsights/workspaces/query/ContainerAppConsoleLogs/read",
        "Microsoft.OperationalInsights/workspaces/query/ContainerAppSystemLogs/read",
        "Microsoft.OperationalInsights/workspaces/query/Usage/read",
        *log_tables.ACTIONS,
    ),
    fetch=fetch,
    normalise=normalise,
    items=log_tables.rows,
    item_path="$.tables[0].rows[{index}]",
    after=log_tables.AFTER,
    population=log_tables.POPULATION,
    affects=log_tables.AFFECTS,
)
