"""``change_request`` and ``change_jobs``: what a change pack is asked about, and which jobs that are."""

from __future__ import annotations

import difflib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from audit.derive.changes.words import SILENT
from audit.derive.rows import row_id
from audit.errors import UsageError
from audit.model import Window

if TYPE_CHECKING:
    import duckdb

    from audit.change.planned import Planned
    from audit.model import Run
    from audit.model.change import ChangeAsked


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """The run that tells how things stood before; ``note`` says why there is none, or what was passed over."""

    run_id: str = ""
    started: datetime | None = None
    note: str = ""


_REQUEST = f"""
create or replace table change_request as
select {row_id("change_request", "$run_id", "$ticket")} as row_id, $observed::TIMESTAMPTZ as observed_at,
       'run.json' as raw_ref, nullif($ticket, '') as ticket, $since::TIMESTAMPTZ as since,
       $until::TIMESTAMPTZ as until, $jobs::JSON as asked_jobs, $every as every_touched, $proposal as proposal,
       nullif($before_run, '') as before_run_id, $before_at::TIMESTAMPTZ as before_at,
       nullif($before_note, '') as before_note, nullif($pack, '') as planned_pack,
       nullif($digest, '') as planned_digest, nullif($state, '') as planned_state,
       nullif($planned_note, '') as planned_note
"""

_EMPTY = """
create or replace table change_jobs (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR, job_id VARCHAR, name VARCHAR, because VARCHAR,
    state VARCHAR
)
"""

# Every job that was touched: itself, or what it stands on. What happened at a scope above touches all jobs below and
# is shown with them, but makes none of them a job of the change.
_TOUCHED = f"""
insert into change_jobs by name
with made as (
    select lower(c.job_id) as job_key, bool_or(c.relation = 'job') as itself,
           list(distinct c.relation order by c.relation) as relations
    from changes c
    where c."at" >= $since::TIMESTAMPTZ and c."at" < $until::TIMESTAMPTZ and c.relation <> 'scope'
      and c.kind not in (select unnest($silent::VARCHAR[]))
      and ($ticket = '' or (c.change_id, lower(c.job_id)) in (
          select (change_id, lower(job_id)) from change_tickets where ticket = $ticket and state = 'matched'))
    group by all
)
select {row_id("change_jobs", "p.job_id")} as row_id, p.observed_at, p.raw_ref, p.job_id, p.name,
       case when itself then 'it was changed' else 'what it stands on was changed: '
            || replace(array_to_string(relations, ', '), '_', ' ') end as because, p.state
from population p join made on made.job_key = lower(p.job_id)
order by lower(p.job_id)
"""

_PROPOSED = f"""
insert into change_jobs by name
select {row_id("change_jobs", "c.job_id")} as row_id, c.observed_at, c.raw_ref, c.job_id,
       coalesce(p.name, c.definition->>'$.name') as name,
       case c.what when 'create' then 'it would be created' else 'it would be set otherwise' end as because,
       coalesce(p.state, 'not there yet') as state
from change_proposals c left join population p on lower(p.job_id) = lower(c.job_id)
order by lower(c.job_id)
"""
_OF_TICKET = """
select min(least(planned_from, "at")), max(greatest(planned_until, ended + interval 1 second))
from (select t.planned_from, t.planned_until, t."at", c.ended
      from change_tickets t
      left join (select change_id, max(coalesce(ended_at, "at")) as ended from changes group by all) c using (change_id)
      where t.ticket = $ticket and t.state in ('matched', 'unused'))
"""
_ASKED = f"""
insert into change_jobs by name
select {row_id("change_jobs", "p.job_id")} as row_id, p.observed_at, p.raw_ref, p.job_id, p.name,
       'asked for' as because, p.state
from population p where lower(p.job_id) in (select unnest($keys::VARCHAR[]))
  and lower(p.job_id) not in (select lower(job_id) from change_jobs)
order by lower(p.job_id)
"""


