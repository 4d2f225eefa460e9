"""The tables that tell of a job's writes, with as few rows as a test needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SUB = "11111111-AAAA-1111-1111-111111111111"
JOB = f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.App/jobs/orders"


def days(count: float) -> datetime:
    return NOW - timedelta(days=count)


def tables() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    con.execute(
        'create table continuity (kind VARCHAR, scope VARCHAR, "from" TIMESTAMPTZ, "to" TIMESTAMPTZ, state VARCHAR)'
    )
    texts = "job_id change_id resource_id relation kind changed_by changed_by_name property before after before_after"
    columns = ", ".join(f"{name} VARCHAR" for name in texts.split())
    con.execute(f'create table changes ("at" TIMESTAMPTZ, {columns})')
    con.execute("create table change_jobs (job_id VARCHAR)")
    con.execute("insert into change_jobs values (?)", [JOB.lower()])
    return con


def known(con: duckdb.DuckDBPyConnection, since: datetime | None, until: datetime, state: str = "continuous") -> None:
    scope = f"/subscriptions/{SUB.lower()}"
    con.execute("insert into continuity values ('activity_log', ?, ?, ?, ?)", [scope, since, until, state])


def change(con: duckdb.DuckDBPyConnection, at: datetime, key: str = "c", **fields: str | None) -> None:
    given = {
        "job_id": JOB, "change_id": key, "resource_id": JOB, "relation": "job", "at": at, "kind": "configuration",
        "changed_by": "ana", "property": "properties.configuration.replicaTimeout", "before": "1", "after": "2",
        "before_after": "known", **fields,
    }  # fmt: skip
    names = ", ".join(f'"{name}"' for name in given)
    con.execute(f"insert into changes ({names}) values ({', '.join('?' for _ in given)})", list(given.values()))
