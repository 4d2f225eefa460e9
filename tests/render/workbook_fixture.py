"""A small estate, put straight into the tables of the contract: what the workbook reads, without a collection."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from audit.assess.tables import ControlRow, ExceptionRow, ParameterRow, RequirementRow, VerdictRow
from audit.evidence import KINDS, record_types
from audit.model import Caller, Run, RunState, Stats, Window, columns
from audit.render.raw_files import RawFile
from audit.store.coverage import Coverage

NOW = datetime(2026, 11, 22, 6, 0, 4, tzinfo=UTC)
SUB = "6f3a1c52-0b7e-4c0d-9a51-2f4f1d0e7a01"
SUBSCRIPTION = f"/subscriptions/{SUB}"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-orders"
JOBS = f"{GROUP}/providers/Microsoft.App/jobs"
ENVIRONMENT = f"{GROUP}/providers/Microsoft.App/managedEnvironments/cae-orders"
MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/platform"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
PERSON, TENANT = "00000000-0000-4000-7000-000000000001", "0c9e7f4d-5a0b-4d38-8f7b-3d1f2b6a9e10"
UNIT = "0123456789abcdef" * 2

DERIVED = {
    "population": "job_id VARCHAR, name VARCHAR, subscription_id VARCHAR, resource_group VARCHAR, state VARCHAR, "
    "trigger_type VARCHAR, deleted_at TIMESTAMPTZ, deleted_by VARCHAR, known_from VARCHAR",
    "reconciliation": "subscription_id VARCHAR, source_a VARCHAR, count_a BIGINT, source_b VARCHAR, count_b BIGINT, "
    "difference BIGINT, explained BOOLEAN, explanation VARCHAR, only_a JSON, only_b JSON",
}
STANDARD = "row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR"


class Tables:
    """Every table of the contract, empty at first."""

    def __init__(self) -> None:
        self.con = duckdb.connect()
        self.con.execute("set TimeZone = 'UTC'")
        self._count = 0
        made = (VerdictRow, ControlRow, RequirementRow, ParameterRow, ExceptionRow, RawFile)
        for record in (*record_types(), Coverage, *made):
            schema = ", ".join(f'"{name}" {kind}' for name, kind in columns(record))
            self.con.execute(f"create table {record.table} ({schema})")
        for table, schema in DERIVED.items():
            self.con.execute(f"create table {table} ({STANDARD}, {schema})")

    def add(self, table: str, **values: Any) -> str:
        """Insert one row; row_id, observed_at and raw_ref are made where they aren't given. Returns the row_id."""
        self._count += 1
        row = {
            "row_id": f"{self._count:016x}",
            "observed_at": NOW + timedelta(seconds=self._count % 50),
            "raw_ref": f"raw/{table}/{UNIT}.jsonl.zst#line=1&item={self._count % 40}&request=7d1f",
        } | {key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in values.items()}
        names = ", ".join(f'"{name}"' for name in row)
        self.con.execute(f"insert into {table} ({names}) values ({', '.join('?' * len(row))})", list(row.values()))
        return str(row["row_id"])

    def unit(self, kind: str, scope: str, rows: int = 1, **values: Any) -> None:
        """Add a coverage row: collected unless ``reason`` is given."""
        told = {"outcome": "gap" if values.get("reason") else "collected", "detail": "", "pages": 1, "requests": 1}
        told |= {"started": NOW, "finished": NOW + timedelta(seconds=1)} | values
        self.add("coverage", kind=kind, scope=scope, rows=rows, **told)

    def job(self, name: str, **values: Any) -> str:
        """Add an event-driven job with one rule and one container; keywords replace columns of ``jobs``."""
        job_id = f"{JOBS}/{name}"
        place = {"job_id": job_id, "name": name, "subscription_id": SUB, "resource_group": "rg-orders"}
        own = {"in_scope": True, "trigger_type": "Event", "environment_id": ENVIRONMENT, "location": "West Europe"}
        self.add("jobs", **(place | own | {"polling_interval_s": 30, "created_at": NOW - timedelta(days=9)} | values))
        if values.get("in_scope", True):
            self.add("population", **place, state="present", trigger_type="Event", known_from="jobs")
            rule = {"scaler_type": "azure-queue", "metadata": {"queueName": name}, "auth": [], "auth_method": "none"}
            self.add("scale_rules", job_id=job_id, rule_name=f"{name}-rule", **rule, position=0)
            self.add("containers", job_id=job_id, container="main", init=False, image="x/y:1", cpu=0.25, memory_gib=0.5)
        return job_id

    def verdict(self, job_id: str, verdict: str, **values: Any) -> None:
        """Add a verdict of the control JA-10 about a job."""
        told = {"control_id": "JA-10", "subject": "a rule", "severity": "high", "reason": "because", "waived": False}
        self.add("verdicts", job_id=job_id, verdict=verdict, **(told | values))


