"""Months: what history knows of the calendar months before and in a window, as month over month needs it.

A month at a time, and only what is needed of it: a year of ten thousand jobs never lies in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.job_cost_months import COSTS, EXECUTIONS, TABLES, months_of
from audit.model import Window

if TYPE_CHECKING:
    import duckdb

    from audit.store.history import View

_PART = "history.one_month"
_COSTS = f"""
insert into {COSTS} by name
select lower(resource_id) as job_key, day, basis, currency, sum(amount) as amount, min(raw_ref) as raw_ref,
       max(observed_at) as observed_at
from {_PART}
where contains(lower(resource_id), '/providers/microsoft.app/jobs/')
group by all order by all
"""
_EXECUTIONS = f"""
insert into {EXECUTIONS} by name
select execution_id, job_id, status, started, ended, cpu, memory_gib, replica_count, replicas, raw_ref, observed_at
from {_PART} where started is not null order by row_id
"""


def load(con: duckdb.DuckDBPyConnection, view: View, window: Window) -> None:
    """Fill ``history.month_costs`` and ``history.month_executions``, up to the window's end."""
    for create in TABLES:
        con.execute(create)
    for month in months_of(window):
        part = Window(since=month.since, until=min(month.until, window.until))
        for table, insert in (("costs", _COSTS), ("executions", _EXECUTIONS)):
            if view.rows(con, table, part, _PART, last_seen=False, standing=table == "costs"):
                con.execute(insert)
    con.execute(f"drop table if exists {_PART}")
