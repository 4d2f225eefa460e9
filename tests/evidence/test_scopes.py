"""Which units a kind has, and whose verdicts rest on each: the SQL of the kinds over small tables."""

from __future__ import annotations

from itertools import pairwise

import pytest
import samples

from audit.evidence import kind
from audit.evidence.inventory import InventoryItem
from audit.evidence.jobs import Job, JobIdentity, RuleSource
from audit.evidence.role_assignments import RoleAssignment

ONE, TWO = samples.SUBSCRIPTION, "99999999-2222-3333-4444-555555555555"
ENV = samples.ENVIRONMENT_ID


def job(
    name: str,
    *,
    subscription: str = ONE,
    group: str = "rg-orders",
    environment: str | None = ENV,
    in_scope: bool = True,
):
    return Job(
        job_id=f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.App/jobs/{name}",
        name=name,
        subscription_id=subscription,
        resource_group=group,
        environment_id=environment,
        trigger_type="Event" if in_scope else "Manual",
        in_scope=in_scope,
        secrets_count=0,
    )


def given(scope: str, principal: str, *, role: str = "r1", subscription: str = ONE, by: str | None = None):
    return RoleAssignment(
        assignment_id=f"{scope}/a/{principal}/{role}",
        scope=scope,
        principal_id=principal,
        role_definition_id=f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        role_guid=role,
        created_by=by,
        subscription_id=subscription,
    )


A, B, C = job("a"), job("b", environment=ENV.upper()), job("c", subscription=TWO, group="RG-other")
IDLE = job("idle", environment=ENV + "-idle", in_scope=False)


def units(con, name: str) -> list[tuple]:
    return con.sql(f"select * from ({kind(name).population})").fetchall()


