"""Microsoft.Consumption: budgets of a subscription or resource group."""

from __future__ import annotations

from audit.sandbox.call import Call, Route, missing
from audit.sandbox.routes.resources import body_at
from audit.sandbox.wire import Answer, encode, listing, ok

_VERSIONS = ("2019-10-01", "2021-10-01", "2023-05-01", "2023-11-01", "2024-08-01")
_READ = "Microsoft.Consumption/budgets/read"


def list_budgets(call: Call) -> Answer:
    """Answer the budgets of one scope: those above and below it aren't in the list."""
    call.require(_READ, call.scope)
    body_at(call, call.scope)
    return Answer(200, listing(encode(each) for each in call.world.estate.budgets.get(call.scope, [])))


def get_budget(call: Call) -> Answer:
    """Answer one budget."""
    call.require(_READ, call.scope)
    for each in call.world.estate.budgets.get(call.scope, []):
        if each["name"].lower() == call.target.name.lower():
            return ok(each)
    raise missing(call)


ROUTES = (
    Route("microsoft.consumption/budgets", False, _VERSIONS, (_READ,), list_budgets),
    Route("microsoft.consumption/budgets", True, _VERSIONS, (_READ,), get_budget),
)