def create(
    con: duckdb.DuckDBPyConnection,
    run: Run,
    asked: ChangeAsked,
    *,
    time: Window,
    before: Before,
    planned: Planned | None = None,
    proposal: bool = False,
) -> None:
    """Create both tables. ``time``: as :func:`time_of` tells. ``proposal``: ``change_proposals`` says of which jobs.

    Raises UsageError where a job that was asked for isn't known, or its name is several jobs'; and where no job at all
    is meant.
    """
    begin(con, run, asked, time=time, before=before, planned=planned, proposal=proposal)
    if proposal:
        con.execute(_PROPOSED)
    if asked.jobs:
        con.execute(_ASKED, {"keys": _known(con, asked.jobs)})
    elif not proposal:
        given = {"since": time.since, "until": time.until, "ticket": asked.ticket, "silent": list(SILENT)}
        con.execute(_TOUCHED, given)
    (count,) = con.execute("select count(*) from change_jobs").fetchone() or (0,)
    if not count:
        told = f" with the ticket {asked.ticket}" if asked.ticket else ""
        raise UsageError(
            f"no change{told} of any job is known from {time.since:%Y-%m-%d %H:%M:%S} to "
            f"{time.until:%Y-%m-%d %H:%M:%S} UTC",
            hint="name the jobs with --job, or give the time of the change with --since and --until",
        )


def begin(
    con: duckdb.DuckDBPyConnection,
    run: Run,
    asked: ChangeAsked,
    *,
    time: Window,
    before: Before,
    planned: Planned | None = None,
    proposal: bool = False,
) -> None:
    """Create ``change_request`` as :func:`create` does, and ``change_jobs`` without rows."""
    con.execute(
        _REQUEST,
        {
            "run_id": run.run_id,
            "observed": run.finished or run.started,
            "ticket": asked.ticket,
            "since": time.since,
            "until": time.until,
            "jobs": json.dumps(list(asked.jobs)),
            "every": not asked.jobs,
            "proposal": proposal,
            "before_run": before.run_id,
            "before_at": before.started,
            "before_note": before.note,
            "pack": planned.pack if planned else "",
            "digest": planned.digest if planned else "",
            "state": planned.state if planned else "",
            "planned_note": planned.note if planned else "",
        },
    )
    con.execute(_EMPTY)


def time_of(con: duckdb.DuckDBPyConnection, run: Run, asked: ChangeAsked) -> Window:
    """Return from when until when changes count: as asked, else as the ticket was planned and carried out, else all.

    Raises UsageError where the run can't know of all the time that was asked for.
    """
    window = run.window
    (first, last) = con.execute(_OF_TICKET, {"ticket": asked.ticket}).fetchone() or (None, None)
    since = asked.since or max(first or window.since, window.since)
    until = asked.until or min(last or window.until, window.until)
    if since < window.since or until > window.until:
        raise UsageError(
            f"the change's time ({since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC) isn't all within the window of "
            f"run {run.run_id} ({window.since:%Y-%m-%d %H:%M} to {window.until:%Y-%m-%d %H:%M} UTC)",
            hint="collect anew with `jobaudit run change`, or choose --since and --until within the run's window",
        )
    if since >= until:
        raise UsageError(
            f"the change's time ends ({until:%Y-%m-%d %H:%M} UTC) before it begins ({since:%Y-%m-%d %H:%M} UTC)",
            hint="give --since and --until within the run's window, the earlier one first",
        )
    return Window(since=since, until=until)


def _known(con: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> list[str]:
    """Return the folded ids of the jobs asked for, by id or by a name that only one has. Raises UsageError."""
    found: list[str] = []
    jobs = con.execute(
        "select lower(job_id), lower(name), job_id from population "
        "union select lower(job_id), lower(name), job_id from change_jobs order by all"
    ).fetchall()
    for asked in names:
        key = asked.lower().rstrip("/")
        fits = sorted({job for job, name, _ in jobs if key in (job, name)})
        if len(fits) > 1:
            raise UsageError(
                f"--job {asked} is the name of {len(fits)} jobs",
                hint="give the id of the one that is meant: " + ", ".join(_spelled(jobs, fits)),
            )
        if not fits:
            near = difflib.get_close_matches(key, [name for _, name, _ in jobs], n=3)
            told = "near: " + ", ".join(near) if near else "jobaudit sql RUN 'select job_id from population' lists them"
            raise UsageError(f"the run knows no job {asked} in its scope", hint=told)
        found += fits
    return found


def _spelled(jobs: list[tuple[Any, ...]], keys: list[str]) -> list[str]:
    return [job_id for key, _, job_id in jobs if key in keys]
