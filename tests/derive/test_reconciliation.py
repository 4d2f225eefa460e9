from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from earlier_runs import Past, row_columns
from run_tables import NOW, OTHER, SUB, RunTables, event, job, job_id

from audit.evidence.graph_jobs import GraphJob
from audit.evidence.subscriptions import Subscription
from audit.evidence.tags import Tag
from audit.model import GapReason, Json, Window

if TYPE_CHECKING:
    from audit.evidence.jobs import Job

WRITE = "Microsoft.App/jobs/write"
DELETE = "Microsoft.App/jobs/Delete"


def in_graph(name: str, *, group: str = "rg-orders", subscription: str = SUB) -> GraphJob:
    return GraphJob(
        job_id=job_id(name, group=group, subscription=subscription).lower(),
        name=name,
        subscription_id=subscription,
        resource_group=group,
    )


def listed(*names: str) -> list[Job | GraphJob]:
    return [row for name in names for row in (job(name), in_graph(name))]


def reconciled(tables: RunTables, source_b: str) -> dict[str, Any]:
    con = tables.derived()
    found = con.execute("select * from reconciliation where source_b = ?", [source_b])
    names = [column[0] for column in found.description or ()]
    (row,) = found.fetchall()
    con.close()
    return dict(zip(names, row, strict=True))


def gaps(tables: RunTables) -> list[tuple[str, str, str]]:
    rows = tables.query("select scope, reason, detail from coverage where kind = 'reconciliation' order by detail")
    return [(row["scope"], row["reason"], row["detail"]) for row in rows]


def test_sources_that_agree_say_so_and_add_no_gap(tables: RunTables) -> None:
    tables.add(*listed("orders", "billing"))
    row = reconciled(tables, "resource_graph")
    assert (row["count_a"], row["count_b"], row["difference"], row["explained"]) == (2, 2, 0, True)
    assert gaps(tables) == []


def test_casing_is_no_difference(tables: RunTables) -> None:
    tables.add(job("Orders"), in_graph("ORDERS"))
    assert reconciled(tables, "resource_graph")["difference"] == 0


def test_a_job_that_only_resource_graph_knows_is_a_gap_naming_it(tables: RunTables) -> None:
    tables.add(*listed("orders"), in_graph("hidden"))
    row = reconciled(tables, "resource_graph")
    assert (row["count_a"], row["count_b"], row["difference"], row["explained"]) == (1, 2, 1, False)
    ((scope, reason, detail),) = gaps(tables)
    assert (scope, reason) == (f"/subscriptions/{SUB}", "partial_visibility")
    assert job_id("hidden").lower() in detail


def test_equal_counts_of_different_jobs_are_a_difference(tables: RunTables) -> None:
    tables.add(job("orders"), in_graph("hidden"))
    row = reconciled(tables, "resource_graph")
    assert (row["count_a"], row["count_b"], row["difference"]) == (1, 1, 2)
    assert len(gaps(tables)) == 1


def test_a_job_that_resource_graph_lacks_without_reason_is_a_gap(tables: RunTables) -> None:
    tables.add(*listed("orders"), job("old"))
    assert reconciled(tables, "resource_graph")["explained"] is False
    ((_, reason, detail),) = gaps(tables)
    assert reason == "unavailable"
    assert job_id("old") in detail


def test_a_job_created_just_before_is_resource_graphs_lag(tables: RunTables) -> None:
    tables.add(*listed("orders"), job("new", created_at=NOW - timedelta(minutes=4)))
    row = reconciled(tables, "resource_graph")
    assert (row["difference"], row["explained"]) == (1, True)
    assert "lag" in row["explanation"]
    assert gaps(tables) == []


def test_a_job_deleted_in_the_window_is_explained_with_time_and_caller(tables: RunTables) -> None:
    tables.add(*listed("orders"), in_graph("imports"), event(job_id("imports"), DELETE))
    for source in ("resource_graph", "activity_log"):
        tables.database.unlink(missing_ok=True)
        row = reconciled(tables, source)
        assert (row["difference"], row["explained"]) == (1, True)
        assert "deleted at 2026-10-29 06:00:00 UTC by ana@contoso.example" in row["explanation"]
    assert gaps(tables) == []


def test_a_job_that_the_activity_log_saw_started_and_nobody_lists_is_a_gap(tables: RunTables) -> None:
    tables.add(*listed("orders"), event(job_id("ghost"), "microsoft.app/JOBS/start/action"))
    assert reconciled(tables, "activity_log")["explained"] is False
    ((_, reason, detail),) = gaps(tables)
    assert reason == "partial_visibility"
    assert job_id("ghost") in detail


@pytest.mark.parametrize("deleted", [True, False])
def test_a_job_deleted_after_the_window_is_explained_by_what_a_run_read_since(tables: RunTables, deleted: bool) -> None:
    tables.with_run(window=Window(since=NOW - timedelta(days=60), until=NOW - timedelta(days=10)))
    tables.add(event(job_id("late"), "Microsoft.App/jobs/start/action", at=NOW - timedelta(days=20)))
    past = Past(tables)
    if deleted:
        gone = event(job_id("late"), "Microsoft.App/jobs/delete", at=NOW - timedelta(days=5))
        given = {name: value for name, value in row_columns(gone).items() if value is not None}
        names, marks = ", ".join(f'"{name}"' for name in given), ", ".join("?" for _ in given)
        past.con.execute(f"insert into history.later_events ({names}) values ({marks})", list(given.values()))
    con = past.derived()
    assert bool(past.gaps("reconciliation")) is not deleted
    states = con.execute("select state, deleted_at from population").fetchall()
    assert states == ([("deleted", NOW - timedelta(days=5))] if deleted else [])


