"""What the platform logged about executions: started, pulled an image, ended with a code, tried again, gave up.

System logs only. Console logs (ContainerAppConsoleLogs) are what the containers themselves print; they may hold
business data and personal data, so they are never asked for.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window, log_tables
from audit.model.wire import Instant, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure

_TABLES = ("ContainerAppSystemLogs_CL", "ContainerAppSystemLogs")
_COLUMNS = {
    "Environment": ("EnvironmentName_s", "EnvironmentName"),
    "Job": ("JobName_s", "JobName"),
    "Execution": ("ExecutionName_s", "ExecutionName"),
    "Replica": ("ReplicaName_s", "ReplicaName"),
    "Reason": ("Reason_s", "Reason"),
    "Level": ("Type_s", "Level"),
    "Log": ("Log_s", "Log"),
    "Count": ("Count_d", "Count"),
    "Resource": ("_ResourceId", "_ResourceId"),
}


class ExecutionLog(Record, frozen=True, kw_only=True):
    """One line of a system log about a job. Source: POST {logs}/v1/workspaces/{customer id}/query, two tables.

    A workspace keeps rows for its retention (``workspaces.retention_days``): nothing here about an earlier time is no
    proof that nothing happened then.
    """

    table = "execution_logs"
    row_key = (
        "workspace",
        "source_table",
        "at",
        "environment",
        "job_name",
        "execution_name",
        "replica_name",
        "reason",
        "message",
    )

    workspace: str
    """Customer id of the workspace."""
    environment: str | None = None
    """As the log names it: the first label of the environment's default domain, or its name."""
    environment_id: str | None = None
    """The environment of in-scope jobs that the line came from; null = none of those that log to this workspace."""
    job_name: str
    execution_name: str | None = None
    """As the log says; where it has no such column, taken from the replica's name (``{execution}-{suffix}``)."""
    execution_from: str | None = None
    """``column`` or ``replica``: where the execution's name was found; null where none is known."""
    replica_name: str | None = None
    at: datetime
    reason: str | None = None
    """``PulledImage`` ``ContainerTerminated`` ``Completed`` ``BackoffLimitExceeded`` ``DeadlineExceeded`` …"""
    type: str | None = None
    """``Normal`` or ``Warning``."""
    message: str | None = None
    """Redacted like every text."""
    exit_code: int | None = None
    """Out of the message of a container that ended; null elsewhere."""
    count: int | None = None
    """How often it happened, where Azure folds repetitions."""
    image: str | None = None
    """Out of a message about an image that was pulled."""
    pull_seconds: float | None = None
    """How long pulling it took, in seconds."""
    image_size_bytes: int | None = None
    """Its size as the message says."""
    source_table: str
    """``ContainerAppSystemLogs_CL`` or ``ContainerAppSystemLogs``."""


class _Line(Wire, frozen=True, kw_only=True, rename="pascal"):
    time_generated: Instant
    source: Text
    environment: str | None = None
    job: Text
    execution: str | None = None
    replica: str | None = None
    reason: str | None = None
    level: str | None = None
    log: str | None = None
    count: float | None = None
    resource: str | None = None


_ITEM = decoder(_Line)
_EXIT = re.compile(r"exit code '?(-?\d{1,10})(?!\d)", re.IGNORECASE)
_PULLED = re.compile(r'pulled image "([^"]+)" in ((?:\d+(?:\.\d+)?(?:h|ms|m|s))+)', re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)", re.IGNORECASE)
_SIZE = re.compile(r"image size: (\d{1,18}) bytes", re.IGNORECASE)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:
    """Yield what both tables of one workspace hold about the window; raises as ``log_tables.answers`` does."""
    questions = {table: _question(table) for table in _TABLES}
    async for page in log_tables.answers(azure, scope, questions, since=window.since, until=window.until):
        yield page


def _question(table: str) -> str:
    columns = log_tables.columns(_COLUMNS, {"Count": "1"})
    asked = ", ".join(_COLUMNS)
    return (
        f'{table} | extend {columns}, Source = "{table}" | where isnotempty(Job) '
        f"| project TimeGenerated, Source, {asked} | order by TimeGenerated asc"
    )


def normalise(item: bytes, page: Page) -> Iterator[ExecutionLog]:
    """Yield the row of one line."""
    wire = _ITEM.decode(item)
    said = wire.log or ""
    execution, source = text(wire.execution), "column"
    if execution is None and wire.replica and wire.replica.startswith(f"{wire.job}-"):
        execution, source = wire.replica.rpartition("-")[0], "replica"
        execution = execution if execution != wire.job else None
    pulled, size, code = _PULLED.search(said), _SIZE.search(said), _EXIT.search(said)
    yield ExecutionLog(
        workspace=page.scope.id.rpartition("/")[2],
        environment=text(wire.environment),
        environment_id=log_tables.environment(wire.environment, wire.resource, page.scope.ids),
        job_name=wire.job,
        execution_name=execution,
        execution_from=source if execution else None,
        replica_name=text(wire.replica),
        at=wire.time_generated.at,
        reason=text(wire.reason),
        type=text(wire.level),
        message=text(wire.log),
        exit_code=int(code[1]) if code else None,
        count=None if wire.count is None else int(wire.count),
        image=pulled[1] if pulled else None,
        pull_seconds=_seconds(pulled[2]) if pulled else None,
        image_size_bytes=int(size[1]) if size else None,
        source_table=wire.source,
    )


def _seconds(words: str) -> float:
    """Return Go's duration, such as 1.21s, 674.6ms or 1m2.5s, in seconds."""
    return round(sum(float(number) * _SECONDS[unit.lower()] for number, unit in _PART.findall(words)), 6)


KIND = EvidenceKind(
    name="execution_logs",
    title="System logs of executions",
    records=(ExecutionLog,),
    per=Level.RESOURCE,
    actions=("Microsoft.OperationalInsights/workspaces/query/ContainerAppSystemLogs/read", *log_tables.ACTIONS),
    fetch=fetch,
    normalise=normalise,
    items=log_tables.rows,
    item_path="$.tables[0].rows[{index}]",
    after=log_tables.AFTER,
    population=log_tables.POPULATION,
    affects=log_tables.AFFECTS,
)
