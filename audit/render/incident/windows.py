"""Which time an incident view shows: the one that was asked for, or the one that the evidence points at, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from audit.config import period
from audit.errors import UsageError
from audit.model import ids
from audit.render import links
from audit.render.rows import fetch
from audit.render.text import listing, plural, seconds, utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from audit.model import Run
    from audit.render.rows import Row

STRETCH = timedelta(hours=6)
"""Failures that begin within it of each other are one stretch."""
BEFORE, AFTER = timedelta(hours=24), timedelta(hours=12)
"""What is shown around a stretch of failures at most: causes come before, recoveries after."""
LEAST_BEFORE, LEAST_AFTER = timedelta(hours=6), timedelta(hours=3)
LATEST = timedelta(hours=48)
"""What is shown of a job whose evidence points at nothing."""
_EXAMPLE = "for example orders-fulfil=2026-11-16T12:00:00Z/2026-11-16T18:00:00Z"
FEWEST = 2
"""Failures that make a stretch."""


@dataclass(frozen=True, kw_only=True)
class Incident:
    """A window that somebody asked for. ``job``: a job's name or id."""

    job: str
    since: datetime
    until: datetime

    @classmethod
    def parse(cls, text: str, now: datetime) -> Incident:
        """Return what ``JOB=SINCE/UNTIL`` asks for; times as everywhere else. Raises UsageError."""
        job, _, window = text.rpartition("=")
        since, _, until = window.partition("/")
        if not (job and since and until):
            raise UsageError(f'--incident is "{text}", JOB=SINCE/UNTIL was expected', hint=_EXAMPLE)
        found = period(since=since, until=until, month=None, days=1, now=now)
        return cls(job=job, since=found.since, until=found.until)


# The failures that begin within a stretch from each failure on: the densest one, the latest of those as dense.
_DENSEST = f"""
with counted as (
    select lower(t.job_id) as job_key, t.execution_id, t.started as first, count(*) over stretch as failures,
           max(t.started) over stretch as last
    from execution_history t
    where lower(t.status) in ('failed', 'degraded') and t.started >= $since and t.started < $until
    window stretch as (partition by lower(t.job_id) order by t.started
                       range between current row and interval {int(STRETCH.total_seconds())} seconds following)
)
select job_key, first, failures, last,
       (select max(c.at) from changes c where lower(c.job_id) = job_key and c.at <= first
            and c.kind not in ('start', 'stop', 'secret_read')) as changed
from counted
qualify row_number() over (partition by job_key order by failures desc, first desc, execution_id) = 1
"""
_BIGGEST = """
with counted as (
    select lower(t.job_id) as job_key, min(t.at) as "at",
           count(distinct lower(t.resource_id) || ' ' || coalesce(t.property, '')) as settings
    from changes t
    where t.at >= $since and t.at < $until and t.relation <> 'scope' and t.kind not in ('start', 'stop', 'secret_read')
      and lower(coalesce(t.changed_by, '')) <> 'system'
    group by lower(t.job_id), coalesce(t.correlation_id, t.change_id)
)
select * from counted qualify row_number() over (partition by job_key order by settings desc, "at" desc) = 1
"""


