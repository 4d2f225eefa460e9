"""Azure's answers as tests need them, and the small machinery that turns them into pages, rows and tables."""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import duckdb

from audit.evidence import record_types
from audit.model import MalformedItem, Page, Record, Row, Scope, columns, decode, plain

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
SUBSCRIPTION_ID = f"/subscriptions/{SUBSCRIPTION}"
GROUP_ID = f"{SUBSCRIPTION_ID}/resourceGroups/rg-orders"
JOB_ID = f"{GROUP_ID}/providers/Microsoft.App/jobs/order-intake"
ENVIRONMENT_ID = f"{GROUP_ID}/providers/Microsoft.App/managedEnvironments/cae-orders"
IDENTITY_ID = f"{GROUP_ID}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-orders"
PRINCIPAL = "aaaaaaaa-0000-4000-8000-000000000001"
CALLER = "cccccccc-0000-4000-8000-000000000009"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"

JOB: dict[str, Any] = {
    "id": JOB_ID,
    "name": "order-intake",
    "type": "Microsoft.App/jobs",
    "location": "North Europe",
    "tags": {"Owner": "orders", "environment": "prod"},
    "systemData": {
        "createdBy": "ada@contoso.example",
        "createdByType": "User",
        "createdAt": "2026-03-01T08:15:27.7641109",
        "lastModifiedBy": "deploy",
        "lastModifiedByType": "Application",
        "lastModifiedAt": "2026-10-02T23:59:59.9999999Z",
    },
    "identity": {
        "type": "SystemAssigned, UserAssigned",
        "principalId": "bbbbbbbb-0000-4000-8000-000000000002",
        "tenantId": "99999999-0000-4000-8000-000000000000",
        "userAssignedIdentities": {IDENTITY_ID: {"principalId": PRINCIPAL, "clientId": "dddddddd-0000"}},
    },
    "properties": {
        "provisioningState": "Succeeded",
        "runningState": "Ready",
        "environmentId": ENVIRONMENT_ID,
        "workloadProfileName": "Consumption",
        "configuration": {
            "triggerType": "event",
            "replicaTimeout": 600,
            "replicaRetryLimit": 2,
            "secrets": [
                {"name": "sb-connection"},
                {"name": "db", "keyVaultUrl": "https://kv.vault.azure.net/secrets/db", "identity": "system"},
            ],
            "registries": [
                {"server": "acr.azurecr.io", "username": "", "passwordSecretRef": "", "identity": IDENTITY_ID}
            ],
            "identitySettings": [
                {"identity": "system", "lifecycle": "Main"},
                {"identity": IDENTITY_ID.lower(), "lifecycle": "None"},
            ],
            "manualTriggerConfig": None,
            "scheduleTriggerConfig": None,
            "eventTriggerConfig": {
                "parallelism": 1,
                "replicaCompletionCount": None,
                "scale": {
                    "minExecutions": 0,
                    "maxExecutions": 10,
                    "rules": [
                        {
                            "name": "orders",
                            "type": "azure-servicebus",
                            "metadata": {"queueName": "orders", "messageCount": "10"},
                            "auth": [],
                            "identity": IDENTITY_ID,
                        }
                    ],
                },
            },
        },
        "template": {
            "containers": [
                {
                    "name": "main",
                    "image": "acr.azurecr.io/orders/intake:1.4.2",
                    "command": ["/app/run"],
                    "args": ["--queue", "[redacted:0123456789abcdef]"],
                    "env": [
                        {"name": "QUEUE", "value": "orders"},
                        {"name": "SB", "value": "", "secretRef": "sb-connection"},
                        {"name": "API_KEY", "value": "[redacted:0123456789abcdef:secret-name]"},
                    ],
                    "resources": {"cpu": 0.5, "memory": "1Gi", "ephemeralStorage": "2Gi"},
                }
            ],
            "initContainers": None,
            "volumes": None,
        },
        "somethingNew": {"a": [1]},
    },
}

ENVIRONMENT: dict[str, Any] = {
    "id": ENVIRONMENT_ID,
    "name": "cae-orders",
    "location": "North Europe",
    "properties": {
        "provisioningState": "Succeeded",
        "vnetConfiguration": {"internal": True, "infrastructureSubnetId": f"{GROUP_ID}/subnets/apps"},
        "appLogsConfiguration": {
            "destination": "log-analytics",
            "logAnalyticsConfiguration": {"customerId": "eeeeeeee-0000-4000-8000-000000000003", "sharedKey": None},
        },
        "zoneRedundant": False,
        "publicNetworkAccess": "Disabled",
        "workloadProfiles": [{"name": "Consumption", "workloadProfileType": "Consumption"}],
    },
}

