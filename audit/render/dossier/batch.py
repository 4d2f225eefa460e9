"""Jobs are read in batches, and a section of the page is one query for all jobs of a batch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from audit.render.rows import Row, fetch

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run
    from audit.render.names import Names
    from audit.render.sections.budgets import ActionGroups

SIZE = 200
"""Jobs whose rows are in memory at once."""

OF_JOB = "join report_jobs b on b.job_key = lower(t.job_id) where b.position between ? and ?"
"""SQL over a table ``t`` that has a job_id: its rows of a batch."""

Facts = dict[str, Any]
"""Name of a query → its rows of one job."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What every section is told beside its rows."""

    run: Run
    names: Names
    groups: ActionGroups
    lacking: frozenset[str]
    """Tables that this run doesn't have."""

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Return when the window begins and ends."""
        return self.run.window.since, self.run.window.until

    @property
    def days(self) -> list[date]:
        """Return every day of the window, in UTC; the last one even where only its beginning lies in it."""
        since, until = self.window
        last = (until - timedelta(microseconds=1)).date()
        return [since.date() + timedelta(days=n) for n in range((last - since.date()).days + 1)]


def of_job(table: str, order: str) -> str:
    """Return the query for the rows of a table that belong to the jobs of a batch."""
    return f"select b.job_key, t.* from {table} t {OF_JOB} order by b.position, {order}, t.row_id"


def read(
    con: duckdb.DuckDBPyConnection, queries: dict[str, str], first: int, last: int
) -> dict[str, dict[str, list[Row]]]:
    """Return each query's rows by job; ``first`` and ``last`` are positions in report_jobs."""
    return {name: _grouped(fetch(con, sql, first, last)) for name, sql in queries.items()}


def _grouped(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["job_key"]].append(row)
    return found
