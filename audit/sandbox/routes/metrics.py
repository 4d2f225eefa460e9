"""Microsoft.Insights: metrics of jobs, worked out from their executions, and of what they wait for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.sandbox.call import Call, Route
from audit.sandbox.estate.metrics import generated
from audit.sandbox.routes.resources import body_at
from audit.sandbox.usage import USAGE, Buckets, Figures, used
from audit.sandbox.wire import Answer, Unwrapped, ok
from audit.sandbox.world import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from audit.sandbox.estate.model import Body

_READ = "Microsoft.Insights/metrics/read"
_RETENTION = timedelta(days=93)
_STEPS = {"PT1M": 1, "PT5M": 5, "PT15M": 15, "PT30M": 30, "PT1H": 60, "PT6H": 360, "PT12H": 720, "P1D": 1440}
_AGGREGATIONS = ("average", "minimum", "maximum", "total", "count")
_MOST_NAMES = 20
_HOUR = timedelta(hours=1)
_ENTITIES = ("queues", "topics", "eventhubs")
_CLAUSE = re.compile(r"EntityName\s+eq\s+'((?:[^']|'')*)'", re.IGNORECASE)


class Measure(NamedTuple):
    """A metric that a resource type has: its unit, the aggregations that it can be asked for, its finest interval."""

    unit: str
    aggregations: tuple[str, ...]
    words: str
    minutes: int = 1


_DEPTH, _SUM = ("average", "minimum", "maximum"), ("total",)
_MEASURES: dict[str, dict[str, Measure]] = {
    "microsoft.app/jobs": {
        name: Measure(unit, ("total", "average", "maximum", "minimum"), words) for name, (unit, words) in USAGE.items()
    },
    "microsoft.servicebus/namespaces": {
        "ActiveMessages": Measure("Count", _DEPTH, "Count of active messages in a Queue/Topic."),
        "DeadletteredMessages": Measure("Count", _DEPTH, "Count of dead-lettered messages in a Queue/Topic."),
        "IncomingMessages": Measure("Count", _SUM, "Incoming Messages for Microsoft.ServiceBus."),
        "CompleteMessage": Measure("Count", _SUM, "Count of messages completed on a Queue/Topic."),
    },
    "microsoft.eventhub/namespaces": {
        "IncomingMessages": Measure("Count", _SUM, "Incoming Messages for Microsoft.EventHub."),
        "OutgoingMessages": Measure("Count", _SUM, "Outgoing Messages for Microsoft.EventHub."),
    },
    "microsoft.storage/storageaccounts/queueservices": {
        "QueueMessageCount": Measure("Count", ("average",), "The number of unexpired queue messages.", 60),
    },
}


class _Asked(NamedTuple):
    buckets: Buckets
    moments: list[tuple[datetime, str]]
    """The hour in which each interval begins, and its start as Azure writes it."""
    interval: str
    names: list[str]
    aggregations: list[str]
    entities: list[str] | None
    """None: not split; empty: every one."""
    top: int


def list_metrics(call: Call) -> Answer:
    """Answer the metrics of one resource, summed over its entities unless ``$filter`` splits them."""
    call.require(_READ, call.scope)
    kind = _kind(call.target.scope)
    owner = body_at(call, call.scope.removesuffix("/queueservices/default"))
    measures = _MEASURES.get(kind)
    if measures is None:
        raise _refused(f"The resource type '{kind}' is not supported for metrics.")
    asked = _asked(call, kind, measures)
    values: dict[str, list[tuple[str | None, list[Body]]]]
    if kind == "microsoft.app/jobs":
        found = used(owner, call.world.estate.executions.get(call.scope, ()), asked.buckets, call.world.estate.now)
        values = {name: [(None, _shown(points, asked))] for name, points in found.items()}
    else:
        values = {name: _split(call, name, measures[name], asked) for name in asked.names}
    start, end = asked.buckets.start, asked.buckets.end
    return ok(
        {
            "cost": max(0, int((end - start).total_seconds() // 60) - 1),
            "timespan": f"{start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}",
            "interval": asked.interval,
            "value": [_metric(call, name, measures[name], values[name], asked) for name in asked.names],
            "namespace": "/".join(call.target.scope.rsplit("/providers/", 1)[-1].split("/")[:2]),
            "resourceregion": str(owner.get("location", "global")).replace(" ", "").lower(),
        }
    )


def _kind(scope: str) -> str:
    namespace, *rest = scope.rsplit("/providers/", 1)[-1].lower().split("/")
    return "/".join([namespace, *rest[::2]])


def _refused(message: str) -> Unwrapped:
    return Unwrapped(400, "BadRequest", message)


def _asked(call: Call, kind: str, measures: dict[str, Measure]) -> _Asked:
    start, end = _timespan(call)
    interval = call.query.get("interval", "PT1M").upper()
    if interval not in _STEPS:
        raise _refused(f"Detected invalid time grain input: {interval}. Supported: {','.join(_STEPS)}")
    names = _names(call, kind, measures)
    for name in names:
        if _STEPS[interval] < measures[name].minutes:
            raise _refused(f"Metric: {name} does not support requested time grain: {interval}. Supported: PT1H,P1D")
    aggregations = [each.strip().lower() for each in call.query.get("aggregation", "average").split(",")]
    if unknown := [each for each in aggregations if each not in _AGGREGATIONS]:
        raise _refused(f"Detected invalid aggregation type: {unknown[0]}. Supported: {','.join(_AGGREGATIONS)}")
    entities, top = _filter(call, kind), call.query.get("top", "10")
    if not top.isdecimal() or not 0 < int(top) < 2**31:
        raise _refused(f"Detected invalid TopN value: {top}. The value should be Int value.")
    buckets = Buckets(start, end, timedelta(minutes=_STEPS[interval]))
    moments = [(at.replace(minute=0, second=0, microsecond=0), f"{at:%Y-%m-%dT%H:%M:%SZ}") for at in buckets]
    return _Asked(buckets, moments, interval, names, aggregations, entities, int(top))


def _timespan(call: Call) -> tuple[datetime, datetime]:
    now, text = call.world.estate.now, call.query.get("timespan")
    if text is None:
        return now - _HOUR, now
    try:
        start, end = (moment(each).astimezone(UTC) for each in text.split("/"))
    except ValueError as error:
        raise _refused(f"Detected invalid time range input: {text}.") from error
    if start >= end:
        raise _refused(f"Start time must be earlier than end time: {text}.")
    if start < now - _RETENTION - timedelta(days=1):
        raise _refused(f"Metrics are kept for {_RETENTION.days} days: {text}.")
    return start, end


def _names(call: Call, kind: str, measures: dict[str, Measure]) -> list[str]:
    spelled = {name.lower(): name for name in measures}
    asked = [each.strip() for each in call.query.get("metricnames", next(iter(measures))).split(",")]
    if len(asked) > _MOST_NAMES:
        raise _refused(f"The number of metrics exceeds the limit of {_MOST_NAMES}.")
    for name in asked:
        if name.lower() not in spelled:
            provider, _, sort = kind.partition("/")
            raise _refused(
                f"Failed to find metric configuration for provider: {provider}, resource Type: {sort}, metric: {name}, "
                f"Valid metrics: {','.join(measures)}"
            )
    return [spelled[name.lower()] for name in asked]


def _filter(call: Call, kind: str) -> list[str] | None:
    text = call.query.get("$filter")
    if text is None:
        return None
    if not kind.endswith("/namespaces"):
        raise _refused(f"The dimensions in the filter '{text}' are not supported.")
    entities = []
    for clause in re.split(r"\s+or\s+", text.strip(), flags=re.IGNORECASE):
        match = _CLAUSE.fullmatch(clause.strip())
        if match is None:
            raise _refused(f"The filter clause '{clause.strip()}' is not supported.")
        entities.append(match[1].replace("''", "'"))
    return [] if "*" in entities else entities


def _series(call: Call, name: str, asked: _Asked) -> Iterator[Body]:
    """Yield the estate's series of one metric, of the entities asked for."""
    world = call.world
    found: Iterable[Body] | None = world.estate.metrics.get(call.scope)
    if found is None:
        below = [each for part in _ENTITIES for each in world.of_type(f"{_kind(call.scope)}/{part}", call.scope)]
        found = generated(world.estate.now, asked.entities or [each.key.rsplit("/", 1)[-1] for each in below])
    wanted = {each.lower() for each in asked.entities or ()}
    for series in found:
        if series["metric"] == name and (not wanted or str(series["dimension"]).lower() in wanted):
            yield series


