"""What a job's logs cost: a share of its workspace's bill, or an estimate that says so; and never another job's."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from run_tables import SUB, RunTables, job
from test_costs import DAY, ORDERS, PRICES, billed, parts, ran

from audit.evidence.costs import Cost
from audit.evidence.environments import Environment
from audit.evidence.jobs import Job
from audit.evidence.log_volumes import LogVolume, WorkspaceVolume
from audit.evidence.workspaces import Workspace
from audit.model import Record
from audit.model.prices import Prices, Rates

CUSTOMER = "eeeeeeee-0000-4000-8000-000000000003"
HOME = f"/subscriptions/{SUB}/resourceGroups/rg-orders/providers/Microsoft.App/managedEnvironments/cae"
LOGS = f"/subscriptions/{SUB}/resourceGroups/rg-logs/providers/Microsoft.OperationalInsights/workspaces/log"
"""A workspace of its own group, as every platform has one."""


def logging_job(name: str = "orders", **fields: Any) -> Job:
    return job(name, **{"environment_id": HOME} | fields)


def wrote(size: int, name: str = "orders", day: datetime = DAY, table: str = "ContainerAppConsoleLogs_CL") -> LogVolume:
    return LogVolume(
        workspace=CUSTOMER, environment_id=HOME.lower(), job_name=name, day=day.date(), table_name=table, rows=1,
        billed_bytes=size,
    )  # fmt: skip


def took(size: int, day: datetime = DAY) -> WorkspaceVolume:
    return WorkspaceVolume(workspace=CUSTOMER.upper(), day=day.date(), billed_bytes=size)


def workspace(location: str = "West Europe") -> Workspace:
    return Workspace(
        workspace_id=LOGS, customer_id=CUSTOMER, name="log", subscription_id=SUB, resource_group="rg-logs",
        location=location,
    )  # fmt: skip


def ingested(amount: str, meter: str = "Analytics Logs Data Ingestion", **fields: Any) -> Cost:
    return msgspec.structs.replace(billed(amount, resource=LOGS.upper(), **fields), meter=meter)


GB = Prices(
    currency="USD", as_of=date(2026, 11, 1), source="a list", default=Rates(log_analytics_gb=Decimal("2.30")),
    regions={"westeurope": Rates(log_analytics_gb=Decimal("2.76"))},
)  # fmt: skip


def of_logs(tables: RunTables, columns: str = "amount, basis") -> list[tuple[Any, ...]]:
    sql = f"select {columns} from job_costs where part = 'logs' order by job_id, day, basis"
    return tables.derived().execute(sql).fetchall()


def test_a_job_bears_its_share_of_what_the_workspace_was_billed_for_taking_in_logs(tables: RunTables) -> None:
    tables.with_run(prices=GB)
    tables.add(
        logging_job(), billed("4"), ran("a", DAY, 20), workspace(), took(1_000_000),
        wrote(200_000), wrote(50_000, "ORDERS", table="ContainerAppSystemLogs_CL"), wrote(300_000, "another"),
        ingested("2"), ingested("1", basis="amortised"), ingested("7", meter="Analytics Logs Data Retention"),
    )  # fmt: skip
    ((job_id, amount, basis, currency, final, executions, note), (_, spread, *_)) = of_logs(
        tables, "job_id, amount, basis, currency, final, executions, note"
    )
    assert (job_id, amount, basis, currency, final, executions) == (
        ORDERS.job_id, Decimal("0.500000"), "actual", "EUR", False, None
    )  # fmt: skip
    assert spread == Decimal("0.250000")
    assert "by size" in note


def test_the_parts_of_a_day_with_its_logs_add_up_and_the_month_is_the_jobs_own_bill(tables: RunTables) -> None:
    home = Environment(
        environment_id=HOME, name="cae", subscription_id=SUB, resource_group="rg-orders", workspace_id=CUSTOMER
    )  # fmt: skip
    tables.add(
        logging_job(), home, billed("4"), ran("a", DAY, 20), workspace(), took(1_000_000), wrote(250_000),
        ingested("2"),
    )  # fmt: skip
    con = tables.derived()
    parts = "select part, amount from job_costs where basis = 'actual' order by part"
    assert con.execute(parts).fetchall() == [("logs", Decimal("0.5")), ("succeeded", Decimal(4))]
    assert con.execute("select amount, cost_per_succeeded from job_cost_months").fetchall() == [
        (Decimal(4), Decimal(4))
    ]  # fmt: skip
    beside = "select amount from cost_beside where relation = 'workspace'"
    assert con.execute(beside).fetchall() == [(Decimal(2),)], "the whole workspace, never its share"


@pytest.mark.parametrize(
    "lacking",
    [
        (took(1_000_000),),
        (ingested("2"),),
        (ingested("2"), took(249_999)),
        (ingested("2"), took(1_000_000, DAY - timedelta(days=1))),
        (ingested("2", day=DAY - timedelta(days=1)), took(1_000_000)),
    ],
    ids=["no bill", "no total", "a total below its parts", "the total of another day", "the bill of another day"],
)
def test_without_the_workspaces_bill_and_volume_of_the_day_logs_are_an_estimate_that_says_so(
    tables: RunTables, lacking: tuple[Record, ...]
) -> None:
    tables.with_run(prices=GB)
    tables.add(logging_job(), billed("4"), ran("a", DAY, 20), workspace(), wrote(250_000_000), *lacking)
    ((amount, basis, currency, note),) = of_logs(tables, "amount, basis, currency, note")
    assert (amount, basis, currency) == (Decimal("0.69"), "estimate", "USD")
    assert "a list" in note


def test_the_price_is_that_of_the_workspaces_region_and_none_is_invented(tables: RunTables) -> None:
    tables.add(logging_job(), billed("4"), ran("a", DAY, 20), workspace("Sweden Central"), wrote(10**9))
    assert of_logs(tables) == []
    tables.with_run(prices=GB)
    assert of_logs(tables) == [(Decimal("2.30"), "estimate")]


def test_a_job_whose_running_is_an_estimate_has_its_logs_estimated_too(tables: RunTables) -> None:
    tables.with_run(prices=msgspec.structs.replace(PRICES, default=Rates(
        vcpu_second_active=Decimal("0.00002"), gib_second_active=Decimal("0.000004"), log_analytics_gb=Decimal(2),
    )))  # fmt: skip
    tables.add(logging_job(), ran("a", DAY, 20), workspace(), wrote(10**9), took(2 * 10**9), ingested("2"))
    assert parts(tables, "part, amount, basis") == [
        ("logs", Decimal(2), "estimate"), ("succeeded", Decimal("0.016800"), "estimate"),
    ]  # fmt: skip


def test_a_job_that_did_not_run_but_was_written_about_bears_its_share(tables: RunTables) -> None:
    tables.add(logging_job(), workspace(), wrote(10**9), took(2 * 10**9), ingested("2"))
    assert of_logs(tables) == [(Decimal(1), "actual")]


def test_two_jobs_of_one_name_in_one_environment_have_no_log_cost_and_that_is_said(tables: RunTables) -> None:
    twin = logging_job(group="rg-other", in_scope=False)
    tables.add(
        logging_job(), twin, logging_job("single"), billed("4"), ran("a", DAY, 20), workspace(),
        took(10**9), wrote(5 * 10**8), wrote(10**8, "single"), ingested("2"),
    )  # fmt: skip
    assert [row[0].rpartition("/")[2] for row in of_logs(tables, "job_id")] == ["single"]
    ((note,),) = tables.derived().execute("select note from job_costs where part = 'succeeded'").fetchall()
    assert "same name" in note


def test_lines_of_an_environment_that_nobody_knows_are_nobodys(tables: RunTables) -> None:
    stray = msgspec.structs.replace(wrote(10**8), environment_id=None)
    tables.add(logging_job(), billed("4"), ran("a", DAY, 20), workspace(), took(10**9), stray, ingested("2"))
    assert of_logs(tables) == []
