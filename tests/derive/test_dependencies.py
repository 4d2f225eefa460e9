"""What a job stands on; a name that leads nowhere stays visible as unresolved."""

from __future__ import annotations

from typing import Any

from run_tables import SUB, RunTables, container, job

from audit.evidence.environments import Environment
from audit.evidence.event_sources import EventSourceEntity
from audit.evidence.identities import Identity
from audit.evidence.inventory import InventoryItem
from audit.evidence.jobs import JobIdentity, JobSecret, RuleSource
from audit.evidence.private_dns import PrivateDnsLink
from audit.evidence.private_endpoints import PrivateEndpoint
from audit.evidence.role_assignments import RoleAssignment
from audit.evidence.role_definitions import RoleDefinition
from audit.model import Json

GROUP = f"/subscriptions/{SUB}/resourceGroups/rg-orders/providers"
HOME = f"{GROUP}/Microsoft.App/managedEnvironments/cae"
BUS = f"{GROUP}/Microsoft.ServiceBus/namespaces/sb-orders"
USER = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/id-orders"
VAULT = f"{GROUP}/Microsoft.KeyVault/vaults/kv-orders"
ORDERS = job("orders", environment_id=HOME.upper().replace("SUBSCRIPTIONS", "subscriptions"))


def known(resource_id: str, host: str, **more: Any) -> InventoryItem:
    kind = "/".join(resource_id.split("/")[-3:-1])
    return InventoryItem(
        resource_id=resource_id, name=resource_id.rsplit("/", maxsplit=1)[-1], type=kind, subscription_id=SUB,
        resource_group="rg-orders", host=host, **more,
    )  # fmt: skip


def rows(tables: RunTables, relation: str, columns: str = "resource_id, via, resolved, detail") -> list[Any]:
    found = tables.derived().execute(f"select {columns} from dependencies where relation = ? order by all", [relation])
    return found.fetchall()


def source(**fields: Any) -> RuleSource:
    defaults = {"job_id": ORDERS.job_id, "rule_name": "q", "scaler_type": "azure-servicebus", "entity_kind": "none"}
    return RuleSource(**defaults | fields)


def test_the_environment_leads_on_to_its_network_and_workspace(tables: RunTables) -> None:
    subnet = f"{GROUP}/Microsoft.Network/virtualNetworks/v/subnets/s"
    tables.add(
        ORDERS,
        Environment(environment_id=HOME, name="cae", subscription_id=SUB, resource_group="rg-orders",
                    vnet_subnet_id=subnet, workspace_id="c-1"),
    )  # fmt: skip
    assert rows(tables, "environment", "resource_id, resolved") == [(HOME, True)]
    assert rows(tables, "subnet", "resource_id, resolved, resource_type") == [
        (subnet, False, "microsoft.network/virtualnetworks/subnets")
    ]
    ((workspace, resolved, detail),) = rows(tables, "workspace", "resource_id, resolved, detail")
    assert (workspace, resolved) == ("c-1", False)
    assert "no workspace that the caller can see" in detail


def test_a_rule_leads_to_its_source_and_the_queue_in_it(tables: RunTables) -> None:
    tables.add(
        ORDERS, known(BUS, "sb-orders.servicebus.windows.net"),
        source(host="SB-ORDERS.servicebus.windows.net", entity_kind="queue", entity="orders", found_by="namespace"),
        EventSourceEntity(entity_id=f"{BUS}/queues/orders", resource_id=BUS, entity_kind="queue", name="Orders"),
    )  # fmt: skip
    assert rows(tables, "event_source", "resource_id, resolved, found_by") == [(BUS, True, "rule q: namespace")]
    assert rows(tables, "entity", "resource_id, via, resolved") == [(f"{BUS}/queues/orders", BUS, True)]


def test_a_source_that_nobody_can_see_is_unresolved_with_the_reason(tables: RunTables) -> None:
    tables.add(
        ORDERS,
        source(host="sb-gone.servicebus.windows.net"),
        source(rule_name="r", scaler_type="rabbitmq", source_type="external", host="mq.example"),
        source(rule_name="s", unresolved="the address is inside the secret bus"),
        source(rule_name="c", scaler_type="cron", source_type="none"),
    )
    assert rows(tables, "event_source", "resource_id, resolved, detail") == [
        ("azure-servicebus", False, "the address is inside the secret bus"),
        ("mq.example", False, "an address outside Azure Resource Manager"),
        ("sb-gone.servicebus.windows.net", False, "no resource that the caller can see has this address"),
    ]


