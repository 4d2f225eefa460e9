"""What Azure answers about the run of the report's tests: good and bad cases, and hostile text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

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