QUOTA: dict[str, Any] = {
    "unit": "Count",
    "currentValue": 3.25,
    "limit": 100,
    "name": {
        "value": "ManagedEnvironmentConsumptionCores",
        "localizedValue": "Managed Environment Consumption Cores",
    },
}

ASSIGNMENT: dict[str, Any] = {
    "id": f"{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleAssignments/aaaa",
    "name": "aaaa",
    "properties": {
        "roleDefinitionId": f"{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}",
        "principalId": PRINCIPAL,
        "principalType": "ServicePrincipal",
        "scope": SUBSCRIPTION_ID,
        "condition": None,
        "createdOn": "2026-01-05T10:00:00.1234567Z",
        "createdBy": "",
        "updatedOn": "2026-01-05T10:00:00.1234567Z",
    },
}

DEFINITION: dict[str, Any] = {
    "id": ASSIGNMENT["properties"]["roleDefinitionId"],
    "name": CONTRIBUTOR,
    "properties": {
        "roleName": "Contributor",
        "type": "BuiltInRole",
        "description": "Everything but access.",
        "assignableScopes": ["/"],
        "permissions": [{"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"], "dataActions": []}],
    },
}

EVENT: dict[str, Any] = {
    "id": f"{JOB_ID}/events/0f0f0f0f-0000-4000-8000-000000000004/ticks/639000000000000000",
    "eventDataId": "0f0f0f0f-0000-4000-8000-000000000004",
    "eventTimestamp": "2026-10-31T23:59:59.9999999Z",
    "operationName": {"value": "Microsoft.App/jobs/write", "localizedValue": "Create or update job"},
    "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
    "subStatus": {"value": "", "localizedValue": ""},
    "caller": "ada@contoso.example",
    "resourceId": JOB_ID,
    "resourceGroupName": "rg-orders",
    "subscriptionId": SUBSCRIPTION,
    "correlationId": "abababab",
    "category": {"value": "Administrative"},
    "level": "Informational",
    "claims": {
        "http://schemas.microsoft.com/identity/claims/objectidentifier": PRINCIPAL,
        "ipaddr": "203.0.113.9",
    },
    "httpRequest": {"clientIpAddress": "203.0.113.8", "method": "PUT"},
    "properties": {"statusCode": "OK"},
}

SETTING: dict[str, Any] = {
    "id": f"{ENVIRONMENT_ID.lower()}/providers/microsoft.insights/diagnosticSettings/to-workspace",
    "name": "to-workspace",
    "properties": {
        "workspaceId": f"{GROUP_ID}/providers/Microsoft.OperationalInsights/workspaces/law",
        "storageAccountId": None,
        "eventHubAuthorizationRuleId": "",
        "logs": [{"categoryGroup": "allLogs", "enabled": True}],
        "metrics": [],
    },
}

IDENTITY: dict[str, Any] = {
    "id": IDENTITY_ID,
    "name": "id-orders",
    "location": "northeurope",
    "properties": {"principalId": PRINCIPAL, "clientId": "dddddddd-0000", "tenantId": "99999999"},
}

CREDENTIAL: dict[str, Any] = {
    "id": f"{IDENTITY_ID}/federatedIdentityCredentials/pipeline",
    "name": "pipeline",
    "properties": {
        "issuer": "https://token.actions.example",
        "subject": "repo:orders",
        "audiences": ["api://AzureADTokenExchange"],
    },
}

BUDGET: dict[str, Any] = {
    "id": f"{GROUP_ID}/providers/Microsoft.Consumption/budgets/orders",
    "name": "orders",
    "properties": {
        "category": "Cost",
        "amount": 250.1,
        "timeGrain": "Monthly",
        "timePeriod": {"startDate": "2026-01-01T00:00:00Z", "endDate": None},
        "currentSpend": {"amount": 12.34, "unit": "EUR"},
        "forecastSpend": None,
        "filter": {},
        "notifications": {"at80": {"enabled": True, "threshold": 80.0, "contactEmails": []}},
    },
}

