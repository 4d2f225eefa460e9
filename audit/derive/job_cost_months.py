"""``job_cost_months``: what each job cost by calendar month, from the run and from what earlier runs read.

A day's cost lines come from its newest reading: the run's own, else the newest that history has. What isn't known of a
month makes it a part of one, with its own beginning and end; it is never taken for the whole.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from audit.derive import usage
from audit.derive.job_costs import FINAL_AFTER_DAYS
from audit.derive.rows import row_id
from audit.model import Window

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

MONTHS = 12
"""How many months are told, the one in which the window ends included."""
COSTS, EXECUTIONS = "history.month_costs", "history.month_executions"
"""Where whoever opens the run puts what earlier runs read of these months."""

TABLES = (
    f"""create table if not exists {COSTS} (
        job_key VARCHAR, day DATE, basis VARCHAR, currency VARCHAR, amount DECIMAL(38, 12), raw_ref VARCHAR,
        observed_at TIMESTAMPTZ)""",
    f"""create table if not exists {EXECUTIONS} (
        execution_id VARCHAR, job_id VARCHAR, status VARCHAR, started TIMESTAMPTZ, ended TIMESTAMPTZ, cpu DOUBLE,
        memory_gib DOUBLE, replica_count BIGINT, replicas JSON, raw_ref VARCHAR, observed_at TIMESTAMPTZ)""",
)

# Which stretches of a month are known, by whom: bills of a subscription (whole days, and once more those that were read
# after the month closed for good) and executions of a job. Lists of one start are told by the longest.
_KNOWN = f"""
create or replace temp table month_known as
with months as (
    select month::DATE as month, month::TIMESTAMPTZ as since, month + interval 1 month as until
    from unnest(generate_series($since::TIMESTAMPTZ, $until::TIMESTAMPTZ - interval 1 microsecond, interval 1 month))
         as t (month)
),
units as (
    select kind, lower(rtrim(scope, '/')) as key, covered_from, covered_to, finished from history.units
    union all by name
    select kind, lower(rtrim(scope, '/')) as key, covered_from, covered_to, finished from extents where place is null
    union all by name
    select kind, lower(rtrim(scope, '/')) as key, coalesce("from", 'epoch'::TIMESTAMPTZ) as covered_from,
           "to" as covered_to, null::TIMESTAMPTZ as finished
    from continuity where kind = 'executions' and state = 'continuous'
),
stretches as (
    select kind, key, covered_from as since, max(covered_to) as until, max(finished) as finished
    from units where kind = 'executions' and covered_from is not null group by kind, key, covered_from
    union all
    select kind, key, date_trunc('day', covered_from), covered_to, finished
    from units where kind = 'costs' and covered_from is not null
),
clipped as (
    select stretches.kind, key, month, greatest(stretches.since, months.since) as since,
           least(stretches.until, months.until, $until::TIMESTAMPTZ) as until, months.until as closes, finished
    from stretches join months on stretches.since < months.until and stretches.until > months.since
),
told as (
    select kind as what, key, month, since, until, finished from clipped where since < until
    union all
    select 'final', key, month, since, until, finished from clipped
    where kind = 'costs' and since < until and finished >= closes + interval {FINAL_AFTER_DAYS} day
),
reached as (
    select *, coalesce(max(until) over (partition by what, key, month order by since, until
        rows between unbounded preceding and 1 preceding), since) as before
    from told
)
select what, key, month, min(since) as since, max(until) as until, bool_and(since <= before) as joined,
       max(finished) as finished
from reached group by what, key, month
"""

# A day that the run itself read whole is told by the run alone: what its answer lacks is no longer on the bill.
_LINES = f"""
create or replace temp table month_lines as
with own_reads as (
    select split_part(lower(scope), '/', 3) as subscription, date_trunc('day', covered_from) as since,
           covered_to as until
    from extents where kind = 'costs' and place is null and covered_from is not null
),
earlier_reads as (
    select distinct split_part(lower(scope), '/', 3) as subscription, date_trunc('day', covered_from) as since,
           covered_to as until
    from history.units where kind = 'costs' and covered_from is not null
),
summed as (
    select lower(resource_id) as job_key, day, basis, currency, sum(amount) as amount, min(raw_ref) as raw_ref,
           max(observed_at) as observed_at
    from costs where lower(resource_id) in (select lower(job_id) from population)
    group by all
),
own as (
    select *, exists (select 1 from own_reads r where r.subscription = split_part(job_key, '/', 3)
                      and summed.day >= r.since and summed.day < r.until) as covered,
           exists (select 1 from earlier_reads r where r.subscription = split_part(job_key, '/', 3)
                   and summed.day >= r.since and summed.day < r.until) as covered_before
    from summed
),
earlier as (
    select held.* from {COSTS} held
    where job_key in (select lower(job_id) from population)
      and not exists (select 1 from own_reads r where r.subscription = split_part(job_key, '/', 3)
                      and held.day >= r.since and held.day < r.until)
)
select job_key, day, basis, currency, amount, raw_ref, observed_at from earlier
union all
select job_key, day, basis, currency, amount, raw_ref, observed_at from own
where day >= $since::DATE and (covered or not covered_before
      and (job_key, day, basis, currency) not in (select (job_key, day, basis, currency) from earlier))
"""

# Where the run divides a job's bill, its months are never estimated; else each month is that has no bill.
_ESTIMATES = """
insert into month_lines by name
select job_key, day, 'estimate' as basis, $currency as currency,
       (sum(used.vcpu_s) * any_value(rates.vcpu) + sum(used.gib_s) * any_value(rates.gib))::DECIMAL(28, 6) as amount,
       min(used.raw_ref) as raw_ref, max(used.observed_at) as observed_at
