"""One row per real change, whoever told of it; before and after only where Azure gave them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import duckdb
from run_tables import NOW, SUB, RunTables, job

from audit.evidence.activity_log import ActivityEvent
from audit.evidence.deployments import Deployment
from audit.evidence.resource_changes import ResourceChange
from audit.evidence.role_definitions import RoleDefinition
from audit.model import Json

WRITE = "Microsoft.App/jobs/write"
ORDERS = job("orders")
AT = NOW - timedelta(days=3)
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg-orders"
ROLE = "b9a307c4-5aa3-4b52-ba60-2b17c136cd7b"


def told(
    status: str, *, resource: str = ORDERS.job_id, operation: str = WRITE, seconds: float = 0, run: str = "c-1",
    act: str = "o-1", at: datetime = AT, **more: Any,
) -> ActivityEvent:  # fmt: skip
    fields: dict[str, Any] = {
        "event_id": f"{operation}|{status}|{seconds}|{run}|{act}|{resource}",
        "event_time": at + timedelta(seconds=seconds),
        "operation": operation,
        "status": status,
        "caller": "ana@contoso.example",
        "resource_id": resource,
        "subscription_id": SUB,
        "correlation_id": run,
        "operation_id": act,
    }
    return ActivityEvent(**fields | more)


def seen(path: str | None, before: str | None, after: str | None, **more: Any) -> ResourceChange:
    fields: dict[str, Any] = {
        "change_id": f"g-{more.get('correlation_id', 'c-1')}",
        "target_resource_id": ORDERS.job_id.lower(),
        "target_type": "microsoft.app/jobs",
        "change_type": "Update",
        "at": AT + timedelta(seconds=40),
        "changed_by": "ana@contoso.example",
        "correlation_id": "c-1",
        "property": path,
        "before": before,
        "after": after,
    }
    return ResourceChange(**fields | more)


def rows(tables: RunTables, *columns: str) -> list[tuple[Any, ...]]:
    con: duckdb.DuckDBPyConnection = tables.derived()
    named = ", ".join(f'"{column}"' for column in columns)
    return con.execute(f'select {named} from changes order by "at", change_id, property').fetchall()


def test_the_events_of_one_operation_are_one_change(tables: RunTables) -> None:
    tables.add(ORDERS, told("Started"), told("Accepted", seconds=1), told("Succeeded", seconds=9))
    assert rows(tables, "kind", "status", "events", "before_after", "relation", "source") == [
        ("configuration", "Succeeded", 3, "unknown", "job", "activity_log")
    ]


def test_the_same_operation_twice_under_one_correlation_is_two_changes(tables: RunTables) -> None:
    tables.add(
        ORDERS,
        told("Started"), told("Failed", seconds=5),
        told("Started", seconds=60, act="o-2"), told("Succeeded", seconds=70, act="o-2"),
    )  # fmt: skip
    assert rows(tables, "status", "before_after") == [("Failed", "nothing changed"), ("Succeeded", "unknown")]


def test_properties_join_the_act_of_their_correlation_whatever_the_casing(tables: RunTables) -> None:
    tables.add(
        ORDERS,
        told("Started", resource=ORDERS.job_id.upper().replace("SUBSCRIPTIONS", "subscriptions")),
        told("Succeeded", seconds=9, resource=ORDERS.job_id.upper().replace("SUBSCRIPTIONS", "subscriptions")),
        seen("properties.configuration.replicaTimeout", "600", "1800"),
        seen("properties.configuration.replicaRetryLimit", "1", "0"),
    )
    assert rows(tables, "property", "before", "after", "before_after", "events") == [
        ("properties.configuration.replicaRetryLimit", "1", "0", "known", 2),
        ("properties.configuration.replicaTimeout", "600", "1800", "known", 2),
    ]
    ids = {row[0] for row in rows(tables, "change_id")}
    assert len(ids) == 1


def test_each_of_two_writes_gets_the_properties_nearest_in_time(tables: RunTables) -> None:
    later = AT + timedelta(hours=2)
    tables.add(
        ORDERS,
        told("Started"), told("Succeeded", seconds=9),
        told("Started", act="o-2", at=later), told("Succeeded", act="o-2", at=later, seconds=9),
        seen("a", "1", "2"), seen("a", "2", "1", change_id="g-2", at=later + timedelta(seconds=30)),
    )  # fmt: skip
    assert rows(tables, "before", "after", "before_after") == [("1", "2", "known"), ("2", "1", "known")]


def test_what_only_resource_graph_saw_is_a_change_of_its_own(tables: RunTables) -> None:
    tables.add(
        ORDERS,
        seen("properties.outboundIpAddresses", "1", "2", changed_by="System",
             correlation_id="00000000-0000-0000-0000-000000000000"),
    )  # fmt: skip
    assert rows(tables, "changed_by", "source", "events", "before_after") == [
        ("System", "resource_changes", 0, "known")
    ]


def test_values_that_azure_cut_are_not_called_known(tables: RunTables) -> None:
    tables.add(ORDERS, told("Succeeded"), seen("x", "aaa", "aaa", truncated=True))
    assert rows(tables, "before_after") == [("cut by Azure",)]


def test_a_deployment_is_told_by_the_writes_it_made(tables: RunTables) -> None:
    where = f"{GROUP}/providers/Microsoft.Resources/deployments/orders-7"
    deployed = Deployment(
        deployment_id=where, name="orders-7", scope=GROUP, subscription_id=SUB, at=AT, correlation_id="c-1"
    )
    tables.add(
        ORDERS, deployed, told("Succeeded"),
        told("Succeeded", resource=where, operation="Microsoft.Resources/deployments/write", act="o-9"),
    )  # fmt: skip
    assert rows(tables, "kind", "deployment") == [("configuration", "orders-7")]


def test_a_deployment_that_no_event_tells_of_is_a_change(tables: RunTables) -> None:
    where = f"{GROUP}/providers/Microsoft.Resources/deployments/orders-8"
    tables.add(
        ORDERS,
        Deployment(deployment_id=where, name="orders-8", scope=GROUP, subscription_id=SUB, at=AT, correlation_id="c-8"),
        Deployment(deployment_id=where + "x", name="old", scope=GROUP, subscription_id=SUB, at=AT - timedelta(days=90)),
    )
    assert rows(tables, "kind", "relation", "source", "deployment") == [
        ("deployment", "scope", "deployments", "orders-8")
    ]


def test_an_assignment_says_which_role_for_whom(tables: RunTables) -> None:
    body = {"Properties": {"PrincipalId": "p-9", "RoleDefinitionId": f"/providers/x/roleDefinitions/{ROLE}"}}
    where = f"{ORDERS.job_id}/providers/Microsoft.Authorization/roleAssignments/a-1"
    operation = "Microsoft.Authorization/roleAssignments/write"
    tables.add(
        ORDERS,
        RoleDefinition(role_definition_id=f"/providers/Microsoft.Authorization/roleDefinitions/{ROLE}",
                       role_guid=ROLE, name="Jobs Operator", type="BuiltInRole", permissions=Json([])),
        told("Started", resource=where, operation=operation, properties=Json({"requestbody": json.dumps(body)})),
        told("Succeeded", resource=where, operation=operation, seconds=1),
    )  # fmt: skip
    assert rows(tables, "kind", "property", "before", "after", "relation") == [
        ("access", "roleAssignment", None, "Jobs Operator for p-9", "job")
    ]


def test_a_change_of_the_group_is_around_every_job_in_it_and_of_no_other(tables: RunTables) -> None:
    other = job("billing", group="rg-orders-2")
    where = f"{GROUP}/providers/Microsoft.Authorization/locks/l-1"
    tables.add(
        ORDERS, job("returns"), other,
        told("Succeeded", resource=where, operation="Microsoft.Authorization/locks/delete"),
        told("Succeeded", resource=f"{GROUP}/providers/Microsoft.Sql/servers/s", act="o-2",
             operation="Microsoft.Sql/servers/write"),
    )  # fmt: skip
    assert sorted(rows(tables, "kind", "relation", "job_id")) == [
        ("lock", "scope", ORDERS.job_id), ("lock", "scope", job("returns").job_id)
    ]  # fmt: skip


def test_starts_and_reads_of_secrets_have_nothing_to_compare(tables: RunTables) -> None:
    tables.add(
        ORDERS,
        told("Succeeded", operation="microsoft.app/JOBS/Start/action"),
        told("Succeeded", operation="Microsoft.App/jobs/listSecrets/action", seconds=5, act="o-2"),
    )
    assert rows(tables, "kind", "before_after") == [
        ("start", "nothing to tell"), ("secret_read", "nothing to tell")
    ]  # fmt: skip


def test_a_property_belongs_to_the_write_and_not_to_an_action_of_the_same_correlation(tables: RunTables) -> None:
    """Though the action came at the very moment at which Resource Graph saw the change."""
    start = "Microsoft.App/jobs/start/action"
    tables.add(
        ORDERS,
        told("Succeeded"),
        told("Succeeded", operation=start, seconds=40, act="o-2"),
        seen("properties.template.containers[0].image", "a", "b"),
    )
    found = rows(tables, "operation", "property", "before", "after")
    assert (WRITE, "properties.template.containers[0].image", "a", "b") in found
    assert [row[1:] for row in found if row[0] == start] == [(None, None, None)]


def test_a_property_belongs_to_an_action_where_nothing_was_written(tables: RunTables) -> None:
    stop = "Microsoft.App/jobs/stop/action"
    tables.add(ORDERS, told("Succeeded", operation=stop, seconds=40), seen("properties.runningStatus", "a", "b"))
    assert rows(tables, "operation", "property") == [(stop, "properties.runningStatus")]