def affected(con, name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for scope, job_id in con.sql(f"select scope, job_id from ({kind(name).affects})").fetchall():
        found.setdefault(scope, set()).add(job_id.rsplit("/", 1)[1])
    return found


@pytest.mark.parametrize("kind", ["environments", "environment_quotas"])
def test_an_environment_that_is_spelled_twice_is_one_unit_and_both_jobs_rest_on_it(kind):
    con = samples.tables(A, B, IDLE)
    ((scope, jobs),) = units(con, kind)
    assert scope == min(ENV, ENV.upper())
    assert jobs == [A.job_id, B.job_id]
    assert affected(con, kind) == {scope: {"a", "b"}}


def test_diagnostic_settings_are_asked_of_jobs_environments_and_subscriptions_and_of_nothing_out_of_scope():
    con = samples.tables(A, B, job("no-environment", environment=None), IDLE)
    scopes = [row[0] for row in units(con, "diagnostic_settings")]
    environment = min(ENV, ENV.upper())
    subscription = f"/subscriptions/{ONE}"
    assert set(scopes) == {A.job_id, B.job_id, A.job_id[:-1] + "no-environment", environment, subscription}
    rest = affected(con, "diagnostic_settings")
    assert rest[subscription] == {"a", "b", "no-environment"}
    assert rest[environment] == {"a", "b"}
    assert rest[A.job_id] == {"a"}


def source(name: str, host: str, sort: str) -> InventoryItem:
    place = f"/subscriptions/{ONE}/resourceGroups/rg-orders/providers/{sort}/{name}"
    return InventoryItem(
        resource_id=place, name=name, type=sort, host=host, subscription_id=ONE, resource_group="rg-orders"
    )


@pytest.mark.parametrize("name", ["event_sources", "metrics"])
def test_a_host_that_a_rule_and_the_inventory_spell_differently_is_one_namespace(name):
    bus = source("sb-orders", "SB-Orders.servicebus.windows.net", "Microsoft.ServiceBus/namespaces")
    rules = [
        RuleSource(
            job_id=each.job_id, rule_name="r", scaler_type="azure-servicebus", source_type="x",
            host="sb-orders.ServiceBus.windows.net", entity_kind="queue", entity=queue,
        )
        for each, queue in ((A, "orders"), (IDLE, "idle"))
    ]  # fmt: skip
    con = samples.tables(A, IDLE, bus, *rules)
    entity = {"event_sources": "queue/orders", "metrics": "orders"}[name]
    assert dict(units(con, name))[bus.resource_id] == [entity]
    assert affected(con, name)[bus.resource_id] == {"a"}


def test_budgets_are_asked_of_subscriptions_and_resource_groups():
    con = samples.tables(A, B, C)
    assert affected(con, "budgets") == {
        f"/subscriptions/{ONE}": {"a", "b"},
        f"/subscriptions/{ONE}/resourceGroups/rg-orders": {"a", "b"},
        f"/subscriptions/{TWO}": {"c"},
        f"/subscriptions/{TWO}/resourceGroups/RG-other": {"c"},
    }
    assert {row[0] for row in units(con, "budgets")} == set(affected(con, "budgets"))


def test_a_shared_identity_is_one_unit_with_its_jobs():
    shared = samples.IDENTITY_ID
    con = samples.tables(
        A,
        B,
        IDLE,
        JobIdentity(job_id=A.job_id, identity_id=shared, kind="user"),
        JobIdentity(job_id=B.job_id, identity_id=shared.upper(), kind="user"),
        JobIdentity(job_id=A.job_id, identity_id=A.job_id, kind="system"),
        JobIdentity(job_id=IDLE.job_id, identity_id=shared + "-idle", kind="user"),
    )
    found = dict(units(con, "identities"))
    spelled = min(shared, shared.upper())
    assert found == {spelled: [A.job_id, B.job_id], A.job_id: [A.job_id]}
    assert affected(con, "identities") == {spelled: {"a", "b"}, A.job_id: {"a"}}


def test_a_role_is_read_once_over_all_subscriptions():
    con = samples.tables(A, C, given("/", "p", subscription=TWO), given("/", "p", subscription=ONE))
    ((scope,),) = units(con, "role_definitions")
    assert scope.startswith(f"/subscriptions/{ONE}/")
    assert affected(con, "role_definitions") == {scope: {"a", "c"}}


@pytest.mark.parametrize(
    ("place", "jobs"),
    [
        ("/", {"a", "b"}),
        ("/providers/Microsoft.Management/managementGroups/root", {"a", "b"}),
        (f"/subscriptions/{ONE}".upper(), {"a", "b"}),
        (f"/subscriptions/{ONE}/resourceGroups/rg-orders/", {"a", "b"}),
        (f"/subscriptions/{ONE}/resourceGroups/rg", set()),
        (A.job_id.upper(), {"a"}),
        (A.job_id + "-more", set()),
    ],
)
def test_the_jobs_below_an_assignment_rest_on_its_role(place, jobs):
    con = samples.tables(A, B, C, IDLE, given(place, "p"))
    (found,) = affected(con, "role_definitions").values() or [set()]
    assert found == jobs


def test_principals_are_asked_for_a_thousand_at_a_time_each_once():
    people = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(2001)]
    con = samples.tables(A, *(given("/", person, by=people[0].upper()) for person in people), given("/", "not-a-guid"))
    con.execute("insert into job_identities by name select $1 as job_id, 'x' as identity_id, $2 as principal_id",
                [A.job_id, people[5].upper()])  # fmt: skip
    found = units(con, "principals")
    assert [scope for scope, _ in found] == ["/principals/0", "/principals/1", "/principals/2"]
    assert [len(asked) for _, asked in found] == [1000, 1000, 1]
    flat = [each for _, asked in found for each in asked]
    assert all(one < two for one, two in pairwise(flat))
    assert flat == people
    assert affected(con, "principals") == {scope: {"a"} for scope, _ in found}


def test_the_creator_of_an_assignment_and_a_jobs_identity_are_principals_too():
    creator, identity = "c" * 8 + "-0000-4000-8000-000000000000", "d" * 8 + "-0000-4000-8000-000000000000"
    con = samples.tables(
        A, given("/", samples.PRINCIPAL, by=creator),
        JobIdentity(job_id=A.job_id, identity_id=A.job_id, kind="system", principal_id=identity),
    )  # fmt: skip
    ((_, asked),) = units(con, "principals")
    assert set(asked) == {samples.PRINCIPAL, creator, identity}
