"""JA-14 and 15: identities that jobs share, and what reaches the event source."""

from __future__ import annotations

from typing import Any

import pytest
from access_rows import (
    BUS,
    GROUP,
    HERE,
    IDENTITY,
    ITS_PRINCIPAL,
    ORDERS,
    QUEUE,
    assigned,
    carries,
    found,
    listed,
    policy,
    role,
    source,
    watches,
    whole,
)
from answered import found as answered
from run_tables import OTHER, SUB, RunTables, job, system_identity

from audit.evidence.event_sources import EventSource, EventSourceEntity
from audit.evidence.jobs import RuleSource
from audit.model import GapReason


def test_an_identity_of_several_jobs(tables: RunTables) -> None:
    alone, first, second, manual = job("alone"), job("first"), job("second"), job("manual", in_scope=False)
    mine = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-alone"
    far = mine.replace(SUB, OTHER)
    tables.add(*(row for each in (alone, first, second, manual) for row in listed(each)), system_identity(alone))
    tables.add(*carries(alone, mine), *carries(alone, far), *carries(first), *carries(second, IDENTITY.upper()))
    tables.add(*carries(manual), *listed(job("bare")))
    rows = answered(tables, "JA-14")
    assert {key: verdict for key, (verdict, _) in rows.items()} == {
        ("alone", "system-assigned identity"): "pass",
        ("alone", "id-alone in rg-orders"): "pass",
        ("alone", f"id-alone in rg-orders of {OTHER}"): "pass",
        ("first", "id-orders in rg-orders"): "fail",
        ("second", "ID-ORDERS in RG-ORDERS"): "fail",
        ("bare", "bare"): "not_applicable",
    }
    told = rows["first", "id-orders in rg-orders"][1]
    assert told == "shared with 2 other jobs: manual in rg-orders, second in rg-orders"
    tables.with_run(settings={"shared_identities": ["ID-?rders"]})
    rows = {row["subject"]: (row["verdict"], row["reason"]) for row in tables.assessed("JA-14")}
    assert rows["id-orders in rg-orders"][0] == "pass"
    assert "policy.shared_identities allows it" in rows["id-orders in rg-orders"][1]


def test_a_list_of_jobs_that_failed_may_hide_another(tables: RunTables) -> None:
    tables.subscriptions = [SUB, OTHER]
    tables.add(*listed(job("first")), *carries(job("first")))
    tables.gap("jobs", f"/subscriptions/{OTHER}", GapReason.FORBIDDEN)
    verdict, reason = answered(tables, "JA-14")["first", "id-orders in rg-orders"]
    assert verdict == "not_assessed"
    assert f"jobs at /subscriptions/{OTHER}: forbidden" in reason
    tables.add(*listed(job("second")), *carries(job("second")))
    assert answered(tables, "JA-14")["first", "id-orders in rg-orders"][0] == "fail"


def test_many_sharers_are_counted(tables: RunTables) -> None:
    for number in range(7):
        tables.add(*listed(job(f"job-{number}")), *carries(job(f"job-{number}")))
    _, reason = answered(tables, "JA-14")["job-0", "id-orders in rg-orders"]
    assert reason == (
        "shared with 6 other jobs: job-1 in rg-orders, job-2 in rg-orders, job-3 in rg-orders, and 3 more"
    )


def answers(tables: RunTables, **settings: Any) -> dict[str, tuple[str, str]]:
    tables.with_run(settings=settings)
    return {row["subject"].partition("bus: ")[2] or row["subject"]: (row["verdict"], row["reason"])
            for row in tables.verdicts("JA-15")}  # fmt: skip


def with_source(tables: RunTables, **fields: Any) -> None:
    whole(tables)
    tables.rows = [each for each in tables.rows if each.table != "event_sources"]
    tables.add(source(**fields))


