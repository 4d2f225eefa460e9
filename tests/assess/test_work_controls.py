"""JA-32 and 44: whether what comes to an event source is worked on, and whether work that waits is started on.

Every case is a job of one estate with a namespace, hub or account of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from earlier_runs import Past, days, execution
from run_tables import NOW, OTHER, SUB, RunTables, job, rule
from work_rows import HOUR, daily, queue, ran, series

from audit.evidence.event_sources import EventSourceEntity
from audit.evidence.inventory import InventoryItem
from audit.evidence.jobs import Job, RuleSource, ScaleRule
from audit.evidence.metrics import MetricPoint
from audit.model import GapReason, Json, Record

CONTROLS = ("JA-32", "JA-44")
HOSTILE = "<b>'; drop table jobs; --\"=cmd()"
HOURS = 72
"""Hours that the series of most cases cover, the newest last."""
BUS, HUB, ACCOUNT = (
    "Microsoft.ServiceBus/namespaces", "Microsoft.EventHub/namespaces", "Microsoft.Storage/storageAccounts"
)  # fmt: skip

Answers = dict[tuple[str, str, str], tuple[str, str]]
Made = Callable[[Job, str], list[Record]]


class Estate:
    """Jobs with one rule each, and the resource that it watches."""

    def __init__(self) -> None:
        self.rows: list[Record] = []
        self.gaps: list[tuple[str, str, GapReason]] = []

    def add(self, name: str, *made: Made, kind: str = BUS, gap: str = "", of: dict[str, Any] | None = None) -> None:
        """Add a job named ``name``, whose rule watches the entity ``in``. ``of``: fields of the rule's source."""
        own = job(name, replica_timeout_s=1000)
        place = f"/subscriptions/{SUB}/resourceGroups/rg-orders/providers/{kind}/n-{len(self.rows)}"
        host = f"n-{len(self.rows)}.example"
        watched: dict[str, Any] = {
            "job_id": own.job_id, "rule_name": "queue", "scaler_type": "azure-servicebus", "host": host,
            "source_type": kind.lower(), "entity_kind": "eventhub" if kind == HUB else "queue", "entity": "in",
        }  # fmt: skip
        self.rows += [own, rule(own), RuleSource(**watched | (of or {}))]
        if kind:
            self.rows.append(
                InventoryItem(
                    resource_id=place,
                    name="n",
                    type=kind.lower(),
                    subscription_id=SUB,
                    resource_group="rg-orders",
                    host=host,
                )
            )
        for each in made:
            self.rows += each(own, place)
        if gap:
            self.gaps.append((gap, place if gap in ("metrics", "event_sources") else own.job_id, GapReason.TRUNCATED))


def depth(*values: float, metric: str = "ActiveMessages", **fields: Any) -> Made:
    return lambda _own, place: list(series(metric, values, resource_id=place, **fields))


def dead(*values: float) -> Made:
    return depth(*values, metric="DeadletteredMessages")


def came(*values: float, **fields: Any) -> Made:
    return depth(*values, metric="IncomingMessages", **fields)


def done(*values: float, metric: str = "CompleteMessage") -> Made:
    return depth(*values, metric=metric)


def held(**fields: Any) -> Made:
    return lambda _own, place: [queue(resource_id=place, entity_id=f"{place}/queues/in", **fields)]


def ran_at(*hours_ago: float, **fields: Any) -> Made:
    return lambda own, _place: [ran(own, NOW - each * HOUR, **fields) for each in hours_ago]


def every_day(own: Job, _place: str) -> list[Record]:
    return list(daily(own))


def readers(*names: str) -> Made:
    return lambda _own, place: [
        EventSourceEntity(
            entity_id=f"{place}/{name}", resource_id=place, entity_kind="consumer_group", name=name, parent="in"
        )
        for name in names
    ]


def earlier(made: Made, by: timedelta) -> Made:
    """Return the points moved back in time."""
    return lambda own, place: [
        msgspec.structs.replace(each, at=each.at - by) for each in made(own, place) if isinstance(each, MetricPoint)
    ]


def account(*values: float) -> Made:
    return depth(*values, metric="QueueMessageCount", dimension=None, aggregation="average")


