"""The ways that people forget, each with the words that an auditor can repeat, and each need of every way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import duckdb
import msgspec
import pytest
from access_asking import Found, ask, connection
from access_estate import Assignment, Block, Policy, VaultPolicy
from access_one_job import (
    BUS,
    ENVIRONMENT,
    HERE,
    HUB,
    IDENTITY,
    ITS_PRINCIPAL,
    JOB,
    OLD_VAULT,
    QUEUE,
    REGISTRY,
    STORE,
    SUBSCRIPTION,
    TOPIC,
    VAULT,
    WORKSPACE,
    estate,
)

from audit.config import capabilities
from audit.model.capability import Need, Way

WHO = "person-1"


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return connection()


def given(*blocks: Block, scope: str, who: str = WHO, role: str = "r-1") -> tuple[dict, Assignment]:
    return {role: blocks}, Assignment(id=f"{scope}/assignments/{who}-{role}", scope=scope, principal=who, role=role)


def can(found: list[Found], who: str = WHO) -> set[tuple[str, str, str]]:
    """Return what somebody can do in one step: capability, last segment of the resource, words."""
    return {
        (row.capability, row.target.rpartition("/")[2], row.words)
        for row in found
        if row.principal == who.lower() and row.steps == 1
    }


FORGOTTEN = [
    (JOB, "Microsoft.App/jobs/write", False, {
        ("act_as_identity", "orders", "act as the job's identity by changing what the job runs"),
        ("update_job", "orders", "change what the job runs, with which settings, secrets and identities"),
    }),
    (JOB, "Microsoft.App/jobs/start/action", False, {
        ("act_as_identity", "orders", "act as the job's identity by starting the job with another image or command"),
        ("start_job", "orders", "start the job, with another image or command if they like"),
    }),
    (JOB, "Microsoft.App/jobs/exec/action", True, {
        ("act_as_identity", "orders", "act as the job's identity from a console in a running execution"),
        ("exec_job", "orders", "run commands inside a running execution, of which Azure keeps no log"),
    }),
    (JOB, "Microsoft.App/jobs/authtoken/action", False, {
        ("act_as_identity", "orders", "act as the job's identity from a console, with the token that opens one"),
        ("exec_job", "orders", "ask for the token that opens a console in a running execution"),
    }),
    (JOB, "Microsoft.App/jobs/listSecrets/action", False, {
        ("list_secrets", "orders", "read the values of the job's own secrets"),
    }),
    (JOB, "Microsoft.Authorization/roleAssignments/write", False, {
        ("grant_access", "orders", "give anybody, themselves included, any role on the job"),
    }),
    (JOB, "Microsoft.Authorization/roleEligibilityScheduleRequests/write", False, {
        ("grant_access", "orders", "make anybody eligible for a role on the job through PIM"),
    }),
    (HERE, "Microsoft.Authorization/roleDefinitions/write", False, {
        ("grant_access", "orders", "change what custom roles allow"),
    }),
    (IDENTITY, "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", False, {
        ("assign_identity", "id", "attach the identity to this job or to any other workload that they may change"),
    }),
    (IDENTITY, "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write", False, {
        ("act_as_identity", "id", "act as the identity by trusting an outside token issuer of their own"),
    }),
    (BUS, "Microsoft.ServiceBus/namespaces/authorizationRules/listkeys/action", False, {
        ("access_event_source", "bus", "fetch the keys of the Service Bus namespace and use them"),
    }),
    (QUEUE, "Microsoft.ServiceBus/namespaces/queues/authorizationRules/listkeys/action", False, {
        ("access_event_source", "in", "fetch the keys of the Service Bus queue and use them"),
    }),
    (TOPIC, "Microsoft.ServiceBus/namespaces/topics/authorizationRules/listkeys/action", False, {
        ("access_event_source", "news", "fetch the keys of the Service Bus topic and use them"),
    }),
    (SUBSCRIPTION, "Microsoft.ServiceBus/namespaces/topics/authorizationRules/listkeys/action", False, set()),
    (HUB, "Microsoft.EventHub/namespaces/authorizationRules/listkeys/action", False, {
        ("access_event_source", "hub", "fetch the keys of the Event Hubs namespace and use them"),
    }),
    (STORE, "Microsoft.Storage/storageAccounts/listkeys/action", False, {
        ("access_event_source", "store", "fetch the keys of the storage account and use them"),
    }),
    (OLD_VAULT, "Microsoft.KeyVault/vaults/accessPolicies/write", False, {
        ("read_vault_secret", "kv-policies", "write an access policy that lets them read the vault's secrets"),
    }),
    (VAULT, "Microsoft.KeyVault/vaults/accessPolicies/write", False, set()),
    (OLD_VAULT, "Microsoft.KeyVault/vaults/write", False, {
        ("read_vault_secret", "kv-policies", "change the vault, its access policies included"),
    }),
    (OLD_VAULT, "Microsoft.KeyVault/vaults/secrets/getSecret/action", True, set()),
    (REGISTRY, "Microsoft.ContainerRegistry/registries/push/write", False, {
        ("push_image", "images", "push an image under the name that the job runs"),
    }),
    (REGISTRY, "Microsoft.ContainerRegistry/registries/listCredentials/action", False, {
        ("push_image", "images", "fetch the password of the registry's admin user and push with it"),
    }),
    (REGISTRY, "Microsoft.ContainerRegistry/registries/scheduleRun/action", False, {
        ("push_image", "images", "build and push an image with a registry task"),
    }),
    (ENVIRONMENT, "Microsoft.App/managedEnvironments/write", False, {
        ("change_diagnostics", "env", "change where the environment sends its logs"),
    }),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "action", "data", "words"), FORGOTTEN)
def test_one_action_on_one_resource_opens_this_and_nothing_else(con, scope, action, data, words):
    block = Block(data_actions=(action,)) if data else Block(actions=(action,))
    roles, assignment = given(block, scope=scope)
    assert can(ask(con, estate(roles, assignment))) == words


def test_whoever_can_change_the_job_gets_what_its_identity_reaches(con):
    mine, write = given(Block(actions=("Microsoft.App/jobs/write",)), scope=JOB)
    secret = Block(data_actions=("Microsoft.KeyVault/vaults/secrets/getSecret/action",))
    its, reach = given(secret, scope=VAULT, who=ITS_PRINCIPAL, role="r-2")
    steps = [row for row in ask(con, estate(mine | its, write, reach)) if row.principal == WHO and row.steps == 2]
    assert [(row.capability, row.target, row.words, row.through, row.identity, row.via) for row in steps] == [
        (
            "read_vault_secret", VAULT.lower(), "read the values of the vault's secrets",
            "act as the job's identity by changing what the job runs", IDENTITY.lower(), write.id.lower(),
        )
    ]  # fmt: skip


def test_whoever_can_federate_the_identity_gets_what_it_reaches(con):
    federate = Block(actions=("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",))
    mine, write = given(federate, scope=IDENTITY)
    its, reach = given(Block(actions=("Microsoft.App/jobs/read",)), scope=JOB, who=ITS_PRINCIPAL, role="r-2")
    steps = [row for row in ask(con, estate(mine | its, write, reach)) if row.principal == WHO and row.steps == 2]
    assert [(row.capability, row.target, row.through) for row in steps] == [
        ("read_job", JOB.lower(), "act as the identity by trusting an outside token issuer of their own")
    ]


def test_the_identity_s_best_way_is_the_one_without_a_condition_even_if_it_ends(con):
    mine, write = given(Block(actions=("Microsoft.App/jobs/write",)), scope=JOB)
    its, reach = given(Block(actions=("Microsoft.App/jobs/read",)), scope=JOB, who=ITS_PRINCIPAL, role="r-2")
    lasting = replace(reach, id=f"{reach.id}-lasting", condition="@Resource[x] StringEquals 'y'")
    ending = replace(reach, ends=datetime(2026, 12, 1, tzinfo=UTC))
    steps = [row for row in ask(con, estate(mine | its, write, lasting, ending)) if row.steps == 2]
    assert [(row.capability, row.principal, row.conditional) for row in steps] == [("read_job", WHO, False)]


def test_what_the_identity_reaches_beyond_the_job_s_own_resources_is_no_row_of_the_job(con):
    mine, write = given(Block(actions=("Microsoft.App/jobs/write",)), scope=JOB)
    secret = Block(data_actions=("Microsoft.KeyVault/vaults/secrets/getSecret/action",))
    its, reach = given(secret, scope=f"{VAULT}-of-another", who=ITS_PRINCIPAL, role="r-2")
    assert not [row for row in ask(con, estate(mine | its, write, reach)) if row.steps == 2]


def test_a_shared_access_policy_is_a_holder_of_its_own(con):
    whole = Policy(id=f"{BUS}/authorizationRules/Root", source=BUS, rights=("Listen", "Manage", "Send"))
    topic = Policy(id=f"{TOPIC}/authorizationRules/In", source=BUS, entity=TOPIC, rights=("Listen",))
    other = Policy(
        id=f"{BUS}/queues/other/authorizationRules/X", source=BUS, entity=f"{BUS}/queues/other", rights=("Send",)
    )
    found = ask(con, estate({}, policies=(whole, topic, other)))
    use = "use the key of a shared-access policy, whoever has it"
    manage = "change or delete queues and subscriptions with the key of a policy that may manage, whoever has it"
    places = ["in", "news", "all"]
    assert can(found, whole.id) == {("access_event_source", each, use) for each in places} | {
        ("manage_event_source", each, manage) for each in places
    }
    assert can(found, topic.id) == {("access_event_source", each, use) for each in ("news", "all")}
    assert can(found, other.id) == set()


def test_keys_that_the_source_refuses_open_nothing(con):
    whole = Policy(id=f"{BUS}/authorizationRules/Root", source=BUS, rights=("Listen", "Manage", "Send"))
    roles, keys = given(Block(actions=("Microsoft.ServiceBus/*",)), scope=BUS)
    refusing = estate(roles, keys, policies=(whole,), refuses_keys={BUS: True, HUB: None, STORE: None})
    found = ask(con, refusing)
    assert can(found, whole.id) == set()
    assert {capability for capability, _, _ in can(found)} == {"manage_event_source"}


def test_an_access_policy_of_the_vault(con):
    reader = VaultPolicy(vault=OLD_VAULT, principal=WHO, secrets=("Get", "List"))
    lister = VaultPolicy(vault=OLD_VAULT, principal="person-2", secrets=("List",))
    unheeded = VaultPolicy(vault=VAULT, principal="person-3", secrets=("Get",))
    through = VaultPolicy(vault=OLD_VAULT, principal="person-4", secrets=("all",), application="app-1")
    found = ask(con, estate({}, vault_policies=(reader, lister, unheeded, through)))
    words = "read the values of the vault's secrets, as one of its access policies says"
    assert can(found) == {("read_vault_secret", "kv-policies", words)}
    assert can(found, "person-2") == can(found, "person-3") == set()
    assert [row.conditional for row in found if row.principal == "person-4"] == [True]


def test_a_principal_s_own_policy_and_the_one_through_an_application_are_two_rows(con):
    own = VaultPolicy(vault=OLD_VAULT, principal=WHO, secrets=("Get",))
    found = ask(con, estate({}, vault_policies=(own, replace(own, application="app-1"))))
    rows = [(row.via.rpartition("/accesspolicies/")[2], row.conditional) for row in found if row.principal == WHO]
    assert rows == [(WHO, False), (f"{WHO}/app-1", True)]
    assert con.execute("select count(*) = count(distinct row_id) from effective_access").fetchone() == (True,)


def test_the_admin_user_of_the_registry(con):
    words = "push with the password of the registry's admin user, whoever has it"
    assert can(ask(con, estate({})), f"{REGISTRY}/adminUser") == {("push_image", "images", words)}
    assert can(ask(con, estate({}, admin_user={REGISTRY: False})), f"{REGISTRY}/adminUser") == set()


def test_readers_of_the_logs_are_those_of_the_workspace(con):
    query = Block(actions=("Microsoft.OperationalInsights/workspaces/query/*/read",))
    roles, assignment = given(query, scope=WORKSPACE)
    words = "query the workspace that holds the environment's logs, those of all its jobs"
    assert can(ask(con, estate(roles, assignment))) == {("read_logs", "logs", words)}


HALVES = [
    ("create_job", 1, {"actions": ("Microsoft.App/jobs/write",)}),
    ("create_job", 0, {"actions": ("Microsoft.App/managedEnvironments/join/action",)}),
    ("read_logs", 1, {"actions": ("Microsoft.OperationalInsights/workspaces/query/read",)}),
    ("read_logs", 0, {"actions": ("Microsoft.OperationalInsights/workspaces/query/ContainerAppConsoleLogs_CL/read",)}),
]


@pytest.mark.parametrize(("name", "lost", "half"), HALVES)
def test_half_of_what_it_takes_is_nothing_and_would_be_all_if_a_need_were_lost(con, name, lost, half):
    roles, assignment = given(Block(**half), scope=HERE)
    described = estate(roles, assignment)
    whole = capabilities.shipped()[name]
    assert name not in {capability for capability, _, _ in can(ask(con, described))}
    way = msgspec.structs.replace(whole.ways[0], needs=whole.ways[0].needs[:lost] + whole.ways[0].needs[lost + 1 :])
    assert can(ask(con, described, {name: msgspec.structs.replace(whole, ways=(way,))}))


NEEDING = [
    (name, number, way)
    for name, each in capabilities.shipped().items()
    for number, way in enumerate(each.ways, 1)
    if way.needs
]


@pytest.fixture(scope="module")
def by_its_needs(con) -> list[Found]:
    """Somebody for each way, who may do exactly what it needs; and for each need, who may do all but that one."""
    roles, assignments = {}, []
    for name, number, way in NEEDING:
        for without in (None, *range(len(way.needs))):
            left = tuple(need for at, need in enumerate(way.needs) if at != without)
            block = Block(actions=asked(left, "action"), data_actions=asked(left, "data_action"))
            made, assignment = given(block, scope=HERE, who=who(name, number, without), role=who(name, number, without))
            roles |= made
            assignments.append(assignment)
    return ask(con, estate(roles, *assignments))


def asked(needs: tuple[Need, ...], plane: str) -> tuple[str, ...]:
    return tuple(getattr(need, plane) for need in needs if getattr(need, plane))


def who(name: str, number: int, without: int | None) -> str:
    return f"{name}-{number}-{'all' if without is None else without}".replace("_", "-")


@pytest.mark.parametrize(("name", "number", "way"), NEEDING)
def test_a_way_takes_all_of_its_needs_and_nothing_else(by_its_needs, name, number, way: Way):
    def holds(without: int | None) -> bool:
        return any(
            (row.capability, row.way, row.principal) == (name, number, who(name, number, without))
            for row in by_its_needs
        )

    assert holds(None)
    assert not any(holds(without) for without in range(len(way.needs)))
