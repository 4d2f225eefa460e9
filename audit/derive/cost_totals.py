"""``cost_totals``: what each job cost over the window, what of it was wasted, and what a useful execution cost.

Sums of ``job_costs`` by basis and currency: one definition of waste for the reports and the controls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

WASTED = ("failed", "retried", "idle", "duplicate_suspect")
"""Parts of a job's cost that were good for nothing."""
_PARTS = ", ".join(f"'{part}'" for part in WASTED)

# Of a bill that could not be divided, for no execution of its days is known, nobody knows what was wasted.
_DIVIDED = ", ".join(
    f"case when divided then {name} end as {name}"
    for name in ("wasted_amount", "failed_amount", "idle_amount", "duplicate_amount")
)

_CREATE = f"""
create or replace table cost_totals as
with summed as (
    select max(observed_at) as observed_at, any_value(job_id) as job_id, basis, currency, sum(amount) as amount,
           coalesce(sum(amount) filter (where part = 'logs'), 0) as logs_amount,
           coalesce(sum(amount) filter (where part in ({_PARTS})), 0) as wasted_amount,
           coalesce(sum(amount) filter (where part in ('failed', 'retried')), 0) as failed_amount,
           coalesce(sum(amount) filter (where part = 'idle'), 0) as idle_amount,
           coalesce(sum(amount) filter (where part = 'duplicate_suspect'), 0) as duplicate_amount,
           coalesce(sum(amount) filter (where part = 'unallocated'), 0) as unallocated_amount,
           coalesce(sum(executions) filter (where part = 'succeeded'), 0)::BIGINT as useful_executions,
           count(*) filter (where part not in ('unallocated', 'logs')) > 0
               or count(*) filter (where part = 'unallocated') = 0 as divided,
           bool_and(final) as final, min(day) as first_day, max(day) as last_day,
           coalesce(arg_max(raw_ref, row(amount, day, part)) filter (where part in ({_PARTS})),
                    arg_max(raw_ref, row(amount, day, part))) as raw_ref
    from job_costs
    group by lower(job_id), basis, currency
)
select {row_id("cost_totals", "job_id", "basis", "currency")} as row_id, observed_at, raw_ref, job_id, basis, currency,
       amount, logs_amount, {_DIVIDED}, unallocated_amount, useful_executions,
       case when amount > 0 and divided then (wasted_amount / amount)::DOUBLE end as wasted_share,
       case when useful_executions > 0
            then ((amount - logs_amount) / useful_executions)::DECIMAL(28, 6) end as cost_per_useful,
       final, first_day, last_day,
       row_number() over (partition by lower(job_id)
           order by list_position(['actual', 'amortised', 'estimate'], basis), amount desc, currency) = 1 as told
from summed
order by lower(job_id), basis, currency
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``cost_totals``; needs ``job_costs``. A job of which no cost is known has no row.

    ``told``: the one row of a job that reports and controls tell: as billed where Azure bills the job, else amortised,
    else the estimate. ``cost_per_useful`` is of its running, all parts and without logs, by the executions that
    succeeded and weren't idle. What was wasted is null where none of the bill could be divided, and the least where a
    part of it (``unallocated_amount``) could not.
    """
    con.execute(_CREATE)