def run(**changes: Any) -> Run:
    """Return the run that the tables belong to."""
    given: dict[str, Any] = {
        "run_id": "20261122T060000Z-3f9c",
        "state": RunState.DONE,
        "tool_version": "0.1.0",
        "cloud": "public",
        "endpoint": "https://management.azure.com",
        "caller": Caller(object_id=PERSON, tenant_id=TENANT, kind="user", name="Mara Lindt"),
        "window": Window(since=datetime(2026, 10, 23, tzinfo=UTC), until=datetime(2026, 11, 22, tzinfo=UTC)),
        "subscriptions": (),
        "expected_subscriptions": (SUB,),
        "kinds": tuple(kind.name for kind in KINDS),
        "started": NOW,
        "finished": NOW + timedelta(seconds=9),
        "redaction_key_id": "k-51c0a7",
        "versions": {"duckdb": "2.0.0"},
        "settings": {"required_tags": ["owner"]},
        "stats": Stats(requests={"arm-reads": 118}, bytes_received=812_331),
    }
    return Run(**(given | changes))


def story() -> Tables:
    """Return an estate with a row on every sheet: three event jobs, one deleted, one of another trigger; no gap."""
    tables = Tables()
    tables.add("subscriptions", subscription_id=SUB, name="Commerce", state="Enabled", tenant_id=TENANT)
    tables.add("permissions", scope=SUBSCRIPTION, caller=PERSON, can_read=True, missing=[], source="permissions")
    intake, refunds, invoices = (tables.job(name) for name in ("intake", "refunds", "invoices"))
    tables.job("nightly", in_scope=False, trigger_type="Schedule", polling_interval_s=None)
    gone = {"job_id": f"{JOBS}/replay", "name": "replay", "subscription_id": SUB, "resource_group": "rg-orders"}
    tables.add("population", **gone, state="deleted", deleted_at=NOW - timedelta(days=6), known_from="activity_log")
    tables.add("job_secrets", job_id=invoices, name="queue-connection", key_vault_url=None)
    network = {"internal": True, "zone_redundant": False, "log_destination": "log-analytics"}
    tables.add("environments", environment_id=ENVIRONMENT, name="cae-orders", location="West Europe", **network)
    for job_id in (intake, refunds):
        identity = {"kind": "system", "principal_id": PERSON, "federated_credentials": []}
        tables.add("identities", identity_id=job_id, job_id=job_id, **identity)
        tables.add("tags", resource_id=job_id, key="owner", value="team@contoso.example", source="job")
    _access(tables)
    _operations(tables, intake)
    _verdicts(tables, intake, refunds, invoices)
    for kind in KINDS:
        tables.unit(kind.name, "/" if kind.per == "tenant" else SUBSCRIPTION)
    tables.unit("budgets", GROUP, 0)
    tables.unit("diagnostic_settings", intake, 0)
    counts = {"source_a": "arm_jobs", "count_a": 4, "source_b": "resource_graph", "count_b": 4, "difference": 0}
    tables.add("reconciliation", subscription_id=SUB, **counts, explained=True, explanation="Both list the same jobs")
    tables.add(
        "raw_files", kind="jobs", scope=SUBSCRIPTION, file=f"raw/jobs/{UNIT}.jsonl.zst", pages=3, method="GET",
        url=f"https://management.azure.com{JOBS}", api_version="2025-07-01", first_received=NOW, last_received=NOW,
    )  # fmt: skip
    return tables


