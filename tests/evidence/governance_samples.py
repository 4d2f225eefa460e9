"""What Azure answers about costs, changes, deployments, locks, exemptions and management groups."""

from __future__ import annotations

from typing import Any

import samples

JOB = f"/subscriptions/{samples.SUBSCRIPTION}/resourcegroups/rg-orders/providers/microsoft.app/jobs/a"
GROUP = f"/subscriptions/{samples.SUBSCRIPTION}/resourceGroups/rg-orders"

COST = {
    "Cost": 0.25,
    "UsageDate": 20261031,
    "ResourceId": JOB,
    "Meter": "Standard vCPU Active Usage",
    "Currency": "EUR",
}
ANCESTRY: dict[str, Any] = {"subscriptionId": samples.SUBSCRIPTION, "chain": [{"name": "landing", "displayName": "L"}]}
CHANGE: dict[str, Any] = {
    "id": f"{JOB}/providers/Microsoft.Resources/changes/08584_1",
    "targetResourceId": JOB,
    "targetResourceType": "microsoft.app/jobs",
    "changeType": "Update",
    "changeAttributes": {
        "correlationId": "43c5d84a-c3bb-47c7-bdc5-7ecf69209fc2",
        "changesCount": 2,
        "timestamp": "2026-10-07T04:47:05.8860000Z",
        "changedByType": "User",
        "clientType": "Azure Portal",
        "operation": "Microsoft.App/jobs/write",
        "changedBy": "ada@contoso.example",
    },
    "changes": {
        "properties.b": {
            "propertyChangeType": "Update",
            "changeCategory": "User",
            "previousValue": "1",
            "newValue": "2",
        },
        "properties.a": {
            "propertyChangeType": "Insert",
            "changeCategory": "System",
            "previousValue": "null",
            "newValue": {"x": [1]},
            "isTruncated": "true",
        },
    },
}
DEPLOYMENT: dict[str, Any] = {
    "id": f"{GROUP}/providers/Microsoft.Resources/deployments/orders-1",
    "name": "orders-1",
    "properties": {
        "templateHash": "123",
        "templateLink": {"uri": "https://artifacts.contoso.example/orders.json", "contentVersion": "1.0.0.0"},
        "parameters": {"adminPassword": {"type": "SecureString"}, "image": {"type": "String", "value": "r.io/a:1"}},
        "mode": "Incremental",
        "provisioningState": "Succeeded",
        "timestamp": "2026-10-07T04:47:05.8860000Z",
        "duration": "PT1M22.5S",
        "correlationId": "43c5d84a-c3bb-47c7-bdc5-7ecf69209fc2",
        "outputResources": [{"id": JOB, "resourceGroup": "rg-orders"}],
    },
}
LOCK: dict[str, Any] = {
    "properties": {"level": "cannotdelete", "notes": "", "owners": [{"applicationId": "a"}]},
    "id": f"{GROUP}/providers/Microsoft.ServiceBus/namespaces/sb/providers/Microsoft.Authorization/locks/keep",
    "type": "Microsoft.Authorization/locks",
    "name": "keep",
}
EXEMPTION: dict[str, Any] = {
    "properties": {
        "policyAssignmentId": "/providers/Microsoft.Management/managementGroups/g/providers/x/policyAssignments/a",
        "policyDefinitionReferenceIds": [],
        "exemptionCategory": "waiver",
        "displayName": "May pull from elsewhere",
        "description": "",
        "expiresOn": "2026-12-12T06:00:00Z",
        "metadata": {"ticket": "X-1"},
    },
    "systemData": {"createdBy": "ada@contoso.example", "createdAt": "2026-09-12T10:02:21.1234567Z"},
    "id": f"{GROUP}/providers/Microsoft.Authorization/policyExemptions/pull",
    "name": "pull",
}
