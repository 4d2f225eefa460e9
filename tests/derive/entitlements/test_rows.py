"""What an entitlement's row tells besides what is held: its newest change, and whose the jobs are that it reaches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from run_tables import NOW, SUB, RunTables, event, job, rule

from audit.evidence.event_sources import EventSource, EventSourcePolicy
from audit.evidence.inventory import InventoryItem
from audit.evidence.jobs import RuleSource
from audit.evidence.role_assignments import RoleAssignment
from audit.evidence.role_definitions import RoleDefinition
from audit.evidence.tags import Tag
from audit.model import Json
from audit.model.review import ReviewSettings

HERE = f"/subscriptions/{SUB}"
GIVEN = f"{HERE}/providers/Microsoft.Authorization/roleAssignments/1"
ROLE = "99999999-0000-4000-8000-000000000000"


def entitled(tables: RunTables) -> dict[str, Any]:
    role = f"{HERE}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"
    tables.add(
        RoleDefinition(
            role_definition_id=role, role_guid=ROLE, name="Owner", type="BuiltInRole", assignable_scopes=Json(["/"]),
            permissions=Json([{"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}]),
        ),
        RoleAssignment(
            assignment_id=GIVEN, scope=HERE, principal_id="b-ben", principal_type="User", role_definition_id=role,
            role_guid=ROLE, subscription_id=SUB,
        ),
    )  # fmt: skip
    tables.derived().close()
    (row,) = tables.query("select * from entitlements where principal_id = 'b-ben'")
    return row


@pytest.mark.parametrize(
    ("operation", "status", "told"),
    [
        ("Microsoft.Authorization/roleAssignments/write", "Succeeded", True),
        ("Microsoft.Authorization/roleAssignments/write", "Failed", False),
    ],
)
def test_a_write_that_failed_changed_nothing(tables: RunTables, operation: str, status: str, told: bool) -> None:
    at = NOW - timedelta(days=2)
    tables.add(job("orders"), event(GIVEN, operation, status=status, at=at))
    row = entitled(tables)
    assert (row["last_change"] == operation) == told
    assert (row["last_change_at"] == at) == told


@pytest.mark.parametrize(("act", "told"), [("write", True), ("listKeys/action", False)])
def test_a_policy_changes_by_a_write_and_not_by_reading_its_keys(tables: RunTables, act: str, told: bool) -> None:
    own, host, kind = job("orders"), "bus.servicebus.windows.net", "microsoft.servicebus/namespaces"
    bus = f"{HERE}/resourceGroups/rg-orders/providers/Microsoft.ServiceBus/namespaces/bus"
    operation = f"Microsoft.ServiceBus/namespaces/authorizationRules/{act}"
    tables.add(
        own, rule(own),
        RuleSource(job_id=own.job_id, rule_name="queue", scaler_type="azure-servicebus", host=host, source_type=kind,
                   entity_kind="queue", entity="in"),
        InventoryItem(resource_id=bus, name="bus", type=kind, subscription_id=SUB, resource_group="rg", host=host),
        EventSource(resource_id=bus, source_type=kind, name="bus", host=host, local_auth_disabled=False),
        EventSourcePolicy(policy_id=f"{bus}/authorizationRules/all", resource_id=bus, name="all",
                          rights=Json(["Manage"]), can_manage=True, can_listen=True, can_send=True),
        event(f"{bus}/authorizationRules/all", operation, at=NOW - timedelta(days=2)),
    )  # fmt: skip
    tables.derived().close()
    (row,) = tables.query("select * from entitlements where kind = 'shared_access_policy'")
    assert row["last_change"] == (operation if told else None)


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        ({"job": "a", "resource_group": "b", "subscription": "c"}, "a"),
        ({"job": " ", "resource_group": "b", "subscription": "c"}, "b"),
        ({"subscription": "c"}, "c"),
        ({}, None),
    ],
)
def test_the_nearest_tag_names_the_owner(tables: RunTables, tags: dict[str, str], owner: str | None) -> None:
    own = job("orders")
    places = {"job": own.job_id.upper(), "resource_group": f"{HERE}/resourcegroups/RG-orders", "subscription": HERE}
    tables.add(own)
    tables.with_run(review=ReviewSettings(owner_tag="Owner"))
    for source, value in tags.items():
        tables.add(
            Tag(resource_id=places[source], key="owner", value=value, source=source, subscription_id=SUB),
            Tag(resource_id=places[source], key="other", value="x", source=source, subscription_id=SUB),
        )
    assert entitled(tables)["reviewer"] == owner
