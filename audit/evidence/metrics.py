"""Azure Monitor's metrics of event jobs and of the queues and hubs that start them.

One request a resource; a namespace of which more than twenty entities matter takes one for each twenty.
https://learn.microsoft.com/rest/api/monitor/metrics/list and the lists of supported metrics,
https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-app-jobs-metrics.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from audit.model import (
    EvidenceKind,
    GapReason,
    Level,
    Page,
    ReadFailed,
    Record,
    Scope,
    Window,
    azure_names,
    duration,
    reach,
)
from audit.model.metric import ENTITIES, Question, question, whole
from audit.model.wire import ArmId, Text, Wire, decoder

if TYPE_CHECKING:
    from audit.azure import Azure


class MetricPoint(Record, frozen=True, kw_only=True):
    """What Azure Monitor aggregated over one interval.

    An interval without a row had 0 or no data; the raw page has every point and tells which. A job that isn't running
    uses nothing, and a queue to which nothing comes has no traffic: their points of 0 are no rows. Of the depths
    (ActiveMessages, DeadletteredMessages, QueueMessageCount) 0 is a row, but of several in a row only the first and the
    last are: an empty queue is drawn right, and a mean over time is not to be taken over rows.

    Resources are asked in steps by the window's length: namespaces and accounts every 5 minutes up to 2 days (accounts
    every hour: Azure has no finer figure), every hour up to 32 days, then every 6 hours, and one step coarser where
    more than twenty entities of a namespace matter; jobs every 5 minutes up to 2 days, every hour up to 8, every 6
    hours up to 32, then every day.
    Source: GET {resource}/providers/Microsoft.Insights/metrics.
    """

    table = "metrics"
    row_key = ("resource_id", "metric", "dimension", "aggregation", "at", "interval_s")

    resource_id: str
    """The job, namespace or storage account. An account's figure is its queue service's, all its queues together."""
    metric: str
    """Of a job: ``Executions`` ``RestartCount`` ``UsageNanoCores`` ``UsageBytes`` ``RxBytes`` ``TxBytes``
    ``RequestedCores`` ``RequestedBytes``; of Service Bus: ``ActiveMessages`` ``DeadletteredMessages``
    ``IncomingMessages`` ``CompleteMessage``; of Event Hubs: ``IncomingMessages`` ``OutgoingMessages``; of an account:
    ``QueueMessageCount``."""
    dimension: str | None = None
    """The queue, topic or event hub, as Azure Monitor spells it; a topic's figure covers all its subscriptions."""
    aggregation: str
    """``total`` ``average`` ``maximum`` over the interval."""
    unit: str | None = None
    """``Count`` ``Bytes`` ``Cores`` ``NanoCores``: 1,000,000,000 NanoCores are a core."""
    at: datetime
    """Start of the interval. The first one begins on a whole step, up to one interval before the window."""
    interval_s: int
    """Length of the interval, in seconds; the last one is cut off where the window ends."""
    value: float


KEPT = timedelta(days=93)
"""How long Azure keeps metrics. https://learn.microsoft.com/azure/azure-monitor/metrics/data-platform-metrics"""
_SKEW = timedelta(minutes=1)
"""How far Azure's clock may be ahead of ours without our asking for what it has just forgotten."""
_ALL = 1000
"""Series asked for where every entity is; unless told, Azure gives ten and says nothing of the rest."""
_EVERYTHING = "*"


class _Dimension(Wire, frozen=True, kw_only=True):
    value: str | None = None


class _Point(Wire, frozen=True, kw_only=True):
    time_stamp: datetime
    total: float | None = None
    average: float | None = None
    maximum: float | None = None


class _Series(Wire, frozen=True, kw_only=True):
    metadatavalues: list[_Dimension] | None = None
    data: list[_Point] | None = None


class _Named(Wire, frozen=True, kw_only=True):
    value: Text


