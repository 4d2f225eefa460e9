"""What jobs and the resources around them cost, by day: Azure's own figures, actual and amortised."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window
from audit.model.wire import ArmId, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class Cost(Record, frozen=True, kw_only=True):
    """What one meter of one resource cost on one day.

    Source: POST /subscriptions/{id}/providers/Microsoft.CostManagement/query, twice: ActualCost and AmortizedCost.
    A day without a row was not charged, or its charges have not arrived: Azure is up to three days behind.
    """

    table = "costs"
    row_key = ("basis", "resource_id", "day", "meter", "currency")

    subscription_id: str
    resource_id: str
    """As Cost Management spells it: in lower case, mostly."""
    day: date
    """UTC. The window's first and last day are whole days, also where the window begins or ends within them."""
    meter: str
    """For example ``Standard vCPU Active Usage``."""
    amount: Decimal
    """In ``currency``, before tax; rounded to six digits where Azure gives more."""
    currency: str
    """ISO code of the billing currency."""
    basis: str
    """``actual``: as billed, purchases on the day they were made. ``amortised``: purchases spread over their term."""


class _Column(Wire, frozen=True):
    name: Text


class _Table(Wire, frozen=True, kw_only=True):
    columns: list[_Column]
    rows: list[list[msgspec.Raw]]


class _Answer(Wire, frozen=True, kw_only=True):
    properties: _Table


class _Line(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A row, its values under the names of their columns, whatever order they come in."""

    resource_id: ArmId
    usage_date: Annotated[int, msgspec.Meta(ge=2014_05_01, le=9999_12_31)]
    meter: str | None
    currency: Text
    cost: Decimal | None = None
    pre_tax_cost: Decimal | None = None


class _Asked(Wire, frozen=True, kw_only=True):
    type: str


_ITEM = decoder(_Line)
_BASES = {"ActualCost": "actual", "AmortizedCost": "amortised"}
_EMPTY = 204
_MOST = timedelta(days=31)
"""Cost Management answers at most 31 days by day, and cuts what is longer without a word."""
RESOURCE_TYPES = (
    "microsoft.app/jobs",
    "microsoft.app/managedenvironments",
    "microsoft.containerregistry/registries",
    "microsoft.eventhub/namespaces",
    "microsoft.keyvault/vaults",
    "microsoft.operationalinsights/workspaces",
    "microsoft.servicebus/namespaces",
    "microsoft.storage/storageaccounts",
)
"""Jobs and what they stand on. What a virtual machine or a database cost is not a job's."""


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:
    """Yield every page of a subscription's costs: as billed, and then amortised."""
    for basis in _BASES:
        for since, until in _months(window):
            async for page in azure.cost_query(scope.id, _question(basis, since, until), scope=scope):
                yield page


def _months(window: Window) -> Iterator[tuple[date, date]]:
    """Yield the window's days in stretches that Cost Management answers whole: first and last day, both included."""
    since, last = window.since.date(), (window.until - timedelta(microseconds=1)).date()
    while since <= last:
        until = min(last, since + _MOST - timedelta(days=1))
        yield since, until
        since = until + timedelta(days=1)


def _question(basis: str, since: date, until: date) -> dict[str, Any]:
    grouping = [{"type": "Dimension", "name": name} for name in ("ResourceId", "Meter")]
    return {
        "type": basis,
        "timeframe": "Custom",
        "timePeriod": {"from": f"{since}T00:00:00+00:00", "to": f"{until}T23:59:59+00:00"},
        "dataset": {
            "granularity": "Daily",
            "aggregation": {"totalCost": {"name": "Cost", "function": "Sum"}},
            "grouping": grouping,
            "filter": {"dimensions": {"name": "ResourceType", "operator": "In", "values": list(RESOURCE_TYPES)}},
        },
    }


def items(page: Page) -> Iterator[bytes]:
    """Yield each row as an object of its columns, numbers as Azure spelled them; an empty answer (204) has none."""
    if page.status == _EMPTY:
        return
    answer = msgspec.json.decode(page.body, type=_Answer)
    names = [column.name for column in answer.properties.columns]
    for row in answer.properties.rows:
        yield msgspec.json.encode(_named(names, row))


def _named(names: list[str], row: list[msgspec.Raw]) -> Mapping[str, msgspec.Raw]:
    return dict(zip(names, row, strict=True))


def normalise(item: bytes, page: Page) -> Iterator[Cost]:
    """Yield the row of one line. Which basis it is of, the page's own request says."""
    wire = _ITEM.decode(item)
    amount = wire.cost if wire.cost is not None else wire.pre_tax_cost
    if amount is None:
        raise msgspec.ValidationError("Object missing required field `Cost` - at `$.Cost`")
    asked = msgspec.json.decode(page.request_body or b"{}", type=_Asked).type
    yield Cost(
        subscription_id=page.scope.subscription_id,
        resource_id=wire.resource_id,
        day=_day(wire.usage_date),
        meter=text(wire.meter) or "",
        amount=amount,
        currency=wire.currency,
        basis=_BASES[asked],
    )


def _day(number: int) -> date:
    """Return the day that ``20261031`` is. Raises msgspec.ValidationError where it is none."""
    year, rest = divmod(number, 10_000)
    try:
        return date(year, *divmod(rest, 100))
    except (ValueError, OverflowError) as error:
        what = f"Expected a day such as 20261031, got {number} - at `$.UsageDate`"
        raise msgspec.ValidationError(what) from error


KIND = EvidenceKind(
    name="costs",
    title="Costs",
    records=(Cost,),
    per=Level.SUBSCRIPTION,
    actions=("Microsoft.CostManagement/query/read",),
    fetch=fetch,
    normalise=normalise,
    items=items,
    item_path="$.properties.rows[{index}]",
    after=("subscriptions",),
)
