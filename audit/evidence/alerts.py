"""Alert rules: what Azure Monitor watches, on what condition, and whom it tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window, duration, ids
from audit.model.wire import ArmId, Text, Wire, decoder, kept, text

if TYPE_CHECKING:
    from audit.azure import Azure


class AlertRule(Record, frozen=True, kw_only=True):
    """One alert rule. Whether it would reach anybody is told by its action groups (table action_groups).

    Source: GET /subscriptions/{id}/providers/Microsoft.Insights/ metricAlerts, scheduledQueryRules and
    activityLogAlerts.
    """

    table = "alerts"
    row_key = ("alert_id",)

    alert_id: str
    kind: str
    """``metric`` ``log`` ``activity_log``."""
    name: str
    subscription_id: str
    resource_group: str | None = None
    enabled: bool | None = None
    severity: int | None = None
    """0 (critical) to 4 (verbose); Activity Log alerts have none."""
    scopes: Json | None = None
    """Ids of what is watched: a resource, a resource group or a subscription with everything below it."""
    target_type: str | None = None
    """Resource type that a rule over a whole group or subscription is narrowed to."""
    condition: Json | None = None
    """The criteria as Azure gives them; of a log alert with its query."""
    condition_text: str | None = None
    """The criteria in words, for example ``total Executions (state = Failed) GreaterThan 0``."""
    action_group_ids: Json
    """Whom the rule tells; an empty list: it tells nobody."""
    frequency_s: int | None = None
    """How often the condition is looked at, in seconds; an Activity Log alert looks at every event."""
    window_s: int | None = None
    """How far back it looks each time, in seconds."""
    auto_mitigate: bool | None = None
    """True: Azure resolves the alert by itself when the condition no longer holds."""
    description: str | None = None


class _Dimension(Wire, frozen=True, kw_only=True):
    name: str | None = None
    operator: str | None = None
    values: list[str] | None = None


class _Periods(Wire, frozen=True, kw_only=True):
    number_of_evaluation_periods: float | None = None
    min_failing_periods_to_alert: float | None = None


class _Leaf(Wire, frozen=True, kw_only=True):
    """A condition of any kind of rule; each has some of these."""

    field: str | None = None
    equals: str | None = None
    contains_any: list[str] | None = None
    any_of: list[_Leaf] | None = None
    metric_name: str | None = None
    query: str | None = None
    metric_measure_column: str | None = None
    time_aggregation: str | None = None
    dimensions: list[_Dimension] | None = None
    operator: str | None = None
    threshold: float | None = None
    alert_sensitivity: str | None = None
    failing_periods: _Periods | None = None


class _Criteria(Wire, frozen=True, kw_only=True):
    all_of: list[_Leaf] | None = None
    web_test_id: str | None = None
    failed_location_count: float | None = None


class _Action(Wire, frozen=True, kw_only=True):
    action_group_id: Text


class _Actions(Wire, frozen=True, kw_only=True):
    """Of a log alert a list of ids, of an Activity Log alert a list of objects."""

    action_groups: list[str | _Action] | None = None


class _Properties(Wire, frozen=True, kw_only=True):
    description: str | None = None
    enabled: bool | None = None
    severity: int | None = None
    scopes: list[str] | None = None
    target_resource_type: str | None = None
    target_resource_types: list[str] | None = None
    evaluation_frequency: str | None = None
    window_size: str | None = None
    auto_mitigate: bool | None = None
    criteria: _Criteria | None = None
    condition: _Criteria | None = None
    actions: list[_Action] | _Actions | None = None


class _Rule(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: Text
    type: Text
    properties: _Properties


class _Said(Wire, frozen=True, kw_only=True):
    """The conditions again, as they were sent."""

    criteria: Any = None
    condition: Any = None


class _AsSent(Wire, frozen=True, kw_only=True):
    properties: _Said


_ITEM = decoder(_Rule)
_SENT = decoder(_AsSent)
_KINDS = {
    "microsoft.insights/metricalerts": "metric",
    "microsoft.insights/scheduledqueryrules": "log",
    "microsoft.insights/activitylogalerts": "activity_log",
}
_QUERY_WORDS = 200


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of a subscription's rules of the three kinds."""
    client = azure.monitor(scope.subscription_id)
    for rules in (
        client.metric_alerts.list_by_subscription(),
        client.scheduled_query_rules.list_by_subscription(),
        client.activity_log_alerts.list_by_subscription_id(),
    ):
        async for page in azure.typed(rules, scope=scope):
            yield page


