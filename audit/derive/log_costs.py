"""What taking in a job's logs cost: a temporary table ``costs_logs``, the part ``logs`` of ``job_costs``.

The workspace is billed for it, not the job. Where Azure tells what the workspace's ingestion cost on a day and how much
it took in, a job bears its share by size; elsewhere the figure is an estimate at the price of a GB, and says so. A job
whose own running is an estimate has its logs estimated, too: what stands under one basis adds up to the job's cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run
    from audit.model.prices import Prices

# A log names environment and job; two groups may each have a job of that name there, and then it is nobody's.
_NAMES = """
create or replace temp table log_names as
select lower(environment_id) as environment_key, lower(name) as name_key, min(lower(job_id)) as job_key,
       count(distinct lower(job_id)) > 1 as ambiguous, list(distinct lower(job_id)) as job_keys
from jobs where environment_id is not null
group by all
"""

_WRITTEN = """
create or replace temp table log_written as
select names.job_key, names.ambiguous, names.job_keys, lower(volume.workspace) as customer, volume.day,
       sum(volume.billed_bytes) as bytes, min(volume.raw_ref) as raw_ref, max(volume.observed_at) as observed_at
from log_volumes volume
join log_names names on names.environment_key = lower(volume.environment_id)
    and names.name_key = lower(volume.job_name)
group by all
having sum(volume.billed_bytes) > 0
"""

# Commitment tiers are ingestion that was bought ahead. A total below its own parts isn't told to its end yet.
_SHARES = """
create or replace temp table log_shares as
with told as (
    select lower(workspace) as customer, day, sum(billed_bytes) as bytes from log_volumes group by all
),
taken as (
    select lower(workspace) as customer, day, sum(billed_bytes) as bytes from workspace_volumes group by all
),
charged as (
    select lower(w.customer_id) as customer, c.day, c.basis, c.currency, sum(c.amount) as amount,
           min(c.raw_ref) as raw_ref, max(c.observed_at) as observed_at
    from costs c
    join (select distinct lower(workspace_id) as workspace_key, customer_id from workspaces) w
        on w.workspace_key = lower(c.resource_id)
    where c.meter ilike '%ingestion%' or c.meter ilike '%commitment tier%'
    group by all
)
select written.job_key, written.customer, written.day, charged.basis, charged.currency, charged.raw_ref,
       charged.observed_at,
       round(charged.amount * (written.bytes / taken.bytes)::DECIMAL(18, 12), 6)::DECIMAL(28, 6) as amount
from log_written written
join taken using (customer, day)
join told using (customer, day)
join charged using (customer, day)
where not written.ambiguous and taken.bytes > 0 and taken.bytes >= told.bytes
  and (written.job_key in (select job_key from costs_billed)
       or written.job_key not in (select job_key from costs_estimated))
"""

_PRICES = "create or replace temp table log_prices (region VARCHAR, gb DECIMAL(28, 12))"

_COSTS = """
create or replace temp table costs_logs as
with estimated as (
    select written.job_key, written.day, 'estimate' as basis, $currency as currency, written.raw_ref,
           written.observed_at, (written.bytes * prices.gb::DOUBLE / 1e9)::DECIMAL(28, 6) as amount
    from log_written written
    left join (select lower(customer_id) as customer, min(lower(replace(location, ' ', ''))) as region
               from workspaces group by all) placed using (customer)
    join log_prices prices
        on prices.region = case when placed.region in (select region from log_prices) then placed.region else '' end
    where not written.ambiguous
      and (written.job_key, written.customer, written.day) not in (
          select (job_key, customer, day) from log_shares)
),
told as (
    select job_key, day, basis, currency, raw_ref, observed_at, amount,
           'log ingestion is the share, by size, of what the workspace was billed for taking in logs that day' as note
    from log_shares
    union all by name
    select *, $note as note from estimated
)
select job_key, day, basis, currency, 'logs' as part, min(raw_ref) as raw_ref, max(observed_at) as observed_at,
       sum(amount)::DECIMAL(28, 6) as amount,
       min(note || case when job_key in (select lower(job_id) from job_gaps where kind = 'log_volumes')
                        then '; not all of its logs could be counted' else '' end) as note
from told
group by all
"""

# Whose logs can't be told from another's.
_MIXED = """
create or replace temp table costs_mixed as
select distinct unnest(job_keys) as job_key from log_written where ambiguous
"""
MIXED_NOTE = (
    "what its logs cost is not told: another job of its environment has the same name, and the logs name no group"
)
"""What is said of the running of a job in ``costs_mixed``."""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``costs_logs`` as ``job_costs`` takes it, and ``costs_mixed``: jobs whose logs are not told apart.

    Needs ``costs_billed``, ``costs_estimated`` and ``job_gaps``.
    """
    con.execute(_NAMES)
    con.execute(_WRITTEN)
    con.execute(_SHARES)
    con.execute(_PRICES)
    prices = run.prices
    if prices is not None:
        for region in ("", *prices.regions):
            if (gb := prices.of(region).log_analytics_gb) is not None:
                con.execute("insert into log_prices values (?, ?)", [region, gb])
    con.execute(_COSTS, {"currency": prices.currency if prices else "", "note": _note(prices)})
    con.execute(_MIXED)
    for table in ("log_names", "log_written", "log_shares", "log_prices"):
        con.execute(f"drop table {table}")


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what ``create`` made."""
    for table in ("costs_logs", "costs_mixed"):
        con.execute(f"drop table {table}")


def _note(prices: Prices | None) -> str:
    if prices is None:
        return ""
    return (
        f"estimate of log ingestion: size x price of a GB in the list of {prices.as_of} ({prices.source}); the "
        "workspace's bill or volume of the day is not known, or the job's running is an estimate, too"
    )
