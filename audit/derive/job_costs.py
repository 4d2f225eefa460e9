"""``job_costs``: what each job cost by day and part; ``cost_beside``: what it stands on cost.

Where Azure bills the job itself, its own figures are divided by what the executions of the day used. Where it doesn't
(the environment is billed instead, or the bill couldn't be read), the figure is an estimate, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive import log_costs
from audit.derive.log_costs import MIXED_NOTE
from audit.derive.rows import row_id
from audit.derive.untold import UNTOLD

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run
    from audit.model.prices import Prices

FINAL_AFTER_DAYS = 5
"""Days after a month's end from which its charges count as final; Azure closes a month within 72 hours.

Source: https://learn.microsoft.com/azure/cost-management-billing/costs/understand-cost-mgt-data
"""

_FINAL = f"observed_at >= date_trunc('month', day) + interval 1 month + interval {FINAL_AFTER_DAYS} day"

# Days of which not every execution is known: what was billed then can't be divided among those that are.
_UNTOLD = f"create or replace temp table costs_untold as {UNTOLD}"

# Azure's figure of a day is divided by vCPU seconds; the remainder of rounding goes to the largest part.
_BILLED = f"""
create or replace temp table costs_billed as
with billed as (
    select lower(resource_id) as job_key, day, basis, currency, sum(amount) as amount, min(raw_ref) as raw_ref,
           max(observed_at) as observed_at
    from costs
    where lower(resource_id) in (select lower(job_id) from population)
    group by all
),
shares as (
    select billed.*, coalesce(usage.part, 'unallocated') as part, usage.executions, usage.vcpu_s, usage.gib_s,
           coalesce(usage.vcpu_s / sum(usage.vcpu_s) over of_day, 1) as share
    from billed
    left join job_usage as usage on usage.job_key = billed.job_key and usage.day = billed.day and usage.vcpu_s > 0
        and not exists (select 1 from costs_untold untold where untold.job_key = billed.job_key
                        and coalesce(untold.since < billed.day + interval 1 day, true)
                        and coalesce(untold.until > billed.day, true))
    window of_day as (partition by billed.job_key, billed.day, billed.basis, billed.currency)
),
rounded as (
    select *, round(amount * share::DECIMAL(18, 12), 6)::DECIMAL(28, 6) as portion from shares
)
select job_key, day, basis, currency, part, executions, vcpu_s, gib_s, raw_ref, observed_at,
       portion + case when row_number() over largest = 1 then amount - sum(portion) over of_day else 0 end as amount,
       {_FINAL} as final, null::VARCHAR as note
from rounded
window of_day as (partition by job_key, day, basis, currency),
       largest as (partition by job_key, day, basis, currency order by share desc, part)
"""

# The prices of each region that has its own; '' = everywhere else.
_RATES = """
create or replace temp table costs_rates (region VARCHAR, vcpu DECIMAL(28, 12), gib DECIMAL(28, 12))
"""

_ESTIMATED = """
create or replace temp table costs_estimated as
select usage.job_key, usage.day, 'estimate' as basis, $currency as currency, usage.part,
       usage.executions, usage.vcpu_s, usage.gib_s, usage.raw_ref, usage.observed_at,
       (usage.vcpu_s * rates.vcpu + usage.gib_s * rates.gib)::DECIMAL(28, 6) as amount, false as final,
       $note || case when coalesce(lower(j.workload_profile), 'consumption') like 'consumption%' then ''
                     else '; runs on the workload profile ' || j.workload_profile
                          || ', whose nodes are billed to the environment: this is what Consumption would ask' end
           || case when usage.assumed > 0 then '; ' || usage.assumed || ' executions are known from the logs alone and '
                        || 'taken to have asked for what the job asks for now' else '' end
           || case when usage.endless > 0 then '; when ' || usage.endless || ' executions ended is not known: they '
                        || 'count without running time' else '' end
           || case when usage.job_key in (select job_key from costs_untold)
                   then '; not every execution of the window is known' else '' end
           || case when lower(j.job_id) in (select lower(job_id) from job_gaps where kind = 'costs')
                   then '; the bill could not be read' else '' end as note
