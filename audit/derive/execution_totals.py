"""``execution_totals``: each job's executions of the window in one row: how many, how they ended, how long they took.

One definition for the reports and the controls: what failed, what took how long, which are the quantiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

FAILED = "lower({status}) in ('failed', 'degraded')"
"""That an execution failed, by how Azure names its state."""
_FAILED = FAILED.format(status="e.status")

# A retry shows as a replica more than the job asks for, one of which ended otherwise than with 0.
_RETRIED = """lower(e.status) = 'succeeded' and e.replica_count > coalesce(j.parallelism, 1)
              and len(list_filter(from_json(e.exit_codes, '["BIGINT"]'), lambda code: code <> 0)) > 0"""
_TIMED_OUT = f"""{_FAILED}
              and (coalesce(a.reason ilike '%deadlineexceeded%', false)
                   or coalesce(e.duration_s >= j.replica_timeout_s, false))"""

# Of a row's greatest, null counts as more than any time: one that nobody saw begin is the latest only of its like.
_LATEST = "row(started is not null, started, execution_id)"

_CREATE = f"""
create or replace table execution_totals as
with judged as (
    select e.*, {_FAILED} as bad, {_RETRIED} as again, {_TIMED_OUT} as late
    from execution_history e
    left join jobs j on lower(j.job_id) = lower(e.job_id)
    left join executions a on lower(a.execution_id) = lower(e.execution_id)
)
select {row_id("execution_totals", "job_id")} as row_id, *
from (
    select max(observed_at) as observed_at, arg_max(raw_ref, {_LATEST}) as raw_ref,
           any_value(job_id) as job_id, count(*) as executions,
           count(*) filter (where lower(status) = 'succeeded') as succeeded, count(*) filter (where bad) as failed,
           count(*) filter (where lower(status) = 'stopped') as stopped,
           count(*) filter (where lower(status) in ('running', 'processing')) as running,
           count(*) filter (where again) as retried, count(*) filter (where late) as timed_out,
           min(started) as first_started, max(started) as last_started,
           quantile_cont(duration_s, 0.5) as p50_s, quantile_cont(duration_s, 0.95) as p95_s,
           max(duration_s) as longest_s, count(duration_s) as measured, max(replica_count) as most_replicas,
           min(started) filter (where bad) as first_failed, max(started) filter (where bad) as last_failed,
           arg_max(name, {_LATEST}) filter (where bad) as last_failed_name,
           arg_max(raw_ref, {_LATEST}) filter (where bad) as last_failed_ref,
           max(started) filter (where again) as last_retried,
           arg_max(name, {_LATEST}) filter (where again) as last_retried_name,
           arg_max(raw_ref, {_LATEST}) filter (where again) as last_retried_ref,
           max(started) filter (where late) as last_timed_out,
           arg_max(name, {_LATEST}) filter (where late) as last_timed_out_name,
           arg_max(raw_ref, {_LATEST}) filter (where late) as last_timed_out_ref,
           arg_max(name, row(duration_s, execution_id)) filter (where duration_s is not null) as longest_name,
           arg_max(raw_ref, row(duration_s, execution_id)) filter (where duration_s is not null) as longest_ref,
           to_json(list(distinct source order by source)) as sources
    from judged
    group by lower(job_id)
)
order by lower(job_id)
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``execution_totals``; needs ``execution_history``. A job without executions has no row.

    ``retried``: succeeded with a replica more than the job asks for, of which one had failed. ``timed_out``: failed
    when the replica timeout was over, by the platform's reason or by how long it took (as the timeout is set now).
    ``measured``: executions whose duration is known, which the quantiles (seconds) are of.
    """
    con.execute(_CREATE)
