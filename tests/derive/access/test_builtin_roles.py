"""Azure's 928 built-in roles, each given at the subscription to somebody of its own, and what that opens."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from access_asking import Found, ask, connection
from access_estate import Assignment, Block, Estate
from access_one_job import HERE, OLD_VAULT, VAULT, estate
from access_truth import rows

from audit.config import capabilities

COUNTS = {
    "create_job": (3,),
    "update_job": (3,),
    "delete_job": (3,),
    "start_job": (4,),
    "stop_job": (4, 4, 4),
    "exec_job": (1, 4),
    "list_secrets": (4,),
    "read_job": (21,),
    "read_logs": (27, 1),
    "assign_identity": (4,),
    "act_as_identity": (3, 4, 1, 4, 5),
    "grant_access": (28, 2, 2, 2),
    "access_event_source": (2, 2, 2, 2, 3, 1, 2, 15, 9, 3, 3, 3, 3, 3, 24, 0),
    "manage_event_source": (3, 3, 3, 3, 3, 20, 0),
    "read_vault_secret": (4, 0, 7, 7),
    "push_image": (5, 3, 4, 4, 5, 0),
    "change_diagnostics": (14, 3),
    "change_budget": (3, 3),
}
"""How many of the roles open each way of each capability, in the order of config/capabilities.toml.

Checked in three ways: by the evaluator of access_truth, which shares nothing with the engine; by reading the names of
the roles behind every figure up to 30 against what Azure says that these roles are for; and by the spot facts below.
"""


@pytest.fixture(scope="module")
def roles(recorded: Path) -> list[dict]:
    found = json.loads((recorded / "azure-built-in-roles.json").read_text())
    assert len(found) == 928
    return found


@pytest.fixture(scope="module")
def everybody(roles: list[dict]) -> Estate:
    """Each role is held, at the subscription, by a principal with the role's id."""
    blocks = {
        role["name"]: tuple(
            Block(
                actions=tuple(each["actions"]),
                not_actions=tuple(each["notActions"]),
                data_actions=tuple(each["dataActions"]),
                not_data_actions=tuple(each["notDataActions"]),
                condition=each["condition"],
            )
            for each in role["permissions"]
        )
        for role in roles
    }
    given = [Assignment(id=f"{HERE}/assignments/{name}", scope=HERE, principal=name, role=name) for name in blocks]
    return estate(blocks, *given)


@pytest.fixture(scope="module")
def held(roles: list[dict], everybody: Estate) -> dict[str, list[Found]]:
    """What each role opens, by the role's name; rows of policies and keys left out."""
    named = {role["name"].lower(): role["roleName"] for role in roles}
    found: dict[str, list[Found]] = {name: [] for name in named.values()}
    for row in ask(connection(), everybody):
        if row.principal in named:
            found[named[row.principal]].append(row)
    return found


def capabilities_of(rows: list[Found]) -> set[str]:
    return {row.capability for row in rows}


def ways(rows: list[Found], capability: str) -> set[int]:
    return {row.way for row in rows if row.capability == capability}


def test_as_many_roles_open_each_way_as_were_checked(held):
    per_way = Counter((c, w) for rows in held.values() for c, w in {(row.capability, row.way) for row in rows})
    assert {
        name: tuple(per_way[name, number] for number in range(1, len(each.ways) + 1))
        for name, each in capabilities.shipped().items()
    } == COUNTS


def test_the_evaluator_finds_the_same_for_every_role(everybody, held):
    told = {(r.capability, r.way, r.target, r.principal, r.conditional) for each in held.values() for r in each}
    truth = {
        (row.capability, row.way, row.target, row.hold.principal, row.hold.conditional)
        for row in rows(everybody, capabilities.shipped())
        if row.hold.principal in everybody.roles
    }
    assert told == truth
    assert len(told) > 300


