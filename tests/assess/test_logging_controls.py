"""JA-26, 27 and 28: where the Activity Log and a job's logs go, whether that is there, and for how long they stay."""

from __future__ import annotations

from typing import Any

import pytest
from access_rows import ENVIRONMENT, HERE, WORKSPACE, found, place
from cases import Answers, by_case, estate
from run_tables import OTHER, SUB, RunTables, job

from audit.evidence.diagnostic_settings import DiagnosticSetting
from audit.evidence.environments import Environment
from audit.evidence.workspaces import Workspace
from audit.model import GapReason, Json, Record

ORDERS = job("orders", environment_id=ENVIRONMENT.upper())
STORE = place("Microsoft.Storage/storageAccounts", "archive")
HUBS = place("Microsoft.EventHub/namespaces", "hubs")
FAR = WORKSPACE.replace(SUB, OTHER)
EVIL = '"; drop\x1b[31m <b>' + "z" * 3000
BOTH = ("Administrative", "Security")
LOGS = ("ContainerAppConsoleLogs", "ContainerAppSystemLogs")


def sends(
    scope: str, *on: str, off: tuple[str, ...] = (), group: str | None = None, **fields: Any
) -> DiagnosticSetting:
    logs = [{"category": each, "enabled": True} for each in on] + [{"category": each, "enabled": False} for each in off]
    if group:
        logs.append({"category": None, "categoryGroup": group, "enabled": True})
    name = fields.pop("name", "export")
    return DiagnosticSetting(
        setting_id=f"{scope}/providers/microsoft.insights/diagnosticSettings/{name}", resource_id=scope, name=name,
        logs=Json(logs), **fields,
    )  # fmt: skip


def environment(destination: str | None, **fields: Any) -> Environment:
    defaults: dict[str, Any] = {
        "environment_id": ENVIRONMENT, "name": "env", "subscription_id": SUB, "resource_group": "rg-orders",
    }  # fmt: skip
    return Environment(log_destination=destination, **defaults | fields)


def workspace(days: int | None = 365, **fields: Any) -> list[Record]:
    defaults: dict[str, Any] = {
        "workspace_id": WORKSPACE.lower(), "customer_id": SUB, "name": "logs", "subscription_id": SUB,
        "resource_group": "rg-orders",
    }  # fmt: skip
    return [found(WORKSPACE, customer=SUB), Workspace(retention_days=days, **defaults | fields)]


HAS = found(WORKSPACE, customer=SUB)

EXPORTS: list[tuple[list[Record], str, str]] = [
    ([], "fail", "the subscription has no diagnostic setting"),
    ([sends(HERE, *BOTH, workspace_id=WORKSPACE.upper()), HAS], "pass", 'the workspace "'),
    ([sends(HERE, *BOTH, storage_account_id=STORE), found(STORE)], "pass", 'the storage account "archive"'),
    ([sends(HERE, *BOTH, event_hub_rule_id=f"{HUBS}/authorizationRules/root"), found(HUBS)], "pass", '"hubs"'),
    ([sends(HERE, *BOTH, workspace_id=FAR)], "not_assessed", "may be hidden, or not there"),
    ([sends(HERE, *BOTH, marketplace_partner_id=place("Datadog/monitors", "d"))], "not_assessed", "partner"),
    ([sends(HERE, *BOTH)], "fail", "none sends it anywhere"),
    ([sends(HERE, "ServiceHealth", workspace_id=WORKSPACE), HAS], "fail", "none sends it anywhere"),
    ([sends(HERE, off=BOTH, workspace_id=WORKSPACE), HAS], "fail", "none sends it anywhere"),
    ([sends(HERE, group="allLogs", workspace_id=WORKSPACE), HAS], "pass", "sends it to"),
    ([sends(HERE, group="audit", workspace_id=WORKSPACE), HAS], "not_assessed", "group of categories"),
    ([sends(HERE, "ADMINISTRATIVE", "security", workspace_id=WORKSPACE), HAS], "pass", "sends it to"),
    ([sends(ENVIRONMENT, *BOTH, workspace_id=WORKSPACE), HAS], "fail", "has no diagnostic setting"),
    ([sends(HERE, *BOTH, name=EVIL, workspace_id=WORKSPACE), HAS], "pass", "sends it to"),
    ([sends(HERE, *BOTH, workspace_id=FAR), sends(HERE, *BOTH, name="b", storage_account_id=STORE), found(STORE)],
     "pass", '"b" sends it to the storage account'),
]  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Answers]:
    tables = estate(tmp_path_factory.mktemp("exports"), [[ORDERS, *rows] for rows, _, _ in EXPORTS])
    return by_case(tables.verdicts("JA-26"))