WAITS = [5.0] * HOURS
"""A queue that is never empty."""


def estate() -> Estate:
    to = Estate()
    idle = [0.0, 0.0]
    to.add("empty", held(), depth(*idle), dead(*idle), every_day)
    to.add("busy", held(), depth(0, 9, 3), came(50, 50), done(50, 50), dead(0, 0), every_day)
    to.add("stuck", held(active_messages=5), depth(*WAITS), came(5, 0), ran_at(80))
    to.add("stuck-once", held(), depth(0, *[5.0] * 30, 0), came(9), done(9), ran_at(40, 1))
    to.add("just-in-time", held(), depth(0, *[5.0] * 24, 0), ran_at(1))
    to.add("one-hour-more", held(), depth(0, *[5.0] * 25, 0), ran_at(0.5))
    to.add("unmeasured-between", held(), depth(*[5.0] * 20), earlier(depth(*[5.0] * 20), 21 * HOUR))
    to.add("short-beside-nothing", held(), depth(0, 5, 5, 5, 0), earlier(depth(0, 0), 200 * HOUR))
    to.add("ran-where-unmeasured", held(), depth(*[5.0] * 20), earlier(depth(*[5.0] * 20), 21 * HOUR), ran_at(20.5))
    to.add("broken-by-a-failure", held(active_messages=5), depth(*WAITS), ran_at(50, 30, 10, status="Failed"))
    to.add("runs-long", held(active_messages=5), depth(*WAITS), ran_at(71.5, seconds=None, status="Running"))
    to.add("stuck-and-cut", held(active_messages=5), depth(*WAITS), ran_at(80), gap="executions")
    to.add("unread", held(), depth(*WAITS), gap="metrics")
    to.add("no-figure", held(), every_day)
    to.add("hidden", kind="", of={"source_type": BUS.lower(), "host": "elsewhere.servicebus.windows.net"})
    to.add(
        "elsewhere", every_day, kind="", of={"source_type": "external", "scaler_type": "rabbitmq", "host": "mq.example"}
    )
    to.add(
        "clock",
        every_day,
        kind="",
        of={"source_type": "none", "scaler_type": "cron", "host": None, "entity_kind": "none"},
    )
    to.add("blobs", every_day, kind=ACCOUNT, of={"entity_kind": "container", "scaler_type": "azure-blob"})
    to.add("hub", came(*[10.0] * HOURS), done(*[10.0] * HOURS, metric="OutgoingMessages"), kind=HUB)
    to.add("hub-read", came(*[10.0] * 20), done(*[9.5] * 20, metric="OutgoingMessages"), ran_at(15, 5, 1), kind=HUB)
    twice = done(*[20.0] * 20, metric="OutgoingMessages")
    others = readers("a", "b", "$Default")
    to.add("hub-shared", came(*[10.0] * 20), twice, others, ran_at(15, 5, 1), kind=HUB, of={"consumer": "a"})
    to.add("hub-behind", came(*[10.0] * 20), done(*[5.0] * 20, metric="OutgoingMessages"), ran_at(15, 5, 1), kind=HUB)
    to.add("hub-silent", depth(5, metric="OutgoingMessages"), every_day, kind=HUB)
    to.add("account-poison", account(*[46.0] * HOURS), held(dead_letters=None), kind=ACCOUNT)
    to.add("account-stuck", account(*[46.0] * HOURS), held(active_messages=9, dead_letters=None), kind=ACCOUNT)
    to.add("account-done", account(3, 0, 3, 0, 0), every_day, held(dead_letters=None), kind=ACCOUNT)
    to.add("dead", held(dead_letters=4), depth(*idle), dead(1, 7, 4), came(100), done(97), every_day)
    to.add("dead-unread", held(dead_letters=4), gap="metrics")
    to.add("lost", held(), depth(*idle), dead(*idle), came(100), done(10), every_day)
    to.add("undone", held(active_messages=80), depth(0, 40, 80), dead(0, 0), came(50, 50), done(10, 10), every_day)
    to.add("given-up", held(dead_letters=60), depth(*idle), dead(0, 60), came(100), done(30), every_day)
    to.add("somebody-else", held(), depth(*idle), came(100), done(100))
    to.add("topic", depth(0, 4, 0, dimension="t"), every_day, of={"entity_kind": "subscription", "parent_entity": "t"})
    suspended = {"entity": HOSTILE}
    to.add(
        "hostile", depth(*WAITS, dimension=HOSTILE), held(name=HOSTILE, dead_letters=2, active_messages=1), of=suspended
    )
    return to


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    tables = RunTables(tmp_path_factory.mktemp("work"))
    tables.subscriptions = [SUB, OTHER]
    made = estate()
    tables.add(*made.rows)
    for kind, scope, reason in made.gaps:
        tables.gap(kind, scope, reason)
    rows = tables.verdicts(*CONTROLS)
    assert not tables.query("select failure from controls where failure is not null")
    assert all(row["raw_ref"] and row["reason"] for row in rows)
    return {
        (row["control_id"], row["job_id"].rsplit("/", 1)[-1], row["subject"]): (row["verdict"], row["reason"])
        for row in rows
    }


