"""How much work waited, and what executions made of it: queue depth, messages per execution, CPU and memory."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from audit.render import charts

if TYPE_CHECKING:
    from audit.render.dossier.batch import About, Facts
    from audit.render.rows import Row

POINTS = 124
"""Points of a line; more measurements are folded into them."""
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
_MEASURED = """
join report_sources s on s.job_key = b.job_key
join metrics t on (lower(t.resource_id) = s.resource_key and lower(t.dimension) = s.dimension_key)
    or (lower(t.resource_id) = s.resource_key || '/queueservices/default' and t.metric = 'QueueMessageCount')
"""
_OWN = "join metrics t on lower(t.resource_id) = b.job_key"
PREPARE = (_SOURCES,)


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
            select b.job_key, t.metric, {begins.format("t.at", step)} as "at", max(t.value) as value, count(*) as n
            from report_jobs b {_MEASURED}
            where b.position between ? and ?
              and t.metric in ('ActiveMessages', 'DeadletteredMessages', 'QueueMessageCount')
            group by all order by all
        """,
        "flow": f"""
            select b.job_key, t.metric, sum(t.value) as value, any_value(s.shared) as shared
            from report_jobs b {_MEASURED}
            where b.position between ? and ? and lower(t.aggregation) = 'total'
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
        "watched": """
            select b.job_key, s.* exclude (job_key) from report_sources s join report_jobs b using (job_key)
            where b.position between ? and ? order by b.position, s.resource_id, s.entity, s.parent_entity
        """,
    }


_LABELS = {
    "ActiveMessages": "messages waiting",
    "QueueMessageCount": "messages in the storage account's queues",
    "DeadletteredMessages": "dead letters",
}


def told(facts: Facts, about: About, blind: list[charts.Span]) -> dict[str, Any]:
    """Return the chart of depth against executions, and the figures of throughput."""
    by_metric: dict[str, list[Row]] = defaultdict(list)
    for row in facts["depth"]:
        by_metric[row["metric"]].append(row)
    flow = {row["metric"]: row for row in facts["flow"]}
    used = {row["metric"]: row for row in facts["used"]}
    totals = next(iter(facts["totals"]), None)
    return {
        "depth_chart": _depth(by_metric, facts["pace"], about, blind) if by_metric else None,
        "depth_now": {
            name: (rows[-1]["value"], max(row["value"] for row in rows)) for name, rows in sorted(by_metric.items())
        },
        "flow": flow,
        "per_execution": _per_execution(flow, totals),
        "stuck": _stuck(by_metric, totals),
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
        "Work that waited, and executions started for it",
        about.window,
        step,
        lines,
        counted=counted,
        unread=blind,
    )


def _per_execution(flow: dict[str, Row], totals: Row | None) -> tuple[float, str] | None:
    """Return messages per succeeded execution and what was counted, where the queue is this job's alone."""
    name = next((each for each in ("CompleteMessage", "OutgoingMessages", "IncomingMessages") if each in flow), None)
    if name is None or not totals or not totals["succeeded"] or flow[name]["shared"] != 1:
        return None
    words = {"CompleteMessage": "completed", "OutgoingMessages": "read", "IncomingMessages": "received"}[name]
    return flow[name]["value"] / totals["succeeded"], words


def _stuck(by_metric: dict[str, list[Row]], totals: Row | None) -> Row | None:
    """Return since when work has waited while nothing was started: the scaler may be unable to see it."""
    last = totals["last"] if totals else None
    for name in ("ActiveMessages", "QueueMessageCount"):
        rows = by_metric.get(name, [])
        waiting = [row for row in rows if row["value"] > 0 and (last is None or row["at"] > last)]
        if waiting and rows[-1]["value"] > 0 and waiting[-1]["at"] - waiting[0]["at"] >= timedelta(days=1):
            return {"since": waiting[0]["at"], "value": rows[-1]["value"], "last": last}
    return None


def _usage(used: dict[str, Row], usage: str, asked: str, scale: float) -> tuple[float, float | None] | None:
    """Return (highest use, highest request) in cores or bytes."""
    if usage not in used:
        return None
    return used[usage]["most"] * scale, used[asked]["most"] if asked in used else None
