"""Microsoft.CostManagement: the query by resource, day and meter, page by page."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from audit.model import ids
from audit.sandbox.call import Call, Route
from audit.sandbox.routes.resources import body_at
from audit.sandbox.wire import Answer, Cursor, Refused, encode

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body

KIND = "microsoft.costmanagement/query"
_VERSIONS = ("2019-11-01", "2021-10-01", "2022-10-01", "2023-03-01", "2023-11-01", "2024-08-01", "2025-03-01")
_READ = "Microsoft.CostManagement/query/read"
_BASES = {"actualcost": "actual", "amortizedcost": "amortised"}
_MOST_GROUPINGS = 2
_ROWS = 1000
"""Rows to a page where ``$top`` doesn't ask for more."""
_DIMENSIONS = {
    "resourceid": "ResourceId",
    "resourcetype": "ResourceType",
    "meter": "Meter",
    "resourcegroupname": "ResourceGroupName",
}


class _Dimension(msgspec.Struct):
    name: str
    operator: str
    values: list[str]


class _Filter(msgspec.Struct):
    dimensions: _Dimension | None = None
    both: list[_Filter] | None = msgspec.field(name="and", default=None)


class _Aggregation(msgspec.Struct):
    name: str
    function: str


class _Grouping(msgspec.Struct):
    type: str
    name: str


class _Dataset(msgspec.Struct):
    aggregation: dict[str, _Aggregation]
    granularity: str = "None"
    grouping: list[_Grouping] = []
    filter: _Filter | None = None


class _Period(msgspec.Struct, rename={"since": "from", "until": "to"}):
    since: datetime
    until: datetime


class _Question(msgspec.Struct, rename={"period": "timePeriod"}):
    type: str
    timeframe: str
    dataset: _Dataset
    period: _Period | None = None


def query(call: Call) -> Answer:
    """Answer what a subscription or resource group cost: rows under named columns, and a link to be asked again."""
    call.require(_READ, call.scope)
    body_at(call, call.scope)
    basis, asked = _checked(call.body)
    key = ("cost", call.grant.object_id, call.scope, call.body)
    columns, *rows = call.world.remembered(key, lambda: _table(call, basis, asked))
    cursor = call.cursor()
    size = min(int(call.query.get("$top") or _ROWS), call.options.page_sizes.costs)
    end = cursor.offset + size
    link = call.link(Cursor(cursor.page + 1, end), "%24skiptoken") if end < len(rows) else None
    name = call.world.estate.tenant_id
    return Answer(
        200,
        encode(
            {
                "id": f"{call.target.scope.lstrip('/')}/providers/Microsoft.CostManagement/query/{name}",
                "name": name,
                "type": "Microsoft.CostManagement/query",
                "location": None,
                "sku": None,
                "eTag": None,
                "properties": {"nextLink": link, "columns": columns, "rows": rows[cursor.offset : end]},
            },
        ),
    )


def _checked(body: bytes) -> tuple[str, _Question]:
    """Return the basis and the question. Raises Refused (400) as the service does for what it doesn't understand."""
    try:
        asked = msgspec.json.decode(body, type=_Question)
    except msgspec.MsgspecError as error:
        raise _invalid(f"Invalid query definition: {error}") from error
    dataset = asked.dataset
    basis = _BASES.get(asked.type.lower())
    if basis is None:
        raise _invalid(f"Invalid query definition: Type '{asked.type}' is not supported.")
    if asked.timeframe.lower() != "custom" or asked.period is None:
        raise _invalid("Invalid query definition: timePeriod is required for a custom timeframe.")
    if asked.period.since > asked.period.until:
        raise _invalid("Invalid query definition: 'from' is after 'to'.")
    if dataset.granularity.lower() != "daily":
        raise _invalid(f"Invalid query definition: Granularity '{dataset.granularity}' is not served here.")
    if len(dataset.grouping) > _MOST_GROUPINGS:
        raise _invalid("Invalid query definition: Dataset grouping can't have more than 2 columns.")
    for grouping in dataset.grouping:
        if grouping.name.lower() not in _DIMENSIONS:
            raise _invalid(f"Invalid query definition: Invalid dataset grouping: '{grouping.name}'.")
    if [(each.name.lower(), each.function.lower()) for each in dataset.aggregation.values()] != [("cost", "sum")]:
        raise _invalid("Invalid query definition: Dataset aggregation must be the sum of Cost.")
    return basis, asked


def _invalid(message: str) -> Refused:
    return Refused(400, "BadRequest", f"{message} (Request ID: 00000000-0000-0000-0000-000000000000)")


def _table(call: Call, basis: str, asked: _Question) -> list[Any]:
    """Return the columns, and then the rows: the sum first, the day as a number, the groupings, the currency."""
    if asked.period is None:
        return []
    names = [_DIMENSIONS[each.name.lower()] for each in asked.dataset.grouping]
    since, until = asked.period.since.astimezone(UTC).date(), asked.period.until.astimezone(UTC).date()
    sums: dict[tuple[Any, ...], float] = defaultdict(float)
    guid = ids.subscription_of(call.path) or ""
    costs = {key.lower(): key for key in call.world.estate.costs}
    lines = call.world.estate.costs[costs[guid.lower()]] if guid.lower() in costs else []
    for line in lines:
        facts = _facts(line)
        below = line["resource"].startswith(call.scope + "/")
        if below and since <= line["day"] <= until and _matches(asked.dataset.filter, facts):
            sums[(line["day"], *(facts[name] for name in names))] += line[basis]
    columns = [{"name": "Cost", "type": "Number"}, {"name": "UsageDate", "type": "Number"}]
    columns += [{"name": name, "type": "String"} for name in (*names, "Currency")]
    rows = [[amount, int(f"{key[0]:%Y%m%d}"), *key[1:], "EUR"] for key, amount in sorted(sums.items())]
    return [columns, *rows]


def _facts(line: Body) -> dict[str, str]:
    return {
        "ResourceId": line["resource"],
        "ResourceType": line["type"],
        "Meter": line["meter"],
        "ResourceGroupName": ids.resource_group_of(line["resource"]) or "",
    }


def _matches(asked: _Filter | None, facts: dict[str, str]) -> bool:
    if asked is None:
        return True
    if asked.both is not None:
        return all(_matches(each, facts) for each in asked.both)
    if asked.dimensions is None:
        return True
    name = _DIMENSIONS.get(asked.dimensions.name.lower())
    if name is None or asked.dimensions.operator.lower() != "in":
        raise _invalid(f"Invalid query definition: Invalid filter on '{asked.dimensions.name}'.")
    return facts[name].lower() in {each.lower() for each in asked.dimensions.values}


ROUTES = (Route(KIND, False, _VERSIONS, (_READ,), query, "POST"),)
