"""JA-38: how much of what a job costs was wasted, and what a useful execution costs; and what a crash loop cost."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from run_tables import NOW, OTHER, SUB, RunTables, container, job, rule
from work_rows import bill, ran, series

from audit.evidence.costs import Cost
from audit.evidence.inventory import InventoryItem
from audit.evidence.jobs import Job, RuleSource
from audit.model import GapReason, Record
from audit.model.prices import Prices, Rates

HOSTILE = "<b>'; drop table jobs; --"
DAY = NOW.replace(hour=2) - timedelta(days=2)
LIMITS = {"EUR": "0.05", "usd": "1", "GBP": "cheap"}
PRICES = Prices(
    currency="USD", as_of=date(2026, 11, 1), source="a list",
    default=Rates(vcpu_second_active=Decimal("0.001"), gib_second_active=Decimal("0.0001")),
)  # fmt: skip

Answers = dict[tuple[str, str], tuple[str, str]]


def outcome(own: Job, good: int, bad: int = 0) -> list[Record]:
    """Return so many executions of ten minutes on one day, one after the other."""
    states = ["Succeeded"] * good + ["Failed"] * bad
    return [ran(own, DAY + number * timedelta(minutes=11), 600, state) for number, state in enumerate(states)]


def spent(own: Job, amount: str, day: int = 0, **fields: Any) -> Cost:
    return bill(own, DAY - timedelta(days=day), amount, **fields)


def watched(own: Job) -> list[Record]:
    """Return a queue of the job's own that was empty all along."""
    place = f"/subscriptions/{SUB}/resourceGroups/rg-orders/providers/Microsoft.ServiceBus/namespaces/{own.name}"
    host = f"{own.name}.example"
    kind = "microsoft.servicebus/namespaces"
    return [
        rule(own),
        RuleSource(job_id=own.job_id, rule_name="queue", scaler_type="azure-servicebus", host=host, source_type=kind,
                   entity_kind="queue", entity="in"),
        InventoryItem(resource_id=place, name=own.name, type=kind, subscription_id=SUB, resource_group="rg-orders",
                      host=host),
        *series("ActiveMessages", [0.0] * 72, resource_id=place),
    ]  # fmt: skip


def estate(tables: RunTables) -> None:
    tables.subscriptions = [SUB, OTHER]
    tables.with_run(prices=PRICES, settings={"cost_per_execution_most": LIMITS})
    idle = job("idle", min_executions=1)
    for own, *rows in (
        (job("none"),),
        (one := job("good"), outcome(one, 10), spent(one, "0.40"), container(one)),
        (one := job("dear"), outcome(one, 10), spent(one, "0.60")),
        (one := job("third"), outcome(one, 6, 3), spent(one, "0.09")),
        (one := job("tenth"), outcome(one, 9, 1), spent(one, "0.10")),
        (one := job("in-vain"), outcome(one, 0, 4), spent(one, "0.10")),
        (one := job("unallocated"), outcome(one, 9, 1), spent(one, "0.10"), spent(one, "0.90", 5)),
        (one := job("amortised"), outcome(one, 10), spent(one, "0.10"), spent(one, "0.90", basis="amortised")),
        (one := job("francs"), outcome(one, 10), spent(one, "0.10", currency="CHF")),
        (one := job("pounds"), outcome(one, 10), spent(one, "0.10", currency="GBP")),
        (one := job("estimated"), outcome(one, 6, 3)),
        (one := job("unpriced"), ran(one, DAY, 600, cpu=None, memory_gib=None)),
        (one := job("credit"), outcome(one, 1), spent(one, "-0.10")),
        (idle, outcome(idle, 5), spent(idle, "0.10"), watched(idle)),
        (one := job("minimum", min_executions=2), outcome(one, 5), spent(one, "0.10")),
        (one := job("cut"), outcome(one, 6, 3), spent(one, "0.09")),
        (one := job("dark"), outcome(one, 6, 3), spent(one, "0.09")),
        (one := job("unbilled", subscription=OTHER), outcome(one, 6, 3)),
        (one := job(HOSTILE), outcome(one, 6, 3), spent(one, "0.09", currency="<b>'")),
        (one := job("loop"), outcome(one, 0, 9), spent(one, "0.90")),
        (one := job("long-loop"), outcome(one, 0, 140), spent(one, "0.90")),
        (one := job("cheap"), outcome(one, 10), spent(one, "0.00042")),
    ):
        tables.add(own)
        for each in rows:
            tables.add(*(each if isinstance(each, list) else [each]))
    tables.gap("executions", job("cut").job_id, GapReason.THROTTLED)
    tables.gap("metrics", job("dark").job_id, GapReason.THROTTLED)
    tables.gap("costs", f"/subscriptions/{OTHER}")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    tables = RunTables(tmp_path_factory.mktemp("costs"))
    estate(tables)
    rows = tables.verdicts("JA-38", "JA-46")
    assert not tables.query("select failure from controls where failure is not null")
    assert all(row["raw_ref"] and row["reason"] for row in rows)
    return {(row["job_id"].split("/jobs/", 1)[1], row["subject"]): (row["verdict"], row["reason"]) for row in rows}


