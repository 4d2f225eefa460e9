"""The tables that tell of changes, as they are derived, and the run that they are of."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from audit.model import Run, RunState, Window

RUN = Run(
    run_id="r", state=RunState.DONE, tool_version="0", cloud="public", endpoint="", caller=None, subscriptions=(),
    window=Window(since=datetime(2026, 10, 22, tzinfo=UTC), until=datetime(2026, 11, 21, tzinfo=UTC)),
    expected_subscriptions=(), kinds=(), started=datetime(2026, 11, 21, tzinfo=UTC),
)  # fmt: skip

_TEXTS = (
    "row_id", "change_id", "job_id", "kind", "relation", "resource_id", "operation", "property", "before", "after",
    "before_after", "changed_by", "changed_by_name", "client", "correlation_id", "raw_ref",
)  # fmt: skip


def changes() -> duckdb.DuckDBPyConnection:
    """Return a connection with the tables, empty."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    texts = ", ".join(f'"{name}" VARCHAR' for name in _TEXTS)
    con.execute(f'create table changes ({texts}, "at" TIMESTAMPTZ, observed_at TIMESTAMPTZ)')
    con.execute("create table job_gaps (job_id VARCHAR, kind VARCHAR, scope VARCHAR, reason VARCHAR, detail VARCHAR)")
    con.execute(
        'create table continuity (kind VARCHAR, scope VARCHAR, "from" TIMESTAMPTZ, "to" TIMESTAMPTZ, state VARCHAR)'
    )
    return con
