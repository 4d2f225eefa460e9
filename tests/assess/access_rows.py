"""Rows of who holds what, for the tests of the controls of access: one job with all that it stands on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from run_tables import NOW, SUB, RunTables, container, job, rule

from audit.evidence.deny_assignments import DenyAssignment
from audit.evidence.environments import Environment
from audit.evidence.event_sources import EventSource, EventSourceEntity, EventSourcePolicy
from audit.evidence.graph_jobs import GraphJob
from audit.evidence.group_members import GroupEdge, GroupMember
from audit.evidence.identities import Identity
from audit.evidence.inventory import InventoryItem
from audit.evidence.jobs import Job, JobIdentity, JobSecret, RuleSource
from audit.evidence.key_vaults import KeyVault
from audit.evidence.principals import Principal
from audit.evidence.registries import Registry
from audit.evidence.role_assignments import RoleAssignment
from audit.evidence.role_definitions import RoleDefinition
from audit.evidence.role_eligibility import RoleEligibility
from audit.evidence.workspaces import Workspace
from audit.model import Json, Record

HERE = f"/subscriptions/{SUB}"
GROUP = f"{HERE}/resourceGroups/rg-orders"
EVERYONE = "00000000-0000-0000-0000-000000000000"


def place(kind: str, name: str) -> str:
    return f"{GROUP}/providers/{kind}/{name}"


BUS = place("Microsoft.ServiceBus/namespaces", "bus")
QUEUE = f"{BUS}/queues/in"
ENVIRONMENT = place("Microsoft.App/managedEnvironments", "env")
REGISTRY = place("Microsoft.ContainerRegistry/registries", "contoso")
VAULT = place("Microsoft.KeyVault/vaults", "kv")
WORKSPACE = place("Microsoft.OperationalInsights/workspaces", "logs")
IDENTITY = place("Microsoft.ManagedIdentity/userAssignedIdentities", "id-orders")
TEAM, INNER = "0000000a-0000-4000-8000-000000000000", "0000000b-0000-4000-8000-000000000000"
ITS_PRINCIPAL = "id-orders-principal"
ORDERS = job(
    "orders",
    environment_id=ENVIRONMENT,
    identity_type="UserAssigned",
    secrets_count=1,
    replica_timeout_s=600,
    replica_retry_limit=1,
    modified_at=NOW - timedelta(days=9),
)


def role(name: str, *actions: str, data: tuple[str, ...] = (), less: tuple[str, ...] = ()) -> RoleDefinition:
    block = {"actions": list(actions), "notActions": list(less), "dataActions": list(data), "notDataActions": []}
    return RoleDefinition(
        role_definition_id=f"{HERE}/providers/Microsoft.Authorization/roleDefinitions/{name}",
        role_guid=name,
        name=name,
        permissions=Json([block]),
    )


def _given(who: str, what: str, scope: str) -> dict[str, Any]:
    return {
        "scope": scope,
        "principal_id": who,
        "principal_type": "User",
        "role_definition_id": f"{HERE}/providers/Microsoft.Authorization/roleDefinitions/{what}",
        "role_guid": what,
        "subscription_id": SUB,
    }


def assigned(who: str, what: str, scope: str = HERE, **fields: Any) -> RoleAssignment:
    name = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{who}-{what}"
    return RoleAssignment(assignment_id=name, **_given(who, what, scope) | fields)


def eligible(who: str, what: str, scope: str = HERE, **fields: Any) -> RoleEligibility:
    return RoleEligibility(eligibility_id=f"{scope}/eligible/{who}-{what}", **_given(who, what, scope) | fields)


def denied(*actions: str, scope: str = HERE, spared: tuple[str, ...] = ()) -> DenyAssignment:
    return DenyAssignment(
        assignment_id=f"{scope}/denials/d",
        scope=scope,
        permissions=Json([{"actions": list(actions), "notActions": [], "dataActions": [], "notDataActions": []}]),
        principals=Json([{"id": EVERYONE, "type": "SystemDefined"}]),
        excluded_principals=Json([{"id": each, "type": "User"} for each in spared]),
        subscription_id=SUB,
    )


def person(who: str, name: str | None = None, **fields: Any) -> Principal:
    defaults: dict[str, Any] = {
        "principal_id": who, "type": "User", "display_name": name or who.title(),
        "user_principal_name": f"{who}@contoso.example", "enabled": True, "user_type": "Member", "resolved": True,
    }  # fmt: skip
    return Principal(**defaults | fields)


def group(who: str, name: str, *members: str) -> list[Record]:
    """Return a group of the directory with all its members; groups have ids as the directory gives them."""
    rows: list[Record] = [Principal(principal_id=who, type="Group", display_name=name, resolved=True)]
    for member in members:
        kind = "Group" if member in (TEAM, INNER) else "User"
        rows += [
            GroupMember(group_id=who, member_id=member, member_type=kind),
            GroupEdge(group_id=who, member_id=member, root_group_id=who),
        ]
    return rows


def found(resource: str, host: str | None = None, customer: str | None = None) -> InventoryItem:
    return InventoryItem(
        resource_id=resource, name=resource.rsplit("/", 1)[-1], type=resource.split("/providers/")[1].rsplit("/", 1)[0],
        subscription_id=SUB, resource_group="rg-orders", host=host, customer_id=customer,
    )  # fmt: skip


def carries(owner: Job, identity: str = IDENTITY, principal: str = ITS_PRINCIPAL) -> list[Record]:
    return [
        JobIdentity(job_id=owner.job_id, identity_id=identity, kind="user", principal_id=principal),
        Identity(identity_id=identity, kind="user", principal_id=principal, job_id=owner.job_id),
    ]


def source(**fields: Any) -> EventSource:
    defaults: dict[str, Any] = {
        "resource_id": BUS, "source_type": "microsoft.servicebus/namespaces", "name": "bus",
        "host": "bus.servicebus.windows.net", "local_auth_disabled": True,
    }  # fmt: skip
    return EventSource(**defaults | fields)


def policy(name: str, *rights: str, entity: str | None = None) -> EventSourcePolicy:
    return EventSourcePolicy(
        policy_id=f"{entity or BUS}/authorizationRules/{name}", resource_id=BUS, entity_id=entity, name=name,
        rights=Json(list(rights)), can_manage="Manage" in rights, can_listen="Listen" in rights,
        can_send="Send" in rights,
    )  # fmt: skip


def watches(owner: Job, host: str = "bus.servicebus.windows.net", **fields: Any) -> list[Record]:
    defaults: dict[str, Any] = {
        "job_id": owner.job_id, "rule_name": "queue", "scaler_type": "azure-servicebus", "host": host,
        "source_type": "microsoft.servicebus/namespaces", "entity_kind": "queue", "entity": "in",
        "found_by": "namespace",
    }  # fmt: skip
    return [rule(owner, auth_method="identity", identity=IDENTITY), RuleSource(**defaults | fields)]


def listed(owner: Job) -> list[Record]:
    """Return the job as both lists have it."""
    return [
        owner,
        GraphJob(job_id=owner.job_id, name=owner.name, subscription_id=SUB, resource_group=owner.resource_group),
    ]


def stands_on() -> list[Record]:
    """Return the job and everything around it, found and read."""
    customer = "c0ffee00-0000-0000-0000-000000000000"
    return [
        *listed(ORDERS), *carries(ORDERS), *watches(ORDERS), container(ORDERS),
        JobSecret(job_id=ORDERS.job_id, name="password", key_vault_url="https://kv.vault.azure.net/secrets/password"),
        Environment(
            environment_id=ENVIRONMENT, name="env", subscription_id=SUB, resource_group="rg-orders",
            workspace_id=customer, zone_redundant=True,
        ),
        Workspace(
            workspace_id=WORKSPACE, customer_id=customer, name="logs", subscription_id=SUB, resource_group="rg-orders"
        ),
        found(WORKSPACE, customer=customer), found(BUS, "bus.servicebus.windows.net"),
        found(REGISTRY, "contoso.azurecr.io"), found(VAULT, "kv.vault.azure.net"),
        EventSourceEntity(entity_id=QUEUE, resource_id=BUS, entity_kind="queue", name="in", status="Active"),
        KeyVault(vault_id=VAULT, name="kv", host="kv.vault.azure.net", rbac=True),
        Registry(registry_id=REGISTRY, name="contoso", host="contoso.azurecr.io", admin_user=False),
    ]  # fmt: skip


OWNER = role("Owner", "*")
CONTRIBUTOR = role("Contributor", "*", less=("Microsoft.Authorization/*/write",))
ADMINISTRATOR = role("User Access Administrator", "*/read", "Microsoft.Authorization/*")
RECEIVER = role("Receiver", data=("Microsoft.ServiceBus/namespaces/messages/receive/action",))


def whole(tables: RunTables) -> None:
    """The job, with Ana as its only owner and an identity that receives."""
    tables.add(*stands_on(), source(), OWNER, RECEIVER, person("ana"), assigned("ana", "Owner"))
    tables.add(assigned(ITS_PRINCIPAL, "Receiver", QUEUE, principal_type="ServicePrincipal"))
    tables.add(
        Principal(
            principal_id=ITS_PRINCIPAL, type="ServicePrincipal", display_name="id-orders", enabled=True, resolved=True
        )
    )
