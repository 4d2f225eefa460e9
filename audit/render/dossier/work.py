"""How much work waited, and what executions made of it: queue depth, messages per execution, CPU and memory."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from audit.render import charts
from audit.render.dossier.batch import OF_JOB

if TYPE_CHECKING:
    from audit.render.dossier.batch import About, Facts
    from audit.render.rows import Row

POINTS = 124
"""Points of a line; more measurements are folded into them."""
STUCK_HOURS = 24
"""Work that has waited for as long, to the end of what is measured, is told on the first lines of the page."""
_WIDTHS = (300, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000)

# A job's rule → what its event source's metrics are kept under: the entity, or a whole storage account.
_SOURCES = """
create or replace temp table report_sources as
select distinct lower(r.job_id) as job_key, lower(i.resource_id) as resource_key, i.resource_id, r.entity_kind,
       r.entity, r.parent_entity, lower(coalesce(r.parent_entity, r.entity)) as dimension_key, i.type as source_type,
       count(distinct lower(r.job_id)) over (
           partition by lower(i.resource_id), lower(r.entity), lower(r.parent_entity)) as shared
from rule_sources r join inventory i on lower(i.host) = lower(r.host)
order by all
"""
# What was measured at each job's event sources; a storage account measures all of its queues as one.
_MEASURED = """
create or replace temp table report_measured as
with told as (
    select lower(resource_id) as resource_key, lower(dimension) as dimension_key, metric,
           lower(aggregation) as aggregation, "at", value, interval_s
    from metrics
    where metric in ('ActiveMessages', 'DeadletteredMessages', 'QueueMessageCount', 'IncomingMessages',
                     'OutgoingMessages', 'CompleteMessage')
), matched as (
    select s.job_key, s.entity_kind, s.shared, t.* from report_sources s join told t using (resource_key, dimension_key)
    union all by name
    select s.job_key, s.entity_kind, s.shared, t.* from report_sources s join told t using (resource_key)
    where t.metric = 'QueueMessageCount' and not coalesce(t.dimension_key = s.dimension_key, false)
    union all by name
    select s.job_key, s.entity_kind, s.shared, t.*
    from report_sources s join told t on t.resource_key = s.resource_key || '/queueservices/default'
    where t.metric = 'QueueMessageCount'
)
select b.position, m.job_key, m.entity_kind, m.shared, m.metric, m.aggregation, m."at", m.value, m.interval_s
from matched m join report_jobs b using (job_key) order by b.position
"""
_OWN = "join metrics t on lower(t.resource_id) = b.job_key"
PREPARE = (_SOURCES, _MEASURED)


def width(about: About) -> timedelta:
    """Return how much time one point of the charts stands for."""
    span = (about.window[1] - about.window[0]).total_seconds()
    return timedelta(seconds=next((each for each in _WIDTHS if span / each <= POINTS), _WIDTHS[-1]))


def queries(about: About) -> dict[str, str]:
    """Return the queries; they count in steps of ``width``."""
    step = int(width(about).total_seconds())
    begins = "to_timestamp(floor(epoch({0}) / {1}) * {1})"
    return {
        "depth": f"""
            select t.job_key, t.metric, {begins.format("t.at", step)} as "at", max(t.value) as value, count(*) as n,
                   arg_min(t.value, (t.at, t.value)) as begins, arg_max(t.value, (t.at, t.value)) as ends
            from report_measured t
            where t.position between ? and ?
              and t.metric in ('ActiveMessages', 'DeadletteredMessages', 'QueueMessageCount')
            group by all order by all
        """,
        "flowed": f"""
            select t.job_key, t.metric, {begins.format("t.at", step)} as "at", sum(t.value) as value, count(*) as n
            from report_measured t
            where t.position between ? and ? and t.aggregation = 'total' and t.entity_kind = 'eventhub'
              and t.metric in ('IncomingMessages', 'OutgoingMessages')
            group by all order by all
        """,
        "flow": """
            select t.job_key, t.metric, sum(t.value) as value, max(t.shared) as shared
            from report_measured t
            where t.position between ? and ? and t.aggregation = 'total'
              and t.metric in ('IncomingMessages', 'CompleteMessage', 'OutgoingMessages')
            group by all order by all
        """,
        "pace": f"""
            select b.job_key, {begins.format("t.started", step)} as "at", count(*) as n from execution_history t
            join report_jobs b on b.job_key = lower(t.job_id)
            where b.position between ? and ? and t.started is not null group by all order by all
        """,
        "used": f"""
            select b.job_key, t.metric, max(t.value) as most,
                   sum(t.value) filter (where lower(t.aggregation) = 'total') as total
            from report_jobs b {_OWN}
            where b.position between ? and ?
              and t.metric in ('UsageNanoCores', 'UsageBytes', 'RequestedCores', 'RequestedBytes', 'RestartCount')
            group by all order by all
        """,
        "stuck": f"""
            select b.job_key, t.since, t.depth_last as value, t.last_started as last, t.measure, t.raw_ref
            from backlogs t
            join source_work w on lower(w.job_id) = lower(t.job_id) and w.rule_name = t.rule_name
            {OF_JOB} and t.ongoing and t.hours >= {STUCK_HOURS} and t.executions_known and t.activation_known
              and (t.measure in ('queue', 'hub') or w.active_messages > 0)
            order by b.position, t.since, t.rule_name
        """,
        "watched": """
            select b.job_key, s.* exclude (job_key) from report_sources s join report_jobs b using (job_key)
            where b.position between ? and ? order by b.position, s.resource_id, s.entity, s.parent_entity
        """,
    }


_FLOWS = ("IncomingMessages", "OutgoingMessages")
_LABELS = {
    "IncomingMessages": "events received",
    "OutgoingMessages": "events read",
    "ActiveMessages": "messages waiting",
    "QueueMessageCount": "messages in the storage account's queues",
    "DeadletteredMessages": "dead letters",
}


def unbroken(rows: list[Row], step: timedelta) -> list[Row]:
    """Return measurements of a depth with the zeros that were left out: between two zeros everything was zero.

    The table ``metrics`` keeps of zeros in a row the first and the last. ``rows`` need ``at``, ``begins``, ``ends``.
    """
    found: list[Row] = []
    for row in rows:
        if found and found[-1]["ends"] == 0 and row["begins"] == 0:
            at = found[-1]["at"] + step
            while at < row["at"]:
                found.append(row | {"at": at, "value": 0.0, "n": 0, "ends": 0})
                at += step
        found.append(row)
    return found


def _every(rows: list[Row], window: charts.Span, step: timedelta) -> list[Row]:
    """Return sums with those that are zero: the table ``metrics`` keeps no zeros of a flow."""
    by_place = {row["at"]: row for row in rows}
    first = datetime.fromtimestamp(window[0].timestamp() // step.total_seconds() * step.total_seconds(), UTC)
    places = [first + step * n for n in range(int((window[1] - first) / step) + 1)]
    return [by_place.get(at, {"at": at, "value": 0.0, "n": 0}) for at in places if at < window[1]]


def told(facts: Facts, about: About, missing: dict[str, list[Row]], blind: list[charts.Span]) -> dict[str, Any]:
    """Return the chart of depth against executions, and the figures of throughput."""
    by_metric: dict[str, list[Row]] = defaultdict(list)
    for row in facts["depth"]:
        by_metric[row["metric"]].append(row)
    flowed: dict[str, list[Row]] = defaultdict(list)
    for row in facts["flowed"]:
        flowed[row["metric"]].append(row)
    if flowed and not missing.get("metrics"):
        flowed = {name: _every(flowed.get(name, []), about.window, width(about)) for name in sorted(_FLOWS)}
    by_metric = {name: unbroken(rows, width(about)) for name, rows in by_metric.items()}
    flow = {row["metric"]: row for row in facts["flow"]}
    used = {row["metric"]: row for row in facts["used"]}
    totals = next(iter(facts["totals"]), None)
    return {
        "depth_chart": _depth(by_metric or flowed, facts["pace"], about, blind) if by_metric or flowed else None,
        "depth_now": {
            name: (rows[-1]["value"], max(row["value"] for row in rows)) for name, rows in sorted(by_metric.items())
        },
        "flow": flow,
        "per_execution": _per_execution(flow, totals),
        "stuck": next(iter(facts["stuck"]), None),
        "cpu": _usage(used, "UsageNanoCores", "RequestedCores", 1e-9),
        "memory": _usage(used, "UsageBytes", "RequestedBytes", 1.0),
        "restarts": used.get("RestartCount"),
        "watched": facts["watched"],
    }


def _depth(by_metric: dict[str, list[Row]], pace: list[Row], about: About, blind: list[charts.Span]) -> charts.Chart:
    step = width(about)
    lines = [
        charts.Line(
            label=_LABELS[name],
            points=[(row["at"], row["value"]) for row in by_metric[name]],
            folded=sum(row["n"] for row in by_metric[name]),
        )
        for name in _LABELS
        if name in by_metric
    ]
    counted = charts.Line(label="executions started", points=[(row["at"], float(row["n"])) for row in pace])
    return charts.lines(
        "depth",
        "Events that came and were read, and executions started for them"
        if "IncomingMessages" in by_metric
        else "Work that waited, and executions started for it",
        about.window,
        step,
        lines,
        counted=counted,
        unread=blind,
        how="sum" if "IncomingMessages" in by_metric else "largest",
    )


def _per_execution(flow: dict[str, Row], totals: Row | None) -> tuple[float, str] | None:
    """Return messages per succeeded execution and what was counted, where the queue is this job's alone."""
    name = next((each for each in ("CompleteMessage", "OutgoingMessages", "IncomingMessages") if each in flow), None)
    if name is None or not totals or not totals["succeeded"] or flow[name]["shared"] != 1:
        return None
    words = {"CompleteMessage": "completed", "OutgoingMessages": "read", "IncomingMessages": "received"}[name]
    return flow[name]["value"] / totals["succeeded"], words


def _usage(used: dict[str, Row], usage: str, asked: str, scale: float) -> tuple[float, float | None] | None:
    """Return (highest use, highest request) in cores or bytes."""
    if usage not in used:
        return None
    return used[usage]["most"] * scale, used[asked]["most"] if asked in used else None
