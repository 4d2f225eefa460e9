"""Templates of executions that no list of Azure's tells any more: kept for as long as history keeps the execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

TABLE = "execution_templates"
HELD = f"history.{TABLE}"
"""The templates that history's executions ran with, whichever run held them."""

WANTED = (
    f"select {row_id(TABLE, 'job_id', 'template_digest')} from history.executions where template_digest is not null"
)
"""SQL: the row_ids of these templates."""

_COMPLETE = f"""
insert into {TABLE} by name
select held.* from {HELD} as held
where held.row_id not in (select row_id from {TABLE})
  and exists (select 1 from execution_history as known
              where lower(known.job_id) = lower(held.job_id) and known.template_digest = held.template_digest)
order by held.row_id
"""


def complete(con: duckdb.DuckDBPyConnection) -> None:
    """Add to ``execution_templates`` those that executions of ``execution_history`` ran with and the run lacks.

    A run lists the templates of what Azure still lists, newest hundred by job; an execution of an earlier run, or of a
    window of the past, may have run with one that has been gone since.
    """
    con.execute(f"create table if not exists {HELD} as select * from {TABLE} limit 0")
    con.execute(_COMPLETE)
