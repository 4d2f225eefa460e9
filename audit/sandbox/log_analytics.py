"""The Log Analytics query service: questions to one workspace, answered from the estate's logs.

https://learn.microsoft.com/azure/azure-monitor/logs/api/request-format and …/errors. Who may ask what:
https://learn.microsoft.com/azure/azure-monitor/logs/manage-access. A table that the caller may not read is hidden from
the query: it can't be resolved, as if it weren't there.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from audit.sandbox.kql import QueryInvalid, parse
from audit.sandbox.kql_values import instant
from audit.sandbox.wire import Answer, Refused, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.sandbox.estate.model import Body
    from audit.sandbox.kql import Query
    from audit.sandbox.kql_values import Row
    from audit.sandbox.tokens import Grant
    from audit.sandbox.world import World

QUERY = "Microsoft.OperationalInsights/workspaces/query/read"
CUSTOM = "Microsoft.OperationalInsights/workspaces/query/Tables.Custom/read"
STANDARD = "Microsoft.OperationalInsights/workspaces/query/ContainerAppSystemLogs/read"
CONSOLE = "Microsoft.OperationalInsights/workspaces/query/ContainerAppConsoleLogs/read"
USAGE = "Microsoft.OperationalInsights/workspaces/query/Usage/read"
ACTIONS = (QUERY, CUSTOM, STANDARD, CONSOLE, USAGE)
_WORKSPACES = "microsoft.operationalinsights/workspaces"
_PATH = re.compile(r"/v1/workspaces/([^/]+)/query", re.IGNORECASE)
_CLOCK = "%Y-%m-%dT%H:%M:%S.%f"
_TABLE = re.compile(r"\s*(\w+)")


class _Request(msgspec.Struct):
    query: str
    timespan: str | None = None


class _Bad(Refused):
    """A question that the service refuses: 400, with the parser's complaint inside."""

    def __init__(self, kind: str, message: str, *, code: str = "") -> None:
        super().__init__(400, "BadArgumentError", "The request had some invalid properties")
        inner: Body = {"code": code, "message": message} if code else {}
        self._inner: Body = {"code": kind, "message": "A semantic error occurred." if code else message}
        if inner:
            self._inner["innererror"] = inner

    def answer(self) -> Answer:
        return Answer(400, encode({"error": {"message": self.message, "code": self.code, "innererror": self._inner}}))


class _Denied(Refused):
    """403: the caller may not ask this workspace."""

    def answer(self) -> Answer:
        inner = {"code": self.code, "message": self.message}
        words = "The provided credentials have insufficient access to perform the requested operation"
        return Answer(
            403, encode({"error": {"message": words, "code": "InsufficientAccessError", "innererror": inner}})
        )


def answer(world: World, grant: Grant, path: str, body: bytes, *, most: int, most_bytes: int) -> Answer:
    """Answer a query; ``most`` rows of ``most_bytes`` fit into one answer. Raises Refused."""
    match = _PATH.fullmatch(path.rstrip("/"))
    if match is None:
        raise Refused(404, "PathNotFoundError", "The requested path does not exist")
    customer = match[1].lower()
    key = next((each.key for each in world.types.get(_WORKSPACES, ()) if _customer(world, each.key) == customer), None)
    if key is None:
        raise Refused(404, "WorkspaceNotFoundError", "The workspace could not be found")
    if not world.access.may(grant, QUERY, key):
        message = f"The principal '{grant.object_id}' does not have sufficient permissions to access this resource"
        raise _Denied(403, "AuthorizationFailedError", message)
    try:
        request = msgspec.json.decode(body, type=_Request)
    except msgspec.DecodeError as error:
        raise _Bad("MalformedRequest", str(error)) from error
    tables = {
        name: _Table(world, customer, name, stored)
        for name, stored in world.estate.logs.get(customer, {}).items()
        if world.access.may(grant, CUSTOM if name.endswith("_CL") else _table_action(name), key)
    }
    return _result(request, tables, most, most_bytes)


def _customer(world: World, key: str) -> str:
    return str(world.resources[key]["properties"]["customerId"]).lower()


