"""A run with good and bad cases and hostile text, stored by the real store from Azure's wire shapes, and its report."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from audit import assess, derive, evidence
from audit.config import packaged
from audit.model import (
    Caller,
    Collected,
    Gap,
    GapReason,
    MalformedItem,
    Page,
    Run,
    RunState,
    Scope,
    Stats,
    Window,
    decode,
)
from audit.render import data, html
from audit.store import Store, StoredRun

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TENANT = "0c9e7f4d-5a0b-4d38-8f7b-3d1f2b6a9e10"
SUB_A, SUB_B = "6f3a1c52-0b7e-4c0d-9a51-2f4f1d0e7a01", "b81d77e0-93c4-4e0f-8a65-90c2c1a4d602"
A, B = f"/subscriptions/{SUB_A}", f"/subscriptions/{SUB_B}"
RG = f"{A}/resourceGroups/rg-orders"
ENVIRONMENT = f"{RG}/providers/Microsoft.App/managedEnvironments/cae-orders"
DARK_ENVIRONMENT = f"{RG}/providers/Microsoft.App/managedEnvironments/cae-dark"
SHARED = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-shared"
OWNER, READER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ADA, GHOST, GUEST, LEFT, ROBOT = (f"aaaaaaaa-0000-4000-8000-00000000000{n}" for n in range(1, 6))

SCRIPT = "<script>alert('x')</script>"
SCREEN = "\x1b[31mred\x1b[0m\x07"
REVERSED = "safe\u202egnp.exe\u202c\u200b"
LONG = "x" * 700
MARKUP = '"><img src=x onerror=alert(1)> {{ 7*7 }} {% raw %} &amp; </style></pre>'
HOSTILE = {"script": SCRIPT, "screen": SCREEN, "reversed": REVERSED, "long": LONG, "markup": MARKUP}


def job_id(name: str, subscription: str = A, group: str = "rg-orders") -> str:
    return f"{subscription}/resourceGroups/{group}/providers/Microsoft.App/jobs/{name}"


def job(name: str, *, at: str = "", trigger: str = "Event", **parts: Any) -> dict[str, Any]:
    """A job as ARM lists it; keywords replace parts of it."""
    own = {
        "name": "queue",
        "type": "azure-servicebus",
        "metadata": {"queueName": name, "messageCount": "5"},
        "identity": "system",
    }
    scale = {"pollingInterval": 30, "minExecutions": 0, "maxExecutions": 10, "rules": parts.get("rules", [own])}
    event = {"parallelism": 1, "replicaCompletionCount": 1, "scale": scale | parts.get("scale", {})}
    return {
        "id": at or job_id(name),
        "name": name,
        "type": "Microsoft.App/jobs",
        "location": "West Europe",
        "tags": parts.get(
            "tags", {"owner": "orders@example.com", "environment": "prod", "cost-centre": "7", "runbook": "r"}
        ),
        "systemData": {"createdBy": "ada@example.com", "createdAt": "2026-03-01T08:15:27.7641109"},
        "identity": parts.get("identity", {"type": "SystemAssigned", "principalId": ROBOT, "tenantId": TENANT}),
        "properties": {
            "provisioningState": "Succeeded",
            "environmentId": parts.get("environment", ENVIRONMENT),
            "configuration": {
                "triggerType": trigger,
                "replicaTimeout": 1800,
                "replicaRetryLimit": 1,
                "secrets": parts.get("secrets"),
                "registries": None,
                "eventTriggerConfig": event if trigger == "Event" else None,
            },
            "template": {
                "containers": [
                    {
                        "name": "main",
                        "image": parts.get("image", "acr.azurecr.io/app@sha256:" + "a1" * 32),
                        "env": parts.get("env"),
                        "args": parts.get("args"),
                        "resources": {"cpu": 0.5, "memory": "1Gi"},
                    }
                ],
                "initContainers": None,
            },
        },
    }


USER_ASSIGNED = {"type": "UserAssigned", "userAssignedIdentities": {SHARED: {"principalId": LEFT, "clientId": GHOST}}}
JOBS = [
    job("good"),
    job("unpinned", image="docker.io/library/busybox:latest"),
    job(
        "secretive",
        rules=[
            {
                "name": "q",
                "type": "azure-queue",
                "metadata": {"queueName": "q", "connectionFromEnv": "C"},
                "auth": [{"secretRef": "conn", "triggerParameter": "connection"}],
            }
        ],
        secrets=[
            {"name": "conn"},
            {"name": "kv", "keyVaultUrl": "https://kv.vault.azure.net/secrets/kv", "identity": "system"},
        ],
        env=[{"name": "C", "value": "", "secretRef": "conn"}],
    ),
    job("leaky", env=[{"name": "PASSWORD", "value": "Tr0ub4dor&3-very-long"}], args=["--verbose"]),
    job("ownerless", tags=None),
    job("defaults", scale={"pollingInterval": None, "minExecutions": None, "maxExecutions": None}),
    job("bare", identity={"type": "None"}, rules=[]),
    job("shared-one", identity=USER_ASSIGNED),
    job("shared-two", identity=USER_ASSIGNED),
    job("in-the-dark", environment=DARK_ENVIRONMENT),
    job("odd-scaler", rules=[{"name": "n", "type": "solace-event-queue", "metadata": {"k": "v"}}]),
    job(
        "hostile",
        tags={"owner": SCRIPT, "environment": REVERSED, "cost-centre": SCREEN, "runbook": LONG, MARKUP: MARKUP},
        rules=[
            {"name": SCRIPT, "type": "kafka", "metadata": {"topic": MARKUP, "bootstrapServers": REVERSED, SCREEN: LONG}}
        ],
    ),
    job("nightly", trigger="Schedule"),
]
JOBS_B = [job("elsewhere", at=job_id("elsewhere", B, "RG-Shared"), environment=None)]


@dataclass
class Recorder:
    """Puts answers into a run, unit by unit."""

    writer: Any
    count: int = field(default=0)

    def unit(
        self, kind: str, scope: str, *bodies: Any, gap: Gap | None = None, ids: tuple[str, ...] = (), asked: Any = None
    ) -> None:
        """Store one unit: its pages, the rows they make, and how it ended."""
        found, at = evidence.kind(kind), Scope(id=scope, ids=ids)
        unit = self.writer.unit(found, at)
        pages = [unit.page(self._page(at, body, asked)) for body in bodies]
        malformed = []
        for result in decode(found, pages):
            if isinstance(result, MalformedItem):
                malformed.append(result)
            else:
                unit.row(result.record, result.page, result.item)
        if malformed and gap is None:
            gap = Gap(reason=GapReason.MALFORMED, detail=f"{len(malformed)} of the items can't be decoded")
        when = {"started": NOW, "finished": NOW + timedelta(seconds=1)}
        unit.end(gap or Collected(pages=0, rows=0), requests=max(1, len(bodies)), malformed=malformed, **when)

    def _page(self, scope: Scope, body: Any, asked: Any) -> Page:
        self.count += 1
        return Page(
            scope=scope,
            method="POST" if asked else "GET",
            url=f"https://management.azure.com{scope.id}?api-version=2025-07-01&page={self.count}",
            api_version="2025-07-01",
            status=200,
            request_id=f"00000000-0000-4000-8000-{self.count:012d}",
            correlation_id=f"11111111-0000-4000-8000-{self.count:012d}",
            received_at=NOW + timedelta(milliseconds=self.count),
            body=json.dumps(body).encode(),
            request_body=json.dumps(asked).encode() if asked else None,
        )


def listed(*items: Any) -> dict[str, Any]:
    return {"value": list(items)}


def assignment(number: int, scope: str, principal: str, role: str = READER, **more: Any) -> dict[str, Any]:
    definition = f"{A}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    own = {
        "scope": scope,
        "principalId": principal,
        "roleDefinitionId": definition,
        "principalType": "User",
        "createdOn": "2026-01-05T10:00:00Z",
        "createdBy": ADA,
    }
    guid = f"dddddddd-0000-4000-8000-{number:012d}"
    return {
        "id": f"{scope.rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{guid}",
        "properties": own | more,
    }


def event(number: int, what: str, resource: str, status: str = "Succeeded", **more: Any) -> dict[str, Any]:
    guid, operation = f"eeeeeeee-0000-4000-8000-{number:012d}", f"ffffffff-0000-4000-8000-{number // 2:012d}"
    at = NOW - timedelta(days=3) + timedelta(minutes=number)
    return {
        "id": f"{resource}/events/{guid}/ticks/{number}",
        "eventDataId": guid,
        "eventTimestamp": f"{at:%Y-%m-%dT%H:%M:%S}.1234567Z",
        "operationName": {"value": what},
        "status": {"value": status},
        "subStatus": {"value": ""},
        "caller": "ada@example.com",
        "resourceId": resource,
        "correlationId": operation,
        "operationId": operation,
        "subscriptionId": SUB_A,
        "category": {"value": "Administrative"},
        "level": "Informational",
    } | more


PEOPLE = [
    {
        "@odata.type": "#microsoft.graph.user",
        "id": ADA,
        "displayName": f"Ada {SCRIPT}",
        "userPrincipalName": "ada@example.com",
        "accountEnabled": True,
        "userType": "Member",
    },
    {
        "@odata.type": "#microsoft.graph.user",
        "id": GUEST,
        "displayName": "Gil",
        "userPrincipalName": "gil#EXT#@example.com",
        "accountEnabled": True,
        "userType": "Guest",
    },
    {
        "@odata.type": "#microsoft.graph.user",
        "id": LEFT,
        "displayName": "Lea",
        "userPrincipalName": "lea@example.com",
        "accountEnabled": False,
        "userType": "Member",
    },
    {"@odata.type": "#microsoft.graph.servicePrincipal", "id": ROBOT, "displayName": "good", "appId": GHOST},
]
GROUP = f"{RG}/providers/Microsoft.Insights/actionGroups/ag-nobody"
BUDGET = {
    "id": f"{RG}/providers/Microsoft.Consumption/budgets/orders",
    "name": "orders",
    "type": "Microsoft.Consumption/budgets",
    "properties": {
        "category": "Cost",
        "amount": 1000.0,
        "timeGrain": "Monthly",
        "currentSpend": {"amount": 912.5, "unit": "EUR"},
        "filter": {},
        "timePeriod": {"startDate": "2026-01-01T00:00:00Z", "endDate": "2028-01-01T00:00:00Z"},
        "notifications": {
            "late": {
                "enabled": True,
                "operator": "GreaterThan",
                "threshold": 90,
                "contactEmails": [],
                "contactGroups": [GROUP],
            }
        },
    },
}
EVENTS = [
    event(2, "Microsoft.App/jobs/write", job_id("good"), "Started"),
    event(3, "Microsoft.App/jobs/write", job_id("good")),
    event(4, "Microsoft.App/jobs/listSecrets/action", job_id("secretive"), caller=SCRIPT),
    event(6, "Microsoft.App/jobs/delete", job_id("gone")),
    event(
        8, "Microsoft.Authorization/roleAssignments/write", f"{RG}/providers/Microsoft.Authorization/roleAssignments/x"
    ),
    event(10, "Microsoft.App/managedEnvironments/write", ENVIRONMENT, "Failed"),
    event(12, "Microsoft.Compute/virtualMachines/write", f"{RG}/providers/Microsoft.Compute/virtualMachines/vm"),
]


def record(recorder: Recorder) -> None:
    """Answer every kind, some with gaps."""
    unit = recorder.unit
    unit(
        "subscriptions",
        "/",
        listed(
            {"subscriptionId": SUB_A, "displayName": f"Production {MARKUP}", "state": "Enabled", "tenantId": TENANT},
            {"subscriptionId": SUB_B, "displayName": None, "state": "Enabled", "tenantId": TENANT},
        ),
    )
    unit("jobs", A, listed(*JOBS[:6]), listed(*JOBS[6:]))
    unit("jobs", B, listed(*JOBS_B, {"id": job_id("torn", B, "RG-Shared"), "name": 7}))
    unit(
        "environments",
        ENVIRONMENT,
        {
            "id": ENVIRONMENT,
            "name": "cae-orders",
            "location": "westeurope",
            "properties": {"appLogsConfiguration": {"destination": "azure-monitor"}, "zoneRedundant": False},
        },
    )
    unit(
        "environments",
        DARK_ENVIRONMENT,
        gap=Gap(reason=GapReason.FORBIDDEN, detail=f"403: the client {SCRIPT} may not"),
    )
    unit(
        "role_assignments",
        A,
        listed(
            assignment(1, "/", GHOST, OWNER),
            assignment(2, f"/providers/Microsoft.Management/managementGroups/{TENANT}", ADA),
            assignment(3, A, GUEST),
            assignment(4, RG, LEFT, condition=MARKUP),
            assignment(5, job_id("good"), ADA, OWNER),
        ),
    )
    unit(
        "role_assignments",
        B,
        listed(assignment(2, f"/providers/Microsoft.Management/managementGroups/{TENANT}", ADA)),
        gap=Gap(reason=GapReason.PARTIAL_VISIBILITY, detail="the caller can't see all of it"),
    )
    for guid, name in ((OWNER, "Owner"), (READER, SCRIPT)):
        at = f"{A}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
        unit(
            "role_definitions",
            at,
            {"id": at, "properties": {"roleName": name, "type": "BuiltInRole", "permissions": [{"actions": ["*"]}]}},
        )
    unit(
        "principals",
        "/principals/0",
        listed(*PEOPLE),
        ids=(ADA, GHOST, GUEST, LEFT, ROBOT),
        asked={"ids": [ADA, GHOST, GUEST, LEFT, ROBOT]},
    )
    unit("activity_log", A, listed(*EVENTS))
    unit("activity_log", B, listed())
    setting = {
        "id": f"{ENVIRONMENT}/providers/microsoft.insights/diagnosticSettings/all",
        "name": SCRIPT,
        "properties": {
            "workspaceId": f"{A}/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w",
            "logs": [{"category": "ContainerAppConsoleLogs", "enabled": True}],
            "metrics": [],
        },
    }
    unit("diagnostic_settings", ENVIRONMENT, listed(setting))
    for each in (A, B, DARK_ENVIRONMENT, *(one["id"] for one in (*JOBS[:-1], *JOBS_B))):
        unit("diagnostic_settings", each, listed())
    for body in JOBS[:-1]:
        if body["identity"]["type"] == "SystemAssigned":
            facts = {"tenantId": TENANT, "principalId": ROBOT, "clientId": GHOST}
            unit(
                "identities",
                body["id"],
                {"id": f"{body['id']}/x", "name": "default", "properties": facts},
                ids=(body["id"],),
            )
    unit(
        "identities",
        SHARED,
        {
            "id": SHARED,
            "name": "id-shared",
            "location": "westeurope",
            "properties": {"tenantId": TENANT, "principalId": LEFT, "clientId": GHOST},
        },
        listed({"name": "gh", "properties": {"issuer": MARKUP, "subject": SCRIPT, "audiences": ["a"]}}),
        ids=(job_id("shared-one"), job_id("shared-two")),
    )
    tagged = [{"id": each["id"], "type": each["type"], "tags": each["tags"]} for each in JOBS if each["tags"]]
    group = {"id": RG, "type": "Microsoft.Resources/resourceGroups", "tags": {"environment": "prod", "Owner": ""}}
    unit("tags", A, listed(*tagged), listed(group))
    unit("tags", B, gap=Gap(reason=GapReason.THROTTLED, detail="429 for longer than 120 s"))
    unit("budgets", RG, listed(BUDGET))
    unit("budgets", A, listed())
    unit("budgets", B, listed())
    unit(
        "action_groups",
        A,
        listed({"id": GROUP, "name": "ag-nobody", "properties": {"enabled": False, "emailReceivers": []}}),
    )
    unit(
        "graph_jobs",
        "/",
        {
            "totalRecords": 1,
            "count": 1,
            "data": [
                {"id": each["id"].lower(), "name": each["name"], "subscriptionId": SUB_A, "resourceGroup": "rg-orders"}
                for each in JOBS
            ],
        },
        ids=(SUB_A, SUB_B),
        asked={"query": "resources"},
    )


def store(output: Path) -> StoredRun:
    """Store the run below ``output``; the redaction key is fixed, so that every build has the same bytes."""
    run = Run(
        run_id="20261122T060000Z-3f9c",
        state=RunState.RUNNING,
        tool_version="0.1.0",
        cloud="public",
        endpoint="https://management.azure.com",
        caller=Caller(object_id=ROBOT, tenant_id=TENANT, kind="app", app_id=GHOST, name="jobaudit-collector"),
        window=Window(since=NOW - timedelta(days=30), until=NOW),
        subscriptions=(),
        expected_subscriptions=(SUB_A, SUB_B),
        kinds=tuple(kind.name for kind in evidence.KINDS if kind.name != "permissions"),
        started=NOW,
        settings={"required_tags": ["owner", "environment", "cost-centre", "runbook"]},
        stats=Stats(requests={"monitor": 40}, bytes_received=123456),
    )
    output.mkdir(parents=True, exist_ok=True)
    key = output / "redaction.key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    writer = Store(output, key_file=key).create(run)
    with writer:
        recorder = Recorder(writer)
        record(recorder)
        for kind in evidence.KINDS:
            if kind.name in run.kinds:
                writer.finish(kind)
        closed = {"state": RunState.DONE, "finished": NOW + timedelta(seconds=9)}
        writer.close(msgspec.structs.replace(writer.run, **closed))
    return Store(output, key_file=key).open(run.run_id)


@contextlib.contextmanager
def tables(stored: StoredRun, database: Path) -> Any:
    """Derive and assess as the pipeline does, and give the connection that rendering reads."""
    with contextlib.closing(stored.tables(database)) as con:
        derive.derive(con, stored.run)
    assess.assess(database, stored.run, assess.load([packaged("config") / "controls"]))
    with contextlib.closing(duckdb.connect(str(database))) as con:
        con.execute("set timezone = 'UTC'")
        yield con


def render(stored: StoredRun, con: duckdb.DuckDBPyConnection, folder: Path, *own: Path) -> Path:
    """Render the report and lay beside it what a pack holds, so that every link has its end."""
    html.write(con, stored.run, stored, folder, [*own, packaged("report_templates")])
    for path in (*stored.raw_files(), stored.path / "run.json"):
        target = folder / path.relative_to(stored.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    for control in assess.load([packaged("config") / "controls"]):
        target = folder / "controls" / control.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(control.text)
    data.write(con, folder / "data")
    (folder / "evidence.xlsx").write_bytes(b"")
    return folder
