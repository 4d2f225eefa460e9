"""Budgets on the subscriptions and resource groups of in-scope jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window
from audit.model.wire import ArmId, Instant, Text, Wire, decoder, kept, moment, text

if TYPE_CHECKING:
    from audit.azure import Azure


class Budget(Record, frozen=True, kw_only=True):
    """One budget. Source: GET {scope}/providers/Microsoft.Consumption/budgets."""

    table = "budgets"
    row_key = ("budget_id",)

    budget_id: str
    scope: str
    """The subscription or resource group it watches."""
    subscription_id: str
    name: str
    category: str | None = None
    """``Cost`` or ``Usage``."""
    amount: Decimal | None = None
    time_grain: str | None = None
    """``Monthly``, ``Quarterly``, ``Annually``…"""
    start_date: datetime | None = None
    end_date: datetime | None = None
    current_spend: Decimal | None = None
    """In ``currency``, for the grain that is running; null where Azure hasn't worked it out."""
    forecast_spend: Decimal | None = None
    currency: str | None = None
    """ISO code, from the spend; null where there is none yet."""
    filter: Json | None = None
    """What the budget is narrowed to; ``{}`` = everything in its scope."""
    notifications: Json | None = None
    """Object of {enabled, operator, threshold, contactEmails, contactRoles, contactGroups} by name."""


class _Spend(Wire, frozen=True, kw_only=True):
    amount: Decimal | None = None
    unit: str | None = None


class _Period(Wire, frozen=True, kw_only=True):
    start_date: Instant | None = None
    end_date: Instant | None = None


class _Properties(Wire, frozen=True, kw_only=True):
    amount: Decimal | None = None
    category: str | None = None
    time_grain: str | None = None
    time_period: _Period | None = None
    current_spend: _Spend | None = None
    forecast_spend: _Spend | None = None
    filter: dict[str, Any] | None = None
    notifications: dict[str, Any] | None = None


class _Budget(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: Text
    properties: _Properties


_ITEM = decoder(_Budget)
_ROUTE = "/providers/microsoft.consumption/budgets"


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the pages of the budgets at one scope."""
    client = azure.consumption(scope.subscription_id)
    async for page in azure.typed(client.budgets.list(scope.id), scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[Budget]:
    """Yield the row of one budget."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    period, spend, forecast = facts.time_period or _Period(), facts.current_spend, facts.forecast_spend
    yield Budget(
        budget_id=wire.id,
        scope=_scope_of(wire.id) or page.scope.id,
        subscription_id=page.scope.subscription_id,
        name=wire.name,
        category=text(facts.category),
        amount=facts.amount,
        time_grain=text(facts.time_grain),
        start_date=moment(period.start_date),
        end_date=moment(period.end_date),
        current_spend=spend.amount if spend else None,
        forecast_spend=forecast.amount if forecast else None,
        currency=next((text(each.unit) for each in (spend, forecast) if each and text(each.unit)), None),
        filter=kept(facts.filter),
        notifications=kept(facts.notifications),
    )


def _scope_of(budget_id: str) -> str:
    """Return what the budget watches: its id up to the provider, as spelled."""
    at = budget_id.lower().find(_ROUTE)
    return budget_id[:at] if at > 0 else ""


_ASKED = """
    with asked as (
        select '/subscriptions/' || subscription_id as place, job_id from jobs where in_scope
        union all
        select '/subscriptions/' || subscription_id || '/resourceGroups/' || resource_group, job_id
        from jobs where in_scope
    )
"""

KIND = EvidenceKind(
    name="budgets",
    title="Budgets",
    records=(Budget,),
    per=Level.RESOURCE,
    actions=("Microsoft.Consumption/budgets/read",),
    fetch=fetch,
    normalise=normalise,
    after=("jobs",),
    population=f"{_ASKED} select min(place) as scope from asked group by lower(place) order by lower(place)",
    affects=f"{_ASKED} select min(place) over (partition by lower(place)) as scope, job_id from asked",
)
