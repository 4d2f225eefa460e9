"""Month over month: whole calendar months, from the run's own reading and those that history has."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from earlier_runs import Past, execution
from run_tables import SUB, RunTables, job, job_id
from test_costs import PRICES, billed

from audit.derive.job_cost_months import COSTS, EXECUTIONS, TABLES, months_of
from audit.model import Window

JOB, SUBSCRIPTION = job_id("orders"), f"/subscriptions/{SUB}"


def at(month: int, day: int = 1, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


class Months(Past):
    """A run with a history of months; its own window is 2026-10-02 06:00 to 2026-11-01 06:00."""

    def __init__(self, tables: RunTables) -> None:
        super().__init__(tables)
        for table in TABLES:
            self.con.execute(table)

    def read(self, since: datetime, until: datetime, *, finished: datetime | None = None) -> None:
        """An earlier run read the bill of this time."""
        self.unit("costs", SUBSCRIPTION, since, until)
        if finished:
            self.con.execute("update history.units set finished = ? where covered_from = ?", [finished, since])

    def line(self, day: datetime, amount: str) -> None:
        self.con.execute(
            f"insert into {COSTS} values (lower(?), ?, 'actual', 'EUR', ?, 'runs/r0/raw/costs/x', ?)",
            [JOB, day.date(), Decimal(amount), at(9)],
        )

    def ran(self, started: datetime, status: str = "Succeeded") -> None:
        one = execution(JOB, started, status)
        self.con.execute(
            f"insert into {EXECUTIONS} by name select ? as execution_id, ? as job_id, ? as status, "
            "?::TIMESTAMPTZ as started, ?::TIMESTAMPTZ as ended, 0.5 as cpu, 1.0 as memory_gib, 'x' as raw_ref, "
            "?::TIMESTAMPTZ as observed_at",
            [one.execution_id, JOB, status, one.started, one.ended, one.ended],
        )

    def told(self, columns: str) -> list[tuple[Any, ...]]:
        return self.derived().execute(f"select {columns} from job_cost_months order by month, basis").fetchall()


def test_months_before_the_window_come_from_history_as_far_as_they_are_known(tables: RunTables) -> None:
    tables.add(job("orders"), billed("5", at(10, 20)))
    past = Months(tables)
    past.read(at(7, 15), at(8, 15))
    past.read(at(8, 10), at(9, 2))
    past.read(at(9, 1), at(10, 5))
    for moment, amount in ((at(7, 20), "1"), (at(8, 3), "2"), (at(8, 30), "2"), (at(9, 9), "3")):
        past.line(moment, amount)
    assert past.told("month, amount, since, until, whole, previous_amount, previous_is_last_month") == [
        (date(2026, 7, 1), Decimal(1), at(7, 15), at(8), False, None, None),
        (date(2026, 8, 1), Decimal(4), at(8), at(9), True, Decimal(1), True),
        (date(2026, 9, 1), Decimal(3), at(9), at(10), True, Decimal(4), True),
        (date(2026, 10, 1), Decimal(5), at(10), at(11), True, Decimal(3), True),
    ]


def test_a_hole_between_two_readings_makes_a_month_a_part_of_one(tables: RunTables) -> None:
    tables.add(job("orders"))
    past = Months(tables)
    past.read(at(8), at(8, 10))
    past.read(at(8, 11), at(9))
    past.line(at(8, 3), "2")
    assert past.told("month, since, until, whole") == [(date(2026, 8, 1), at(8), at(9), False)]


def test_a_month_is_final_where_all_of_it_was_read_again_after_it_closed(tables: RunTables) -> None:
    tables.add(job("orders"))
    past = Months(tables)
    past.read(at(8), at(9), finished=at(9, 5))
    past.read(at(7), at(8), finished=at(8, 6))
    past.line(at(7, 3), "1")
    past.line(at(8, 3), "2")
    assert past.told("month, final, collected_at") == [
        (date(2026, 7, 1), True, at(8, 6)),
        (date(2026, 8, 1), False, at(9, 5)),
    ]


def test_the_runs_own_reading_of_a_day_takes_the_place_of_an_earlier_one(tables: RunTables) -> None:
    tables.add(job("orders"), billed("5", at(10, 20)))
    past = Months(tables)
    past.read(at(9, 1), at(10, 25))
    past.line(at(10, 20), "4")
    past.line(at(10, 21), "9")  # no longer on the bill
    past.line(at(10, 1), "1")
    assert past.told("month, amount") == [(date(2026, 10, 1), Decimal(6))]


def test_a_success_has_a_price_only_where_every_execution_of_the_month_is_known(tables: RunTables) -> None:
    tables.add(job("orders"))
    tables.gap("executions", JOB)
    past = Months(tables)
    for month in (8, 9):
        past.read(at(month), at(month + 1))
        past.line(at(month, month), "6")
        past.ran(at(month, month, 4))
        past.ran(at(month, month, 9), "Failed")
    past.unit("executions", JOB, at(8, 20), at(10))
    assert past.told("month, executions, succeeded, failed_amount, idle_amount, cost_per_succeeded") == [
        (date(2026, 8, 1), 2, 1, None, None, None),
        (date(2026, 9, 1), 2, 1, Decimal(3), None, Decimal(6)),
    ]


def test_a_month_without_a_bill_is_estimated_from_the_executions_that_history_knows(tables: RunTables) -> None:
    tables.with_run(prices=PRICES)
    tables.add(job("orders"))
    past = Months(tables)
    past.ran(at(8, 3))
    past.ran(at(8, 31, 23))
    assert past.told("month, basis, amount, final, whole, executions") == [
        (date(2026, 8, 1), "estimate", Decimal("0.0084"), False, True, 2)
    ]


def test_a_job_with_a_bill_in_the_window_is_never_estimated(tables: RunTables) -> None:
    tables.with_run(prices=PRICES)
    tables.add(job("orders"), billed("5", at(10, 20)))
    past = Months(tables)
    past.ran(at(8, 3))
    assert past.told("month, basis") == [(date(2026, 10, 1), "actual")]


def test_of_a_month_with_a_bill_there_is_no_estimate_beside_it(tables: RunTables) -> None:
    tables.with_run(prices=PRICES)
    tables.add(job("orders"), execution(JOB, at(10, 9)))
    past = Months(tables)
    past.read(at(8), at(9))
    past.line(at(8, 3), "2")
    past.ran(at(8, 3))
    past.con.execute("update executions set cpu = 0.5, memory_gib = 1")
    assert past.told("month, basis") == [(date(2026, 8, 1), "actual"), (date(2026, 10, 1), "estimate")]


@pytest.mark.parametrize(
    ("until", "first", "last"), [(at(11, 1, 6), (2025, 12), (2026, 11)), (at(11), (2025, 11), (2026, 10))]
)
def test_twelve_months_are_told_and_the_windows_end_is_in_the_last(
    until: datetime, first: tuple[int, int], last: tuple[int, int]
) -> None:
    months = months_of(Window(since=at(10), until=until))
    assert (len(months), months[0], months[-1]) == (12, Window.month(*first), Window.month(*last))
    assert all(one.until == other.since for one, other in pairwise(months))