def _access(tables: Tables) -> None:
    role = f"/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"
    permissions = [{"actions": ["*"], "notActions": []}]
    tables.add("role_definitions", role_definition_id=role, name="Owner", type="BuiltInRole", permissions=permissions)
    tables.add("principals", principal_id=PERSON, type="user", display_name="Mara Lindt", enabled=True, resolved=True)
    for scope in (MANAGEMENT_GROUP, SUBSCRIPTION, GROUP, f"{JOBS}/intake"):
        grant = {"scope": scope, "principal_id": PERSON, "principal_type": "User", "role_definition_id": role}
        tables.add("role_assignments", assignment_id=f"{scope}/x", **grant, created_on=NOW, subscription_id=SUB)


def _operations(tables: Tables, job_id: str) -> None:
    event = {"operation": "Microsoft.App/jobs/write", "status": "Succeeded", "caller": PERSON, "subscription_id": SUB}
    for number, resource in enumerate((job_id, f"{GROUP}/providers/Microsoft.Web/sites/other")):
        at = NOW - timedelta(hours=number, microseconds=123_457)
        tables.add("activity_log", event_id=f"{resource}/events/{number}", event_time=at, resource_id=resource, **event)
    logs = [{"category": "ContainerAppConsoleLogs", "enabled": True}, {"category": "Other", "enabled": False}]
    setting = {"setting_id": f"{ENVIRONMENT}/x", "resource_id": ENVIRONMENT, "name": "to-law"}
    tables.add("diagnostic_settings", **setting, logs=logs, metrics=[])
    notice = {"enabled": True, "contactEmails": ["finops@contoso.example"]}
    money = {"amount": Decimal("4000.00"), "current_spend": Decimal("3127.48"), "currency": "EUR"}
    name = {"budget_id": f"{SUBSCRIPTION}/budgets/commerce", "scope": SUBSCRIPTION, "name": "commerce"}
    tables.add("budgets", **name, **money, time_grain="Monthly", notifications={"at80": notice})
    tables.add("action_groups", action_group_id=f"{GROUP}/ag", name="ag", enabled=True, receivers=[], receiver_count=0)


def _verdicts(tables: Tables, *jobs: str) -> None:
    frameworks = {"mcsb": ["IM-3"], "iso27001": ["A.5.16", "A.5.17"], "soc2": [], "nist80053": [], "pci": [], "cis": []}
    words = {"title": "Rules authenticate by identity", "rationale": "Secrets spread.", "remediation": "Set identity."}
    place = {"area": "identity", "severity": "high", "needs": ["jobs"], "file": "identity/JA-10.sql", "sql": "select 1"}
    more = {"source": "built-in", "subjects_total": 4, "population_note": "", "frameworks": frameworks}
    tables.add("controls", control_id="JA-10", **words, **place, **more)
    limit = {"control_id": "JA-10", "name": "limit", "description": "A limit."}
    tables.add("parameters", **limit, value=3, origin="default of the control")
    tables.add("parameters", **limit, job_id=jobs[1].upper(), value=7, origin="audit.toml: policy.overrides[0] (a = b)")
    who = {"requester": "ana", "approver": "ben", "approved_on": NOW.date(), "ticket": "RISK-1", "expires": NOW.date()}
    why = {"category": "mitigated", "justification": "=1+1", "compensating_control": "We look.", "state": "in_force"}
    check = {"control_id": "JA-10", "job_id": jobs[1], "subject": "a rule", "severity": "high"}
    tables.add("exceptions", id="EX-1", **check, **who, **why, used=True, detail="the check fails")
    for job_id, verdict in zip(jobs, ("pass", "fail", "not_applicable"), strict=True):
        tables.verdict(job_id, verdict, waived=verdict == "fail")
    tables.verdict(f"{JOBS}/replay", "not_assessed")