def test_a_queue_that_is_missing_is_said_to_be(tables: RunTables) -> None:
    tables.add(
        ORDERS, known(BUS, "sb-orders.x"), source(host="sb-orders.x", entity_kind="queue", entity="orders"),
        EventSourceEntity(entity_id=f"{BUS}/queues/orders", resource_id=BUS, entity_kind="queue", name="orders",
                          status="missing"),
    )  # fmt: skip
    assert rows(tables, "entity", "resolved, detail") == [
        (False, "the queue does not exist in the event source")
    ]  # fmt: skip


def test_an_identity_leads_to_what_its_roles_reach_each_role_a_row(tables: RunTables) -> None:
    roles = [f"/providers/Microsoft.Authorization/roleDefinitions/{n}{'0' * 7}-0000-0000-0000-{'0' * 12}" for n in "12"]
    tables.add(
        ORDERS, JobIdentity(job_id=ORDERS.job_id, identity_id=USER, kind="user"),
        Identity(identity_id=USER.upper().replace("SUBSCRIPTIONS", "subscriptions"), job_id=ORDERS.job_id, kind="user",
                 principal_id="P-1", federated_credentials=Json([])),
        *(RoleDefinition(role_definition_id=role, role_guid=role[-36:], name=f"Role {n}", type="BuiltInRole",
                         permissions=Json([]))
          for n, role in enumerate(roles)),
        *(RoleAssignment(assignment_id=f"{BUS}/a/{n}", scope=BUS, principal_id="p-1", role_definition_id=role,
                         role_guid=role[-36:], subscription_id=SUB) for n, role in enumerate(roles)),
    )  # fmt: skip
    assert rows(tables, "identity", "resolved") == [(True,)]
    assert [row[0] for row in rows(tables, "reaches", "found_by")] == ["role Role 0", "role Role 1"]


def test_vaults_and_registries_are_found_by_host(tables: RunTables) -> None:
    tables.add(
        ORDERS, container(ORDERS, registry="ACR.azurecr.io"), known(VAULT, "kv-orders.vault.azure.net"),
        *(JobSecret(job_id=ORDERS.job_id, name=name, key_vault_url=f"https://KV-orders.vault.azure.net/secrets/{name}")
          for name in ("b", "a")),
    )  # fmt: skip
    assert rows(tables, "vault", "resource_id, found_by, resolved") == [(VAULT, "secret a, b", True)]
    assert rows(tables, "registry", "resource_id, resolved") == [("acr.azurecr.io", False)]


def test_a_private_endpoint_leads_to_its_zone_and_the_zone_says_whom_it_is_linked_to(tables: RunTables) -> None:
    endpoint, zone = f"{GROUP}/Microsoft.Network/privateEndpoints/pe", f"{GROUP}/Microsoft.Network/privateDnsZones/z"
    tables.add(
        ORDERS, known(BUS, "sb-orders.x"), source(host="sb-orders.x"),
        PrivateEndpoint(endpoint_id=endpoint, name="pe", connection="c", target_id=BUS.lower(), status="Approved",
                        manual=False),
        PrivateDnsLink(zone_id=zone, zone="z", endpoint_id=endpoint),
    )  # fmt: skip
    assert rows(tables, "private_endpoint", "resource_id, via") == [(endpoint, BUS)]
    assert rows(tables, "dns_zone", "resource_id, detail") == [(zone, "linked to no virtual network")]


def test_the_networks_of_a_zone_stand_in_the_order_of_their_names(tables: RunTables) -> None:
    endpoint, zone = f"{GROUP}/Microsoft.Network/privateEndpoints/pe", f"{GROUP}/Microsoft.Network/privateDnsZones/z"
    names = [f"vnet-{number:02}" for number in range(12)]
    tables.add(
        ORDERS, known(BUS, "sb-orders.x"), source(host="sb-orders.x"),
        PrivateEndpoint(endpoint_id=endpoint, name="pe", connection="c", target_id=BUS.lower(), status="Approved",
                        manual=False),
        *(PrivateDnsLink(zone_id=zone, zone="z", endpoint_id=endpoint, link_id=f"{zone}/virtualNetworkLinks/{name}",
                         linked_vnet_id=f"{GROUP}/Microsoft.Network/virtualNetworks/{name}")
          for name in reversed(names)),
    )  # fmt: skip
    assert rows(tables, "dns_zone", "detail") == [(f"linked to {', '.join(names)}",)]