def normalise(item: bytes, page: Page) -> Iterator[AlertRule]:
    """Yield the row of one rule. A rule of a fourth kind is malformed: nobody here knows how to read it."""
    wire = _ITEM.decode(item)
    sent = _SENT.decode(item).properties
    kind = _KINDS.get(wire.type.lower())
    if kind is None:
        raise ValueError(f"not an alert rule: {wire.type!r} - at `$.type`")
    facts = wire.properties
    yield AlertRule(
        alert_id=wire.id,
        kind=kind,
        name=wire.name,
        subscription_id=page.scope.subscription_id,
        resource_group=ids.resource_group_of(wire.id),
        enabled=facts.enabled,
        severity=facts.severity,
        scopes=kept(facts.scopes),
        target_type=text(facts.target_resource_type) or ", ".join(facts.target_resource_types or ()) or None,
        condition=kept(sent.criteria if sent.criteria is not None else sent.condition),
        condition_text=_words(facts.criteria or facts.condition),
        action_group_ids=Json(list(_groups(facts.actions))),
        frequency_s=_seconds(facts.evaluation_frequency, "evaluationFrequency"),
        window_s=_seconds(facts.window_size, "windowSize"),
        auto_mitigate=facts.auto_mitigate,
        description=text(facts.description),
    )


def _groups(actions: list[_Action] | _Actions | None) -> Iterator[str]:
    """Yield the ids of the action groups, in Azure's order; each kind of rule names them its own way."""
    named = actions if isinstance(actions, list) else (actions.action_groups or ()) if actions else ()
    for each in named:
        yield each if isinstance(each, str) else each.action_group_id


def _seconds(text: str | None, name: str) -> int | None:
    try:
        return duration.seconds(text) if text else None
    except ValueError as error:
        raise ValueError(f"{error} - at `$.properties.{name}`") from error


def _words(criteria: _Criteria | None) -> str | None:
    if criteria is None:
        return None
    if criteria.web_test_id:
        return f"web test fails in {criteria.failed_location_count or 0:g} places"
    return " and ".join(filter(None, map(_leaf, criteria.all_of or ()))) or None


def _leaf(leaf: _Leaf) -> str:
    if leaf.any_of:
        return "(" + " or ".join(filter(None, map(_leaf, leaf.any_of))) + ")"
    if leaf.field:
        return f"{leaf.field} {_either('=', [leaf.equals] if leaf.equals is not None else leaf.contains_any or [])}"
    what = leaf.metric_name or leaf.metric_measure_column or "rows"
    of = f"{leaf.time_aggregation.lower()} {what}" if leaf.time_aggregation else what
    split = ", ".join(_split(each) for each in leaf.dimensions or () if each.name)
    bound = (
        f"{leaf.threshold:g}" if leaf.threshold is not None else f"dynamic bound, {leaf.alert_sensitivity} sensitivity"
    )
    words = f"{of}{f' ({split})' if split else ''} {leaf.operator or 'against'} {bound}"
    periods = leaf.failing_periods
    if periods is not None and (periods.number_of_evaluation_periods or 1) > 1:
        failing = periods.min_failing_periods_to_alert or 0
        words += f" in {failing:g} of {periods.number_of_evaluation_periods:g} looks"
    query = " ".join((leaf.query or "").split())
    if query:
        words += f" of: {query if len(query) <= _QUERY_WORDS else query[: _QUERY_WORDS - 1] + '…'}"
    return words


def _split(dimension: _Dimension) -> str:
    sign = "!=" if (dimension.operator or "").lower() == "exclude" else "="
    return f"{dimension.name} {_either(sign, dimension.values or [])}"


def _either(sign: str, values: list[str]) -> str:
    return f"{sign} {' or '.join(values)}"


KIND = EvidenceKind(
    name="alerts",
    title="Alert rules",
    records=(AlertRule,),
    per=Level.SUBSCRIPTION,
    actions=(
        "Microsoft.Insights/activityLogAlerts/read",
        "Microsoft.Insights/metricAlerts/read",
        "Microsoft.Insights/scheduledQueryRules/read",
    ),
    fetch=fetch,
    normalise=normalise,
    after=("subscriptions",),
    filtered=True,
)