def test_a_job_created_after_the_read_is_explained(tables: RunTables) -> None:
    tables.add(*listed("orders"), event(job_id("new"), WRITE, at=NOW + timedelta(seconds=40)))
    row = reconciled(tables, "activity_log")
    assert row["explained"] is True
    assert "after the jobs list was read" in row["explanation"]


def test_a_job_whose_creation_failed_never_was(tables: RunTables) -> None:
    tables.add(*listed("orders"), event(job_id("typo"), WRITE, status="Failed"))
    row = reconciled(tables, "activity_log")
    assert (row["difference"], row["explained"]) == (1, True)
    assert "never created" in row["explanation"]


def test_a_read_that_failed_has_no_count_and_adds_no_second_gap(tables: RunTables) -> None:
    tables.add(in_graph("orders"))
    tables.gap("jobs", f"/subscriptions/{SUB}", GapReason.FORBIDDEN)
    row = reconciled(tables, "resource_graph")
    assert (row["count_a"], row["count_b"], row["difference"], row["explained"]) == (None, 1, None, False)
    assert "forbidden" in row["explanation"]
    assert gaps(tables) == []


def test_a_source_that_was_not_collected_is_told(tables: RunTables) -> None:
    tables.with_run(kinds=tuple(kind for kind in tables.run.kinds if kind != "graph_jobs"))
    tables.add(job("orders"))
    row = reconciled(tables, "resource_graph")
    assert (row["count_b"], row["difference"]) == (None, None)
    assert "not collected in this run" in row["explanation"]


def test_tagged_jobs_are_held_against_the_resources_list(tables: RunTables) -> None:
    tag = {"key": "owner", "value": "ana", "source": "job", "subscription_id": SUB}
    tables.add(*listed("plain"), in_graph("tagged"), in_graph("lost"))
    tables.add(job("tagged", tags=Json({"owner": "ana"})), job("lost", tags=Json({"owner": "ben"})))
    tables.add(
        Tag(resource_id=job_id("tagged"), **tag),
        Tag(resource_id=f"/subscriptions/{SUB}", **tag | {"source": "subscription"}),
    )
    row = reconciled(tables, "arm_resources")
    assert (row["count_a"], row["count_b"], row["difference"], row["explained"]) == (2, 1, 1, False)
    assert job_id("lost") in row["explanation"]


def test_groups_outside_the_run_are_not_compared(tables: RunTables) -> None:
    tables.with_run(resource_groups=("rg-orders",))
    tables.add(*listed("orders"), in_graph("elsewhere", group="rg-other"))
    assert reconciled(tables, "resource_graph")["difference"] == 0


def test_each_subscription_is_compared_by_itself(tables: RunTables) -> None:
    tables.subscriptions = [SUB, OTHER]
    tables.add(*listed("orders"), in_graph("hidden", subscription=OTHER))
    con = tables.derived()
    rows = con.execute(
        "select subscription_id, count_a, count_b from reconciliation where source_b = 'resource_graph' order by 1"
    ).fetchall()
    con.close()
    assert rows == [(SUB, 1, 1), (OTHER, 0, 1)]
    assert [scope for scope, _, _ in gaps(tables)] == [f"/subscriptions/{OTHER}"]


def test_an_expected_subscription_that_cannot_be_seen_is_a_gap(tables: RunTables) -> None:
    tables.with_run(expected_subscriptions=(SUB.upper(), OTHER))
    tables.derived().close()
    rows = tables.query(
        "select subscription_id, count_a, count_b, difference from reconciliation "
        "where source_a = 'expected_subscriptions' order by 1"
    )
    assert [tuple(row.values()) for row in rows] == [(SUB, 1, 1, 0), (OTHER, 1, 0, 1)]
    ((scope, reason, detail),) = gaps(tables)
    assert (scope, reason) == (f"/subscriptions/{OTHER}", "partial_visibility")
    assert "can't see" in detail


def test_an_expected_subscription_outside_the_scope_is_a_gap(tables: RunTables) -> None:
    tables.with_run(expected_subscriptions=(SUB, OTHER))
    tables.add(Subscription(subscription_id=OTHER, name="other"))
    tables.derived().close()
    ((_, _, detail),) = gaps(tables)
    assert "outside the configured scope" in detail


def test_a_subscription_that_nobody_expects_is_named_but_no_gap(tables: RunTables) -> None:
    tables.subscriptions = [SUB, OTHER]
    tables.with_run(expected_subscriptions=(SUB,))
    tables.derived().close()
    (row,) = tables.query(
        f"select * from reconciliation where subscription_id = '{OTHER}' and source_b = 'subscriptions'"
    )
    assert (row["count_a"], row["count_b"], row["explained"]) == (0, 1, True)
    assert gaps(tables) == []


def _expected(tables: RunTables) -> tuple[object, ...]:
    con = tables.derived()
    sql = "select count_b, difference, explained, explanation from reconciliation where source_b = 'subscriptions'"
    (row,) = con.execute(sql).fetchall()
    return row


def test_an_expected_subscription_whose_jobs_are_a_gap_is_not_called_read(tables: RunTables) -> None:
    tables.with_run(expected_subscriptions=(SUB,))
    tables.gap("jobs", f"/subscriptions/{SUB}")
    assert "and read" not in str(_expected(tables)[3])


def test_without_the_list_of_subscriptions_nothing_is_said_to_be_hidden(tables: RunTables) -> None:
    tables.with_run(expected_subscriptions=(OTHER,))
    tables.gap("subscriptions", "/")
    tables.subscriptions = []
    assert _expected(tables) == (None, None, False, "Not comparable: the list of subscriptions is a gap")