SPOTS = {
    "Container Apps Jobs Operator": (
        {"list_secrets", "start_job", "stop_job", "exec_job", "act_as_identity", "read_job", "read_logs"},
        {"update_job", "delete_job", "create_job", "grant_access"},
    ),
    "Container Apps Jobs Contributor": (
        {"create_job", "update_job", "delete_job", "start_job", "list_secrets", "act_as_identity"},
        {"grant_access", "assign_identity", "read_vault_secret", "push_image", "change_diagnostics"},
    ),
    "Container Apps Jobs Reader": ({"read_job"}, {"list_secrets", "start_job", "exec_job", "read_logs"}),
    "Reader": ({"read_job", "read_logs"}, {"list_secrets", "read_vault_secret", "start_job", "access_event_source"}),
    "Contributor": (
        {"update_job", "act_as_identity", "list_secrets", "push_image", "change_diagnostics", "change_budget"},
        {"grant_access"},
    ),
    "Owner": (set(COUNTS), set()),
    "User Access Administrator": ({"grant_access", "read_job"}, {"update_job", "list_secrets", "start_job"}),
    "Role Based Access Control Administrator": ({"grant_access", "read_job"}, {"update_job", "list_secrets"}),
    "Key Vault Secrets User": ({"read_vault_secret"}, set(COUNTS) - {"read_vault_secret"}),
    "Key Vault Contributor": ({"read_vault_secret"}, set(COUNTS) - {"read_vault_secret"}),
    "Key Vault Reader": (set(), set(COUNTS)),
    "AcrPush": ({"push_image"}, set(COUNTS) - {"push_image"}),
    "AcrPull": (set(), set(COUNTS)),
    "Azure Service Bus Data Receiver": ({"access_event_source"}, set(COUNTS) - {"access_event_source"}),
    "Azure Service Bus Data Sender": ({"access_event_source"}, set(COUNTS) - {"access_event_source"}),
    "Storage Queue Data Message Processor": ({"access_event_source"}, {"manage_event_source"}),
    "Managed Identity Operator": ({"assign_identity"}, {"act_as_identity", "update_job"}),
    "Managed Identity Contributor": ({"act_as_identity"}, {"update_job", "grant_access"}),
    "Log Analytics Reader": ({"read_logs"}, {"change_diagnostics", "list_secrets"}),
    "Monitoring Reader": ({"read_logs"}, {"change_diagnostics", "list_secrets"}),
    "Monitoring Contributor": ({"read_logs", "change_diagnostics"}, {"update_job", "list_secrets"}),
    "Cost Management Contributor": ({"change_budget"}, {"read_job", "update_job"}),
    "Container Apps ManagedEnvironments Contributor": ({"change_diagnostics"}, {"update_job", "list_secrets"}),
    "Virtual Machine Contributor": (set(), {"read_job", "list_secrets", "update_job"}),
}
"""What some roles open, and what they don't, from Azure's own descriptions of them."""


@pytest.mark.parametrize("role", SPOTS)
def test_what_is_known_of_a_role(held, role):
    opened, closed = SPOTS[role]
    assert not opened - capabilities_of(held[role])
    assert not closed & capabilities_of(held[role])


def test_owner_holds_no_data_action(held):
    data = {
        (name, number)
        for name, each in capabilities.shipped().items()
        for number, way in enumerate(each.ways, 1)
        if any(need.data_action for need in way.needs)
    }
    assert not data & {(row.capability, row.way) for row in held["Owner"]}
    assert ways(held["Owner"], "exec_job") == {2}
    assert ways(held["Contributor"], "access_event_source") == {10, 11, 12, 13, 14, 15}


def test_the_two_kinds_of_vault_are_opened_by_different_roles(held):
    def vaults(role: str) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for row in held[role]:
            found.setdefault(row.way, set()).add(row.target)
        return found

    assert vaults("Key Vault Secrets User") == {1: {VAULT.lower()}}
    assert vaults("Key Vault Contributor") == {3: {OLD_VAULT.lower()}, 4: {OLD_VAULT.lower()}}


def test_who_receives_and_who_sends(held):
    assert ways(held["Azure Service Bus Data Receiver"], "access_event_source") == {1}
    assert ways(held["Azure Service Bus Data Sender"], "access_event_source") == {2}
    assert {1, 2, 10} <= ways(held["Azure Service Bus Data Owner"], "access_event_source")
    assert ways(held["Azure Event Hubs Data Receiver"], "access_event_source") == {3}
    assert ways(held["Azure Event Hubs Data Sender"], "access_event_source") == {4}
    assert ways(held["Storage Queue Data Message Processor"], "access_event_source") == {5, 7}
    assert ways(held["Storage Queue Data Message Sender"], "access_event_source") == {6}
    assert ways(held["Storage Blob Data Reader"], "access_event_source") == {8}
    assert ways(held["Storage Account Key Operator Service Role"], "access_event_source") == {15}


def test_the_condition_of_a_block_is_told_where_only_that_block_grants(held):
    def conditional(role: str) -> set[bool]:
        return {row.conditional for row in held[role] if row.capability == "grant_access"}

    assert conditional("Key Vault Data Access Administrator") == {True}
    assert conditional("Role Based Access Control Administrator") == {False}
    assert conditional("Owner") == {False}
