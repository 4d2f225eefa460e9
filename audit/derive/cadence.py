"""``cadence``: how often each kind of evidence has to be collected so that Azure forgets nothing in between.

From the rates that were observed, halved: a job that runs twice as often next week still leaves no hole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from audit.derive.insert import Made
from audit.derive.insert import create as insert
from audit.model import Record
from audit.store.history import EVENT_TABLES, EventTable

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

SAFETY = 2
"""What is observed may double before anything is lost."""
STEPS_H = (0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 24, 168, 720)
"""Intervals that a schedule can keep, in hours; a week and a month among them."""
WEEK_H = 168.0
MONTH_H = 720.0
CLOSED_AFTER_DAYS = 5
"""Days after a month's end from which its bill is read again for good."""
UNOBSERVED_H = {"executions": 1.0, "execution_logs": 168.0, "resource_changes": 168.0, "fired_alerts": 168.0}
"""What is proposed where nothing was observed. A job that fails at once is started at its polling interval, every 30 s
by default: it fills the list of a hundred within an hour."""


class Cadence(Record, frozen=True, kw_only=True):
    """How often one kind should be collected at one scope."""

    table: ClassVar[str] = "cadence"
    row_key: ClassVar[tuple[str, ...]] = ("kind", "scope")

    kind: str
    scope: str
    """A job, subscription, group or workspace; ``/`` where all are alike."""
    observed_per_day: float | None
    """Rows on the busiest day (executions), else a day of the window; null = none was observed."""
    limit_rows: int | None
    """How many Azure keeps; null = it goes by time."""
    limit_days: float | None
    """After how many days something is lost: as Azure keeps it, or until the list is full at the observed rate."""
    proposed_interval_h: float
    reason: str


QUARTER = 4
"""A quarter of the list, started in a row, is what a burst is measured by: 40 failures of one afternoon count."""

# The busiest day of each job, and the shortest time in which it started a quarter of what Azure lists.
_EXECUTIONS = """
with started as (
    select lower(job_id) as job_key, started,
           started - lag(started, $quarter) over (partition by lower(job_id) order by started) as took
    from execution_history where started is not null
), days as (
    select job_key, started::DATE as day, count(*) as n, min(took) as took from started group by all
), jobs_read as (
    select lower(scope) as job_key from coverage where kind = 'executions' group by all
    having bool_and(outcome = 'collected')
)
select p.job_id, max(days.n), min(days.took), bool_or(jobs_read.job_key is not null), p.observed_at, p.raw_ref
from population p
left join days on days.job_key = lower(p.job_id)
left join jobs_read on jobs_read.job_key = lower(p.job_id)
where p.state = 'present'
group by p.job_id, p.observed_at, p.raw_ref order by lower(p.job_id)
"""
_GROUPS = """
with listed as (
    select regexp_extract(deployment_id, '(?i)^(/subscriptions/[^/]+/resourcegroups/[^/]+)', 1) as group_id, "at",
           observed_at, raw_ref
    from deployments
)
select min(group_id), count(*), min("at"), max("at"), max(observed_at), min(raw_ref)
from listed where "at" is not null and group_id <> '' group by lower(group_id) order by lower(group_id)
"""
_WORKSPACES = """
select workspace_id, retention_days, observed_at, raw_ref from workspaces order by lower(workspace_id)
"""
_UNITS = """
select scope, "rows", observed_at, raw_ref from coverage
where kind = $kind and place is null and row_id not in (select row_id from coverage where raw_ref = 'run.json'
    and outcome = 'gap')
order by lower(scope)
"""


def step(hours: float) -> float:
    """Return the longest interval that a schedule can keep and that isn't longer than this."""
    return max((each for each in STEPS_H if each <= hours), default=STEPS_H[0])


