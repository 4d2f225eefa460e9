"""JA-30: which alert rules would tell of failed and of stuck executions, and whether anybody would hear."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from access_rows import BUS, ENVIRONMENT, GROUP, ORDERS, WORKSPACE, whole
from answered import found
from run_tables import OTHER, SUB, RunTables
from work_rows import ON_CALL, above, alert, asks, group

from audit.evidence.subscriptions import Subscription
from audit.model import GapReason, Json, Record

HERE = f"/subscriptions/{SUB}"
FAILED, STUCK = "failed executions", "stuck executions"
FAILS = above("Executions", state=["Failed"])
LOGS = "ContainerAppSystemLogs_CL | where Reason_s == 'BackoffLimitExceeded'"
MUTE = Json([{"kind": "email", "status": "Disabled"}])

# The rows, what they say of failed and of stuck executions, and words of either reason.
CASES: list[tuple[list[Any], str, str, str]] = [
    ([], "fail", "fail", "no alert rule tells of them"),
    ([alert("a", ORDERS.job_id, FAILS), group()], "pass", "fail", "on the job tells action group on-call (rec"),
    ([alert("a", ORDERS.job_id.upper(), FAILS), group()], "pass", "fail", "on the job"),
    ([alert("a", HERE, FAILS, target_type="Microsoft.App/jobs"), group()], "pass", "fail", "on a scope above it"),
    ([alert("a", HERE, FAILS, target_type="Microsoft.App/containerApps"), group()], "fail", "fail", "no alert rule"),
    ([alert("a", ORDERS.job_id + "-2", FAILS), group()], "fail", "fail", "no alert rule"),
    ([alert("a", ORDERS.job_id, FAILS, enabled=False), group()], "fail", "fail", "is switched off"),
    ([alert("a", ORDERS.job_id, FAILS, action_group_ids=Json([])), group()], "fail", "fail", "it has no action group"),
    ([alert("a", ORDERS.job_id, FAILS), group(enabled=False)], "fail", "fail", "on-call (disabled)"),
    ([alert("a", ORDERS.job_id, FAILS), group(receivers=MUTE)], "fail", "fail", "no receiver that is enabled"),
    ([alert("a", ORDERS.job_id, FAILS)], "fail", "fail", "on-call (not found)"),
    (
        [alert("a", ORDERS.job_id, FAILS, action_group_ids=Json([ON_CALL.replace(SUB, OTHER)]))],
        "not_assessed",
        "fail",
        "whom nobody could read",
    ),
    ([alert("a", ORDERS.job_id, above("RestartCount")), group()], "fail", "fail", "about something else"),
    ([alert("a", ORDERS.job_id, above("Executions")), group()], "fail", "fail", "about something else"),
    ([alert("a", ORDERS.job_id, above("Executions", state=["Succeeded"])), group()], "fail", "fail", "no alert rule"),
    ([alert("a", ORDERS.job_id, above("Executions", state=["*"])), group()], "not_assessed", "fail", "not understood"),
    ([alert("a", ORDERS.job_id, FAILS, above("RestartCount")), group()], "fail", "fail", "about something else"),
    ([alert("a", ORDERS.job_id, above("Executions", operator="LessThan")), group()], "fail", "pass", "on the job"),
    ([alert("a", ORDERS.job_id, above("Executions", state=["Running"])), group()], "fail", "pass", "on the job"),
    ([alert("a", BUS, above("ActiveMessages", EntityName=["in"])), group()], "fail", "pass", "on its event source"),
    ([alert("a", BUS, above("ActiveMessages")), group()], "fail", "pass", "on its event source"),
    ([alert("a", BUS, above("ActiveMessages", EntityName=["out"])), group()], "fail", "fail", "no alert rule"),
    ([alert("a", BUS, above("ActiveMessages", operator="LessThan")), group()], "fail", "fail", "no alert rule"),
    ([alert("a", BUS, above("DeadletteredMessages")), group()], "fail", "fail", "about something else"),
    ([alert("a", WORKSPACE, asks(LOGS), kind="log"), group()], "pass", "fail", "on its log workspace"),
    ([alert("a", ENVIRONMENT, asks(LOGS), kind="log"), group()], "pass", "fail", "on its environment"),
    ([alert("a", HERE, asks(LOGS), kind="log"), group()], "not_assessed", "fail", "on a scope above it may tell of"),
    ([alert("a", HERE, asks(LOGS + " and JobName_s == 'other'"), kind="log"), group()], "fail", "fail", "else"),
    ([alert("a", HERE, asks("Heartbeat"), kind="log"), group()], "fail", "fail", "no alert rule"),
    ([alert("a", WORKSPACE, asks(LOGS + " and JobName_s == 'Orders'"), kind="log"), group()], "pass", "fail", "work"),
    ([alert("a", WORKSPACE, asks(LOGS + " and JobName_s == 'other'"), kind="log"), group()], "fail", "fail", "else"),
    (
        [alert("a", WORKSPACE, asks(LOGS + " and JobName_s in ('a', 'orders')"), kind="log"), group()],
        "pass",
        "fail",
        "workspace",
    ),
    (
        [alert("a", WORKSPACE, asks(LOGS + ' and JobName_s startswith "ord"'), kind="log"), group()],
        "pass",
        "fail",
        "workspace",
    ),
    (
        [alert("a", WORKSPACE, asks(LOGS + " and JobName_s != 'orders'"), kind="log"), group()],
        "not_assessed",
        "fail",
        "not understood",
    ),
    (
        [alert("a", WORKSPACE, asks(LOGS + " and tolower(JobName_s) == 'other'"), kind="log"), group()],
        "not_assessed",
        "fail",
        "not understood",
    ),
    (
        [alert("a", WORKSPACE, asks(LOGS + " | summarize n = count() by JobName_s"), kind="log"), group()],
        "pass",
        "fail",
        "workspace",
    ),
    (
        [
            alert(
                "a", WORKSPACE, kind="log",
                condition=Json({"allOf": [asks(LOGS, dimensions=[
                    {"name": "JobName_s", "operator": "Include", "values": ["other"]}])]}),
            ),
            group(),
        ],
        "fail",
        "fail",
        "about something else",
    ),
    (
        [alert("a", WORKSPACE, asks(LOGS.replace("BackoffLimitExceeded", "KEDAScalerFailed")), kind="log"), group()],
        "fail",
        "pass",
        "workspace",
    ),
    ([alert("a", WORKSPACE, asks("Usage | where x == 'failed'"), kind="log"), group()], "fail", "fail", "else"),
    ([alert("a", HERE, {"field": "operationName"}, kind="activity_log"), group()], "fail", "fail", "else"),
    (
        [
            alert("off", ORDERS.job_id, FAILS, enabled=False),
            alert("on", HERE, FAILS, target_type="microsoft.app/jobs"),
            group(),
        ],
        "pass",
        "fail",
        'the rule "on"',
    ),
    ([alert("<b>'\"=cmd()", ORDERS.job_id, FAILS), group()], "pass", "fail", "the rule \"<b>''=cmd()\""),
    ([alert("a", ORDERS.job_id, FAILS, condition=None), group()], "fail", "fail", "else"),
    ([alert("a", ORDERS.job_id, condition=Json({"allOf": "x"})), group()], "fail", "fail", "else"),
]  # fmt: skip


def moved(record: Record, subscription: str) -> Record:
    """Return a row with every id in another subscription, so that all cases live in one estate."""
    text = msgspec.json.encode(record).replace(SUB.encode(), subscription.encode())
    text = text.replace(SUB.upper().encode(), subscription.upper().encode())
    return msgspec.json.decode(text, type=type(record))


@pytest.fixture(scope="module")
def alarmed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    tables = RunTables(tmp_path_factory.mktemp("alerts"))
    tables.subscriptions = [f"{number:08d}-0000-0000-0000-000000000000" for number in range(len(CASES))]
    around = RunTables(tmp_path_factory.mktemp("around"))
    whole(around)
    for number, (subscription, (given, _, _, _)) in enumerate(zip(tables.subscriptions, CASES, strict=True)):
        for each in (*around.rows, *given):
            row = moved(each, subscription)
            # hosts and customer ids are an estate's own: without this every case would lead to the first one's
            text = msgspec.json.encode(row).replace(b"bus.servicebus", b"bus%d.servicebus" % number)
            text = text.replace(b"c0ffee00-", b"c0ff%04d-" % number)
            tables.add(msgspec.json.decode(text, type=type(row)))
    rows = tables.verdicts("JA-30")
    return {(row["job_id"].lower().split("/")[2], row["subject"]): row for row in rows}


@pytest.mark.parametrize("case", range(len(CASES)))
def test_who_would_hear_of_what(alarmed: dict[tuple[str, str], dict[str, Any]], case: int) -> None:
    _, failed, stuck, words = CASES[case]
    own = {subject: alarmed[f"{case:08d}-0000-0000-0000-000000000000", subject] for subject in (FAILED, STUCK)}
    assert (own[FAILED]["verdict"], own[STUCK]["verdict"]) == (failed, stuck), own
    assert words in own[FAILED]["reason"] + own[STUCK]["reason"]


@pytest.mark.parametrize("kind", ["alerts", "action_groups"])
def test_what_could_not_be_read_never_passes(tables: RunTables, kind: str) -> None:
    whole(tables)
    tables.add(alert("a", ORDERS.job_id, FAILS), group())
    tables.gap(kind, HERE, GapReason.THROTTLED)
    rows = {subject: verdict for (_, subject), (verdict, _) in found(tables, "JA-30").items()}
    # that no rule at all is about stuck executions, the groups can't change
    assert rows == {FAILED: "not_assessed", STUCK: "fail" if kind == "action_groups" else "not_assessed"}


def test_the_missing_rule_may_lie_where_nobody_could_read(tables: RunTables) -> None:
    whole(tables)
    tables.subscriptions = [SUB, OTHER]
    tables.add(alert("a", ORDERS.job_id, FAILS), group())
    tables.gap("alerts", f"/subscriptions/{OTHER}")
    rows = {subject: answer for (_, subject), answer in found(tables, "JA-30").items()}
    assert rows[FAILED][0] == "pass"
    assert rows[STUCK][0] == "not_assessed"
    assert f"rules could not be read at /subscriptions/{OTHER}" in rows[STUCK][1]


def test_the_missing_rule_may_lie_outside_the_scope_of_the_run(tables: RunTables) -> None:
    whole(tables)
    tables.add(alert("a", ORDERS.job_id, FAILS), group(), Subscription(subscription_id=OTHER, name="other"))
    rows = {subject: answer for (_, subject), answer in found(tables, "JA-30").items()}
    assert rows[FAILED][0] == "pass"
    assert rows[STUCK][0] == "not_assessed"
    assert "rules of subscriptions outside the run's scope were not read: 1" in rows[STUCK][1]


def test_an_account_is_watched_through_its_queue_service(tables: RunTables) -> None:
    whole(tables)
    queues = f"{GROUP}/providers/Microsoft.ServiceBus/namespaces/bus/queueServices/default"
    tables.add(alert("a", queues, above("QueueMessageCount")), group())
    assert found(tables, "JA-30")["orders", STUCK][0] == "fail"  # a bus has none
