"""Executions whose end, or whose owner, nobody tells: they are counted, and no time, money or owner is invented."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from run_tables import NOW, SUB, RunTables, container, job

from audit.config import prices
from audit.evidence.costs import Cost
from audit.evidence.deployments import Deployment
from audit.evidence.execution_logs import ExecutionLog
from audit.evidence.executions import Execution
from audit.evidence.graph_jobs import GraphJob
from audit.evidence.jobs import Job
from audit.model import GapReason, Window

ENVIRONMENT = f"/subscriptions/{SUB}/resourceGroups/rg-env/providers/Microsoft.App/managedEnvironments/cae"


def _job(tables: RunTables, name: str = "orders", **fields: Any) -> Job:
    owner = job(name, environment_id=ENVIRONMENT, replica_timeout_s=1800, **fields)
    tables.add(owner, container(owner, cpu=0.5, memory_gib=1.0))
    return owner


def _ran(owner: Job, name: str, status: str, started: datetime, ended: datetime | None = None) -> Execution:
    return Execution(
        execution_id=f"{owner.job_id}/executions/{name}", job_id=owner.job_id, name=name, status=status,
        started=started, ended=ended, cpu=0.5, memory_gib=1.0,
    )  # fmt: skip


def _line(owner: Job, execution: str, reason: str) -> ExecutionLog:
    return ExecutionLog(
        workspace="w", environment_id=ENVIRONMENT, job_name=owner.name, execution_name=execution, reason=reason,
        at=NOW - timedelta(days=25), source_table="ContainerAppSystemLogs_CL",
    )  # fmt: skip


@pytest.mark.parametrize("status", ["Failed", "Stopped", "Succeeded", None])
def test_an_execution_that_is_over_at_an_unknown_time_runs_on_in_no_figure(
    tables: RunTables, status: str | None
) -> None:
    tables.with_run(prices=prices.shipped())
    owner = _job(tables)
    tables.add(
        _ran(owner, "orders-1", status, NOW - timedelta(days=25)) if status else _line(owner, "orders-1", "PulledImage")
    )
    con = tables.derived()
    assert con.execute("select name, ended from execution_history").fetchall() == [("orders-1", None)]
    assert con.execute("select * from fit").fetchall() == []
    ((executions, used, note),) = con.execute("select executions, vcpu_s, note from job_costs").fetchall()
    assert (executions, used) == (1, 0)
    assert "when 1 executions ended is not known" in note


def test_one_that_still_runs_does(tables: RunTables) -> None:
    tables.add(_ran(_job(tables), "orders-1", "Running", NOW - timedelta(hours=5)))
    found = dict(tables.derived().execute("select signal, value from fit").fetchall())
    assert found["longest_open_h"] == pytest.approx(5)


def test_one_that_was_over_long_before_the_window_is_not_in_it(tables: RunTables) -> None:
    tables.add(_ran(_job(tables), "orders-1", "Stopped", NOW - timedelta(days=400)))
    assert tables.derived().execute("select * from execution_history").fetchall() == []


def test_a_clock_that_ran_backwards_loses_no_execution(tables: RunTables) -> None:
    tables.with_run(prices=prices.shipped())
    midnight = NOW.replace(hour=0)
    tables.add(_ran(_job(tables), "orders-1", "Succeeded", midnight, midnight - timedelta(seconds=2)))
    con = tables.derived()
    assert con.execute("select executions, vcpu_s from job_costs").fetchall() == [(1, 0)]
    assert con.execute("select * from fit where signal = 'running_share'").fetchall() == []


def test_lines_about_a_name_that_two_jobs_of_an_environment_bear_tell_of_neither(tables: RunTables) -> None:
    one, _two = _job(tables), _job(tables, group="rg-other")
    tables.add(_line(one, "orders-1", "Completed"))
    assert tables.derived().execute("select * from execution_history").fetchall() == []


@pytest.mark.parametrize("status", ["Failed", "Running", None])
def test_one_of_which_azure_tells_no_time_at_all_is_counted_with_nulls(tables: RunTables, status: str | None) -> None:
    owner = _job(tables)
    nameless = msgspec.structs.replace(_ran(owner, "orders-1", status or "", NOW), started=None, status=status)
    tables.add(nameless)
    con = tables.derived()
    told = con.execute("select name, status, started, ended, duration_s, source from execution_history").fetchall()
    assert told == [("orders-1", status, None, None, None, "azure")]
    assert con.execute("select * from fit").fetchall() == []
    assert con.execute("select * from job_costs").fetchall() == []


def test_one_without_any_time_is_not_moved_into_a_month_of_the_past(tables: RunTables) -> None:
    owner = _job(tables)
    tables.add(msgspec.structs.replace(_ran(owner, "orders-1", "Failed", NOW), started=None))
    tables.with_run(window=Window(since=NOW - timedelta(days=60), until=NOW - timedelta(days=30)))
    assert tables.derived().execute("select * from execution_history").fetchall() == []


def test_one_that_only_ended_belongs_to_when_it_ended(tables: RunTables) -> None:
    owner = _job(tables)
    for name, days in (("orders-1", 3), ("orders-2", 45)):
        ended = NOW - timedelta(days=days)
        tables.add(msgspec.structs.replace(_ran(owner, name, "Failed", NOW, ended), started=None))
    con = tables.derived()
    assert con.execute("select name, started from execution_history").fetchall() == [("orders-1", None)]


SIGNALS = ("running_share", "near_timeout_share", "longest_open_h")


@pytest.mark.parametrize("known", [True, False])
def test_a_measure_over_executions_that_are_not_all_known_says_so(tables: RunTables, known: bool) -> None:
    owner = _job(tables)
    tables.add(_ran(owner, "orders-1", "Running", NOW - timedelta(hours=9)))
    began = NOW - timedelta(days=2)
    tables.add(
        msgspec.structs.replace(_ran(owner, "orders-2", "Failed", began, began + timedelta(seconds=9)), duration_s=9.0)
    )
    if not known:
        tables.gap("executions", owner.job_id, GapReason.TRUNCATED, "the list was cut off")
    told = dict(tables.derived().execute("select signal, detail from fit").fetchall())
    assert told.keys() == set(SIGNALS)
    for detail in told.values():
        assert ("not all executions of the window are known (truncated)" in detail) is not known
    assert ("it ran this much at least" in told["running_share"]) is not known


def test_a_namesake_whose_environment_nobody_tells_casts_doubt_too(tables: RunTables) -> None:
    owner = _job(tables)
    other = job("orders", group="rg-other")
    tables.add(_line(owner, "orders-1", "Completed"))
    tables.add(GraphJob(job_id=other.job_id, name="Orders", subscription_id=SUB, resource_group="rg-other"))
    assert tables.derived().execute("select * from execution_history").fetchall() == []


def test_a_job_of_that_name_in_another_environment_casts_none(tables: RunTables) -> None:
    owner = _job(tables)
    elsewhere = job("orders", group="rg-other", environment_id=ENVIRONMENT + "-2")
    tables.add(_line(owner, "orders-1", "Completed"), elsewhere)
    tables.add(GraphJob(job_id=owner.job_id.upper(), name="Orders", subscription_id=SUB, resource_group="rg-orders"))
    tables.add(GraphJob(job_id=elsewhere.job_id, name="orders", subscription_id=SUB, resource_group="rg-other"))
    told = tables.derived().execute("select job_id, status from execution_history").fetchall()
    assert told == [(owner.job_id, "Succeeded")]


def test_a_bill_is_not_divided_among_the_executions_that_happen_to_be_known(tables: RunTables) -> None:
    owner = _job(tables)
    at = NOW - timedelta(days=3)
    tables.add(
        _ran(owner, "orders-1", "Failed", at, at + timedelta(minutes=5)),
        _ran(owner, "orders-2", "Succeeded", at, at + timedelta(minutes=5)),
        Cost(
            subscription_id=SUB, resource_id=owner.job_id.lower(), day=at.date(), meter="vCPU", amount=Decimal("2.5"),
            currency="EUR", basis="actual",
        ),
    )  # fmt: skip
    con = tables.derived()
    assert con.execute("select part, amount from job_costs order by part").fetchall() == [
        ("failed", Decimal("1.25")),
        ("succeeded", Decimal("1.25")),
    ]
    tables.gap("executions", owner.job_id, GapReason.TRUNCATED)
    con.close()
    con = tables.derived()
    assert con.execute("select part, amount from job_costs").fetchall() == [("unallocated", Decimal("2.5"))]
    assert con.execute("select amount, cost_per_succeeded from job_cost_months").fetchall() == [(Decimal("2.5"), None)]


def test_every_deployment_says_that_it_is_one(tables: RunTables) -> None:
    _job(tables)
    group = f"/subscriptions/{SUB}/resourceGroups/rg-orders"
    for name, correlation in (("outer", "c1"), ("inner", "c1"), ("alone", None)):
        tables.add(
            Deployment(
                deployment_id=f"{group}/providers/Microsoft.Resources/deployments/{name}", name=name, scope=group,
                subscription_id=SUB, at=NOW - timedelta(days=1), state="Succeeded", correlation_id=correlation,
            )
        )  # fmt: skip
    rows = (
        tables.derived().execute("select split_part(resource_id, '/', -1), source, deployment from changes").fetchall()
    )
    assert sorted(rows) == [
        ("alone", "deployments", None),
        ("inner", "deployments", "inner, outer"),
        ("outer", "deployments", "inner, outer"),
    ]


def test_refunds_and_other_currencies_are_never_added_up(tables: RunTables) -> None:
    owner = _job(tables)
    for amount, currency, spelled in ((5, "EUR", str.upper), (-2, "EUR", str.lower), (7, "USD", str)):
        tables.add(
            Cost(
                subscription_id=SUB, resource_id=spelled(owner.job_id), day=date(2026, 10, 20), meter="vCPU",
                amount=Decimal(amount), currency=currency, basis="actual",
            )
        )  # fmt: skip
    rows = tables.derived().execute("select currency, amount from job_costs order by all").fetchall()
    assert rows == [("EUR", Decimal(3)), ("USD", Decimal(7))]
