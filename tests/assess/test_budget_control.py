"""JA-37 on small estates: which budgets cover a job, and whether anybody would hear of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from answered import found, tag
from run_tables import NOW, OTHER, SUB, RunTables, job

from audit.evidence.action_groups import ActionGroup
from audit.evidence.budgets import Budget
from audit.model import GapReason, Json, Record

MAIL = {"mail": {"enabled": True, "operator": "GreaterThan", "threshold": 80, "contactEmails": ["ana@contoso.example"]}}
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg-ops/providers/microsoft.insights/actionGroups/ops"


def budget(name: str = "b", scope: str = f"/subscriptions/{SUB}", **fields: Any) -> Budget:
    defaults: dict[str, Any] = {
        "budget_id": f"{scope}/providers/Microsoft.Consumption/budgets/{name}",
        "scope": scope,
        "subscription_id": SUB,
        "name": name,
        "category": "Cost",
        "amount": Decimal(100),
        "start_date": NOW - timedelta(days=300),
        "end_date": NOW + timedelta(days=300),
        "filter": Json({}),
        "notifications": Json(MAIL),
    }
    return Budget(**defaults | fields)


def group(**fields: Any) -> ActionGroup:
    defaults: dict[str, Any] = {
        "action_group_id": GROUP.upper(),
        "name": "ops",
        "subscription_id": SUB,
        "enabled": True,
        "receivers": Json([{"kind": "email", "name": "ops", "status": "Enabled"}]),
        "receiver_count": 1,
    }
    return ActionGroup(**defaults | fields)


def notify(**contacts: Any) -> Json:
    return Json({"n": {"enabled": True, "operator": "GreaterThan", "threshold": 80, **contacts}})


def dimension(name: str, *values: str, operator: str = "In") -> dict[str, Any]:
    return {"dimensions": {"name": name, "operator": operator, "values": list(values)}}


def tagged(name: str, *values: str) -> dict[str, Any]:
    return {"tags": {"name": name, "operator": "In", "values": list(values)}}


ORDERS = job("orders")
RG = f"/subscriptions/{SUB}/resourceGroups/rg-orders"


CASES: list[tuple[list[Any], str, str]] = [
    ([], "fail", "have no budget"),
    ([budget()], "pass", "ana@contoso.example"),
    ([budget(scope=RG.lower())], "pass", "ana@contoso.example"),
    ([budget(filter=None)], "pass", "covers"),
    ([budget(scope=RG + "-2")], "fail", "have no budget"),
    ([budget(end_date=NOW - timedelta(days=1))], "fail", "ended on 2026-10-31"),
    ([budget(start_date=NOW + timedelta(days=1))], "fail", "starts only on 2026-11-02"),
    ([budget(category="Usage")], "fail", "usage"),
    ([budget(end_date=NOW - timedelta(days=1)), budget("live")], "pass", "the budget live"),
    ([budget(notifications=Json({}))], "fail", "tells nobody"),
    ([budget(notifications=None)], "fail", "tells nobody"),
    ([budget(notifications=notify(contactEmails=[" "]))], "fail", "tells nobody"),
    ([budget(notifications=notify(contactEmails=["\u00a0\u200b\n"]))], "fail", "tells nobody"),
    ([budget(notifications=Json({"n": MAIL["mail"] | {"enabled": False}}))], "fail", "tells nobody"),
    ([budget(notifications=notify(contactRoles=["Owner"]))], "pass", "role Owner"),
    ([budget(notifications=notify(contactGroups=[GROUP])), group()], "pass", "action group ops"),
    ([budget(notifications=notify(contactGroups=[GROUP])), group(enabled=False)], "fail", "disabled"),
    (
        [budget(notifications=notify(contactGroups=[GROUP])), group(receivers=Json([]), receiver_count=0)],
        "fail",
        "no receiver",
    ),
    (
        [
            budget(notifications=notify(contactGroups=[GROUP])),
            group(receivers=Json([{"kind": "email", "status": "Disabled"}])),
        ],
        "fail",
        "all disabled",
    ),
    ([budget(notifications=notify(contactGroups=[GROUP]))], "fail", "not found"),
    ([budget(notifications=notify(contactGroups=[GROUP.replace(SUB, OTHER)]))], "not_assessed", "can't be told"),
    ([budget(filter=Json(dimension("ResourceGroupName", "RG-Orders")))], "pass", "covers"),
    ([budget(filter=Json(dimension("ResourceGroupName", "rg-billing")))], "fail", "ResourceGroupName"),
    ([budget(filter=Json(dimension("ResourceId", ORDERS.job_id)))], "pass", "covers"),
    ([budget(filter=Json(dimension("ResourceType", "Microsoft.App/containerApps")))], "fail", "ResourceType"),
    ([budget(filter=Json(dimension("ResourceLocation", "westeurope")))], "pass", "covers"),
    ([budget(filter=Json(dimension("ServiceName", "Azure Container Apps", "Storage")))], "pass", "covers"),
    ([budget(filter=Json(dimension("MeterCategory", "Storage")))], "fail", "MeterCategory"),
    ([budget(filter=Json(dimension("MeterId", "x")))], "not_assessed", "MeterId"),
    (
        [budget(filter=Json(dimension("ResourceGroupName", "rg-orders", operator="Contains")))],
        "not_assessed",
        "can't be told",
    ),
    ([budget(filter=Json({"not": dimension("ResourceGroupName", "rg-orders")}))], "not_assessed", "can't be told"),
    (
        [
            budget(filter=Json({"and": [dimension("ResourceGroupName", "rg-orders"), tagged("team", "Orders")]})),
            tag(ORDERS.job_id, "Team", "orders"),
        ],
        "pass",
        "covers",
    ),
    (
        [
            budget(filter=Json({"and": [dimension("ResourceGroupName", "rg-orders"), tagged("team", "billing")]})),
            tag(ORDERS.job_id, "team", "orders"),
        ],
        "fail",
        "team",
    ),
    (
        [budget(filter=Json(tagged("team", "orders"))), tag(RG, "team", "orders", "resource_group")],
        "not_assessed",
        "team",
    ),
    ([budget(filter=Json(dimension("MeterId", "x"))), budget("plain")], "pass", "the budget plain"),
    ([budget(filter=Json(dimension("MeterId", "x")), notifications=Json({}))], "fail", "tells nobody"),
]


def moved(record: Record, subscription: str) -> Record:
    """Return a row with every id in another subscription, so that all cases live in one estate."""
    text = msgspec.json.encode(record).replace(SUB.encode(), subscription.encode())
    return msgspec.json.decode(text, type=type(record))


@pytest.fixture(scope="module")
def budgeted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    tables = RunTables(tmp_path_factory.mktemp("budgets"))
    tables.subscriptions = [f"{number:08d}-0000-0000-0000-000000000000" for number in range(len(CASES))]
    for subscription, (given, _, _) in zip(tables.subscriptions, CASES, strict=True):
        tables.add(*(moved(each, subscription) for each in (ORDERS, *given)))
    return {row["job_id"].split("/")[2]: row for row in tables.verdicts("JA-37")}


@pytest.mark.parametrize("case", range(len(CASES)))
def test_budget_with_contacts(budgeted: dict[str, dict[str, Any]], case: int) -> None:
    _, verdict, told = CASES[case]
    row = budgeted[f"{case:08d}-0000-0000-0000-000000000000"]
    assert row["verdict"] == verdict, row["reason"]
    assert told in row["reason"]
    assert row["raw_ref"].startswith("raw/budgets/" if "have no budget" not in told else "raw/jobs/")


def test_a_budgets_gap_is_not_a_missing_budget(tables: RunTables) -> None:
    tables.add(ORDERS)
    tables.gap("budgets", RG, GapReason.THROTTLED)
    ((_, (verdict, reason)),) = found(tables, "JA-37").items()
    assert verdict == "not_assessed"
    assert "throttled" in reason
