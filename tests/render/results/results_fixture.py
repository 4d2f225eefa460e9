"""A few verdicts of every kind, with hostile text and a gap, put straight into the tables that results are made of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from audit import evidence
from audit.assess.tables import ControlRow, RequirementRow, VerdictRow
from audit.model import Caller, Run, RunState, Window, columns
from audit.render import results
from audit.store import Coverage

NOW = datetime(2026, 11, 22, 6, 0, 4, 123456, tzinfo=UTC)
SUB = "6f3a1c52-0b7e-4c0d-9a51-2f4f1d0e7a01"
JOBS = f"/subscriptions/{SUB}/resourceGroups/rg-orders/providers/Microsoft.App/jobs"
HOSTILE = "=cmd|' /C calc'!A0,\"<script>alert(1)</script>\"\r\n\x1b[31mred\x7f \u202egnp.exe\u200b \x00 \U0001f600 é"
RAW = "raw/jobs/0123456789abcdef0123456789abcdef.jsonl.zst#line=1&item=3&request=7d1f"
POPULATION = "job_id VARCHAR, name VARCHAR, subscription_id VARCHAR, resource_group VARCHAR, state VARCHAR"
STANDARD = "row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR"


class Tables:
    """The tables that results read, empty at first."""

    def __init__(self) -> None:
        self.con = duckdb.connect()
        self.con.execute("set TimeZone = 'UTC'")
        self._count = 0
        for record in (Coverage, VerdictRow, ControlRow, RequirementRow):
            schema = ", ".join(f'"{name}" {kind}' for name, kind in columns(record))
            self.con.execute(f"create table {record.table} ({schema})")
        self.con.execute(f"create table population ({STANDARD}, {POPULATION})")

    def add(self, table: str, **values: Any) -> None:
        self._count += 1
        row = {"row_id": f"{self._count:016x}", "observed_at": NOW + timedelta(seconds=self._count), "raw_ref": RAW}
        row |= {key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in values.items()}
        names = ", ".join(f'"{name}"' for name in row)
        self.con.execute(f"insert into {table} ({names}) values ({', '.join('?' * len(row))})", list(row.values()))

    def job(self, name: str) -> str:
        job_id = f"{JOBS}/{name}"
        place = {"subscription_id": SUB, "resource_group": "rg-orders", "state": "present"}
        self.add("population", job_id=job_id, name=name, **place)
        return job_id

    def control(self, name: str, **changes: Any) -> None:
        told = {"title": f"Title of {name}", "area": "identity", "severity": "high", "needs": ["jobs"]}
        told |= {"frameworks": {"mcsb": ["IM-3"], "nist80053": ["IA-5", "AC-2(7)"]}, "rationale": "Because."}
        told |= {"remediation": "Do it.", "sql": "select 1", "file": f"identity/{name}.sql", "source": "built-in"}
        told |= {"limits": "", "subjects_total": 1, "population_note": "subjects: 1, in 1 of 1 jobs"}
        self.add("controls", control_id=name, **(told | changes))

    def verdict(self, control: str, job_id: str | None, verdict: str, subject: str = "a rule", **changes: Any) -> None:
        told = {"severity": "high", "reason": "because", "waived": False} | changes
        self.add("verdicts", control_id=control, job_id=job_id, verdict=verdict, subject=subject, **told)


def story() -> Tables:
    """Every verdict, a waiver, a job that nobody lists, hostile text, a gap, and a control without an answer."""
    tables = Tables()
    orders, billing = tables.job("orders"), tables.job("billing")
    names = {"mcsb": "Microsoft cloud security benchmark v1", "nist80053": "NIST SP 800-53 rev. 5"}
    for number, (key, name) in enumerate(names.items()):
        at = {"framework": key, "framework_name": name, "position": number, "shown": True}
        tables.add("requirements", requirement="IM-3", label="words", weak=["JA-03"] if number else [], **at)
    for control in ("JA-01", "JA-02", "JA-03", "JA-04", "JA-05"):
        tables.control(control)
    tables.control("1-OWN", source="own", title=HOSTILE, frameworks={"mcsb": [HOSTILE]}, rationale=HOSTILE)
    tables.verdict("JA-01", orders, "fail")
    tables.verdict("JA-01", billing, "fail", waived=True, waiver_id="W-7")
    tables.verdict("JA-01", orders, "not_assessed", "another")
    tables.verdict("JA-02", orders, "pass")
    tables.verdict("JA-02", billing, "not_assessed", reason="evidence is missing: tags at /x: forbidden")
    tables.verdict("JA-03", orders, "pass")
    tables.verdict("JA-03", billing, "not_applicable")
    tables.verdict("JA-04", orders, "not_applicable")
    tables.verdict("1-OWN", orders, "fail", HOSTILE, reason=HOSTILE, raw_ref=f"runs/x/{RAW}")
    tables.verdict("1-OWN", f"{JOBS}/unlisted", "fail", "-1+1", reason="@SUM(1)", raw_ref="run.json")
    tables.verdict("1-OWN", None, "not_assessed", "population")
    unit = {"pages": 1, "rows": 2, "requests": 1, "started": NOW, "finished": NOW}
    tables.add("coverage", kind="jobs", scope=f"/subscriptions/{SUB}", outcome="collected", **unit)
    gap = {"outcome": "gap", "reason": "forbidden", "detail": HOSTILE}
    tables.add("coverage", kind="tags", scope=f"/subscriptions/{SUB}", **gap, **unit)
    tables.add("coverage", kind="jobs", scope="item", place="$.value[1]", **(gap | {"reason": "malformed"}), **unit)
    return tables


def run(**changes: Any) -> Run:
    given: dict[str, Any] = {
        "run_id": "20261122T060000Z-3f9c",
        "state": RunState.DONE,
        "tool_version": "0.1.0",
        "cloud": "public",
        "endpoint": "https://management.azure.com",
        "caller": Caller(object_id=SUB, tenant_id=SUB, kind="app", name=f"collector {HOSTILE}"),
        "window": Window(since=datetime(2026, 10, 23, tzinfo=UTC), until=datetime(2026, 11, 22, tzinfo=UTC)),
        "subscriptions": (),
        "expected_subscriptions": (SUB,),
        "kinds": tuple(kind.name for kind in evidence.KINDS if kind.name != "permissions"),
        "started": NOW,
        "finished": NOW + timedelta(seconds=9),
    }
    return Run(**(given | changes))


def write(tables: Tables, folder: Path, **changes: Any) -> Path:
    results.write(tables.con, run(**changes), folder)
    return folder


def shuffled(tables: Tables) -> None:
    """Lay the same rows into the tables in another order."""
    for (name,) in tables.con.execute("select table_name from duckdb_tables() where not temporary").fetchall():
        tables.con.execute(f'create or replace table "{name}" as select * from "{name}" order by row_id desc')


FORMATS = (
    "assessment-results.oscal.json",
    "findings.csv",
    "findings.json",
    "findings.ocsf.jsonl",
    "findings.schema.json",
)
