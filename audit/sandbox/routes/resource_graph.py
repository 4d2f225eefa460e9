"""Resource Graph: queries over what the caller may read, trimmed without a word, behind ARM by a few minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from audit.model import ids
from audit.sandbox.call import Call, Route
from audit.sandbox.kql import QueryInvalid, parse
from audit.sandbox.wire import FIRST, Answer, Cursor, encode
from audit.sandbox.world import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.sandbox.estate.model import Body, Estate
    from audit.sandbox.kql_values import Row

_VERSIONS = ("2019-04-01", "2020-04-01-preview", "2021-03-01", "2021-06-01-preview", "2022-10-01", "2024-04-01")
_MOST = 1000
_CHANGES_KEPT = timedelta(days=14)


class _Options(
    msgspec.Struct, rename={"top": "$top", "skip": "$skip", "skip_token": "$skipToken", "shape": "resultFormat"}
):
    top: int | None = None
    skip: int | None = None
    skip_token: str | None = None
    shape: str = "objectArray"


class _Request(msgspec.Struct, rename={"management_groups": "managementGroups"}):
    query: str
    subscriptions: list[str] | None = None
    management_groups: list[str] | None = None
    options: _Options | None = None


class _Invalid(Exception):
    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.details = [{"code": code, **facts}]


def query(call: Call) -> Answer:
    """Answer a query, or 400 with the parser's complaint in ``details``."""
    try:
        request = msgspec.json.decode(call.body, type=_Request)
        return _answer(call, request)
    except QueryInvalid as error:
        details: list[dict[str, Any]] = [
            {"code": "InvalidQuery", "message": "Query is invalid. Please refer to the documentation for the Azure "
             "Resource Graph service and fix the error before retrying."},
            {"code": "ParserFailure", "message": "ParserFailure", "line": 1, "characterPositionInLine": error.position,
             "token": error.token, "expectedToken": "<EOF>"},
        ]  # fmt: skip
    except msgspec.ValidationError as error:
        details = [{"code": "InvalidRequest", "message": str(error)}]
    except _Invalid as error:
        details = error.details
    message = "Please provide below info when asking for support: timestamp = now, correlationId = unknown."
    return Answer(400, encode({"error": {"code": "BadRequest", "message": message, "details": details}}))


def _answer(call: Call, request: _Request) -> Answer:
    options = request.options or _Options()
    subscriptions = tuple(request.subscriptions or ())
    key = ("resource graph", call.grant.object_id, request.query, subscriptions)
    rows = call.world.remembered(key, lambda: _run(call, request.query, subscriptions))
    cursor = FIRST
    if options.skip_token is not None:
        try:
            cursor = Cursor.read(options.skip_token)
        except ValueError as error:
            raise _Invalid("InvalidSkipToken", message=str(error)) from error
    start = cursor.offset + (options.skip or 0)
    size = min(options.top or _MOST, call.options.page_sizes.resource_graph)
    page = rows[start : start + size]
    body: dict[str, Any] = {"totalRecords": len(rows), "count": len(page)}
    body["data"] = page if options.shape == "objectArray" else _as_table(page)
    body["facets"] = []
    body["resultTruncated"] = "false"
    if start + size < len(rows):
        if all("id" in row for row in page):
            body["$skipToken"] = Cursor(cursor.page + 1, start + size).token()
        else:
            body["resultTruncated"] = "true"
    return Answer(200, encode(body))


def _run(call: Call, text: str, subscriptions: tuple[str, ...]) -> list[Row]:
    compiled = parse(text)
    return compiled.run(_table(call, compiled.table, subscriptions))


def _table(call: Call, name: str, subscriptions: tuple[str, ...]) -> list[Row]:
    world, grant = call.world, call.grant
    asked = {each.lower() for each in subscriptions} if subscriptions else set(world.subscriptions)
    if name == "resources":
        return [
            _row(world.estate.tenant_id, body)
            for key, body in world.resources.items()
            if world.is_indexed(body)
            and key not in world.estate.graph_lag
            and (ids.subscription_of(key) or "") in asked
            and world.access.may(grant, f"{body['type']}/read", key)
        ]
    if name == "resourcecontainers":
        containers = [*world.estate.subscriptions, *world.estate.resource_groups]
        return [
            _row(world.estate.tenant_id, _container(body, world.estate))
            for body in containers
            if (ids.subscription_of(body["id"]) or "").lower() in asked
            and world.access.may(grant, f"{_container(body, world.estate)['type']}/read", ids.key(body["id"]))
        ]
    if name == "resourcechanges":
        return list(_changes(call, asked))
    raise QueryInvalid(name, 0)


def _changes(call: Call, asked: set[str]) -> Iterator[Row]:
    """Yield the changes of fourteen days, of what the caller may read, there or gone."""
    world, grant = call.world, call.grant
    for body in world.estate.resource_changes:
        facts = body["properties"]
        key = ids.key(facts["targetResourceId"])
        noticed = moment(facts["changeAttributes"]["timestamp"])
        kept = world.estate.now - noticed <= _CHANGES_KEPT
        covered = kept and (ids.subscription_of(key) or "") in asked
        if covered and world.access.may(grant, f"{facts['targetResourceType']}/read", key):
            yield _row(world.estate.tenant_id, body)


def _container(body: Body, estate: Estate) -> Body:
    if "subscriptionId" not in body:
        return {**body, "type": "Microsoft.Resources/subscriptions/resourceGroups"}
    chain = [
        {"name": name, "displayName": "Tenant Root Group" if name == estate.tenant_id else name}
        for name in (ids.name_of(each) for each in reversed(estate.management_groups))
    ]
    properties = {"managementGroupAncestorsChain": chain, "state": body["state"]}
    kind = "Microsoft.Resources/subscriptions"
    return {**body, "type": kind, "name": body["displayName"], "properties": properties}


def _row(tenant: str, body: Body) -> Row:
    """Return a row as the service spells it: type, group and location in lower case, blanks for absent text."""
    return {
        "id": body["id"],
        "name": body["name"],
        "type": body["type"].lower(),
        "tenantId": tenant,
        "kind": body.get("kind") or "",
        "location": (body.get("location") or "").replace(" ", "").lower(),
        "resourceGroup": (ids.resource_group_of(body["id"]) or "").lower(),
        "subscriptionId": ids.subscription_of(body["id"]) or "",
        "managedBy": body.get("managedBy") or "",
        "sku": body.get("sku"),
        "plan": body.get("plan"),
        "properties": body.get("properties"),
        "tags": body.get("tags"),
        "identity": body.get("identity"),
        "zones": body.get("zones"),
        "extendedLocation": body.get("extendedLocation"),
    }


def _as_table(rows: list[Row]) -> dict[str, Any]:
    names = list(rows[0]) if rows else []
    columns = [{"name": name, "type": "object" if isinstance(rows[0][name], dict) else "string"} for name in names]
    return {"columns": columns, "rows": [[row[name] for name in names] for row in rows]}


ROUTES = (Route("microsoft.resourcegraph/resources", False, _VERSIONS, (), query, "POST"),)
