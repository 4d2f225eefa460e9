"""What earlier runs saw, put beside a run's tables as a recalled history is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import duckdb
from run_tables import NOW, SUB, RunTables

from audit.derive import derive, earlier
from audit.evidence.environments import Environment
from audit.evidence.execution_logs import ExecutionLog
from audit.evidence.executions import Execution
from audit.evidence.workspaces import Workspace
from audit.model import Record, Scope

ENVIRONMENT = f"/subscriptions/{SUB}/resourceGroups/rg-platform/providers/Microsoft.App/managedEnvironments/cae"
CUSTOMER = "33333333-3333-3333-3333-333333333333"
LOGS = f"/workspaces/{CUSTOMER}"


def days(count: float) -> datetime:
    """A moment so many days before NOW."""
    return NOW - timedelta(days=count)


def execution(job_id: str, started: datetime, status: str = "Succeeded", minutes: int = 5) -> Execution:
    name = f"{job_id.rpartition('/')[2]}-{started:%d%H%M%S}"
    return Execution(
        execution_id=f"{job_id}/executions/{name}",
        job_id=job_id,
        name=name,
        status=status,
        started=started,
        ended=started + timedelta(minutes=minutes),
        duration_s=minutes * 60.0,
    )


def environment(**fields: Any) -> Environment:
    given = {
        "environment_id": ENVIRONMENT,
        "name": "cae",
        "subscription_id": SUB,
        "resource_group": "rg-platform",
        "log_destination": "log-analytics",
        "workspace_id": CUSTOMER,
    }
    return Environment(**given | fields)


def workspace(**fields: Any) -> Workspace:
    given = {
        "workspace_id": f"/subscriptions/{SUB}/resourceGroups/rg-platform/providers/w/workspaces/log",
        "customer_id": CUSTOMER,
        "name": "log",
        "subscription_id": SUB,
        "resource_group": "rg-platform",
        "retention_days": 90,
    }
    return Workspace(**given | fields)


def lines(ran: Execution, *, end: str | None = "Completed") -> list[ExecutionLog]:
    """What the platform logs about an execution."""
    assert ran.started is not None
    assert ran.ended is not None
    said = [("SuccessfulCreate", ran.started), *([(end, ran.ended)] if end else [])]
    return [
        ExecutionLog(
            workspace=CUSTOMER,
            environment_id=ENVIRONMENT.lower(),
            job_name=ran.job_id.rpartition("/")[2].upper(),
            execution_name=ran.name,
            at=moment,
            reason=reason,
            source_table="ContainerAppSystemLogs_CL",
        )
        for reason, moment in said
    ]


class Past:
    """A run's tables with a history beside them."""

    def __init__(self, tables: RunTables) -> None:
        self.tables = tables
        self.con: duckdb.DuckDBPyConnection = tables.store()
        for row in tables.rows:  # the raw file of a row is its unit's
            if isinstance(row, Execution):
                unit = Scope(id=row.job_id).unit
                self.con.execute(
                    "update executions set raw_ref = ? where row_id = ?",
                    [f"raw/executions/{unit}.jsonl.zst#line=1&item=0&request=q", row.row_id],
                )
        earlier.create(self.con, tables.run)
        earlier.drop(self.con)

    def unit(self, kind: str, scope: str, since: datetime, until: datetime, run_id: str = "r0") -> None:
        """An earlier run read this unit, and its list was whole over this interval."""
        self.con.execute(
            "insert into history.units by name select ? as kind, ? as scope, ? as unit, 'collected' as outcome, "
            "?::TIMESTAMPTZ as covered_from, ?::TIMESTAMPTZ as covered_to, ?::TIMESTAMPTZ as finished, ? as run_id, "
            "1 as sequence",
            [kind, scope, Scope(id=scope).unit, since, until, until, run_id],
        )

    def saw(self, row: Record, scope: str, run_id: str = "r0") -> None:
        """An earlier run saw this row."""
        columns = {name: value for name, value in row_columns(row).items() if value is not None}
        columns["raw_ref"] = f"runs/{run_id}/raw/{row.table}/{Scope(id=scope).unit}.jsonl.zst#line=1&item=0&request=q"
        columns |= {"first_seen_run": run_id, "first_seen_at": NOW - timedelta(days=20)}
        marks = ", ".join("?" for _ in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        self.con.execute(f"insert into history.{row.table} ({names}) values ({marks})", list(columns.values()))

    def derived(self) -> duckdb.DuckDBPyConnection:
        derive(self.con, self.tables.run)
        return self.con

    def gaps(self, kind: str) -> list[tuple[str, str]]:
        return self.con.execute(
            "select reason, detail from coverage where kind = ? and outcome = 'gap' order by row_id", [kind]
        ).fetchall()

    def continuity(self, kind: str) -> list[tuple[datetime | None, datetime, str]]:
        return self.con.execute(
            'select "from", "to", state from continuity where kind = ? order by "from" nulls first', [kind]
        ).fetchall()


def row_columns(row: Record) -> dict[str, Any]:
    from audit.model import plain

    return {"row_id": row.row_id, "observed_at": NOW - timedelta(days=20), **plain(row)}
