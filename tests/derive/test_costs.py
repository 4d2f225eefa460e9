"""What a job cost, by day and by what the executions of the day were good for; and whether it behaves as a job."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from run_tables import NOW, SUB, RunTables, container, job

from audit.derive import derive
from audit.evidence.costs import Cost
from audit.evidence.executions import Execution
from audit.evidence.inventory import InventoryItem
from audit.evidence.jobs import RuleSource
from audit.evidence.metrics import MetricPoint
from audit.model import Json
from audit.model.prices import Prices, Rates

ORDERS = job("orders", replica_timeout_s=3600, min_executions=1)
DAY = NOW.replace(hour=0) - timedelta(days=4)
BUS = f"/subscriptions/{SUB}/resourceGroups/rg-orders/providers/Microsoft.ServiceBus/namespaces/sb-orders"
PRICES = Prices(
    currency="EUR", as_of=date(2026, 11, 1), source="a list",
    default=Rates(vcpu_second_active=Decimal("0.00002"), gib_second_active=Decimal("0.000004")),
    regions={"northeurope": Rates(vcpu_second_active=Decimal("0.1"))},
)  # fmt: skip


def ran(name: str, at: datetime, minutes: float, status: str = "Succeeded", **fields: Any) -> Execution:
    defaults: dict[str, Any] = {
        "execution_id": f"{ORDERS.job_id}/executions/{name}",
        "job_id": ORDERS.job_id,
        "name": name,
        "status": status,
        "started": at,
        "ended": at + timedelta(minutes=minutes),
        "duration_s": minutes * 60,
        "cpu": 0.5,
        "memory_gib": 1.0,
        "replica_count": 1,
    }
    return Execution(**defaults | fields)


def billed(amount: str, day: datetime = DAY, basis: str = "actual", resource: str = ORDERS.job_id) -> Cost:
    return Cost(
        subscription_id=SUB, resource_id=resource.lower(), day=day.date(), meter="vCPU", amount=Decimal(amount),
        currency="EUR", basis=basis,
    )  # fmt: skip


def parts(tables: RunTables, columns: str = "day, part, amount, basis") -> list[tuple[Any, ...]]:
    return tables.derived().execute(f"select {columns} from job_costs order by day, basis, part").fetchall()


def watched(tables: RunTables, depths: dict[int, float], completed: dict[int, float] | None = None) -> None:
    """Give the job a queue whose depth is known for these hours of DAY."""
    tables.add(
        RuleSource(job_id=ORDERS.job_id, rule_name="q", scaler_type="azure-servicebus", host="sb-orders.servicebus.x",
                   entity_kind="queue", entity="orders", source_type="microsoft.servicebus/namespaces"),
        InventoryItem(resource_id=BUS, name="sb-orders", type="microsoft.servicebus/namespaces", subscription_id=SUB,
                      resource_group="rg-orders", host="SB-orders.servicebus.x"),
    )  # fmt: skip
    for metric, how, values in (
        ("ActiveMessages", "maximum", depths), ("CompleteMessage", "total", completed or {})
    ):  # fmt: skip
        for hour, value in values.items():
            tables.add(
                MetricPoint(resource_id=BUS.lower(), metric=metric, dimension="ORDERS", aggregation=how,
                            at=DAY + timedelta(hours=hour), interval_s=3600, value=value)
            )  # fmt: skip


def test_a_bill_is_divided_by_what_the_executions_used_and_adds_up_to_the_cent(tables: RunTables) -> None:
    tables.add(
        ORDERS, billed("10.000001"),
        ran("a", DAY, 20), ran("b", DAY + timedelta(hours=1), 20, "Failed"), ran("c", DAY + timedelta(hours=2), 20),
    )  # fmt: skip
    found = parts(tables, "part, amount, basis, executions")
    assert [(row[0], row[2], row[3]) for row in found] == [("failed", "actual", 1), ("succeeded", "actual", 2)]
    assert sum(row[1] for row in found) == Decimal("10.000001")
    assert abs(found[0][1] - Decimal("3.333334")) < Decimal("0.00001")


def test_actual_and_amortised_are_told_apart(tables: RunTables) -> None:
    tables.add(ORDERS, billed("4"), billed("3", basis="amortised"), ran("a", DAY, 20))
    assert [(row[2], row[3]) for row in parts(tables)] == [(Decimal(4), "actual"), (Decimal(3), "amortised")]


def test_a_bill_of_a_day_without_known_executions_is_not_given_to_any_part(tables: RunTables) -> None:
    tables.add(ORDERS, billed("4"))
    assert parts(tables, "part, amount") == [("unallocated", Decimal(4))]


def test_what_was_wasted_of_a_bill_that_is_not_divided_is_unknown(tables: RunTables) -> None:
    tables.add(ORDERS, billed("1.00"), billed("1.00", DAY + timedelta(days=1)))
    tables.derived().close()
    (row,) = tables.query("select * from cost_totals")
    assert row["unallocated_amount"] == 2
    assert row["wasted_amount"] is row["failed_amount"] is row["wasted_share"] is None


def test_an_execution_over_midnight_is_paid_on_both_days(tables: RunTables) -> None:
    tables.with_run(prices=PRICES)
    tables.add(ORDERS, ran("a", DAY - timedelta(minutes=10), 30))
    assert parts(tables, "day, amount, basis, final") == [
        ((DAY - timedelta(days=1)).date(), Decimal("0.008400"), "estimate", False),
        (DAY.date(), Decimal("0.016800"), "estimate", False),
    ]


def test_an_estimate_takes_the_prices_of_the_jobs_region_and_names_its_list(tables: RunTables) -> None:
    tables.with_run(prices=PRICES)
    tables.add(job("orders", location="North Europe"), ran("a", DAY, 10))
    ((amount, note),) = parts(tables, "amount, note")
    assert amount == Decimal("30.002400")
    assert "a list" in note
    assert "180,000" in note


def test_without_a_price_list_nothing_is_estimated(tables: RunTables) -> None:
    tables.add(ORDERS, ran("a", DAY, 10))
    assert parts(tables) == []


def test_a_billed_job_is_never_estimated_too(tables: RunTables) -> None:
    tables.with_run(prices=PRICES)
    tables.add(ORDERS, billed("1"), ran("a", DAY, 10), ran("b", DAY + timedelta(days=1), 10))
    assert {row[3] for row in parts(tables)} == {"actual"}


def test_an_estimate_where_the_bill_was_not_read_says_so(tables: RunTables) -> None:
    tables.with_run(prices=PRICES)
    tables.add(ORDERS, ran("a", DAY, 10))
    tables.gap("costs", f"/subscriptions/{SUB}")
    assert "could not be read" in parts(tables, "note")[0][0]


def test_replicas_that_failed_inside_a_success_are_retries(tables: RunTables) -> None:
    replicas = Json([{"containers": [{"code": 1}]}, {"containers": [{"code": 0}]}])
    tables.add(ORDERS, billed("4"), ran("a", DAY, 10, replicas=replicas, replica_count=2))
    assert parts(tables, "part, amount, executions") == [("retried", Decimal(2), None), ("succeeded", Decimal(2), 1)]


def test_a_run_on_an_empty_queue_is_idle_only_where_every_hour_is_known(tables: RunTables) -> None:
    watched(tables, {1: 0, 2: 0, 5: 0, 9: 3})
    tables.add(
        ORDERS, billed("8"),
        ran("empty", DAY + timedelta(hours=1, minutes=30), 60),
        ran("half-known", DAY + timedelta(hours=5, minutes=30), 60),
        ran("busy", DAY + timedelta(hours=9, minutes=10), 30),
        ran("failed", DAY + timedelta(hours=1, minutes=10), 10, "Failed"),
    )  # fmt: skip
    assert parts(tables, "part, executions") == [("failed", 1), ("idle", 1), ("succeeded", 2)]


def test_between_two_zeros_the_queue_was_empty_and_between_others_nothing_is_known(tables: RunTables) -> None:
    watched(tables, {1: 0, 6: 0, 9: 3, 14: 3})
    tables.add(
        ORDERS, billed("8"), ran("empty", DAY + timedelta(hours=3), 10), ran("unknown", DAY + timedelta(hours=11), 10),
    )  # fmt: skip
    assert parts(tables, "part, executions") == [("idle", 1), ("succeeded", 1)]


def test_an_empty_queue_through_which_messages_went_was_not_idle(tables: RunTables) -> None:
    watched(tables, {1: 0, 6: 0}, {3: 4})
    tables.add(ORDERS, billed("8"), ran("a", DAY + timedelta(hours=3), 10))
    assert parts(tables, "part, executions") == [("succeeded", 1)]


def test_the_depth_of_an_accounts_queues_says_nothing_of_its_blobs(tables: RunTables) -> None:
    account = f"/subscriptions/{SUB}/resourceGroups/rg-orders/providers/Microsoft.Storage/storageAccounts/storders"
    tables.add(
        ORDERS, billed("8"), ran("a", DAY + timedelta(hours=1), 10),
        RuleSource(job_id=ORDERS.job_id, rule_name="q", scaler_type="azure-blob", host="storders.core.x",
                   entity_kind="container", entity="feeds"),
        InventoryItem(resource_id=account, name="storders", type="microsoft.storage/storageaccounts",
                      subscription_id=SUB, resource_group="rg-orders", host="storders.core.x"),
        MetricPoint(resource_id=account, metric="QueueMessageCount", aggregation="average",
                    at=DAY + timedelta(hours=1), interval_s=3600, value=0),
    )  # fmt: skip
    assert parts(tables, "part, executions") == [("succeeded", 1)]


def test_more_successes_than_completed_messages_are_suspects(tables: RunTables) -> None:
    watched(tables, dict.fromkeys(range(24), 2.0), {3: 1})
    tables.add(ORDERS, billed("8"), *(ran(str(n), DAY + timedelta(hours=3, minutes=n), 10) for n in range(4)))
    assert parts(tables, "part, amount") == [("duplicate_suspect", Decimal(6)), ("succeeded", Decimal(2))]


def test_a_shared_queue_names_no_suspects(tables: RunTables) -> None:
    watched(tables, dict.fromkeys(range(24), 2.0), {3: 1})
    tables.add(
        ORDERS, billed("8"), *(ran(str(n), DAY + timedelta(hours=3, minutes=n), 10) for n in range(4)), job("other"),
        RuleSource(job_id=job("other").job_id, rule_name="q", scaler_type="azure-servicebus",
                   host="sb-orders.servicebus.x", entity_kind="queue", entity="orders"),
    )  # fmt: skip
    assert parts(tables, "part, amount") == [("succeeded", Decimal(8))]


def test_an_execution_known_from_the_logs_alone_is_taken_to_have_asked_for_what_the_job_asks_for(
    tables: RunTables,
) -> None:
    tables.with_run(prices=PRICES)
    tables.add(ORDERS, container(ORDERS, cpu=1.0, memory_gib=2.0), ran("a", DAY, 10, cpu=None, memory_gib=None))
    ((amount, note),) = parts(tables, "amount, note")
    assert amount == Decimal("0.016800")
    assert "known from the logs alone" in note


def test_a_month_is_final_only_days_after_it_closed(tables: RunTables) -> None:
    tables.add(ORDERS, billed("1", DAY - timedelta(days=20)))
    assert parts(tables, "final") == [(False,)]
    later = tables.derived()
    later.execute("update costs set observed_at = observed_at + interval 40 day")
    derive(later, tables.run)
    assert later.execute("select final from job_costs").fetchall() == [(True,)]


def test_cost_per_success_and_month_over_month(tables: RunTables) -> None:
    tables.add(
        ORDERS, billed("6"), billed("2", DAY - timedelta(days=28)),
        ran("a", DAY, 10), ran("b", DAY, 10), ran("c", DAY, 10, "Failed"),
    )  # fmt: skip
    found = tables.derived().execute(
        "select month, amount, cost_per_succeeded, previous_amount, whole from job_cost_months order by month"
    )
    assert [row[1:] for row in found.fetchall()] == [
        (Decimal(2), None, None, False), (Decimal(6), Decimal(3), Decimal(2), False)
    ]  # fmt: skip


def test_a_source_shared_by_two_jobs_costs_beside_both_and_says_so(tables: RunTables) -> None:
    watched(tables, {})
    tables.add(
        ORDERS, job("other"), billed("5", resource=BUS),
        RuleSource(job_id=job("other").job_id, rule_name="q", scaler_type="azure-servicebus",
                   host="sb-orders.servicebus.x", entity_kind="queue", entity="returns"),
    )  # fmt: skip
    found = tables.derived().execute("select relation, amount, shared_by from cost_beside").fetchall()
    assert found == [("event_source", Decimal(5), 2), ("event_source", Decimal(5), 2)]


def fit(tables: RunTables) -> dict[str, float]:
    return dict(tables.derived().execute("select signal, value from fit").fetchall())


def test_overlapping_runs_count_once_and_a_run_by_its_timeout_shows(tables: RunTables) -> None:
    tables.add(ORDERS, ran("a", DAY, 72 * 6), ran("b", DAY, 72 * 10), ran("c", DAY + timedelta(hours=30), 5))
    found = fit(tables)
    assert round(found["running_share"], 4) == round((12 * 60 + 5) / (30 * 24 * 60), 4)
    assert round(found["near_timeout_share"], 3) == round(2 / 3, 3)
    assert "idle_share" not in found


def test_idle_is_told_only_of_runs_whose_source_was_measured(tables: RunTables) -> None:
    watched(tables, {1: 0, 2: 7})
    tables.add(
        ORDERS,
        ran("a", DAY + timedelta(hours=1), 10), ran("b", DAY + timedelta(hours=2), 10),
        ran("c", DAY + timedelta(hours=8), 10),
    )  # fmt: skip
    assert fit(tables)["idle_share"] == 0.5
