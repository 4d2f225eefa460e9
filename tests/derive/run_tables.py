"""A run's tables for tests, made from the real record classes: a database file as the store hands it to derive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import msgspec

from audit.assess import Control, assess, load
from audit.derive import derive
from audit.evidence import KINDS, record_types
from audit.evidence.activity_log import ActivityEvent
from audit.evidence.jobs import Container, Job, JobIdentity, ScaleRule
from audit.evidence.subscriptions import Subscription
from audit.model import (
    Caller,
    Collected,
    Gap,
    GapReason,
    Level,
    Record,
    Run,
    RunState,
    Scope,
    UnitRecord,
    Window,
    columns,
    plain,
)
from audit.store import coverage

SUB = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"
NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


def job_id(name: str, *, group: str = "rg-orders", subscription: str = SUB) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.App/jobs/{name}"


def job(name: str, *, group: str = "rg-orders", subscription: str = SUB, **fields: Any) -> Job:
    defaults: dict[str, Any] = {
        "job_id": job_id(name, group=group, subscription=subscription),
        "name": name,
        "subscription_id": subscription,
        "resource_group": group,
        "location": "West Europe",
        "trigger_type": "Event",
        "in_scope": True,
        "identity_type": "SystemAssigned",
        "secrets_count": 0,
        "created_at": NOW - timedelta(days=200),
    }
    return Job(**defaults | fields)


def rule(owner: Job, name: str = "queue", **fields: Any) -> ScaleRule:
    defaults = {"rule_name": name, "scaler_type": "azure-servicebus", "auth_method": "none", "position": 0}
    return ScaleRule(**{"job_id": owner.job_id} | defaults | fields)


def container(owner: Job, name: str = "worker", **fields: Any) -> Container:
    defaults: dict[str, Any] = {
        "container": name,
        "init": False,
        "image": "contoso.azurecr.io/worker@sha256:" + "a" * 64,
        "registry": "contoso.azurecr.io",
        "repository": "worker",
        "digest": "sha256:" + "a" * 64,
        "position": 0,
    }
    return Container(**{"job_id": owner.job_id} | defaults | fields)


def system_identity(owner: Job) -> JobIdentity:
    return JobIdentity(job_id=owner.job_id, identity_id=owner.job_id, kind="system", principal_id="p-1")


def event(
    resource: str, operation: str, *, status: str = "Succeeded", at: datetime = NOW - timedelta(days=3)
) -> ActivityEvent:
    return ActivityEvent(
        event_id=f"{operation}|{status}|{at.isoformat()}|{resource}",
        event_time=at,
        operation=operation,
        status=status,
        caller="ana@contoso.example",
        resource_id=resource,
        subscription_id=resource.split("/")[2],
    )


class RunTables:
    """Rows and units of one run; by default every unit of every kind was collected."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "run.duckdb"
        self.rows: list[Record] = []
        self.ends: dict[tuple[str, str], Gap | Collected] = {}
        self.missing: set[str] = set()
        self.subscriptions = [SUB]
        self.run = Run(
            run_id="r1",
            state=RunState.DONE,
            tool_version="0",
            cloud="custom",
            endpoint="https://127.0.0.1",
            caller=Caller(object_id="c", tenant_id="t", kind="app"),
            window=Window(since=NOW - timedelta(days=30), until=NOW),
            subscriptions=(),
            expected_subscriptions=(),
            kinds=tuple(kind.name for kind in KINDS),
            started=NOW,
            finished=NOW + timedelta(minutes=2),
        )

    def add(self, *rows: Record) -> None:
        self.rows += rows

    def gap(self, kind: str, scope: str, reason: GapReason = GapReason.FORBIDDEN, detail: str = "403") -> None:
        self.ends[kind, scope.lower()] = Gap(reason=reason, detail=detail)

    def leave_unread(self, kind: str) -> None:
        """The kind has no unit at all, as after an interruption."""
        self.missing.add(kind)

    def with_run(self, **changes: Any) -> None:
        self.run = msgspec.structs.replace(self.run, **changes)

    def store(self) -> duckdb.DuckDBPyConnection:
        """Write the tables and the coverage of every unit, as the store does."""
        self.database.write_bytes(_empty())
        con = duckdb.connect(str(self.database))
        con.begin()
        held = [Subscription(subscription_id=each, name=each) for each in self.subscriptions]
        for number, row in enumerate((*held, *self.rows)):
            _insert(con, row, f"raw/{row.table}/u.jsonl.zst#line=1&item={number}&request=q")
        for row, raw_ref in coverage.rows(self._units(con)):
            _insert(con, row, raw_ref)
        con.commit()
        return con

    def derived(self) -> duckdb.DuckDBPyConnection:
        con = self.store()
        derive(con, self.run)
        return con

    def verdicts(self, *controls: str, own: Path | None = None, timeout: float = 30.0) -> list[dict[str, Any]]:
        """Derive, assess (only the named controls, if any) and return the verdict rows."""
        self.derived().close()
        return self.assessed(*controls, own=own, timeout=timeout)

    def assessed(self, *controls: str, own: Path | None = None, timeout: float = 30.0) -> list[dict[str, Any]]:
        """Assess what is derived already."""
        known = load([own]) if own else _built_in()
        chosen = [each for each in known if not controls or each.id in controls]
        assess(self.database, self.run, chosen, timeout=timeout)
        return self.query("select * from verdicts order by control_id, job_id, subject")

    def query(self, sql: str) -> list[dict[str, Any]]:
        con = duckdb.connect(str(self.database), read_only=True)
        try:
            found = con.execute(sql)
            return [dict(zip([c[0] for c in found.description or ()], row, strict=True)) for row in found.fetchall()]
        finally:
            con.close()

    def _units(self, con: duckdb.DuckDBPyConnection) -> list[UnitRecord]:
        units = []
        for kind in KINDS:
            if kind.name in self.missing or kind.name not in self.run.kinds:
                continue
            if kind.population:
                scopes = [row[0] for row in con.execute(f"select scope from ({kind.population})").fetchall()]
            else:
                scopes = (
                    ["/"] if kind.per is Level.TENANT else [f"/subscriptions/{each}" for each in self.subscriptions]
                )
            for scope in scopes:
                end = self.ends.get((kind.name, scope.lower()), Collected(pages=1, rows=1))
                units.append(
                    UnitRecord(
                        kind=kind.name, scope=Scope(id=scope), unit="u", outcome=end, requests=1, started=NOW,
                        finished=NOW + timedelta(seconds=30),
                    )
                )  # fmt: skip
        return units


@cache
def _empty() -> bytes:
    """Return a database file with every table of the contract, empty."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.duckdb"
        with duckdb.connect(str(path)) as con:
            for record in (*record_types(), coverage.Coverage):
                schema = ", ".join(f'"{name}" {kind}' for name, kind in columns(record))
                con.execute(f"create table {record.table} ({schema})")
        return path.read_bytes()


@cache
def _built_in() -> tuple[Control, ...]:
    return tuple(load())


def _insert(con: duckdb.DuckDBPyConnection, row: Record, raw_ref: str) -> None:
    cells = {"row_id": row.row_id, "observed_at": NOW, "raw_ref": raw_ref} | plain(row)
    json = {name for name, kind in columns(type(row)) if kind == "JSON"}
    given = [msgspec.json.encode(value).decode() if name in json else value for name, value in cells.items()]
    marks = ", ".join("?" for _ in given)
    names = ", ".join(f'"{name}"' for name in cells)
    con.execute(f"insert into {row.table} ({names}) values ({marks})", given)