def test_a_source_without_keys_and_an_identity_that_receives(tables: RunTables) -> None:
    whole(tables)
    tables.add(policy("RootManageSharedAccessKey", "Listen", "Manage", "Send"))
    assert answers(tables) == {
        "local authentication": ("pass", "keys are refused: whoever connects has to sign in"),
        "Manage policies": (
            "pass", "1 of 1 shared-access policies may manage: RootManageSharedAccessKey; but keys are refused",
        ),
        "rights of the identity": ("pass", "the job's identities can do nothing to it but receive"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("keys_off", "rights", "entity", "verdict"),
    [
        (False, ("Listen", "Manage", "Send"), None, "fail"),
        (False, ("Manage",), QUEUE, "fail"),
        (False, ("Listen", "Send"), None, "pass"),
        (False, ("Manage",), f"{BUS}/queues/another", "not_applicable"),
        (None, ("Manage",), None, "not_assessed"),
        (None, ("Listen",), None, "pass"),
    ],
)
def test_manage_policies(
    tables: RunTables, keys_off: bool | None, rights: tuple[str, ...], entity: str | None, verdict: str
) -> None:
    with_source(tables, local_auth_disabled=keys_off)
    tables.add(policy("keda", *rights, entity=entity))
    rows = answers(tables)
    assert rows["Manage policies"][0] == verdict
    assert rows["local authentication"][0] == ("not_assessed" if keys_off is None else "fail")


SENDS = "Microsoft.ServiceBus/namespaces/messages/send/action"
KEYS = "Microsoft.ServiceBus/namespaces/authorizationRules/listkeys/action"


@pytest.mark.parametrize(
    ("given", "verdict", "told"),
    [
        (role("R", "Microsoft.ServiceBus/namespaces/write"), "fail", "change the Service Bus namespace"),
        (role("R", data=(SENDS,)), "fail", "send messages that start the job"),
        (role("R", KEYS), "fail", "fetch the keys"),
        (role("R", "Microsoft.ServiceBus/*/read"), "pass", "nothing to it but receive"),
    ],
)
def test_rights_of_the_identity(tables: RunTables, given: Any, verdict: str, told: str) -> None:
    with_source(tables, local_auth_disabled=False)
    tables.add(given, assigned(ITS_PRINCIPAL, "R", HERE, principal_type="ServicePrincipal"))
    got, reason = answers(tables)["rights of the identity"]
    assert got == verdict
    assert told in reason
    if verdict == "fail":
        assert reason.startswith('"id-orders" can ')
        assert '("R" at subscriptions ' in reason
    allowed = answers(tables, identity_may_send=True)["rights of the identity"][0]
    assert allowed == ("pass" if told.startswith("send") else verdict)


def test_a_right_over_blobs_is_none_over_a_queue(tables: RunTables) -> None:
    whole(tables)
    store = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/store"
    tables.rows = [each for each in tables.rows if each.table not in ("rule_sources", "scale_rules")]
    host = "store.queue.core.windows.net"
    tables.add(*watches(ORDERS, host, source_type="microsoft.storage/storageaccounts", entity="q"))
    tables.add(found(store, host))
    tables.add(EventSource(resource_id=store, source_type="microsoft.storage/storageaccounts", name="store"))
    entity = f"{store}/queueServices/default/queues/q"
    tables.add(EventSourceEntity(entity_id=entity, resource_id=store, entity_kind="queue", name="q", status="Active"))
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
    reads = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/read"
    tables.add(role("R", data=(blobs, reads)), assigned(ITS_PRINCIPAL, "R", store, principal_type="ServicePrincipal"))
    rows = answers(tables)
    assert rows.keys() == {
        f"storage account store: {each}" for each in ("local authentication", "rights of the identity")
    }
    assert rows["storage account store: rights of the identity"][0] == "pass"


def test_a_job_without_identity_or_without_rights_has_none_to_judge(tables: RunTables) -> None:
    whole(tables)
    tables.rows = [each for each in tables.rows if each.table != "role_assignments"]
    assert answers(tables)["rights of the identity"] == ("not_applicable", "no identity of the job holds rights on it")


def test_sources_outside_azure_and_hidden_ones(tables: RunTables) -> None:
    outside = job("outside")
    tables.add(*listed(outside), *listed(job("idle")))
    tables.add(
        RuleSource(
            job_id=outside.job_id, rule_name="q", scaler_type="rabbitmq", source_type="external", host="mq.example",
            entity_kind="queue",
        )
    )  # fmt: skip
    rows = answered(tables, "JA-15")
    assert rows["outside", "mq.example"] == ("not_applicable", "an address outside Azure Resource Manager")
    assert rows["idle", "idle"] == ("not_applicable", "the job waits for no event source")


def test_a_gap_of_the_source_keeps_every_verdict_back(tables: RunTables) -> None:
    whole(tables)
    tables.gap("event_sources", BUS)
    assert {verdict for verdict, _ in answers(tables).values()} == {"not_assessed"}


def test_hostile_names_stay_bounded(tables: RunTables) -> None:
    with_source(tables, local_auth_disabled=False)
    evil = '"; nothing\x1b[0m' + "z" * 3000
    for number in range(5):
        tables.add(policy(f"{number}{evil}", "Manage"))
    verdict, reason = answers(tables)["Manage policies"]
    assert verdict == "fail"
    assert '"' not in reason
    assert ", and 2 more" in reason
    assert len(reason) < 500
