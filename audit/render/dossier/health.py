"""How a job did in the window: executions by day, how long they took, and what failed, how and how often."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from audit.render import charts
from audit.render.dossier.batch import OF_JOB, About, Facts
from audit.render.dossier.unread import spans

if TYPE_CHECKING:
    from audit.render.rows import Row

LATEST_FAILURES = 20
"""Executions that ended badly and are listed one by one; all of them are counted by reason."""
NOT_GOOD = "lower(t.status) in ('failed', 'degraded', 'stopped', 'unknown')"

TONES = (
    ("succeeded", "succeeded"),
    ("running", "running"),
    ("stopped", "stopped"),
    ("failed", "failed"),
    ("other", "other"),
)
_TONE_OF = {"succeeded": "succeeded", "failed": "failed", "degraded": "failed", "stopped": "stopped"} | dict.fromkeys(
    ("running", "processing"), "running"
)

_SOURCES = {
    "azure": "Azure's own list",
    "log_analytics": "the logs in Log Analytics",
    "history": "earlier runs of this tool",
    None: "a source that isn't named",
}

_LOGGED = """
    select l.job_key, lower(l.execution_name) as execution_key, max(l.exit_code) as logged_code,
           list(distinct l.reason order by l.reason) filter (where l.reason is not null) as logged,
           arg_max(l.message, (l.at, l.row_id)) filter (where l.exit_code <> 0 or lower(l.type) <> 'normal') as message,
           arg_max(l.raw_ref, (l.at, l.row_id)) as log_ref
    from report_lines l
    where l.of_jobs is null and l.execution_name is not null
        and (l.exit_code <> 0 or coalesce(lower(l.type), '') <> 'normal')
    group by all
"""
_FAILED = f"""
select b.job_key, t.execution_id, t.name, t.status, t.started, t.ended, t.duration_s, t.source, t.raw_ref,
       coalesce(from_json(t.exit_codes, '["BIGINT"]'), []) as codes, x.reason, g.logged, g.logged_code, g.message,
       g.log_ref
from execution_history t
left join executions x on lower(x.execution_id) = lower(t.execution_id)
left join report_logged g on g.job_key = lower(t.job_id) and g.execution_key = lower(t.name)
{OF_JOB} and {NOT_GOOD}
"""

PREPARE = (f"create or replace temp table report_logged as {_LOGGED}",)
"""Temporary tables that the queries read."""

QUERIES = {
    "by_day": f"""
        select b.job_key, t.started::date as day, lower(t.status) as status, count(*) as n
        from execution_history t {OF_JOB} and t.started is not null group by all order by all
    """,
    "took": f"""
        select b.job_key, t.started::date as day, quantile_cont(t.duration_s, 0.5) as p50,
               quantile_cont(t.duration_s, 0.95) as p95, max(t.duration_s) as most, count(*) as n
        from execution_history t {OF_JOB} and t.duration_s is not null and t.started is not null
        group by all order by all
    """,
    "totals": f"""
        select b.job_key, count(*) as n, min(t.started) as first, max(t.started) as last,
               count(*) filter (where lower(t.status) = 'succeeded') as succeeded,
               count(*) filter (where lower(t.status) in ('failed', 'degraded')) as failed,
               count(*) filter (where lower(t.status) = 'stopped') as stopped,
               count(*) filter (where lower(t.status) in ('running', 'processing')) as running,
               quantile_cont(t.duration_s, 0.5) as p50, quantile_cont(t.duration_s, 0.95) as p95,
               max(t.duration_s) as most, list(distinct t.source order by t.source) as sources,
               max(t.replica_count) as replicas
        from execution_history t {OF_JOB} group by all order by all
    """,
    "failed": f"{_FAILED} qualify row_number() over (partition by b.job_key order by t.started desc, t.execution_id) "
    f"<= {LATEST_FAILURES} order by b.job_key, t.started desc, t.execution_id",
    "reasons": f"""
        with bad as ({_FAILED})
        select job_key, status, list_sort(list_distinct(list_concat(codes, [logged_code])))::varchar as told_codes,
               coalesce(reason, array_to_string(logged, ', ')) as why, count(*) as n, min(started) as first,
               max(started) as last, arg_max(raw_ref, started) as raw_ref
        from bad group by all order by job_key, n desc, last desc, status, why nulls last, told_codes
    """,
    "waited": """
        with first_started as (
            select b.job_key, h.execution_id, date_diff('millisecond', h.started, min(l.at)) / 1000.0 as waited,
                   arg_min(l.raw_ref, (l.at, l.row_id)) as raw_ref
            from execution_history h
            join report_jobs b on b.job_key = lower(h.job_id)
            join report_lines l on l.job_key = b.job_key and lower(l.execution_name) = lower(h.name)
            where l.of_jobs is null and b.position between ? and ?
                and lower(l.reason) in ('containerstarted', 'started') and l.at >= h.started
                and h.source is distinct from 'log_analytics'
            group by b.job_key, h.execution_id, h.started
        )
        select job_key, count(*) as n, quantile_cont(waited, 0.5) as p50, max(waited) as most,
               arg_max(raw_ref, (waited, execution_id)) as raw_ref
        from first_started group by all order by all
    """,
    "starts": """
        select b.job_key, l.image, count(*) as pulls, quantile_cont(l.pull_seconds, 0.5) as p50,
               max(l.pull_seconds) as most, max(l.image_size_bytes) as size, arg_max(l.raw_ref, (l.at, l.row_id))
                   as raw_ref
        from report_lines l join report_jobs b using (job_key)
        where l.of_jobs is null and b.position between ? and ?
            and (l.pull_seconds is not null or l.image_size_bytes is not null)
        group by all order by b.job_key, l.image
    """,
}


def tone(status: str | None) -> str:
    """Return how an execution's status is drawn."""
    return _TONE_OF.get((status or "").lower(), "other")


