"""The Log Analytics query service: questions to one workspace, answered from the estate's logs.

https://learn.microsoft.com/azure/azure-monitor/logs/api/request-format and …/errors. Who may ask what:
https://learn.microsoft.com/azure/azure-monitor/logs/manage-access. A table that the caller may not read is hidden from
the query: it can't be resolved, as if it weren't there.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

import msgspec

from audit.sandbox.kql import QueryInvalid, parse
from audit.sandbox.kql_values import instant
from audit.sandbox.wire import Answer, Refused, encode

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body
    from audit.sandbox.kql import Query
    from audit.sandbox.kql_values import Row
    from audit.sandbox.tokens import Grant
    from audit.sandbox.world import World

QUERY = "Microsoft.OperationalInsights/workspaces/query/read"
CUSTOM = "Microsoft.OperationalInsights/workspaces/query/Tables.Custom/read"
STANDARD = "Microsoft.OperationalInsights/workspaces/query/ContainerAppSystemLogs/read"
ACTIONS = (QUERY, CUSTOM, STANDARD)
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


def answer(world: World, grant: Grant, path: str, body: bytes, *, most: int) -> Answer:
    """Answer a query; ``most`` rows fit into one answer. Raises Refused."""
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
        name: rows
        for name, rows in world.estate.logs.get(customer, {}).items()
        if world.access.may(grant, CUSTOM if name.endswith("_CL") else _table_action(name), key)
    }
    return _result(request, tables, most)


def _customer(world: World, key: str) -> str:
    return str(world.resources[key]["properties"]["customerId"]).lower()


def _table_action(name: str) -> str:
    return f"Microsoft.OperationalInsights/workspaces/query/{name}/read"


def _result(request: _Request, tables: dict[str, list[Body]], most: int) -> Answer:
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
    rows = compiled.run(_within(tables[name], request.timespan))
    table = {"name": "PrimaryResult", **_shape(compiled, tables[name], rows[:most])}
    found: dict[str, Any] = {"tables": [table]}
    if len(rows) > most:
        words = f"The results of this query exceed the set limit of {most} records, so not all records were returned "
        details = [{"code": "EngineError", "innererror": {"code": "-2133196797", "message": words +
                    "(E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003). See https://aka.ms/kustoquerylimits"}}]  # fmt: skip
        message = "There were some errors when processing your query."
        found["error"] = {"code": "PartialError", "message": message, "details": details}
    return Answer(200, encode(found))


def _within(rows: list[Body], timespan: str | None) -> list[Body]:
    if timespan is None:
        return rows
    start, _, end = timespan.partition("/")
    since, until = instant(start), instant(end)
    if since is None or until is None:
        raise _Bad("InvalidTimespan", f"The timespan '{timespan}' is not understood here: start/end is.")
    first = bisect_left(rows, f"{since:{_CLOCK}}0Z", key=_at)
    return rows[first : bisect_right(rows, f"{until:{_CLOCK}}9Z", key=_at)]


def _at(row: Body) -> str:
    return str(row["TimeGenerated"])


def _shape(compiled: Query, table: list[Body], rows: list[Row]) -> dict[str, Any]:
    """Return columns and rows as arrays; a result without rows has its columns all the same."""
    sample = rows[0] if rows else next(iter(compiled.shaped([dict(row) for row in table[:1]])), {})
    columns = [{"name": name, "type": _type(name, value)} for name, value in sample.items()]
    return {"columns": columns, "rows": [[row[each["name"]] for each in columns] for row in rows]}


def _type(name: str, value: Any) -> str:
    if name in ("TimeGenerated", "TimeStamp"):
        return "datetime"
    if isinstance(value, bool):
        return "bool"
    return "long" if isinstance(value, int) else "real" if isinstance(value, float) else "string"
