"""What Azure forgets by time, completed from history: every kind in the same way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from earlier_runs import Past, days
from run_tables import NOW, SUB, RunTables, job, job_id

from audit.evidence.fired_alerts import FiredAlert
from audit.evidence.metrics import MetricPoint
from audit.evidence.permissions import Permission
from audit.evidence.resource_changes import ResourceChange
from audit.model import GapReason, Json, Record, Window

SUBSCRIPTION, JOB = f"/subscriptions/{SUB}", job_id("orders")


def may(tables: RunTables, *, missing: tuple[str, ...] = ()) -> None:
    tables.add(
        job("orders"),
        Permission(scope=SUBSCRIPTION, caller="c", can_read=True, missing=Json(missing), source="permissions"),
    )


def alert(at: float) -> FiredAlert:
    return FiredAlert(fired_id=f"a{at}", subscription_id=SUB, name="queue is long", fired_at=days(at))


def point(at: float) -> MetricPoint:
    return MetricPoint(
        resource_id=JOB, metric="Executions", aggregation="total", at=days(at), interval_s=86400, value=2
    )


def change(at: float) -> ResourceChange:
    return ResourceChange(change_id=f"c{at}", target_resource_id=JOB, at=days(at))


@pytest.fixture
def forgotten(tables: RunTables) -> RunTables:
    """A window that begins before what Azure keeps of alerts and metrics."""
    tables.with_run(window=Window(since=days(120), until=NOW))
    tables.gap("activity_log", SUBSCRIPTION, GapReason.BEYOND_RETENTION, "Azure keeps 90 days")
    tables.gap("fired_alerts", SUBSCRIPTION, GapReason.BEYOND_RETENTION, "Azure keeps 30 days")
    tables.gap("metrics", JOB, GapReason.BEYOND_RETENTION, "Azure keeps 93 days")
    return tables


@pytest.mark.parametrize(
    ("kind", "scope", "row", "kept"),
    [("fired_alerts", SUBSCRIPTION, alert(50), 30), ("metrics", JOB, point(110), 93)],
)
def test_history_gives_what_azure_forgot(forgotten: RunTables, kind: str, scope: str, row: Record, kept: int) -> None:
    may(forgotten)
    past = Past(forgotten)
    past.unit(kind, scope, days(130), days(kept - 5), "r-june")
    past.saw(row, scope, "r-june")
    con = past.derived()
    assert past.gaps(kind) == []
    assert con.execute(f"select row_id, first_seen_run from {kind}").fetchall() == [(row.row_id, "r-june")]
    ((outcome, detail, rows),) = con.execute(
        'select outcome, detail, "rows" from coverage where kind = ? and lower(scope) = lower(?)', [kind, scope]
    ).fetchall()
    assert (outcome, rows) == ("collected", 1)
    assert detail.endswith("r-june")
    assert f"{NOW - timedelta(days=kept):%Y-%m-%d}" in detail


def test_a_part_of_the_alerts_is_not_all_of_them(forgotten: RunTables) -> None:
    may(forgotten)
    past = Past(forgotten)
    past.unit("fired_alerts", SUBSCRIPTION, days(130), days(60))
    past.saw(alert(70), SUBSCRIPTION)
    con = past.derived()
    ((reason, detail),) = past.gaps("fired_alerts")
    assert reason == "beyond_retention"
    assert "lacks 2026-09-02 06:00:00 UTC to 2026-10-02" in detail
    assert con.execute("select count(*) from fired_alerts").fetchone() == (1,)


def test_a_window_that_is_older_than_all_that_azure_keeps_comes_from_history_alone(forgotten: RunTables) -> None:
    forgotten.with_run(window=Window(since=days(120), until=days(100)))
    may(forgotten)
    past = Past(forgotten)
    for kind, scope, row in (("fired_alerts", SUBSCRIPTION, alert(110)), ("metrics", JOB, point(110))):
        past.unit(kind, scope, days(130), days(90))
        past.saw(row, scope)
    past.unit("activity_log", SUBSCRIPTION, days(130), days(101))
    con = past.derived()
    assert (past.gaps("fired_alerts"), past.gaps("metrics")) == ([], [])
    assert con.execute("select (select count(*) from fired_alerts), (select count(*) from metrics)").fetchone() == (
        1,
        1,
    )
    ((_, detail),) = past.gaps("activity_log")
    assert f"lacks {days(101):%Y-%m-%d %H:%M:%S UTC} to {days(100):%Y-%m-%d %H:%M:%S UTC}" in detail


def test_alerts_that_the_caller_may_not_all_see_stay_a_gap(forgotten: RunTables) -> None:
    may(forgotten, missing=("microsoft.alertsmanagement/alerts/read",))
    past = Past(forgotten)
    past.unit("fired_alerts", SUBSCRIPTION, days(130), days(20))
    past.derived()
    assert [reason for reason, _ in past.gaps("fired_alerts")] == ["beyond_retention"]


def test_changes_that_resource_graph_forgot_come_from_history_too(tables: RunTables) -> None:
    may(tables)
    past = Past(tables)
    past.unit("resource_changes", "/", days(40), days(10), "r-june")
    past.saw(change(20), "/", "r-june")
    past.saw(change(35), "/", "r-june")
    con = past.derived()
    assert con.execute("select change_id from resource_changes").fetchall() == [("c20",)]
    ((detail,),) = con.execute("select detail from coverage where kind = 'resource_changes'").fetchall()
    assert "r-june" in detail


def test_an_earlier_read_that_asked_about_less_fills_nothing(forgotten: RunTables) -> None:
    may(forgotten)
    past = Past(forgotten)
    past.unit("metrics", JOB, days(130), days(80))
    past.con.execute("""update history.units set ids = '["orders"]' where kind = 'metrics'""")
    past.derived()
    assert [reason for reason, _ in past.gaps("metrics")] == ["beyond_retention"]