def _split(call: Call, name: str, measure: Measure, asked: _Asked) -> list[tuple[str | None, list[Body]]]:
    """Return (entity, points) of each series, or of all of them together where the request doesn't split them."""
    found = [_Hours(each["dimension"], dict(each["points"]), each["peak"]) for each in _series(call, name, asked)]
    if asked.entities is None:
        together: dict[datetime, float] = {}
        for each in found:
            for at, value in each.figures.items():
                together[at] = together.get(at, 0.0) + value
        found = [_Hours(None, together, max((each.peak for each in found), default=1.0))]
    return [(each.entity, list(_points(each, measure, asked))) for each in found[: asked.top]]


class _Hours(NamedTuple):
    entity: str | None
    figures: dict[datetime, float]
    peak: float


def _points(series: _Hours, measure: Measure, asked: _Asked) -> Iterator[Body]:
    """Yield the point of each interval. A depth holds for its hour, what came in an hour came evenly."""
    share = min(1.0, asked.buckets.step / _HOUR)
    inside = max(1, int(asked.buckets.step / _HOUR))
    names = [name for name in asked.aggregations if name in measure.aggregations]
    nothing = dict.fromkeys(names, 0.0)
    for first, stamp in asked.moments:
        found = [series.figures.get(first + number * _HOUR, 0.0) for number in range(inside)]
        if not any(found):
            yield {"timeStamp": stamp, **nothing}
            continue
        figures = {
            "average": sum(found) / inside,
            "minimum": min(found),
            "maximum": max(found) * series.peak,
            "total": round(sum(found) * share, 4),
        }
        yield {"timeStamp": stamp, **{name: figures[name] for name in names}}


def _shown(points: list[Figures | None], asked: _Asked) -> list[Body]:
    """Return a job's points on the wire; where nothing was measured there is a time and no figure."""
    return [
        {
            "timeStamp": stamp,
            **{name: value for name, value in (figures or {}).items() if name in asked.aggregations},
        }
        for (_, stamp), figures in zip(asked.moments, points, strict=True)
    ]


def _metric(
    call: Call, name: str, measure: Measure, found: list[tuple[str | None, list[Body]]], asked: _Asked
) -> dict[str, Any]:
    series = []
    for entity, points in found:
        label = {"name": {"value": "entityname", "localizedValue": "entityname"}, "value": entity}
        series.append({"metadatavalues": [label] if asked.entities is not None else [], "data": points})
    return {
        "id": f"{call.target.scope}/providers/Microsoft.Insights/metrics/{name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name, "localizedValue": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)},
        "displayDescription": measure.words,
        "unit": measure.unit,
        "timeseries": series,
        "errorCode": "Success",
    }


_VERSIONS = ("2017-05-01-preview", "2018-01-01", "2019-07-01", "2021-05-01", "2023-10-01", "2024-02-01")
ROUTES = (Route("microsoft.insights/metrics", False, _VERSIONS, (_READ,), list_metrics),)