def _table_action(name: str) -> str:
    return f"Microsoft.OperationalInsights/workspaces/query/{name}/read"


def _result(request: _Request, tables: dict[str, _Table], most: int, most_bytes: int) -> Answer:
    try:
        compiled = parse(request.query)
    except QueryInvalid as error:
        line = f"Query could not be parsed at '{error.token}' on line [1,{error.position + 1}]"
        raise _Bad("SyntaxError", line, code="SYN0002") from error
    match = _TABLE.match(request.query)
    name = match[1] if match else ""
    if name not in tables:
        text = f"'where' operator: Failed to resolve table or column expression named '{name}'"
        raise _Bad("SemanticError", text, code="SEM0100")
    rows = compiled.run(tables[name].within(request.timespan))
    columns = _columns(compiled, tables[name], rows)
    wire = _fitting(columns, rows[:most], most_bytes)
    found: dict[str, Any] = {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": wire}]}
    if len(rows) > len(wire):
        limit = f"{most} records" if len(wire) == most else f"{most_bytes} bytes"
        words = f"The results of this query exceed the set limit of {limit}, so not all records were returned "
        details = [{"code": "EngineError", "innererror": {"code": "-2133196797", "message": words +
                    "(E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003). See https://aka.ms/kustoquerylimits"}}]  # fmt: skip
        message = "There were some errors when processing your query."
        found["error"] = {"code": "PartialError", "message": message, "details": details}
    return Answer(200, encode(found))


class _Table(NamedTuple):
    """A table of a workspace: rows that are kept, oldest first, and rows that are made."""

    world: World
    customer: str
    name: str
    stored: list[Body]

    def within(self, timespan: str | None) -> list[Body]:
        """Return the rows of a period, oldest first. Raises Refused."""
        if timespan is None:
            return self._merged(self.stored, datetime.min.replace(tzinfo=UTC), self.world.estate.now)
        start, _, end = timespan.partition("/")
        since, until = instant(start), instant(end)
        if since is None or until is None:
            raise _Bad("InvalidTimespan", f"The timespan '{timespan}' is not understood here: start/end is.")
        first = bisect_left(self.stored, f"{since:{_CLOCK}}0Z", key=_at)
        return self._merged(
            self.stored[first : bisect_right(self.stored, f"{until:{_CLOCK}}9Z", key=_at)], since, until
        )

    def sample(self) -> list[Body]:
        """Return one row, if there is any, whenever it is from."""
        made = self._made(datetime.min.replace(tzinfo=UTC), self.world.estate.now)
        return self.stored[:1] or list(islice(made, 1))

    def _merged(self, stored: list[Body], since: datetime, until: datetime) -> list[Body]:
        made = list(self._made(since, until))
        return sorted([*stored, *made], key=_at) if made else stored

    def _made(self, since: datetime, until: datetime) -> Iterator[Body]:
        made = self.world.estate.logs_made
        return iter(()) if made is None else made.between(self.customer, self.name, since, until)


def _at(row: Body) -> str:
    return str(row["TimeGenerated"])


def _columns(compiled: Query, table: _Table, rows: list[Row]) -> list[dict[str, str]]:
    """Return the columns of a result; one without rows has them all the same."""
    sample = rows[0] if rows else next(iter(compiled.shaped([dict(row) for row in table.sample()])), {})
    return [{"name": name, "type": _type(name, value)} for name, value in sample.items()]


def _fitting(columns: list[dict[str, str]], rows: list[Row], most_bytes: int) -> list[msgspec.Raw]:
    """Return rows as arrays, as many as fit."""
    fitting: list[msgspec.Raw] = []
    for row in rows:
        wire = encode([row[each["name"]] for each in columns])
        most_bytes -= len(wire) + 1
        if most_bytes < 0:
            break
        fitting.append(msgspec.Raw(wire))
    return fitting


def _type(name: str, value: Any) -> str:
    if name in ("TimeGenerated", "TimeStamp"):
        return "datetime"
    if isinstance(value, bool):
        return "bool"
    return "long" if isinstance(value, int) else "real" if isinstance(value, float) else "string"