def choose(con: duckdb.DuckDBPyConnection, run: Run, asked: Sequence[Incident]) -> dict[str, list[Row]]:
    """Make table ``report_incidents`` and return its rows by job: the chosen window first, then those asked for.

    Raises UsageError where a job that was asked for isn't in the population, or its window is empty or not wholly
    within the run's: what lies outside was never read.
    """
    given = {"since": run.window.since, "until": run.window.until}
    dense = {row["job_key"]: row for row in _rows(con, _DENSEST, given)}
    big = {row["job_key"]: row for row in _rows(con, _BIGGEST, given)}
    jobs = fetch(
        con, "select job_key, job_id, name, position from report_jobs where state = 'present' order by position"
    )
    found: dict[str, list[Row]] = {}
    for job in jobs:
        since, until, why = _default(dense.get(job["job_key"]), big.get(job["job_key"]), run)
        found[job["job_key"]] = [_told(job, since, until, why, 1)]
    for each in asked:
        _within(each, run)
        for job in _named(jobs, each):
            rows = found[job["job_key"]]
            why = f"asked for: {utc(each.since)} to {utc(each.until)}"
            rows.append(_told(job, each.since, each.until, why, len(rows) + 1))
    con.execute(
        "create or replace temp table report_incidents "
        "(job_key varchar, position bigint, number bigint, since timestamptz, until timestamptz)"
    )
    told = [row for rows in found.values() for row in rows]
    if told:
        marks = ", ".join(["(?, ?, ?, ?, ?)"] * len(told))
        con.execute(
            f"insert into report_incidents values {marks}",
            [
                value
                for row in told
                for value in (row["job_key"], row["position"], row["number"], row["since"], row["until"])
            ],
        )
    return found


def _rows(con: duckdb.DuckDBPyConnection, sql: str, given: dict[str, datetime]) -> list[Row]:
    result = con.execute(sql, given)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _default(dense: Row | None, big: Row | None, run: Run) -> tuple[datetime, datetime, str]:
    since, until = run.window.since, run.window.until
    if dense and dense["failures"] >= FEWEST:
        why = (
            f"{plural(dense['failures'], 'execution')} that failed began between {utc(dense['first'])} and "
            f"{utc(dense['last'])}, the densest {seconds(int(STRETCH.total_seconds()))} of the window"
        )
        return *_around(dense, since, until), why
    if big:
        why = f"the biggest change of the window, {plural(big['settings'], 'setting')}, was made at {utc(big['at'])}"
        return max(since, big["at"] - AFTER), min(until, big["at"] + BEFORE), why
    if dense:
        why = f"the latest execution that failed began at {utc(dense['first'])}"
        return max(since, dense["first"] - BEFORE), min(until, dense["first"] + AFTER), why
    return max(since, until - LATEST), until, "nothing failed and nothing was changed: the latest two days"


def _around(dense: Row, since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """Return the window around a stretch: three times as long before it, the last change before it included."""
    lasted = dense["last"] - dense["first"]
    begin = dense["first"] - min(BEFORE, max(LEAST_BEFORE, lasted * 3))
    changed = dense["changed"]
    if changed is not None and dense["first"] - changed <= BEFORE:
        begin = min(begin, changed - timedelta(hours=1))
    return max(since, begin), min(until, dense["last"] + min(AFTER, max(LEAST_AFTER, lasted * 2)))


def _told(job: Row, since: datetime, until: datetime, why: str, number: int) -> Row:
    return {
        "job_key": job["job_key"],
        "position": job["position"],
        "number": number,
        "since": since,
        "until": until,
        "why": why,
        "page": links.incident_page(job["job_id"], number),
    }


def _within(asked: Incident, run: Run) -> None:
    """Refuse a time that this run didn't read: nothing may be told of it, least of all that nothing happened."""
    if asked.since >= asked.until:
        raise UsageError(f"the incident of {asked.job} ends before it begins", hint="--incident JOB=SINCE/UNTIL")
    since, until = run.window.since, run.window.until
    if asked.since < since or asked.until > until:
        apart = asked.until <= since or asked.since >= until
        raise UsageError(
            f"the incident of {asked.job}, {utc(asked.since)} to {utc(asked.until)}, lies "
            f"{'outside' if apart else 'partly outside'} this pack's window, {utc(since)} to {utc(until)}: that time "
            "was not read",
            hint="ask for a time within it, or collect one that covers this time: jobaudit collect --since … --until …",
        )


def _named(jobs: list[Row], asked: Incident) -> list[Row]:
    found = [job for job in jobs if ids.same(job["job_id"], asked.job) or job["name"].lower() == asked.job.lower()]
    if not found:
        near = listing(sorted(job["name"] for job in jobs)[:8])
        raise UsageError(f"no job of this run is called {asked.job}", hint=f"jobs of this run: {near}")
    return found
