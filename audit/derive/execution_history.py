"""``execution_history``: every execution of the window that anybody knows of, each once, with who knows it.

Azure's own list comes first, then what earlier runs saw of it, then what the system logs tell. The logs tell less: no
template, no replicas, and a state only where the platform named one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

_ENDS = {
    "completed": "Succeeded",
    "deadlineexceeded": "Failed",
    "backofflimitexceeded": "Failed",
    "stopped": "Stopped",
}
"""Reasons with which the platform's log ends an execution, and the state that Azure's list gives it then."""

OPEN = "coalesce(lower({status}), '') in ('running', 'processing', 'degraded')"
"""That an execution without an end still runs. Of every other the end is unknown: the logs don't tell, or Azure lists
it as over and gives no time."""

_RECENT = timedelta(days=1)
"""A window that ends less than this before its run began ends with the run: what the run saw belongs to it."""

_STATUS = "case lower(reason) " + " ".join(f"when '{reason}' then '{status}'" for reason, status in _ENDS.items())

_COLUMNS = """execution_id, job_id, name, status, started, ended, duration_s, images, template_digest, exit_codes, cpu,
           memory_gib, replica_count"""

SOLE = """
    select any_value(job_id) as job_id, lower(name) as name, lower(rtrim(environment_id, '/')) as environment_key
    from jobs
    where (lower(subscription_id), lower(name)) not in (
        select (lower(subscription_id), lower(name))
        from (select job_id, subscription_id, name from graph_jobs
              union all select job_id, subscription_id, name from population)
        where lower(job_id) not in (select lower(job_id) from jobs))
    group by all having count(distinct lower(job_id)) = 1
"""
"""Jobs whose name the logs of their environment can mean: not those that share it with a job of another group, nor with
one of their subscription whose environment nobody tells (it was deleted, or wasn't read)."""

_LOGGED = f"""
create or replace temp table logged_executions as
with lines as (
    select environment_id, job_name, execution_name, "at", reason, exit_code, image, replica_name, row_id, raw_ref,
           observed_at, first_seen_run, null::TIMESTAMPTZ as first_seen_at
    from execution_logs
    union all by name
    select environment_id, job_name, execution_name, "at", reason, exit_code, image, replica_name, row_id, raw_ref,
           observed_at, first_seen_run, first_seen_at
    from history.execution_logs where row_id not in (select row_id from execution_logs)
), told as (
    select jobs.job_id, min(lines.execution_name) as name, min(lines."at") as started,
           arg_max({_STATUS} end, (lines."at", lines.row_id)) filter ({_STATUS} end is not null) as status,
           max(lines."at") filter ({_STATUS} end is not null) as ended,
           to_json(list(lines.exit_code order by lines."at", lines.row_id) filter (lines.exit_code is not null))
               as exit_codes,
           to_json(list(distinct lines.image order by lines.image) filter (lines.image is not null)) as images,
           nullif(count(distinct lines.replica_name), 0) as replica_count,
           arg_min(lines.raw_ref, (lines."at", lines.row_id)) as raw_ref, min(lines.observed_at) as observed_at,
           arg_min(lines.first_seen_run, (coalesce(lines.first_seen_at, lines.observed_at), lines.row_id))
               as first_seen_run,
           min(coalesce(lines.first_seen_at, lines.observed_at)) as first_seen_at
    from lines
    join ({SOLE}) as jobs on lower(jobs.name) = lower(lines.job_name)
        and jobs.environment_key = lower(rtrim(lines.environment_id, '/'))
    where lines.execution_name is not null
    group by jobs.job_id, lower(lines.execution_name)
)
select job_id || '/executions/' || name as execution_id, job_id, name, status, started, ended,
       (epoch_ms(ended) - epoch_ms(started)) / 1000.0 as duration_s, images, null::VARCHAR as template_digest,
       exit_codes, null::DOUBLE as cpu, null::DOUBLE as memory_gib, replica_count, raw_ref, observed_at,
       first_seen_run, first_seen_at
from told
"""

_CREATE = f"""
create or replace table execution_history as
with everything as (
    select {_COLUMNS}, ours.raw_ref, ours.observed_at, 'azure' as source, 1 as nearest, ours.first_seen_run,
           coalesce((select min(first_seen_at) from history.executions as held where held.row_id = ours.row_id),
                    ours.observed_at) as first_seen_at
    from executions as ours
    union all by name
    select {_COLUMNS}, raw_ref, observed_at, 'history' as source, 2 as nearest, first_seen_run, first_seen_at
    from history.executions
    union all by name
    select {_COLUMNS}, raw_ref, observed_at, 'log_analytics' as source, 3 as nearest, first_seen_run, first_seen_at
    from logged_executions
), each_once as (
    select everything.*
    from everything
    where lower(job_id) in (select lower(job_id) from population)
    qualify row_number() over (partition by lower(execution_id) order by nearest) = 1
)
select {row_id("execution_history", "execution_id")} as row_id, observed_at, raw_ref, {_COLUMNS}, source,
       first_seen_run, first_seen_at
from each_once
where coalesce(started, ended) < $until::TIMESTAMPTZ
  and coalesce(ended, case when lower(status) in ('succeeded', 'failed', 'stopped') then started end, observed_at)
      >= $since::TIMESTAMPTZ
  or coalesce(started, ended) is null
     and ($recent and nearest = 1 or first_seen_at >= $since::TIMESTAMPTZ and first_seen_at < $until::TIMESTAMPTZ)
order by lower(execution_id)
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``execution_history``: executions that ran at some time in the window; needs ``earlier``, ``population``.

    ``source``: ``azure`` (listed when the run read it), ``history`` (listed when an earlier run did),
    ``log_analytics`` (told by the system logs alone; ``started`` is then the first line about it, and ``status`` null
    where no line tells how it ended). Lines about a name that two jobs of one environment bear tell of neither. An
    execution that is over at a time that nobody tells belongs to when it started; one without any time to when it was
    first seen, and to a window that ends with the run that still sees it. ``raw_ref`` of a row from history names that
    run.
    """
    recent = run.window.until > run.started - _RECENT
    con.execute(_LOGGED)
    con.execute(_CREATE, {"since": run.window.since, "until": run.window.until, "recent": recent})
    con.execute("drop table logged_executions")
