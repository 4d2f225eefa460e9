"""Two subscriptions, seven jobs, a reader: small enough to know by heart."""

from __future__ import annotations

from datetime import UTC, datetime

from audit.sandbox.estate.model import Estate

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
TENANT = "11111111-0000-4000-8000-000000000001"
ONE, TWO = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
COLLECTOR = "cccccccc-0000-4000-8000-000000000003"
PERSON = "dddddddd-0000-4000-8000-000000000004"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
LIMITED = "eeeeeeee-0000-4000-8000-000000000005"
ROOT = "/providers/Microsoft.Management/managementGroups/root"
GROUP = f"/subscriptions/{ONE}/resourceGroups/rg-Orders"


def job(subscription: str, group: str, name: str, trigger: str = "Event") -> dict:
    return {
        "id": f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.App/jobs/{name}",
        "name": name,
        "type": "Microsoft.App/jobs",
        "location": "West Europe",
        "tags": {"owner": "orders"},
        "properties": {"configuration": {"triggerType": trigger, "replicaTimeout": 300, "secrets": None}},
        "identity": {"type": "None"},
    }


def assignment(name: str, scope: str, principal: str, role: str) -> dict:
    prefix = "" if scope == "/" else scope
    return {
        "properties": {
            "roleDefinitionId": f"{prefix}/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "scope": scope,
            "condition": None,
        },
        "id": f"{prefix}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": name,
    }


def role(guid: str, *blocks: dict) -> dict:
    return {
        "properties": {
            "roleName": guid,
            "type": "CustomRole",
            "assignableScopes": ["/"],
            "permissions": [
                {"actions": [], "notActions": [], "dataActions": [], "notDataActions": [], **block} for block in blocks
            ],
        },
        "id": f"/providers/Microsoft.Authorization/roleDefinitions/{guid}",
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": guid,
    }


def event(number: int, at: str, resource: str) -> dict:
    return {
        "eventDataId": f"event-{number}",
        "id": f"{resource}/events/event-{number}/ticks/{number}",
        "resourceId": resource,
        "resourceGroupName": "rg-Orders",
        "operationName": {"value": "Microsoft.App/jobs/write", "localizedValue": "Create or update job"},
        "eventTimestamp": at,
        "level": "Informational",
        "caller": "petra@example.com",
        "correlationId": f"correlation-{number}",
    }


def tiny(*held: dict) -> Estate:
    """The estate; ``held`` are the collector's assignments (default: Reader at the root management group)."""
    jobs = [job(ONE, "rg-Orders", f"orders-{n}") for n in range(4)]
    jobs += [job(ONE, "rg-imports", f"imports-{n}", "Schedule") for n in range(2)]
    jobs.append(job(TWO, "rg-billing", "billing-0"))
    groups = [(ONE, "rg-Orders"), (ONE, "rg-imports"), (TWO, "rg-billing")]
    collector_holds = held or (assignment("90000000-0000-4000-8000-000000000000", ROOT, COLLECTOR, READER),)
    others = [
        assignment("90000000-0000-4000-8000-000000000001", f"/subscriptions/{ONE}", PERSON, READER),
        assignment("90000000-0000-4000-8000-000000000002", GROUP, PERSON, READER),
        assignment("90000000-0000-4000-8000-000000000003", jobs[0]["id"], PERSON, READER),
        assignment("90000000-0000-4000-8000-000000000004", f"/subscriptions/{TWO}", PERSON, READER),
    ]
    return Estate(
        now=NOW,
        tenant_id=TENANT,
        subscriptions=[
            {
                "id": f"/subscriptions/{s}",
                "subscriptionId": s,
                "displayName": s[:3],
                "state": "Enabled",
                "tenantId": TENANT,
            }
            for s in (ONE, TWO)
        ],
        management_groups=[ROOT],
        resource_groups=[
            {"id": f"/subscriptions/{s}/resourceGroups/{g}", "name": g, "location": "westeurope", "tags": {"team": g}}
            for s, g in groups
        ],
        resources={each["id"].lower(): each for each in jobs},
        role_assignments=[*collector_holds, *others],
        role_definitions={READER: role(READER, {"actions": ["*/read"]})},
        directory={
            PERSON: {"@odata.type": "#microsoft.graph.user", "id": PERSON, "displayName": "Petra"},
            COLLECTOR: {"@odata.type": "#microsoft.graph.servicePrincipal", "id": COLLECTOR, "displayName": "audit"},
        },
        activity={
            ONE: [event(n, f"2026-11-{20 - n:02d}T10:00:00.1234567Z", jobs[n % 4]["id"]) for n in range(12)]
            + [event(99, "2026-07-01T00:00:00Z", jobs[0]["id"])]
        },
        diagnostic_settings={
            jobs[0]["id"].lower(): [{"id": jobs[0]["id"] + "/providers/…", "name": "to-workspace", "properties": {}}]
        },
        collector_id=COLLECTOR,
    )


def limited(estate: Estate, scope: str, *blocks: dict) -> Estate:
    """The same estate with a collector that holds one role of these permission blocks at one scope."""
    estate.role_definitions[LIMITED] = role(LIMITED, *blocks)
    estate.role_assignments = [a for a in estate.role_assignments if a["properties"]["principalId"] != COLLECTOR]
    estate.role_assignments.append(assignment("90000000-0000-4000-8000-00000000000f", scope, COLLECTOR, LIMITED))
    return estate