from job_usage as usage
join jobs j on lower(j.job_id) = usage.job_key
join costs_rates as rates
    on rates.region = case when lower(replace(j.location, ' ', '')) in (select region from costs_rates)
                           then lower(replace(j.location, ' ', '')) else '' end
where usage.vcpu_s is not null and usage.gib_s is not null
  and usage.job_key not in (select job_key from costs_billed)
"""

_CREATE = f"""
create or replace table job_costs as
select {row_id("job_costs", "job_id", "day::VARCHAR", "basis", "currency", "part")} as row_id, *
from (
    select told.observed_at, told.raw_ref, p.job_id, told.day, told.amount, told.currency, told.basis, told.final,
           told.part, told.executions::BIGINT as executions, told.vcpu_s, told.gib_s, told.observed_at as collected_at,
           nullif(concat_ws('; ', told.note, case when told.job_key in (select job_key from costs_mixed)
                                                  then '{MIXED_NOTE}' end), '') as note
    from (
        select * from costs_billed
        union all by name select * from costs_estimated
        union all by name select *, basis <> 'estimate' and {_FINAL} as final from costs_logs
    ) told
    join population p on lower(p.job_id) = told.job_key
)
order by lower(job_id), day, basis, currency, part
"""

_BESIDE = f"""
create or replace table cost_beside as
with stands as (
    select distinct job_id, lower(rtrim(resource_id, '/')) as resource_key, relation
    from dependencies
    where relation in ('event_source', 'workspace', 'registry', 'environment', 'vault') and resolved
),
shared as (
    select *, count(distinct lower(job_id)) over (partition by resource_key) as shared_by from stands
),
billed as (
    select lower(resource_id) as resource_key, min(resource_id) as resource_id, day, basis, currency,
           sum(amount)::DECIMAL(28, 6) as amount, min(raw_ref) as raw_ref, max(observed_at) as observed_at
    from costs
    group by lower(resource_id), day, basis, currency
)
select {row_id("cost_beside", "job_id", "resource_id", "relation", "day::VARCHAR", "basis", "currency")} as row_id, *
from (
    select billed.observed_at, billed.raw_ref, shared.job_id, billed.resource_id, shared.relation, billed.day,
           billed.amount, billed.currency, billed.basis, {_FINAL} as final, shared.shared_by
    from shared join billed using (resource_key)
)
order by lower(job_id), relation, lower(resource_id), day, basis, currency
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``job_costs`` and ``cost_beside``.

    Needs ``job_usage``, ``dependencies``, ``continuity`` and ``job_gaps``. Estimates are made with the run's own
    price list.
    ``actual`` and ``amortised`` tell the same money in two ways and are never added up. ``cost_beside`` is what a
    resource cost as a whole, whoever used it; ``shared_by`` says how many of the jobs here stand on it. Where not every
    execution of a day is known, its bill stays ``unallocated`` and no cost per execution is given. The part ``logs`` is
    a share of the workspace's bill, which ``cost_beside`` has as a whole: the two are never added up.
    """
    con.execute(_UNTOLD)
    con.execute(_BILLED)
    con.execute(_RATES)
    prices = run.prices
    if prices is not None:
        for region in ("", *prices.regions):
            rates = prices.of(region)
            if rates.vcpu_second_active is not None and rates.gib_second_active is not None:
                con.execute(
                    "insert into costs_rates values (?, ?, ?)",
                    [region, rates.vcpu_second_active, rates.gib_second_active],
                )
    con.execute(_ESTIMATED, {"currency": prices.currency if prices else "", "note": _note(prices)})
    log_costs.create(con, run)
    con.execute(_CREATE)
    con.execute(_BESIDE)
    log_costs.drop(con)
    for table in ("costs_billed", "costs_estimated"):
        con.execute(f"drop table {table}")


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop ``costs_untold`` (of what time not every execution of a job is known) and ``costs_rates`` (the prices)."""
    for table in ("costs_untold", "costs_rates"):
        con.execute(f"drop table {table}")


def _note(prices: Prices | None) -> str:
    if prices is None:
        return ""
    return (
        f"estimate: running time x requested vCPU and memory x prices of {prices.as_of} ({prices.source}); the free "
        f"{prices.grant.vcpu_seconds:,} vCPU seconds and {prices.grant.gib_seconds:,} GiB seconds of each subscription "
        "and month are not taken off"
    )