WAIT, WORK, DEAD = ("JA-44", "queue"), ("JA-32", "queue: work"), ("JA-32", "queue: dead letters")


@pytest.mark.parametrize(
    ("asked", "name", "verdict", "words"),
    [
        (WAIT, "empty", "not_applicable", 'no message waited in the queue "in" in the window'),
        (WAIT, "busy", "pass", "was 2 h, at most 24 h expected"),
        (
            WAIT,
            "stuck",
            "fail",
            '5 messages at most waited in the queue "in" from 2026-10-29 06:00 UTC to 2026-11-01 06:00',
        ),
        (
            WAIT,
            "stuck",
            "fail",
            "(72 h, at most 24 h expected) while no execution ran, and still do; the last one known began",
        ),
        (WAIT, "stuck-once", "fail", "(30 h"),
        (WAIT, "just-in-time", "pass", "was 24 h"),
        (WAIT, "one-hour-more", "fail", "(25 h"),
        (WAIT, "unmeasured-between", "not_assessed", "(20 h, at most 24 h expected) while no execution ran"),
        (WAIT, "unmeasured-between", "not_assessed", "with what was not measured beside it, it may have been 41 h"),
        (WAIT, "short-beside-nothing", "pass", "was 3 h"),
        (WAIT, "ran-where-unmeasured", "pass", "was 20 h"),
        (WAIT, "broken-by-a-failure", "pass", "was 22 h"),
        (WAIT, "runs-long", "pass", ""),
        (WAIT, "stuck-and-cut", "not_assessed", "evidence is missing: executions"),
        (WAIT, "unread", "not_assessed", "evidence is missing: metrics"),
        (WAIT, "no-figure", "not_assessed", "gave no figure"),
        (WAIT, "hidden", "not_assessed", "evidence is missing"),
        (WAIT, "elsewhere", "not_assessed", "it is no service of Azure's"),
        (WAIT, "clock", "not_applicable", "watches no event source"),
        (WAIT, "blobs", "not_assessed", "it is a container of"),
        (WAIT, "hub", "fail", '720 events came to the event hub "in"'),
        (WAIT, "hub", "fail", "the last one known began before the window"),
        (WAIT, "hub-read", "pass", ""),
        (WAIT, "hub-silent", "not_applicable", 'no event came to the event hub "in"'),
        (WAIT, "account-poison", "not_assessed", "can't be told: its own queue holds 0 messages now"),
        (WAIT, "account-stuck", "fail", "the queues of the account"),
        (WAIT, "account-done", "pass", ""),
        (WORK, "empty", "not_applicable", "nothing came"),
        (WORK, "busy", "pass", "100 of 100 messages were completed (100 %"),
        (WORK, "stuck", "fail", "0 of 10 messages were completed"),
        (WORK, "undone", "fail", "20 of 100 messages were completed (20 %, at least 90 % expected)"),
        (WORK, "undone", "fail", "80 wait"),
        (WORK, "given-up", "fail", "dead letters went from 0 to 60"),
        (WORK, "lost", "not_assessed", "in a way that Azure doesn't count"),
        (WORK, "somebody-else", "not_assessed", "somebody else works on it"),
        (WORK, "dead", "pass", "97 of 100"),
        (WORK, "hub-read", "pass", "190 of 200 events were read (95 %"),
        (WORK, "hub-behind", "fail", "100 of 200 events were read (50 %"),
        (WORK, "hub-shared", "not_assessed", "2 consumer groups together"),
        (WORK, "hub-silent", "not_applicable", ""),
        (WORK, "account-done", "pass", "it was last empty at 2026-11-01 05:00 UTC"),
        (WORK, "account-poison", "not_assessed", "it was never empty"),
        (WORK, "topic", "pass", 'the topic "t" with all its subscriptions'),
        (WORK, "elsewhere", "not_assessed", ""),
        (WORK, "clock", "not_applicable", ""),
        (WORK, "unread", "not_assessed", "evidence is missing"),
        (WORK, "no-figure", "not_assessed", "gave no figure"),
        (DEAD, "empty", "pass", '0 dead letters lie in "in"'),
        (DEAD, "dead", "fail", '4 dead letters lie in "in", at most 0 expected; 1 when the window began, 7 at most'),
        (DEAD, "dead-unread", "fail", "other evidence is missing: metrics"),
        (DEAD, "hub-read", "not_applicable", "an event hub has no dead letters"),
        (DEAD, "account-done", "not_applicable", "a storage queue has no dead letters"),
        (DEAD, "blobs", "not_applicable", ""),
        (DEAD, "clock", "not_applicable", ""),
        (DEAD, "elsewhere", "not_assessed", "isn't seen: it is no service of Azure's"),
        (DEAD, "topic", "not_assessed", "didn't say how many dead letters"),
        (DEAD, "hostile", "fail", HOSTILE.replace('"', "'")),
        (WAIT, "hostile", "fail", HOSTILE.replace('"', "'")),
    ],
)
def test_answers(answers: Answers, asked: tuple[str, str], name: str, verdict: str, words: str) -> None:
    control, subject = asked
    assert answers[control, name, subject][0] == verdict, answers[control, name, subject]
    assert words in answers[control, name, subject][1]


