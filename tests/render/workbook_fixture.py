"""A small estate, put straight into the tables of the contract: what the workbook reads, without a collection."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from audit.assess.tables import ControlRow, VerdictRow
from audit.evidence import KINDS, record_types
from audit.model import Caller, Run, RunState, Stats, Window, columns
from audit.store.coverage import Coverage

NOW = datetime(2026, 11, 22, 6, 0, 4, tzinfo=UTC)
SUB_A, SUB_B = "6f3a1c52-0b7e-4c0d-9a51-2f4f1d0e7a01", "b81d77e0-93c4-4e0f-8a65-90c2c1a4d602"
TENANT = "0c9e7f4d-5a0b-4d38-8f7b-3d1f2b6a9e10"
MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/platform"

DERIVED = {
    "population": "job_id VARCHAR, name VARCHAR, subscription_id VARCHAR, resource_group VARCHAR, state VARCHAR, "
    "trigger_type VARCHAR, deleted_at TIMESTAMPTZ, deleted_by VARCHAR, known_from VARCHAR",
    "reconciliation": "subscription_id VARCHAR, source_a VARCHAR, count_a BIGINT, source_b VARCHAR, count_b BIGINT, "
    "difference BIGINT, explained BOOLEAN, explanation VARCHAR, only_a JSON, only_b JSON",
    "job_gaps": "job_id VARCHAR, kind VARCHAR, scope VARCHAR, reason VARCHAR, detail VARCHAR",
    "raw_files": "kind VARCHAR, scope VARCHAR, file VARCHAR, pages BIGINT, method VARCHAR, url VARCHAR, "
    "api_version VARCHAR, first_received TIMESTAMPTZ, last_received TIMESTAMPTZ",
}
STANDARD = "row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR"


class Tables:
    """Every table of the contract, empty at first."""

    def __init__(self) -> None:
        self.con = duckdb.connect()
        self.con.execute("set TimeZone = 'UTC'")
        self._count = 0
        for record in (*record_types(), Coverage, VerdictRow, ControlRow):
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
            "raw_ref": f"raw/{table}/{'0123456789abcdef' * 2}.jsonl.zst#line=1&item={self._count % 40}&request=7d1f",
        } | {key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in values.items()}
        names = ", ".join(f'"{name}"' for name in row)
        self.con.execute(f"insert into {table} ({names}) values ({', '.join('?' * len(row))})", list(row.values()))
        return str(row["row_id"])

    def unit(self, kind: str, scope: str, rows: int = 1, **values: Any) -> None:
        """Add a coverage row: collected unless ``reason`` is given."""
        reason = values.get("reason")
        told = {"outcome": "gap" if reason else "collected", "detail": "", "pages": 1, "requests": 1} | values
        self.add(
            "coverage", kind=kind, scope=scope, rows=rows, started=NOW, finished=NOW + timedelta(seconds=1), **told
        )


def run(**changes: Any) -> Run:
    """Return the run that the tables belong to."""
    given: dict[str, Any] = {
        "run_id": "20261122T060000Z-3f9c",
        "state": RunState.DONE,
        "tool_version": "0.1.0",
        "cloud": "public",
        "endpoint": "https://management.azure.com",
        "caller": Caller(
            object_id="5b0d3a6e-1111-4c1e-9d0f-2f64a1a5c001", tenant_id=TENANT, kind="app", name="jobaudit-collector"
        ),
        "window": Window(since=datetime(2026, 10, 23, tzinfo=UTC), until=datetime(2026, 11, 22, tzinfo=UTC)),
        "subscriptions": (),
        "expected_subscriptions": (SUB_A, SUB_B),
        "kinds": tuple(kind.name for kind in KINDS),
        "started": NOW,
        "finished": NOW + timedelta(seconds=9),
        "redaction_key_id": "k-51c0a7",
        "versions": {"python": "3.11.7", "duckdb": "2.0.0", "openpyxl": "3.1.5"},
        "settings": {"required_tags": ["owner", "cost-center", "runbook"]},
        "stats": Stats(
            requests={"arm-reads": 118, "graph": 2, "resource-graph": 1},
            bytes_received=812_331,
            cpu_seconds=1.9,
            wall_seconds=8.7,
            peak_rss_mib=141,
        ),
    }
    return Run(**(given | changes))


def job_id(name: str, group: str, subscription: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.App/jobs/{name}"


ESTATE = (
    # name, group, subscription, environment, scaler, rule uses an identity, image
    (
        "orders-intake",
        "rg-orders-prod",
        SUB_A,
        "cae-commerce",
        "azure-servicebus",
        True,
        "acrcommerce.azurecr.io/orders/intake@sha256:9b1c",
    ),
    (
        "orders-refunds",
        "rg-orders-prod",
        SUB_A,
        "cae-commerce",
        "azure-servicebus",
        True,
        "acrcommerce.azurecr.io/orders/refunds:4.2.0",
    ),
    (
        "billing-invoices",
        "rg-billing-prod",
        SUB_A,
        "cae-commerce",
        "azure-queue",
        False,
        "acrcommerce.azurecr.io/billing/invoices:latest",
    ),
    (
        "billing-dunning",
        "rg-billing-prod",
        SUB_A,
        "cae-commerce",
        "azure-queue",
        True,
        "acrcommerce.azurecr.io/billing/dunning@sha256:77aa",
    ),
    ("telemetry-compact", "rg-telemetry", SUB_B, "cae-data", "azure-eventhub", False, "ghcr.io/contoso/compact:1.9"),
    (
        "telemetry-export",
        "rg-telemetry",
        SUB_B,
        "cae-data",
        "azure-eventhub",
        True,
        "acrdata.azurecr.io/telemetry/export@sha256:1f00",
    ),
    (
        "imports-catalogue",
        "rg-imports",
        SUB_B,
        "cae-imports",
        "azure-blob",
        True,
        "acrdata.azurecr.io/imports/catalogue:2026.11",
    ),
    ("imports-prices", "rg-imports", SUB_B, "cae-imports", "kafka", False, "acrdata.azurecr.io/imports/prices:latest"),
)
CONTROLS = (
    ("JA-09", "identity", "high", "The job has a managed identity", "Without an identity of its own a job can only hold secrets.", "Assign a user-assigned identity to the job."),
    ("JA-10", "identity", "high", "Every scale rule authenticates by identity, not by secret", "A secret in a scale rule is shared, rarely rotated and readable by whoever can list secrets.", "Set the rule's identity and remove its authentication secrets."),
    ("JA-13", "identity", "critical", "No secret-like value in environment, metadata, command or arguments", "Plain values are readable by every reader of the job.", "Move the value to Key Vault and refer to it by secret reference. Rotate it: it has been readable."),
    ("JA-16", "change", "high", "The image is pinned by digest and comes from an approved registry", "A tag can be moved after approval.", "Deploy by digest."),
    ("JA-36", "ownership", "medium", "Required tags are present and valid", "A job that nobody owns is a job that nobody reviews.", "Set the tags owner, cost-center and runbook."),
    ("JA-37", "cost", "low", "A budget with live contacts covers the job", "Spend without a reader is found on the invoice.", "Add a budget at the resource group, with a contact."),
)  # fmt: skip


def story() -> Tables:
    """Return an estate of eight event jobs, one deleted and two of other triggers, with believable faults, no gaps."""
    tables = Tables()
    for subscription, name in ((SUB_A, "Commerce Production"), (SUB_B, "Data Platform")):
        tables.add("subscriptions", subscription_id=subscription, name=name, state="Enabled", tenant_id=TENANT)
        tables.add(
            "permissions",
            scope=f"/subscriptions/{subscription}",
            caller=run().caller.object_id,
            can_read=True,
            missing=[],
            source="permissions",
        )
    _jobs(tables)
    _access(tables)
    _operations(tables)
    _verdicts(tables)
    tables.unit("subscriptions", "/", 2)
    for subscription in (SUB_A, SUB_B):
        for kind in ("permissions", "jobs", "role_assignments", "activity_log", "tags", "graph_jobs"):
            tables.unit(kind, f"/subscriptions/{subscription}", 5)
        tables.unit("action_groups", f"/subscriptions/{subscription}", 0, detail="no action group")
        for source in ("resource_graph", "arm_resources", "activity_log"):
            tables.add(
                "reconciliation", subscription_id=subscription, source_a="arm_jobs", count_a=5, source_b=source, count_b=5,
                difference=0, explained=True, explanation="Both list the same jobs", only_a=[], only_b=[],
            )  # fmt: skip
    tables.unit("principals", "/principals/0", 5)
    return tables


def _jobs(tables: Tables) -> None:
    for number, (name, group, subscription, environment, scaler, identity, image) in enumerate(ESTATE):
        this = job_id(name, group, subscription)
        environment_id = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.App/managedEnvironments/{environment}"
        tables.add(
            "jobs", job_id=this, name=name, subscription_id=subscription, resource_group=group, location="West Europe",
            environment_id=environment_id, trigger_type="Event", in_scope=True, provisioning_state="Succeeded",
            running_state="Ready", replica_timeout_s=1800, replica_retry_limit=number % 3,
            max_executions=10 * (number + 1) if number % 2 else None, polling_interval_s=30 if number % 2 else None,
            identity_type="UserAssigned" if identity else "SystemAssigned", workload_profile="Consumption", secrets_count=0 if identity else 1,
            created_by="deploy-bot@contoso.example", created_at=NOW - timedelta(days=200 + number), created_by_type="User",
            modified_by="mara.lindt@contoso.example", modified_at=NOW - timedelta(days=number, hours=3), tags={},
        )  # fmt: skip
        tables.add(
            "population",
            job_id=this,
            name=name,
            subscription_id=subscription,
            resource_group=group,
            state="present",
            trigger_type="Event",
            known_from="jobs",
        )
        metadata = {"queueName": name, "messageCount": "5"}
        if not identity:
            metadata["connection"] = "Endpoint=sb://x/;SharedAccessKey=[redacted:ab12ab12ab12ab12:shared-access-key]"
        tables.add(
            "scale_rules", job_id=this, rule_name=f"{name}-queue", scaler_type=scaler, metadata=metadata,
            auth=[] if identity else [{"secretRef": "queue-connection", "triggerParameter": "connection"}],
            auth_method="identity" if identity else "secret", identity=f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{group}" if identity else None, position=0,
        )  # fmt: skip
        repository, _, tag = image.partition("/")[2].partition(":")
        tables.add(
            "containers", job_id=this, container="main", init=False, image=image, registry=image.partition("/")[0],
            repository=repository.partition("@")[0], tag=None if "@" in image else tag, digest=image.partition("@")[2] or None,
            cpu=0.25 * (number + 1), memory_gib=0.5 * (number + 1), position=0,
        )  # fmt: skip
        if not identity:
            tables.add("job_secrets", job_id=this, name="queue-connection", key_vault_url=None)
        tables.add(
            "identities", identity_id=this if not identity else f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{group}",
            kind="user" if identity else "system", principal_id=f"00000000-0000-4000-8000-{number:012d}", client_id=f"00000000-0000-4000-9000-{number:012d}", job_id=this, federated_credentials=[], tenant_id=TENANT,
        )  # fmt: skip
        tables.unit("identities", f"/identities/{number}")
        for key, value in (("owner", f"team-{group[3:]}@contoso.example"), ("cost-center", "CC-4410")):
            tables.add(
                "tags",
                resource_id=this,
                key=key,
                value=value,
                source="job",
                subscription_id=subscription,
                resource_group=group,
            )
        tables.unit("diagnostic_settings", this, 0, detail="the answer holds no setting")
        if number in (0, 4, 6):
            tables.add("environments", environment_id=environment_id, name=environment, subscription_id=subscription, resource_group=group, location="West Europe", internal=number == 0, public_access="Enabled", zone_redundant=number == 0, log_destination="log-analytics" if number != 6 else None, workspace_id="9d1c" if number != 6 else None)  # fmt: skip
            tables.unit("environments", environment_id)
    other = job_id("nightly-report", "rg-billing-prod", SUB_A)
    tables.add(
        "jobs",
        job_id=other,
        name="nightly-report",
        subscription_id=SUB_A,
        resource_group="rg-billing-prod",
        location="West Europe",
        trigger_type="Schedule",
        in_scope=False,
        created_at=NOW - timedelta(days=90),
    )
    tables.add(
        "jobs",
        job_id=job_id("reindex", "rg-imports", SUB_B),
        name="reindex",
        subscription_id=SUB_B,
        resource_group="rg-imports",
        location="West Europe",
        trigger_type="Manual",
        in_scope=False,
    )
    gone = job_id("orders-replay", "rg-orders-prod", SUB_A)
    tables.add(
        "population",
        job_id=gone,
        name="orders-replay",
        subscription_id=SUB_A,
        resource_group="rg-orders-prod",
        state="deleted",
        deleted_at=NOW - timedelta(days=6),
        deleted_by="mara.lindt@contoso.example",
        known_from="activity_log",
    )


def _access(tables: Tables) -> None:
    roles = {
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
        "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
        "b9a307c4-5aa3-4b52-ba60-2b17c136cd7b": "Container Apps Jobs Operator",
    }
    for guid, name in roles.items():
        tables.add(
            "role_definitions",
            role_definition_id=f"/providers/Microsoft.Authorization/roleDefinitions/{guid}",
            role_guid=guid,
            name=name,
            type="BuiltInRole",
            permissions=[{"actions": ["*"], "notActions": []}],
        )
        tables.unit("role_definitions", f"/providers/Microsoft.Authorization/roleDefinitions/{guid}")
    people = ("Mara Lindt", "Jonas Petersen", "SG-Commerce-Operators", "deploy-bot")
    for number, name in enumerate(people):
        kind = ("user", "user", "group", "servicePrincipal")[number]
        tables.add(
            "principals",
            principal_id=f"00000000-0000-4000-7000-{number:012d}",
            type=kind,
            display_name=name,
            user_principal_name="@".join((name.lower().replace(" ", "."), "contoso.example"))
            if kind == "user"
            else None,
            enabled=number != 1,
            user_type="Member" if kind == "user" else None,
            resolved=True,
        )
    tables.add("principals", principal_id="00000000-0000-4000-7000-000000000004", resolved=False)
    scopes = (
        MANAGEMENT_GROUP,
        f"/subscriptions/{SUB_A}",
        f"/subscriptions/{SUB_A}/resourceGroups/rg-orders-prod",
        job_id("billing-invoices", "rg-billing-prod", SUB_A),
    )
    for number in range(5):
        for index, scope in enumerate(scopes[: number + 1]):
            guid = list(roles)[(number + index) % 3]
            tables.add(
                "role_assignments",
                assignment_id=f"{scope}/providers/Microsoft.Authorization/roleAssignments/{number:08x}-{index}",
                scope=scope,
                principal_id=f"00000000-0000-4000-7000-{number:012d}",
                principal_type=("User", "User", "Group", "ServicePrincipal", "User")[number],
                role_definition_id=f"/subscriptions/{SUB_A}/providers/Microsoft.Authorization/roleDefinitions/{guid}",
                role_guid=guid,
                created_on=NOW - timedelta(days=31 * number + index),
                created_by="00000000-0000-4000-7000-000000000000",
                subscription_id=SUB_A,
            )


def _operations(tables: Tables) -> None:
    for number in range(60):
        name, group, subscription, *_ = ESTATE[number % len(ESTATE)]
        operation = (
            "Microsoft.App/jobs/write",
            "Microsoft.App/jobs/start/action",
            "Microsoft.App/jobs/listSecrets/action",
        )[number % 3]
        tables.add(
            "activity_log",
            event_id=f"{job_id(name, group, subscription)}/events/{number:08x}/ticks/63{number}",
            event_time=NOW - timedelta(hours=11 * number + 1),
            operation=operation,
            status=("Succeeded", "Started", "Failed")[number % 3],
            caller=("mara.lindt@contoso.example", "deploy-bot")[number % 2],
            resource_id=job_id(name, group, subscription),
            resource_group=group,
            subscription_id=subscription,
            correlation_id=f"c0ffee00-0000-4000-8000-{number // 2:012d}",
            level="Informational",
            category="Administrative",
        )
    environment = (
        f"/subscriptions/{SUB_A}/resourceGroups/rg-orders-prod/providers/Microsoft.App/managedEnvironments/cae-commerce"
    )
    tables.add(
        "diagnostic_settings",
        setting_id=f"{environment}/providers/Microsoft.Insights/diagnosticSettings/to-law",
        resource_id=environment,
        name="to-law",
        workspace_id="/subscriptions/x/workspaces/law-prod",
        logs=[
            {"category": "ContainerAppConsoleLogs", "enabled": True},
            {"category": "ContainerAppSystemLogs", "enabled": True},
        ],
        metrics=[{"category": "AllMetrics", "enabled": False}],
    )
    tables.unit("diagnostic_settings", environment)
    scope = f"/subscriptions/{SUB_A}"
    tables.add(
        "budgets",
        budget_id=f"{scope}/providers/Microsoft.Consumption/budgets/commerce",
        scope=scope,
        name="commerce-monthly",
        amount=Decimal("4000.00"),
        time_grain="Monthly",
        current_spend=Decimal("3127.48"),
        forecast_spend=Decimal("4410.10"),
        currency="EUR",
        notifications={
            "at80": {
                "enabled": True,
                "operator": "GreaterThan",
                "threshold": 80,
                "contactEmails": ["finops@contoso.example"],
            }
        },
    )
    tables.unit("budgets", scope)
    tables.unit("budgets", f"/subscriptions/{SUB_B}", 0, detail="the answer holds no budget")
    for kind in ("jobs", "role_assignments", "activity_log"):
        tables.add(
            "raw_files",
            kind=kind,
            scope=scope,
            file=f"raw/{kind}/{'0123456789abcdef' * 2}.jsonl.zst",
            pages=3,
            method="GET",
            url=f"https://management.azure.com{scope}/providers/Microsoft.App/{kind}",
            api_version="2025-07-01",
            first_received=NOW,
            last_received=NOW,
        )


def _verdicts(tables: Tables) -> None:
    for control, area, severity, title, rationale, remediation in CONTROLS:
        tables.add(
            "controls", control_id=control, title=title, area=area, severity=severity, needs=["jobs"],
            frameworks={"mcsb": ["IM-3"], "iso27001": ["A.5.16", "A.5.17"], "soc2": ["CC6.1"], "nist80053": ["IA-5"], "pci": ["8.6.3"], "cis": []},
            rationale=rationale, remediation=remediation, sql="select 1", file=f"{area}/{control}.sql", source="built-in", subjects_total=9, population_note="",
        )  # fmt: skip
        for number, (name, group, subscription, _, _, identity, image) in enumerate(ESTATE):
            bad = {
                "JA-10": not identity,
                "JA-13": not identity,
                "JA-16": "@" not in image,
                "JA-37": subscription == SUB_B,
            }.get(control, number == 3)
            tables.add(
                "verdicts", control_id=control, job_id=job_id(name, group, subscription), subject=f"{name}-queue" if control == "JA-10" else name,
                verdict="fail" if bad else "pass", severity=severity, waived=bad and control == "JA-36",
                reason=f"{title}: not so for {name}" if bad else f"{title}: so for {name}",
            )  # fmt: skip
        tables.add(
            "verdicts",
            control_id=control,
            job_id=job_id("orders-replay", "rg-orders-prod", SUB_A),
            subject="orders-replay",
            verdict="not_assessed",
            severity=severity,
            waived=False,
            reason="deleted on 2026-11-16; its configuration was not collected",
        )