class _Measured(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: _Named
    unit: str | None = None
    timeseries: list[_Series]


class _Told(Wire, frozen=True, kw_only=True):
    """What an answer says about one metric besides its points."""

    name: _Named
    timeseries: list[msgspec.Raw]
    error_code: str | None = None
    error_message: str | None = None


class _Answer(Wire, frozen=True, kw_only=True):
    value: list[_Told]
    interval: str | None = None


_ITEM = decoder(_Measured)
_STEP = re.compile(r"[?&]interval=(\w+)")


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:
    """Yield the metrics of one resource. ``scope.ids`` are the entities that matter; none, or ``*``, is every one.

    An answer that lacks a metric, may lack a series, or says of a metric that it could not be read is not whole: the
    page is yielded and ReadFailed(UNAVAILABLE) names what is missing, so that the unit ends as truncated. Such an item
    is no malformed one: it reads well and says that the figure is missing. What Azure has forgotten is
    ReadFailed(BEYOND_RETENTION) after the part that it still knows.
    """
    asked = question(scope.id)
    step = asked.step(window, len(scope.ids))
    oldest = datetime.now(UTC) - KEPT
    since = window.since if window.since >= oldest else oldest + _SKEW
    if since < window.until:
        names = ",".join(metric.name for metric in asked.metrics)
        wanted = dict.fromkeys(each for metric in asked.metrics for each in metric.aggregations)
        start = max(whole(since, step), oldest + _SKEW)
        params = {
            "timespan": f"{start:%Y-%m-%dT%H:%M:%SZ}/{window.until:%Y-%m-%dT%H:%M:%SZ}",
            "interval": step,
            "metricnames": names,
            "aggregation": ",".join(wanted),
        }
        path = f"{scope.id}{asked.below}/providers/Microsoft.Insights/metrics"
        for top, filtered in _splits(scope.ids) if asked.split else ((0, {}),):
            page = await azure.get(path, api_version="2024-02-01", scope=scope, params=params | filtered)
            yield page
            if lack := _lack(page, asked, step, top):
                raise ReadFailed(GapReason.UNAVAILABLE, f"the metrics of {scope.id} are not whole: {lack}")
    if since > window.since:
        hole = f"{window.since:%Y-%m-%dT%H:%M:%SZ} to {min(since, window.until):%Y-%m-%dT%H:%M:%SZ}"
        raise ReadFailed(
            GapReason.BEYOND_RETENTION, f"Azure keeps {KEPT.days} days of metrics; nothing can be known of {hole}"
        )


def _splits(entities: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (most series that an answer can hold without being cut, parameters) for each request."""
    if not entities or _EVERYTHING in entities:
        yield _ALL, {"$filter": "EntityName eq '*'", "top": str(_ALL)}
        return
    for start in range(0, len(entities), ENTITIES):
        some = entities[start : start + ENTITIES]
        quoted = (name.replace("'", "''") for name in some)
        top = len(some) + 1
        yield top, {"$filter": " or ".join(f"EntityName eq '{name}'" for name in quoted), "top": str(top)}


def _lack(page: Page, asked: Question, step: str, top: int) -> str:
    """Return what an answer doesn't hold, or nothing. One that can't be decoded is left to normalise."""
    try:
        answer = msgspec.json.decode(page.body, type=_Answer)
    except msgspec.MsgspecError:
        return ""
    if answer.interval is not None and not _same_length(answer.interval, step):
        return f"asked for every {step}, Azure answered for every {answer.interval}"
    told = {each.name.value.lower(): each for each in answer.value}
    for metric in asked.metrics:
        found = told.get(metric.name.lower())
        if found is None:
            return f"{metric.name} is not in the answer"
        if found.error_code not in (None, "", "Success"):
            return f"{metric.name}: {found.error_code} {found.error_message or ''}".rstrip()
        if top and len(found.timeseries) >= top:
            return f"{metric.name} has {len(found.timeseries)} series, as many as were asked for: there may be more"
    return ""


def _same_length(one: str, other: str) -> bool:
    try:
        return duration.seconds(one) == duration.seconds(other)
    except ValueError:
        return False


def normalise(item: bytes, page: Page) -> Iterator[MetricPoint]:
    """Yield the rows of one metric; a point without a figure is none, nor is a 0 that says nothing."""
    wire = _ITEM.decode(item)
    metric = question(page.scope.id).metric(wire.name.value)
    if metric is None:
        raise ValueError(f"a metric that was not asked for: {wire.name.value!r} - at `$.name`")
    step = _STEP.search(unquote(page.url))
    if step is None:
        raise ValueError("the request names no interval")
    interval = duration.seconds(step[1])
    for series in wire.timeseries:
        dimension = "/".join(each.value for each in series.metadatavalues or () if each.value) or None
        for aggregation in metric.aggregations:
            for at, value in _said(series.data or (), aggregation, zeros=metric.depth):
                yield MetricPoint(
                    resource_id=page.scope.id,
                    metric=metric.name,
                    dimension=dimension,
                    aggregation=aggregation,
                    unit=wire.unit,
                    at=_utc(at),
                    interval_s=interval,
                    value=value,
                )


def _said(points: Sequence[_Point], aggregation: str, *, zeros: bool) -> Iterator[tuple[datetime, float]]:
    """Yield the figures that become rows; of zeros in a row, where they count, the first and the last."""
    first, last = True, None
    for point in points:
        value: float | None = getattr(point, aggregation)
        if value == 0 and zeros and not first:
            last = point.time_stamp
            continue
        if last is not None:
            yield last, 0.0
        if value or (value == 0 and zeros):
            yield point.time_stamp, value
        first, last = value != 0, None
    if last is not None:
        yield last, 0.0


def _utc(at: datetime) -> datetime:
    """Return a time in UTC; points are too many for the tolerant decoding of times, and theirs are plain ones."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


_HOSTS = "select job_id, host, entity_kind, coalesce(parent_entity, entity, '*') as entity from rule_sources"
_USED = f"""
    with used as (
        select scope, job_id, min(entity) over (partition by lower(scope), lower(entity)) as entity
        from ({reach.named(_HOSTS, columns="inventory.type, named.entity_kind, named.entity")})
        where lower(type) in ('{azure_names.SERVICE_BUS}', '{azure_names.EVENT_HUBS}')
           or (lower(type) = '{azure_names.STORAGE}' and entity_kind = 'queue')
    )
"""

KIND = EvidenceKind(
    name="metrics",
    title="Metrics",
    records=(MetricPoint,),
    per=Level.RESOURCE,
    actions=("Microsoft.Insights/metrics/read",),
    fetch=fetch,
    normalise=normalise,
    after=("jobs", "inventory"),
    population=f"""
        select job_id as scope, []::varchar[] as ids from jobs where in_scope
        union all from ({reach.population(_USED, ids="entity")})
    """,
    affects=f"""
        select job_id as scope, job_id from jobs where in_scope union all from ({reach.affects(_USED)})
    """,
)