from month_usage as used
join jobs j on lower(j.job_id) = used.job_key
join costs_rates as rates
    on rates.region = case when lower(replace(j.location, ' ', '')) in (select region from costs_rates)
                           then lower(replace(j.location, ' ', '')) else '' end
where used.vcpu_s is not null and used.gib_s is not null and used.day >= $since::DATE
  and used.job_key not in (select lower(job_id) from job_costs where basis <> 'estimate' and part <> 'logs')
  and (used.job_key, date_trunc('month', used.day)) not in (
      select (job_key, date_trunc('month', day)) from month_lines where basis <> 'estimate')
group by job_key, day
"""

_CREATE = f"""
create or replace table job_cost_months as
with used as (
    select job_key, day, sum(vcpu_s) as vcpu_s,
           coalesce(sum(vcpu_s) filter (where part in ('failed', 'retried')), 0) as failed,
           coalesce(sum(vcpu_s) filter (where part in ('idle', 'duplicate_suspect')), 0) as idle,
           coalesce(sum(executions), 0) as executions,
           coalesce(sum(executions) filter (where part = 'succeeded'), 0) as succeeded
    from month_usage group by all
),
months as (
    select line.job_key, date_trunc('month', line.day)::DATE as month, line.basis, line.currency,
           sum(line.amount) as amount, min(line.raw_ref) as raw_ref, max(line.observed_at) as observed_at,
           min(line.day) as first_day, max(line.day) as last_day,
           coalesce(sum(round(line.amount * (used.failed / nullif(used.vcpu_s, 0))::DECIMAL(18, 12), 6))
                    filter (where used.vcpu_s > 0), 0) as failed_amount,
           coalesce(sum(round(line.amount * (used.idle / nullif(used.vcpu_s, 0))::DECIMAL(18, 12), 6))
                    filter (where used.vcpu_s > 0), 0) as idle_amount
    from month_lines line left join used on used.job_key = line.job_key and used.day = line.day
    group by all
),
held as (
    select m.*, coalesce(read.since, ran.since, m.first_day::TIMESTAMPTZ) as since,
           least(coalesce(read.until, ran.until, m.last_day + interval 1 day), $until::TIMESTAMPTZ) as until,
           coalesce(read.joined, ran.joined, false) as joined, coalesce(read.finished, m.observed_at) as collected_at,
           coalesce(m.basis <> 'estimate' and closed.joined and closed.since <= read.since
                    and closed.until >= read.until, false) as final,
           coalesce(known.joined and known.since <= coalesce(read.since, known.since)
                    and known.until >= coalesce(read.until, known.until), false) as told
    from months m
    left join month_known read on read.what = 'costs' and m.basis <> 'estimate' and read.month = m.month
        and read.key = '/subscriptions/' || split_part(m.job_key, '/', 3)
    left join month_known closed on closed.what = 'final' and closed.month = m.month and closed.key = read.key
    left join month_known known on known.what = 'executions' and known.month = m.month and known.key = m.job_key
    left join month_known ran on ran.what = 'executions' and m.basis = 'estimate' and ran.month = m.month
        and ran.key = m.job_key
),
counted as (
    select held.*, coalesce(sum(used.executions), 0)::BIGINT as executions,
           coalesce(sum(used.succeeded), 0)::BIGINT as succeeded
    from held left join used on used.job_key = held.job_key and used.day >= held.since::DATE and used.day < held.until
    group by all
)
select {row_id("job_cost_months", "job_id", "month::VARCHAR", "basis", "currency")} as row_id, *
from (
    select c.observed_at, c.raw_ref, p.job_id, month, basis, currency, amount::DECIMAL(28, 6) as amount,
           case when told then failed_amount end::DECIMAL(28, 6) as failed_amount,
           case when told and since >= date_trunc('day', $measured::TIMESTAMPTZ)
                then idle_amount end::DECIMAL(28, 6) as idle_amount,
           final, collected_at, since, until,
           joined and since <= month and until >= month + interval 1 month as whole, executions, succeeded,
           case when told then (amount / nullif(succeeded, 0))::DECIMAL(28, 6) end as cost_per_succeeded,
           lag(amount) over by_month::DECIMAL(28, 6) as previous_amount,
           lag(month) over by_month = month - interval 1 month as previous_is_last_month
    from counted c join population p on lower(p.job_id) = c.job_key
    window by_month as (partition by c.job_key, basis, currency order by month)
)
order by lower(job_id), basis, currency, month
"""


def months_of(window: Window) -> list[Window]:
    """Return the calendar months (UTC) that are told of a window, oldest first; it ends in the last."""
    last = (window.until - timedelta(microseconds=1)).astimezone(UTC)
    first = last.year * 12 + last.month - MONTHS
    return [Window.month(number // 12, number % 12 + 1) for number in range(first, first + MONTHS)]


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``job_cost_months``; needs ``job_usage``, ``job_costs`` and its prices, ``continuity`` and ``extents``.

    ``history.month_costs`` and ``history.month_executions`` hold what earlier runs read of the months; without them
    the table tells what the run itself read. How much of a month's cost failed work is, or what a success cost, is
    null where not all executions of the time are known; how much was idle, where the run has no metrics of the time.
    """
    con.execute("create schema if not exists history")
    for table in TABLES:
        con.execute(table)
    span = Window(since=months_of(run.window)[0].since, until=run.window.until)
    usage.of_months(con, span)
    con.execute(_KNOWN, {"since": span.since, "until": span.until})
    con.execute(_LINES, {"since": span.since})
    con.execute(_ESTIMATES, {"since": span.since, "currency": run.prices.currency if run.prices else ""})
    con.execute(_CREATE, {"until": span.until, "measured": run.window.since})
    for table in ("month_usage", "month_known", "month_lines"):
        con.execute(f"drop table {table}")
