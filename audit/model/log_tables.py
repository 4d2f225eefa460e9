"""Container Apps' tables in a Log Analytics workspace: how to ask one, whether it is there, whose lines it holds.

A workspace is a unit by its customer id, ``/workspaces/{customer id}``. Its ids are the environments that send logs to
it, each perhaps followed by ``=`` and the first label of its default domain, and the workspace's own resource id.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from audit.model import ids
from audit.model.outcome import GapReason, NotThere, ReadFailed

if TYPE_CHECKING:
    from audit.model.page import Page
    from audit.model.scope import Scope

_WORKSPACE = re.compile(r"/workspaces/([0-9A-Za-z-]+)")
_OK = 200
ACTIONS = (
    "Microsoft.OperationalInsights/workspaces/query/Tables.Custom/read",
    "Microsoft.OperationalInsights/workspaces/query/read",
    "Microsoft.OperationalInsights/workspaces/tables/read",
)
"""What every question needs: each table that isn't a custom one (``_CL``) needs an action of its own besides."""


class Service(Protocol):
    """What is asked here: the workspace's own service, and ARM about its tables."""

    def log_query(
        self, workspace: str, kql: str, *, since: datetime, until: datetime, scope: Scope
    ) -> AsyncIterator[Page]:
        """Yield the answers to a question, or the one refusal that says that there is no such table."""

    async def get(self, path: str, *, api_version: str, scope: Scope) -> Page:
        """Return what ARM says of one resource. Raises NotThere."""


class _Column(msgspec.Struct):
    name: str


class _Table(msgspec.Struct):
    columns: list[_Column]
    rows: list[list[msgspec.Raw]]


class _Result(msgspec.Struct):
    tables: list[_Table]


def columns(named: Mapping[str, tuple[str, str]], absent: Mapping[str, str]) -> str:
    """Return assignments for ``extend``: each name is one of two columns, or what ``absent`` says, by default ``""``.

    A table has only the columns that were ever written to; one that is asked for and isn't there fails the query.
    """
    made = []
    for name, (first, second) in named.items():
        otherwise = absent.get(name, '""')
        made.append(f'{name} = column_ifexists("{first}", column_ifexists("{second}", {otherwise}))')
    return ", ".join(made)


async def answers(
    azure: Service, scope: Scope, questions: Mapping[str, str], *, since: datetime, until: datetime
) -> AsyncIterator[Page]:
    """Yield what one workspace's tables answer about a period; ``questions``: table → KQL that begins with it.

    A table that isn't there is an absence of that table; its page is Azure's refusal. Log Analytics hides tables from a
    caller who may not read them in the same words, so ARM is asked whether the table exists: raises ReadFailed
    (FORBIDDEN) where it does, and (PARTIAL_VISIBILITY) where ARM can't be asked.
    """
    match = _WORKSPACE.fullmatch(scope.id)
    if match is None:
        raise ReadFailed(GapReason.MALFORMED, f"not a workspace's customer id: {scope.id}")
    for table, question in questions.items():
        refused = False
        async for page in azure.log_query(match[1], question, since=since, until=until, scope=scope):
            refused = page.status != _OK
            yield page
        if refused:
            async for page in _confirm(azure, scope, table):
                yield page


async def _confirm(azure: Service, scope: Scope, table: str) -> AsyncIterator[Page]:
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


def rows(page: Page) -> Iterator[bytes]:
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


def environment(named: str | None, resource: str | None, known: tuple[str, ...]) -> str | None:
    """Return the id of the environment that a line came from: the log gives it, or its name, or its domain's label.

    ``known`` are the unit's ids; None where it is none of them.
    """
    for each in known:
        place, _, label = each.partition("=")
        if ids.segment(place, "managedEnvironments") is None:
            continue
        if resource and ids.same(place, resource):
            return place
        if named and named.lower() in (label.lower(), ids.name_of(place).lower()):
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
AFTER = ("jobs", "environments", "diagnostic_settings", "workspaces")
POPULATION = f"""{_SENT}
    select '/workspaces/' || customer as scope, list_sort(list_distinct(flatten(list([
        environment_id || coalesce('=' || split_part(default_domain, '.', 1), ''), workspaces.workspace_id
    ])))) as ids
    from sent
    join environments using (environment_id)
    left join workspaces on lower(workspaces.customer_id) = customer
    group by customer
    order by customer
"""
AFFECTS = f"""{_SENT}
    select distinct '/workspaces/' || customer as scope, job_id
    from sent join jobs on lower(jobs.environment_id) = lower(sent.environment_id)
    where jobs.in_scope
"""
