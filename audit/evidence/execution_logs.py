"""What the platform logged about executions: started, pulled an image, ended with a code, tried again, gave up.

System logs only. Console logs (ContainerAppConsoleLogs) are what the containers themselves print; they may hold
business data and personal data, so they are never asked for.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from audit.model import EvidenceKind, GapReason, Level, NotThere, Page, ReadFailed, Record, Scope, Window, ids
from audit.model.wire import Instant, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure

_TABLES = ("ContainerAppSystemLogs_CL", "ContainerAppSystemLogs")
_WORKSPACE = re.compile(r"/workspaces/([0-9A-Za-z-]+)")
# A table has only the columns that were ever written to; one that is asked for and isn't there fails the query.
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


class _Column(msgspec.Struct):
    name: str


class _Table(msgspec.Struct):
    columns: list[_Column]
    rows: list[list[msgspec.Raw]]


class _Result(msgspec.Struct):
    tables: list[_Table]


_ITEM = decoder(_Line)
_EXIT = re.compile(r"exit code '?(-?\d{1,10})(?!\d)", re.IGNORECASE)
_PULLED = re.compile(r'pulled image "([^"]+)" in ((?:\d+(?:\.\d+)?(?:h|ms|m|s))+)', re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)", re.IGNORECASE)
_SIZE = re.compile(r"image size: (\d{1,18}) bytes", re.IGNORECASE)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_OK = 200


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:
    """Yield what both tables of one workspace hold about the window.

    A table that isn't there is an absence of that table; its page is Azure's refusal. Log Analytics hides tables from a
    caller who may not read them in the same words, so ARM is asked whether the table exists: raises ReadFailed
    (FORBIDDEN) where it does, and (PARTIAL_VISIBILITY) where ARM can't be asked.
    """
    match = _WORKSPACE.fullmatch(scope.id)
    if match is None:
        raise ReadFailed(GapReason.MALFORMED, f"not a workspace's customer id: {scope.id}")
    for table in _TABLES:
        refused = False
        async for page in azure.log_query(
            match[1], _question(table), since=window.since, until=window.until, scope=scope
        ):
            refused = page.status != _OK
            yield page
        if refused:
            async for page in _confirm(azure, scope, table):
                yield page


async def _confirm(azure: Azure, scope: Scope, table: str) -> AsyncIterator[Page]:
    """Raise ReadFailed unless ARM says, too, that the workspace has no such table."""
    places = [each for each in scope.ids if ids.segment(each, "workspaces") is not None]
    if not places:
        raise ReadFailed(
            GapReason.PARTIAL_VISIBILITY,
            f"{table} can't be resolved in workspace {scope.id}, which no subscription in view has: it may be hidden",
        )
    for place in places:
        try:
            yield await azure.get(f"{place}/tables/{table}", api_version="2022-10-01", scope=scope)
        except NotThere:
            continue
        raise ReadFailed(GapReason.FORBIDDEN, f"{table} is there, but queries by this caller don't see it: {place}")


def _question(table: str) -> str:
    columns = ", ".join(
        f'{name} = column_ifexists("{named[0]}", column_ifexists("{named[1]}", {_absent(name)}))'
        for name, named in _COLUMNS.items()
    )
    asked = ", ".join(_COLUMNS)
    return (
        f'{table} | extend {columns}, Source = "{table}" | where isnotempty(Job) '
        f"| project TimeGenerated, Source, {asked} | order by TimeGenerated asc"
    )


def _absent(name: str) -> str:
    return "1" if name == "Count" else '""'


def items(page: Page) -> Iterator[bytes]:
    """Yield each row as an object; what isn't a result (a refusal, a table's description) has none."""
    if page.status != _OK or page.method != "POST":
        return
    tables = msgspec.json.decode(page.body, type=_Result).tables
    if not tables:
        raise ValueError("the answer holds no table, not even an empty one - at `$.tables`")
    for table in tables[:1]:
        names = [column.name for column in table.columns]
        for row in table.rows:
            yield msgspec.json.encode(dict(zip(names, row, strict=True)))


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
        environment_id=_environment(wire, page.scope.ids),
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


def _environment(line: _Line, known: tuple[str, ...]) -> str | None:
    """Return the environment's id: the log gives it, or its name, or the label of its default domain.

    ``known`` holds environment ids, each perhaps followed by ``=`` and that label.
    """
    for each in known:
        place, _, label = each.partition("=")
        if ids.segment(place, "managedEnvironments") is None:
            continue
        if line.resource and ids.same(place, line.resource):
            return place
        if line.environment and line.environment.lower() in (label.lower(), ids.name_of(place).lower()):
            return place
    return None


_SENT = """
    with sent as (
        select environments.environment_id, lower(environments.workspace_id) as customer
        from environments
        where environments.workspace_id is not null
        union
        select environments.environment_id, lower(workspaces.customer_id)
        from environments
        join diagnostic_settings settings on lower(settings.resource_id) = lower(environments.environment_id)
        join workspaces on lower(workspaces.workspace_id) = lower(settings.workspace_id)
        where len(list_filter(cast(settings.logs as json[]), lambda each: each->>'enabled' = 'true')) > 0
    )
"""

KIND = EvidenceKind(
    name="execution_logs",
    title="System logs of executions",
    records=(ExecutionLog,),
    per=Level.RESOURCE,
    actions=(
        "Microsoft.OperationalInsights/workspaces/query/ContainerAppSystemLogs/read",
        "Microsoft.OperationalInsights/workspaces/query/Tables.Custom/read",
        "Microsoft.OperationalInsights/workspaces/query/read",
        "Microsoft.OperationalInsights/workspaces/tables/read",
    ),
    fetch=fetch,
    normalise=normalise,
    items=items,
    item_path="$.tables[0].rows[{index}]",
    after=("jobs", "environments", "diagnostic_settings", "workspaces"),
    population=f"""{_SENT}
        select '/workspaces/' || customer as scope, list_sort(list_distinct(flatten(list([
            environment_id || coalesce('=' || split_part(default_domain, '.', 1), ''), workspaces.workspace_id
        ])))) as ids
        from sent
        join environments using (environment_id)
        left join workspaces on lower(workspaces.customer_id) = customer
        group by customer
        order by customer
    """,
    affects=f"""{_SENT}
        select distinct '/workspaces/' || customer as scope, job_id
        from sent join jobs on lower(jobs.environment_id) = lower(sent.environment_id)
        where jobs.in_scope
    """,
)