def told(facts: Facts, about: About, missing: dict[str, list[Row]]) -> dict[str, Any]:
    """Return the health of one job: charts, totals, failures. ``health`` is None where nothing can be said."""
    config = next(iter(facts["config"]), None)
    totals = next(iter(facts["totals"]), None)
    blind = spans(facts, about, missing, totals)
    return {
        "totals": totals,
        "blind": blind,
        "executions_chart": _executions(facts["by_day"], about.days, blind) if totals or blind else None,
        "durations_chart": _durations(facts["took"], about, config) if facts["took"] else None,
        "reasons": [_reason(row) for row in facts["reasons"]],
        "failed": [_failure(row) for row in facts["failed"]],
        "starts": facts["starts"],
        "waited": next(iter(facts["waited"]), None),
        "timeout_share": _share(totals, config),
        "sources_told": [_SOURCES.get(each, str(each)) for each in totals["sources"]] if totals else [],
    }


def _executions(rows: list[Row], days: list[date], blind: list[charts.Span]) -> charts.Chart:
    counts: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        counts[tone(row["status"])][row["day"]] += row["n"]
    series = [
        charts.Series(label=label, tone=name, values=[counts[name][day] if name in counts else 0 for day in days])
        for name, label in TONES
    ]
    return charts.columns(
        "executions",
        "Executions by day and how they ended",
        days,
        series,
        unit="executions",
        unread=[_within(day, blind) for day in days],
    )


def _within(day: date, blind: list[charts.Span]) -> bool:
    begins = datetime(day.year, day.month, day.day, tzinfo=blind[0][0].tzinfo) if blind else None
    return begins is not None and any(since < begins + timedelta(days=1) and begins < until for since, until in blind)


def _durations(rows: list[Row], about: About, config: Row | None) -> charts.Chart:
    taken = [
        charts.Taken(day=row["day"], p50=row["p50"], p95=row["p95"], most=row["most"], count=row["n"]) for row in rows
    ]
    limit = config["replica_timeout_s"] if config else None
    return charts.durations("durations", "How long executions took, by day", about.window, taken, limit)


def _share(totals: Row | None, config: Row | None) -> float | None:
    """Return p95 over the timeout: near 1, executions are stopped by it."""
    limit = config["replica_timeout_s"] if config else None
    return totals["p95"] / limit if totals and limit and totals["p95"] is not None else None


def _reason(row: Row) -> Row:
    codes = [code for code in json.loads(row["told_codes"].replace("NULL", "null")) if code not in (None, 0)]
    return row | {"codes": codes, "meaning": [meaning(code) for code in codes], "tone": tone(row["status"])}


def _failure(row: Row) -> Row:
    codes = sorted({code for code in [*row["codes"], row["logged_code"]] if code not in (None, 0)})
    return row | {"codes": codes, "tone": tone(row["status"]), "why": row["reason"] or ", ".join(row["logged"] or [])}


_CODES = {
    1: "the program ended with a general error",
    2: "the program was called wrongly, or ended with its own error 2",
    125: "the container could not be started",
    126: "the command can't be executed",
    127: "the command was not found",
    134: "aborted",
    137: "killed: often out of memory, or stopped by force after its timeout",
    139: "segmentation fault",
    143: "asked to stop (SIGTERM)",
}
_SIGNAL = 128


def meaning(code: int) -> str:
    """Return what an exit code usually means, from the conventions of POSIX shells and containers."""
    if code in _CODES:
        return _CODES[code]
    return f"ended by signal {code - _SIGNAL}" if _SIGNAL < code < _SIGNAL + 65 else "the program's own error"