@pytest.mark.parametrize("case", range(len(EXPORTS)))
def test_activity_log_exported(exported: dict[int, Answers], case: int) -> None:
    _, verdict, told = EXPORTS[case]
    assert exported[case].keys() == set(BOTH)
    for got, reason in exported[case].values():
        assert got == verdict, reason
        assert told in reason
        assert len(reason) < 600


def test_each_category_is_asked_for_by_itself_and_once(tables: RunTables) -> None:
    tables.add(job("orders"), sends(HERE, "Administrative", off=("Security",), workspace_id=WORKSPACE), HAS)
    rows = {row["subject"]: row["verdict"] for row in tables.verdicts("JA-26")}
    assert rows == {"Administrative": "pass", "Security": "fail"}
    tables.with_run(settings={"activity_log_categories": ["Policy", "policy ", ""]})
    assert {row["subject"]: row["verdict"] for row in tables.assessed("JA-26")} == {"Policy": "fail"}
    tables.with_run(settings={"activity_log_categories": []})
    (row,) = tables.assessed("JA-26")
    assert (row["verdict"], row["reason"]) == (
        "not_applicable", "no category is asked for (policy.activity_log_categories is empty)",
    )  # fmt: skip


TO_SETTINGS = environment("azure-monitor")

KEPT: list[tuple[list[Record], tuple[str, str], str]] = [
    ([environment("log-analytics", workspace_id=SUB), HAS], ("pass", "pass"), 'to the workspace "'),
    ([environment("Log-Analytics", workspace_id=SUB.upper()), HAS], ("pass", "pass"), 'to the workspace "'),
    ([environment("log-analytics", workspace_id=SUB)], ("not_assessed", "not_assessed"), "may be hidden, or not there"),
    ([environment("log-analytics")], ("fail", "fail"), "names no workspace"),
    ([environment("none")], ("fail", "fail"), "sends no logs anywhere"),
    ([environment(None)], ("fail", "fail"), "names no destination"),
    ([environment("event-grid")], ("not_assessed", "not_assessed"), "isn't known here"),
    ([], ("not_assessed", "not_assessed"), "was not found"),
    ([TO_SETTINGS, sends(ENVIRONMENT, *LOGS, workspace_id=WORKSPACE), HAS], ("pass", "pass"), 'setting "export" sends'),
    ([TO_SETTINGS, sends(ENVIRONMENT, LOGS[0], workspace_id=WORKSPACE), HAS], ("pass", "fail"), ""),
    ([TO_SETTINGS, sends(ENVIRONMENT, *LOGS, workspace_id=WORKSPACE)], ("not_assessed", "not_assessed"), "hidden"),
    ([TO_SETTINGS, sends(ENVIRONMENT, *LOGS, storage_account_id=STORE)], ("fail", "fail"), "elsewhere only"),
    ([TO_SETTINGS, sends(ENVIRONMENT, group="allLogs", workspace_id=WORKSPACE), HAS], ("pass", "pass"), "sends them"),
    ([TO_SETTINGS, sends(ENVIRONMENT, group="audit", workspace_id=WORKSPACE), HAS], ("not_assessed",) * 2, "group"),
    ([TO_SETTINGS, sends(ENVIRONMENT, off=LOGS, workspace_id=WORKSPACE), HAS], ("fail", "fail"), "none sends them"),
    ([TO_SETTINGS, sends(HERE, *LOGS, workspace_id=WORKSPACE), HAS], ("fail", "fail"), "none sends them"),
    ([environment("none", name=EVIL), sends(ENVIRONMENT, *LOGS), HAS], ("fail", "fail"), "sends no logs anywhere"),
]  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Answers]:
    tables = estate(tmp_path_factory.mktemp("kept"), [[ORDERS, *rows] for rows, _, _ in KEPT])
    return by_case(tables.verdicts("JA-27"))


@pytest.mark.parametrize("case", range(len(KEPT)))
def test_environment_logs(kept: dict[int, Answers], case: int) -> None:
    _, verdicts, told = KEPT[case]
    rows = kept[case]
    assert (rows["console logs"][0], rows["system logs"][0]) == verdicts, rows
    for _, reason in rows.values():
        assert told in reason
        assert len(reason) < 600