ACTION_GROUP: dict[str, Any] = {
    "id": f"{GROUP_ID}/providers/microsoft.insights/actionGroups/oncall",
    "name": "oncall",
    "properties": {
        "groupShortName": "oncall",
        "enabled": True,
        "emailReceivers": [{"name": "team", "emailAddress": "team@contoso.example", "status": "Enabled"}],
        "webhookReceivers": [{"name": "pager", "serviceUri": "[redacted:0123456789abcdef:sas]"}],
        "smsReceivers": None,
        "pigeonReceivers": [{"name": "coop"}],
    },
}

GRAPH_JOB: dict[str, Any] = {
    "id": JOB_ID.lower(),
    "name": "order-intake",
    "subscriptionId": SUBSCRIPTION,
    "resourceGroup": "rg-orders",
    "triggerType": "Event",
}

INVENTORY_ITEM: dict[str, Any] = {
    "id": f"{GROUP_ID}/providers/Microsoft.ServiceBus/namespaces/sb-orders",
    "name": "sb-orders",
    "type": "microsoft.servicebus/namespaces",
    "kind": "",
    "location": "northeurope",
    "subscriptionId": SUBSCRIPTION,
    "resourceGroup": "rg-orders",
    "sku": "Premium",
    "tags": {"owner": "orders"},
    "address": "https://SB-Orders.servicebus.windows.net:443/",
    "endpoints": None,
    "customerId": "",
}

PERSON: dict[str, Any] = {
    "@odata.type": "#microsoft.graph.user",
    "id": PRINCIPAL,
    "displayName": "Ada",
    "userPrincipalName": "ada@contoso.example",
    "accountEnabled": True,
    "userType": "Guest",
}

MEMBER: dict[str, Any] = {
    "id": SUBSCRIPTION_ID,
    "type": "/subscriptions",
    "name": SUBSCRIPTION,
    "properties": {"parent": {"id": "/providers/Microsoft.Management/managementGroups/orders"}},
}

SUBSCRIPTION_ITEM: dict[str, Any] = {
    "id": SUBSCRIPTION_ID,
    "subscriptionId": SUBSCRIPTION,
    "displayName": "Orders production",
    "state": "Enabled",
    "tenantId": "99999999",
}


def page(
    body: Any,
    *,
    scope: str | Scope = SUBSCRIPTION_ID,
    url: str = "https://arm.test/list",
    asked: Any = None,
    line: int = 1,
) -> Page:
    """Return a page with ``body``: bytes as they are, anything else as JSON."""
    return Page(
        scope=Scope(id=scope) if isinstance(scope, str) else scope,
        method="GET" if asked is None else "POST",
        url=url,
        api_version="2025-01-01",
        status=200,
        request_id="request-1",
        correlation_id="correlation-1",
        received_at=datetime(2026, 11, 22, 6, tzinfo=UTC),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        request_body=None if asked is None else json.dumps(asked).encode(),
        line=line,
    )


def rows(kind: Any, *pages: Page) -> list[Any]:
    """Return the records of a unit's pages; fail on an item that can't be decoded."""
    found = list(decode(kind, pages))
    assert not [each for each in found if isinstance(each, MalformedItem)], found
    return [each.record for each in found if isinstance(each, Row)]


def broken(kind: Any, *pages: Page) -> list[MalformedItem]:
    """Return the items of a unit's pages that can't be decoded."""
    return [each for each in decode(kind, pages) if isinstance(each, MalformedItem)]


def changed(item: dict[str, Any], path: Iterable[str | int], value: Any) -> dict[str, Any]:
    """Return a copy with one place set, or left out where ``value`` is Ellipsis."""
    copy = deepcopy(item)
    *way, last = path
    place: Any = copy
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copy


def tables(*records: Record) -> duckdb.DuckDBPyConnection:
    """Return a database with every table of the registry, filled with ``records``."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    for shape in record_types():
        schema = ", ".join(f'"{name}" {kind}' for name, kind in columns(shape))
        con.execute(f"create table {shape.table} ({schema})")
    for record in records:
        values = {"row_id": record.row_id, "raw_ref": "raw", **plain(record)}
        names = ", ".join(f'"{name}"' for name in values)
        cells = [json.dumps(each) if isinstance(each, dict | list) else each for each in values.values()]
        con.execute(f"insert into {record.table} ({names}) values ({', '.join('?' * len(cells))})", cells)
    return con
