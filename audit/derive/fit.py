"""``fit``: measures that tell a job from a daemon: how much it ran, how near its timeout, how often for nothing.

A job starts, does a bounded piece of work and ends. One that always runs, or that always ends by its timeout, is a
service in a job's clothes. Only measures are given here; what is too much, a control says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.execution_history import OPEN
from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

NEAR_TIMEOUT = 0.9
"""The share of the replica timeout from which a run counts as ending by it."""

_RUNS = f"""
create or replace temp table fit_runs as
select e.job_id, greatest(e.started, $since) as since,
       least(coalesce(e.ended, e.observed_at), $until) as until, e.started, e.ended, e.duration_s, e.status,
       j.replica_timeout_s, j.min_executions, j.polling_interval_s, e.raw_ref, e.observed_at
from execution_history e
join jobs j on lower(j.job_id) = lower(e.job_id)
where j.in_scope and e.started < $until and coalesce(e.ended, e.observed_at) > $since
  and (e.ended >= e.started or e.ended is null and {OPEN.format(status="e.status")})
"""

# Overlapping executions count once: a new stretch begins where nothing before it still ran.
_RUNNING = """
with stretches as (
    select *, sum(begins) over (partition by job_id order by since, until) as stretch
    from (
        select *, case when since <= max(until) over (
            partition by job_id order by since, until rows between unbounded preceding and 1 preceding)
            then 0 else 1 end as begins
        from fit_runs where since < until)
),
joined as (
    select job_id, stretch, min(since) as since, max(until) as until, min(raw_ref) as raw_ref,
           max(observed_at) as observed_at
    from stretches group by all
)
select job_id, 'running_share' as signal,
       sum(epoch(until) - epoch(since)) / (epoch($until::TIMESTAMPTZ) - epoch($since::TIMESTAMPTZ)) as value,
       'ran in ' || count(*) || ' stretches, the longest ' || round(max(epoch(until) - epoch(since)) / 3600, 1)
           || ' h' as detail, min(raw_ref) as raw_ref, max(observed_at) as observed_at
from joined group by job_id
"""

_TIMEOUT = f"""
select job_id, 'near_timeout_share' as signal,
       count(*) filter (where duration_s >= {NEAR_TIMEOUT} * replica_timeout_s) / count(*)::DOUBLE as value,
       count(*) filter (where duration_s >= {NEAR_TIMEOUT} * replica_timeout_s) || ' of ' || count(*)
           || ' executions took at least {NEAR_TIMEOUT:.0%} of the timeout of ' || any_value(replica_timeout_s) || ' s'
           as detail, min(raw_ref) as raw_ref, max(observed_at) as observed_at
from fit_runs where duration_s is not null and replica_timeout_s > 0
group by job_id
"""

_IDLE = """
select j.job_id, 'idle_share' as signal,
       coalesce(sum(u.measured) filter (where u.part = 'idle'), 0) / sum(u.measured)::DOUBLE as value,
       coalesce(sum(u.measured) filter (where u.part = 'idle'), 0)::BIGINT || ' of ' || sum(u.measured)::BIGINT
           || ' successful executions whose event source was measured found it empty'
           || case when any_value(j.min_executions) > 0
                   then '; at least ' || any_value(j.min_executions) || ' are started at every look' else '' end
           as detail, min(u.raw_ref) as raw_ref, max(u.observed_at) as observed_at
from job_usage u join jobs j on lower(j.job_id) = u.job_key
group by j.job_id
having sum(u.measured) > 0
"""

_OPEN = """
select job_id, 'longest_open_h' as signal, max(epoch(until) - epoch(started)) / 3600 as value,
       count(*) || ' executions had not ended when they were read' as detail, min(raw_ref) as raw_ref,
       max(observed_at) as observed_at
from fit_runs where ended is null
group by job_id
"""

_CREATE = f"""
create or replace table fit as
with partly as (
    select lower(job_id) as job_key, string_agg(distinct reason, ', ' order by reason) as why
    from job_gaps where kind = 'executions' group by all
)
select {row_id("fit", "job_id", "signal")} as row_id, observed_at, raw_ref, job_id, signal,
       value::DOUBLE as value, detail || coalesce(
           '; not all executions of the window are known (' || partly.why || '), '
           || case signal when 'running_share' then 'so it ran this much at least'
                          when 'longest_open_h' then 'so others may be open for longer'
                          else 'and this is told of those that are' end, '') as detail
from (({_RUNNING}) union all by name ({_TIMEOUT}) union all by name ({_IDLE}) union all by name ({_OPEN}))
left join partly on partly.job_key = lower(job_id)
order by lower(job_id), signal
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``fit``; needs ``execution_history`` and ``job_usage``. A job without executions has no row.

    ``running_share``: part of the window in which at least one execution ran (0 to 1). ``near_timeout_share``: part of
    the ended executions that took at least nine tenths of the replica timeout. ``idle_share``: part of the successful
    executions that ran while the event source was empty, among those for which its metrics tell.
    ``longest_open_h``: hours. An execution of which nobody tells when it ended is in none of them. Where not all
    executions of the window are known, each ``detail`` says so. Needs ``job_gaps`` too.
    """
    given = {"since": run.window.since, "until": run.window.until}
    con.execute(_RUNS, given)
    con.execute(_CREATE, given)
    con.execute("drop table fit_runs")