def words(interval_h: float) -> str:
    """Return an interval as a person says it."""
    if interval_h < 1:
        return f"every {interval_h * 60:g} minutes"
    named = {1: "every hour", 24: "every day", 168: "every week", 720: "every month"}
    return named.get(int(interval_h), f"every {interval_h:g} hours")


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``cadence``; needs ``execution_history``."""
    days = max((run.window.until - run.window.since) / timedelta(days=1), 1)
    insert(con, Cadence, [*_executions(con), *_logs(con), *_deployments(con), *_by_time(con, days)])


def _executions(con: duckdb.DuckDBPyConnection) -> Iterator[Made]:
    limit = EVENT_TABLES["executions"].limit or 1
    quarter = limit // QUARTER
    found = con.execute(_EXECUTIONS, {"quarter": quarter}).fetchall()
    for job, busiest, fastest, read, observed_at, raw_ref in found:
        if busiest:
            burst = None if fastest is None else fastest / timedelta(days=1) * QUARTER
            full = limit / busiest if burst is None else min(limit / busiest, burst)
            seen = f"{busiest} on its busiest day" + (
                "" if fastest is None else f", {quarter} in a row within {fastest / timedelta(hours=1):.1f} h"
            )
            said = f"{seen}: at that rate Azure's list of {limit} is full after {full * 24:.1f} h"
            row = _row("executions", job, float(busiest), rows=limit, days=full, reason=said)
        elif read:
            row = _row("executions", job, 0.0, rows=limit, days=MONTH_H / 24 * SAFETY, reason="none in the window")
        else:
            row = _row("executions", job, None, rows=limit, reason="its executions are not known")
        yield Made(row, observed_at, raw_ref)


def _logs(con: duckdb.DuckDBPyConnection) -> Iterator[Made]:
    for workspace, retention, observed_at, raw_ref in con.execute(_WORKSPACES).fetchall():
        said = f"the workspace keeps {retention} days" if retention else "how long the workspace keeps logs is unknown"
        yield Made(_row("execution_logs", workspace, None, days=retention, reason=said), observed_at, raw_ref)


def _deployments(con: duckdb.DuckDBPyConnection) -> Iterator[Made]:
    limit = EVENT_TABLES["deployments"].limit or 1
    for group, count, first, last, observed_at, raw_ref in con.execute(_GROUPS).fetchall():
        rate = count / max((last - first) / timedelta(days=1), 1.0)
        said = f"{count} listed, {rate:.1f} a day; Azure deletes the oldest before there are 800 in a group"
        yield Made(
            _row("deployments", group, rate, rows=limit, days=limit / rate if rate else None, reason=said),
            observed_at,
            raw_ref,
        )


def _by_time(con: duckdb.DuckDBPyConnection, days: float) -> Iterable[Made]:
    for kind in ("activity_log", "costs", "fired_alerts", "metrics", "resource_changes"):
        event = EVENT_TABLES[kind]
        units = con.execute(_UNITS, {"kind": kind}).fetchall()
        alike = kind in ("costs", "metrics")
        for scope, rows, observed_at, raw_ref in units[:1] if alike else units:
            kept = None if event.retention is None else event.retention / timedelta(days=1)
            seen = min(days, kept or days)
            yield Made(
                _row(kind, "/" if alike else scope, None if alike else rows / seen, days=kept, reason=_kept(event)),
                observed_at,
                raw_ref,
            )


def _kept(event: EventTable) -> str:
    if event.table == "costs":
        return f"a month's bill changes until about {CLOSED_AFTER_DAYS} days after its end: read it then"
    return f"Azure keeps {event.retention.days} days" if event.retention else "Azure keeps what there is"


def _row(
    kind: str, scope: str, rate: float | None, *, reason: str, rows: int | None = None, days: float | None = None
) -> Cadence:
    usual = UNOBSERVED_H.get(kind, MONTH_H)
    hours = usual if days is None else min(step(days * 24 / SAFETY), MONTH_H)
    tail = "" if days is None else f"; half of that is kept in reserve: {words(hours)}"
    return Cadence(
        kind=kind,
        scope=scope,
        observed_per_day=rate,
        limit_rows=rows,
        limit_days=None if days is None else float(days),
        proposed_interval_h=hours,
        reason=f"{reason}{tail}",
    )