WASTE, EACH = "waste", "cost of a useful execution"


@pytest.mark.parametrize(
    ("name", "subject", "verdict", "words"),
    [
        ("none", WASTE, "not_applicable", "it cost nothing in the window"),
        ("none", EACH, "not_applicable", "cost nothing in the window"),
        (
            "good",
            WASTE,
            "pass",
            "0.0 % of 0.400000 EUR went to waste, not final yet (2026-10-30 to 2026-10-30), at most 20 %",
        ),
        ("good", WASTE, "pass", "idle not measured"),
        ("good", EACH, "pass", "0.040000 EUR for each of 10 useful executions, not final yet (2026-10-30"),
        ("dear", EACH, "fail", "0.060000 EUR for each of 10 useful executions"),
        ("dear", EACH, "fail", "at most 0.050000 expected"),
        ("third", WASTE, "fail", "33.3 % of 0.090000 EUR went to waste"),
        ("third", WASTE, "fail", "failed or retried 0.030000"),
        ("tenth", WASTE, "pass", "10.0 %"),
        ("in-vain", WASTE, "fail", "100.0 %"),
        ("in-vain", EACH, "fail", "0.100000 EUR was spent and no execution was useful"),
        ("unallocated", WASTE, "not_assessed", "0.900000 was billed on days of which not every execution is known"),
        ("amortised", EACH, "pass", "0.010000 EUR"),
        ("francs", EACH, "not_assessed", "no baseline is set: policy.cost_per_execution_most has no CHF"),
        ("francs", WASTE, "pass", ""),
        ("pounds", EACH, "not_assessed", "policy.cost_per_execution_most.GBP is no amount"),
        ("estimated", WASTE, "fail", "33.3 % of 3.240000 USD went to waste, by estimate"),
        ("estimated", EACH, "pass", "0.540000 USD for each of 6 useful executions, by estimate"),
        ("unpriced", WASTE, "not_assessed", "neither bill nor estimate"),
        ("unpriced", EACH, "not_assessed", "neither bill nor estimate"),
        ("credit", WASTE, "not_applicable", ""),
        ("idle", WASTE, "fail", "100.0 % of 0.100000 EUR went to waste"),
        ("idle", WASTE, "fail", "idle 0.100000"),
        ("idle", EACH, "fail", "no execution was useful"),
        ("minimum", WASTE, "not_assessed", "2 executions are started at every look"),
        ("cut", WASTE, "not_assessed", "evidence is missing: executions"),
        ("cut", EACH, "not_assessed", "evidence is missing: executions"),
        ("dark", WASTE, "fail", "other evidence is missing: metrics"),
        ("dark", EACH, "not_assessed", "evidence is missing: metrics"),
        (
            "minimum",
            EACH,
            "not_assessed",
            "2 executions are started at every look, and whether they found work can't be told",
        ),
        ("unbilled", WASTE, "not_assessed", "evidence is missing: costs"),
        (HOSTILE, WASTE, "fail", "of 0.090000 <b>' went to waste"),
        (HOSTILE, EACH, "not_assessed", "has no <b>'"),
        ("loop", "loop", "fail", "what failed and was retried on those days cost 0.900000 EUR"),
        ("long-loop", "long-loop", "fail", "what failed and was retried on those days cost at least 0.900000 EUR"),
        ("cheap", EACH, "pass", "0.000042 EUR for each of 10 useful executions"),
        ("estimated", "estimated", "pass", "3 failures in a row"),
    ],
)
def test_answers(answers: Answers, name: str, subject: str, verdict: str, words: str) -> None:
    assert answers[name, subject][0] == verdict, answers[name, subject]
    assert words in answers[name, subject][1]


def test_without_any_baseline_only_the_cost_of_an_execution_is_open(tables: RunTables) -> None:
    own = job("orders")
    tables.add(own, *outcome(own, 1), spent(own, "0.10"))
    rows = {row["subject"]: row["verdict"] for row in tables.verdicts("JA-38")}
    assert rows == {WASTE: "pass", EACH: "not_assessed"}