def test_a_rule_that_needs_more_to_be_active_waits_from_there_on(tables: RunTables) -> None:
    to = Estate()
    to.add("orders", held(active_messages=5), depth(*WAITS))
    to.rows = [row for row in to.rows if not isinstance(row, ScaleRule)]
    active = Json({"queueName": "in", "activationMessageCount": "5"})
    tables.add(*to.rows, rule(job("orders"), metadata=active))
    (row,) = tables.verdicts("JA-44")
    assert row["verdict"] == "pass", row["reason"]


def test_up_to_how_much_nothing_starts_may_be_hidden(tables: RunTables) -> None:
    to = Estate()
    to.add("orders", held(active_messages=5), depth(*WAITS))
    to.rows = [row for row in to.rows if not isinstance(row, ScaleRule)]
    hidden = Json({"queueName": "in", "activationMessageCount": "[redacted:0123456789abcdef]"})
    tables.add(*to.rows, rule(job("orders"), metadata=hidden))
    (row,) = tables.verdicts("JA-44")
    assert row["verdict"] == "not_assessed"
    assert "up to how much nothing starts is hidden" in row["reason"]


@pytest.mark.parametrize(("ends", "verdict"), [(days(0), "fail"), (days(11), "not_assessed")])
def test_a_backlog_stands_where_the_list_of_executions_is_whole(
    tables: RunTables, ends: datetime, verdict: str
) -> None:
    """Azure's list ends at a hundred, ten days ago: what it says of the days since is certain all the same."""
    to, own = Estate(), job("orders")
    to.add("orders", held(active_messages=5), earlier(depth(*[5.0] * 30), NOW - ends))
    listed = [execution(own.job_id, days(10) + timedelta(hours=2 * number)) for number in range(100)]
    tables.add(*to.rows, *listed)
    Past(tables).derived().close()
    (row,) = tables.assessed("JA-44")
    assert row["verdict"] == verdict, row["reason"]
    assert ("other evidence" in row["reason"]) == (verdict == "fail")
    assert "executions at" in row["reason"]
