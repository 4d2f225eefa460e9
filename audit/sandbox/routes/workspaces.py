"""Microsoft.OperationalInsights: workspaces and their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.call import Call, Route, missing
from audit.sandbox.routes.resources import get_resource, group_of
from audit.sandbox.wire import Refused, ok

if TYPE_CHECKING:
    from audit.sandbox.wire import Answer

_VERSIONS = ("2020-08-01", "2021-06-01", "2022-10-01", "2023-09-01", "2025-02-01")
_READ = "Microsoft.OperationalInsights/workspaces/read"
_READ_TABLES = "Microsoft.OperationalInsights/workspaces/tables/read"


def get_table(call: Call) -> Answer:
    """Answer one table of a workspace. Raises Refused (404) for one that it doesn't have."""
    place = call.target.parent.rsplit("/", 2)[0]
    call.require(_READ_TABLES, place.lower())
    workspace = call.world.resources.get(place.lower())
    if workspace is None:
        group_of(call)
        raise missing(call)
    name, customer = call.target.name, workspace["properties"]["customerId"].lower()
    known = {each.lower(): each for each in call.world.estate.logs.get(customer, {})}
    if name.lower() not in known:
        raise Refused(404, "ResourceNotFound", f"Table {name} was not found in workspace {workspace['name']}")
    keep = workspace["properties"]["retentionInDays"]
    properties = {"plan": "Analytics", "retentionInDays": keep, "totalRetentionInDays": keep}
    spelled = known[name.lower()]
    return ok({"id": f"{place}/tables/{spelled}", "name": spelled, "properties": properties})


ROUTES = (
    Route("microsoft.operationalinsights/workspaces", True, _VERSIONS, (_READ,), get_resource),
    Route("microsoft.operationalinsights/workspaces/tables", True, _VERSIONS, (_READ_TABLES,), get_table),
)