DIRECT = environment("log-analytics", workspace_id=SUB)
EXPORT = sends(HERE, *BOTH, workspace_id=WORKSPACE)

DAYS: list[tuple[list[Record], tuple[str, str], str]] = [
    ([DIRECT, EXPORT, *workspace(365)], ("pass", "pass"), "kept for 365 days, in the workspace"),
    ([DIRECT, EXPORT, *workspace(364)], ("fail", "fail"), "kept for 364 days, in the workspace"),
    ([DIRECT, EXPORT, *workspace(30)], ("fail", "fail"), ""),
    ([DIRECT, EXPORT, *workspace(None)], ("not_assessed", "not_assessed"), "did not say how long"),
    ([environment("none"), *workspace(365)], ("fail", "fail"), ""),
    ([environment("none"), sends(HERE, *BOTH, storage_account_id=STORE), found(STORE)], ("fail", "not_assessed"), ""),
    ([TO_SETTINGS, sends(ENVIRONMENT, *LOGS, workspace_id=WORKSPACE), *workspace(730)], ("pass", "fail"), ""),
    ([TO_SETTINGS, sends(ENVIRONMENT, LOGS[0], workspace_id=WORKSPACE), *workspace(730)], ("fail", "fail"), ""),
    ([TO_SETTINGS, sends(ENVIRONMENT, *LOGS, storage_account_id=STORE)], ("not_assessed", "fail"), ""),
    ([TO_SETTINGS, sends(ENVIRONMENT, group="audit", workspace_id=WORKSPACE), EXPORT, *workspace(400)],
     ("not_assessed", "pass"), ""),
    ([environment("none"), sends(HERE, *BOTH, workspace_id=WORKSPACE, storage_account_id=STORE), *workspace(30)],
     ("fail", "not_assessed"), ""),
    ([environment("new-thing"), EXPORT, *workspace(365)], ("not_assessed", "pass"), ""),
    ([EXPORT, *workspace(365)], ("not_assessed", "pass"), ""),
    ([DIRECT, EXPORT, *workspace(400, name=EVIL)], ("pass", "pass"), "400 days"),
]  # fmt: skip


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    tables = estate(tmp_path_factory.mktemp("days"), [[ORDERS, *rows] for rows, _, _ in DAYS])
    tables.derived().close()
    return tables


@pytest.fixture(scope="module")
def of_lasting(lasting: RunTables) -> dict[int, Answers]:
    return by_case(lasting.assessed("JA-28"))


@pytest.mark.parametrize("case", range(len(DAYS)))
def test_log_retention(of_lasting: dict[int, Answers], case: int) -> None:
    _, verdicts, told = DAYS[case]
    rows = of_lasting[case]
    assert (rows["logs of the environment"][0], rows["Activity Log"][0]) == verdicts, rows
    assert told in rows["logs of the environment"][1]


def test_what_azure_keeps_by_itself_may_be_enough(lasting: RunTables) -> None:
    lasting.with_run(settings={"activity_log_retention_days": 90, "log_retention_days": 30})
    rows = by_case(lasting.assessed("JA-28"))
    assert {each["Activity Log"][0] for each in rows.values()} == {"pass"}
    assert "by Azure itself" in rows[4]["Activity Log"][1]
    assert [rows[case]["logs of the environment"][0] for case in (2, 4)] == ["pass", "fail"]
    lasting.with_run(settings={"activity_log_categories": []})
    assert by_case(lasting.assessed("JA-28"))[0]["Activity Log"][0] == "not_applicable"


GAPS = [
    ("jobs", HERE, set()),
    ("diagnostic_settings", HERE, set()),
    ("environments", ENVIRONMENT.upper(), {"JA-26"}),
    ("workspaces", WORKSPACE, {"JA-26", "JA-27"}),
    ("inventory", "/", set()),
]


@pytest.mark.parametrize(("kind", "scope", "passing"), GAPS)
def test_a_gap_of_logging(tables: RunTables, kind: str, scope: str, passing: set[str]) -> None:
    tables.add(ORDERS, DIRECT, EXPORT, *workspace(365))
    tables.gap(kind, scope, GapReason.FORBIDDEN)
    rows = tables.verdicts("JA-26", "JA-27", "JA-28")
    for control in ("JA-26", "JA-27", "JA-28"):
        got = {row["verdict"] for row in rows if row["control_id"] == control}
        assert got == {"pass" if control in passing else "not_assessed"}, control
