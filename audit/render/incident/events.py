"""What happened in an incident's window, from every table that tells it, one query each for a batch of jobs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from audit.render.rows import Row, fetch

if TYPE_CHECKING:
    import duckdb

MOST_POINTS = 120
"""Points of a measurement in one lane; more are folded to the largest of each part of the window."""
MOST_EACH = 2_000
"""Rows of one sort in one window; more are counted."""

_MINE = "where i.position between ? and ?"
_IN = "between i.since and i.until"
_LIMIT = f"qualify row_number() over (partition by i.job_key, i.number order by {{by}}, t.row_id) <= {MOST_EACH}"
_ORDER = 'order by i.job_key, i.number, "at", t.row_id'

QUERIES = {
    "points": f"""
        with seen as (
            select i.job_key, i.number, i.since, t.metric, t.value, t.interval_s,
                   greatest(t.interval_s, epoch(i.until - i.since) / {MOST_POINTS}) as step, t.at as began
            from report_incidents i
            join report_measured t on t.position = i.position and t.job_key = i.job_key and t.at {_IN}
            {_MINE} and (t.metric in ('ActiveMessages', 'DeadletteredMessages', 'QueueMessageCount')
                or t.metric in ('IncomingMessages', 'OutgoingMessages') and t.entity_kind = 'eventhub')
        )
        select job_key, number, metric, floor(epoch(began - since) / step) as place,
               min(began) as "at", max(value) as value, max(step) as step, count(*) as n,
               arg_min(value, (began, value)) as begins, arg_max(value, (began, value)) as ends
        from seen group by all order by job_key, number, metric, place
    """,
    "runs": f"""
        select i.job_key, i.number, t.started as "at", coalesce(t.ended, least(i.until, t.observed_at)) as ended_at,
               t.ended, t.name, t.status, t.duration_s, t.source, t.raw_ref, x.reason, g.logged,
               coalesce(from_json(t.exit_codes, '["BIGINT"]'), []) as codes, g.logged_code,
               count(*) over (partition by i.job_key, i.number) as total
        from report_incidents i join execution_history t on lower(t.job_id) = i.job_key and t.started <= i.until
            and coalesce(t.ended, t.started) >= i.since
        left join executions x on lower(x.execution_id) = lower(t.execution_id)
        left join report_logged g on g.job_key = i.job_key and g.execution_key = lower(t.name)
        {_MINE} {_LIMIT.format(by="t.started")} {_ORDER}
    """,
    "logs": f"""
        select i.job_key, i.number, t.at, t.reason, t.type, t.message, t.execution_name, t.exit_code, t.raw_ref,
               t.of_jobs, count(*) over (partition by i.job_key, i.number) as total
        from report_incidents i join report_lines t on t.job_key = i.job_key and t.at {_IN}
        {_MINE} and (t.exit_code <> 0 or lower(coalesce(t.type, '')) <> 'normal') {_LIMIT.format(by="t.at")} {_ORDER}
    """,
    "changed": f"""
        select i.job_key, i.number, t.*
        from report_incidents i join changes t on lower(t.job_id) = i.job_key and t.at {_IN}
        {_MINE} {_LIMIT.format(by="t.at, t.change_id, t.property")}
        order by i.job_key, i.number, t.at, t.change_id, t.property, t.row_id
    """,
    "fired": f"""
        select distinct i.job_key, i.number, t.fired_at as "at", t.resolved_at, t.name, t.severity, t.condition,
               t.description, t.fired_id, t.raw_ref
        from report_incidents i join report_watch w on w.job_key = i.job_key and w.about <> 'scope'
        join fired_alerts t on lower(rtrim(t.target_resource_id, '/')) = w.scope_key
            and t.fired_at <= i.until and coalesce(t.resolved_at, i.until) >= i.since
        {_MINE} order by i.job_key, i.number, "at", t.fired_id
    """,
    "network": f"""
        select i.job_key, i.number, e.network_reached, e.closed
        from report_incidents i join report_network e using (job_key) {_MINE} order by i.job_key, i.number
    """,
}

# Whether the way to the event source is open by now; its changes stand in the lane.
_NETWORK = """
create or replace temp table report_network as
select lower(d.job_id) as job_key,
       array_to_string(list_sort(list(distinct s.name || ': ' || case
           when lower(s.public_access) = 'disabled' then 'private endpoints only'
           when lower(s.default_action) = 'deny' then 'selected networks' else 'every network' end)), '; ')
           as network_reached,
       bool_or(lower(s.public_access) = 'disabled') as closed
from dependencies d join event_sources s on lower(s.resource_id) = lower(d.resource_id)
where d.relation = 'event_source' group by all order by all
"""
PREPARE = (_NETWORK,)


def read(con: duckdb.DuckDBPyConnection, first: int, last: int) -> dict[tuple[str, int], dict[str, list[Row]]]:
    """Return what happened, by (job, number of its window), then by sort."""
    found: dict[tuple[str, int], dict[str, list[Row]]] = defaultdict(lambda: {name: [] for name in QUERIES})
    for name, sql in QUERIES.items():
        for row in fetch(con, sql, first, last):
            found[row["job_key"], row["number"]][name].append(row)
    return found
