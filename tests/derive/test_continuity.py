from __future__ import annotations

from datetime import timedelta

import pytest
from earlier_runs import CUSTOMER, ENVIRONMENT, LOGS, Past, days, environment, execution, lines, workspace
from run_tables import NOW, SUB, RunTables, event, job, job_id

from audit.evidence.executions import Execution
from audit.model import GapReason

JOB = job_id("orders")
SINCE = days(30)
OLDEST = days(10)
FULL = [execution(JOB, OLDEST + timedelta(hours=2 * n)) for n in range(100)]
EARLY = execution(JOB, days(20))


def busy(tables: RunTables, listed: list[Execution] = FULL) -> RunTables:
    """A job whose list of a hundred begins ten days ago."""
    tables.add(job("orders", environment_id=ENVIRONMENT), *listed)
    return tables


def test_a_list_that_is_not_full_is_the_whole(tables: RunTables) -> None:
    past = Past(busy(tables, FULL[1:]))
    past.derived()
    assert past.continuity("executions") == [(None, NOW, "continuous")]
    assert past.gaps("executions") == []


def test_a_full_list_that_begins_in_the_window_leaves_the_exact_hole(tables: RunTables) -> None:
    past = Past(busy(tables))
    con = past.derived()
    assert past.continuity("executions") == [(SINCE, OLDEST, "hole"), (OLDEST, NOW, "continuous")]
    ((reason, detail),) = past.gaps("executions")
    assert reason == "truncated"
    assert "2026-10-02 06:00:00 UTC to 2026-10-22 06:00:00 UTC" in detail
    found = con.execute("select job_id, reason from job_gaps where kind = 'executions'").fetchall()
    assert found == [(JOB, "truncated")]


def test_a_full_list_that_begins_before_the_window_is_no_hole(tables: RunTables) -> None:
    past = Past(busy(tables, [execution(JOB, days(31) + timedelta(hours=7 * n)) for n in range(100)]))
    past.derived()
    assert past.gaps("executions") == []


def test_an_earlier_run_that_reaches_the_oldest_closes_the_hole(tables: RunTables) -> None:
    past = Past(busy(tables))
    past.unit("executions", JOB, days(60), days(9))
    past.saw(EARLY, JOB)
    con = past.derived()
    assert past.continuity("executions") == [(days(60), NOW, "continuous")]
    assert past.gaps("executions") == []
    told = con.execute(
        "select source, first_seen_run, count(*) from execution_history group by all order by 1"
    ).fetchall()
    assert told == [("azure", "r1", 100), ("history", "r0", 1)]
    assert con.execute("select table_name, run_id, rows from history_sources").fetchall() == []


def test_an_earlier_run_that_ended_before_the_oldest_leaves_what_lies_between(tables: RunTables) -> None:
    past = Past(busy(tables))
    past.unit("executions", JOB, days(60), days(15))
    past.derived()
    assert past.continuity("executions") == [
        (days(60), days(15), "continuous"),
        (days(15), OLDEST, "hole"),
        (OLDEST, NOW, "continuous"),
    ]
    assert len(past.gaps("executions")) == 1


def test_a_hole_before_the_window_is_told_and_is_no_gap(tables: RunTables) -> None:
    past = Past(busy(tables, [execution(JOB, days(31) + timedelta(hours=7 * n)) for n in range(100)]))
    past.unit("executions", JOB, days(60), days(40))
    past.derived()
    assert past.continuity("executions")[1] == (days(40), days(31), "hole")
    assert past.gaps("executions") == []


def test_executions_that_could_not_be_read_are_one_gap(tables: RunTables) -> None:
    tables.gap("executions", JOB)
    past = Past(busy(tables, []))
    past.derived()
    assert past.continuity("executions") == [(SINCE, NOW, "hole")]
    assert [reason for reason, _ in past.gaps("executions")] == ["forbidden"]


def logged(tables: RunTables, *, keep: int = 90) -> RunTables:
    """The logs tell every execution: the listed ones and one of before."""
    tables.add(environment(), workspace(retention_days=keep))
    for ran in (EARLY, *FULL):
        tables.add(*lines(ran))
    return busy(tables)


def test_logs_that_reach_back_fill_the_hole_and_say_so(tables: RunTables) -> None:
    past = Past(logged(tables))
    con = past.derived()
    assert past.gaps("executions") == []
    assert [state for *_, state in past.continuity("executions")] == ["continuous"]
    row = con.execute("""
        select execution_id, status, started, ended, duration_s, cpu from execution_history
        where source = 'log_analytics'""").fetchall()
    assert row == [(EARLY.execution_id, "Succeeded", EARLY.started, EARLY.ended, 300.0, None)]
    (known,) = con.execute("select known_by::VARCHAR from continuity where kind = 'executions'").fetchone() or ("",)
    assert known == f'["the logs in workspace {CUSTOMER}","this run"]'


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ("logs denied", "were not read"),
        ("workspace unknown", "how long"),
        ("activity log denied", "doesn't show that the environment's logs went there"),
        ("environment written", "2026-10-02 06:00:00 UTC to 2026-10-17 06:00:00 UTC"),
        ("setting written", "2026-10-02 06:00:00 UTC to 2026-10-17 06:00:00 UTC"),
        ("kept too short", "2026-10-02 06:00:00 UTC to 2026-10-07 06:00:30 UTC"),
        ("listed but not logged", "the logs lack 1 executions"),
        ("nowhere", "sends no system logs"),
        ("namesake", "another job of its name logs to the same environment"),
    ],
)
def test_logs_prove_nothing_where_anything_is_in_doubt(tables: RunTables, flaw: str, words: str) -> None:
    logged(tables, keep=25 if flaw == "kept too short" else 90)
    if flaw == "logs denied":
        tables.gap("execution_logs", LOGS)
    elif flaw == "workspace unknown":
        tables.rows = [row for row in tables.rows if row.table != "workspaces"]
    elif flaw == "activity log denied":
        tables.gap("activity_log", f"/subscriptions/{SUB}")
    elif flaw == "environment written":
        tables.add(event(ENVIRONMENT, "Microsoft.App/managedEnvironments/write", at=days(15)))
    elif flaw == "setting written":
        place = f"{ENVIRONMENT}/providers/Microsoft.Insights/diagnosticSettings/send"
        tables.add(event(place, "Microsoft.Insights/diagnosticSettings/Delete", at=days(15)))
    elif flaw == "listed but not logged":
        tables.rows = [row for row in tables.rows if getattr(row, "execution_name", "") != FULL[3].name]
    elif flaw == "nowhere":
        tables.rows = [row for row in tables.rows if row.table != "environments"]
        tables.add(environment(log_destination=None, workspace_id=None))
    elif flaw == "namesake":
        tables.add(job("Orders", group="rg-other", environment_id=ENVIRONMENT.upper()))
    past = Past(tables)
    past.derived()
    ((_, detail),) = [gap for gap in past.gaps("executions") if gap[0] == "truncated"]
    assert words in detail, detail


@pytest.mark.parametrize(
    ("end", "status"),
    [("Completed", "Succeeded"), ("BackoffLimitExceeded", "Failed"), ("DeadlineExceeded", "Failed"), (None, None)],
)
def test_a_state_that_no_line_tells_is_not_made_up(tables: RunTables, end: str | None, status: str | None) -> None:
    tables.add(job("orders", environment_id=ENVIRONMENT), environment(), *lines(EARLY, end=end))
    past = Past(tables)
    assert past.derived().execute("select status from execution_history").fetchall() == [(status,)]


def test_executions_that_never_touched_the_window_stay_out(tables: RunTables) -> None:
    over = execution(JOB, SINCE - timedelta(minutes=2))
    past = Past(busy(tables, [execution(JOB, days(40)), over, execution(JOB, days(1))]))
    found = past.derived().execute("select started from execution_history order by 1").fetchall()
    assert found == [(over.started,), (days(1),)]


def test_history_of_jobs_outside_the_run_stays_out(tables: RunTables) -> None:
    past = Past(busy(tables, []))
    past.saw(execution(job_id("elsewhere"), days(3)), job_id("elsewhere"))
    assert past.derived().execute("select count(*) from execution_history").fetchone() == (0,)


def test_the_activity_log_of_two_runs_joins_or_names_the_hole(tables: RunTables) -> None:
    tables.add(job("orders"))
    past = Past(tables)
    past.unit("activity_log", f"/subscriptions/{SUB}", days(90), days(40))
    past.derived()
    end = NOW - timedelta(minutes=15)
    assert past.continuity("activity_log") == [
        (days(90), days(40), "continuous"),
        (days(40), SINCE, "hole"),
        (SINCE, end, "continuous"),
    ]
    past.unit("activity_log", f"/subscriptions/{SUB}", days(41), days(29))
    past.derived()
    assert past.continuity("activity_log") == [(days(90), end, "continuous")]


def test_changes_that_resource_graph_forgot_are_told_and_no_gap(tables: RunTables) -> None:
    tables.add(job("orders"))
    past = Past(tables)
    past.derived()
    (hole, rest) = past.continuity("resource_changes")
    assert hole[0] == SINCE
    assert hole[2] == "hole"
    assert rest[2] == "continuous"
    assert timedelta(days=13, hours=23) < NOW - hole[1] < timedelta(days=14)
    assert past.gaps("resource_changes") == []


def beyond(tables: RunTables) -> RunTables:
    """A window that begins 120 days ago."""
    tables.with_run(window=type(tables.run.window)(since=days(120), until=NOW))
    tables.gap("activity_log", f"/subscriptions/{SUB}", GapReason.BEYOND_RETENTION, "Azure keeps 90 days")
    from audit.evidence.permissions import Permission
    from audit.model import Json

    tables.add(
        job("orders"),
        event(JOB, "Microsoft.App/jobs/write", at=days(5)),
        Permission(scope=f"/subscriptions/{SUB}", caller="c", can_read=True, missing=Json([]), source="permissions"),
    )
    return tables


def test_history_gives_what_azure_forgot_of_the_activity_log(tables: RunTables) -> None:
    past = Past(beyond(tables))
    past.unit("activity_log", f"/subscriptions/{SUB}", days(150), days(100), "r-june")
    past.unit("activity_log", f"/subscriptions/{SUB}", days(101), days(80), "r-july")
    past.saw(event(JOB, "Microsoft.App/jobs/write", at=days(110)), f"/subscriptions/{SUB}", "r-june")
    past.saw(event(JOB, "Microsoft.App/jobs/start/action", at=days(130)), f"/subscriptions/{SUB}", "r-june")
    con = past.derived()
    assert past.gaps("activity_log") == []
    rows = con.execute("select event_time, first_seen_run from activity_log order by 1").fetchall()
    assert rows == [(days(110), "r-june"), (days(5), "r1")]
    ((detail,),) = con.execute("select detail from coverage where kind = 'activity_log'").fetchall()
    assert "r-july, r-june" in detail
    assert con.execute("select table_name, run_id, rows from history_sources").fetchall() == [
        ("activity_log", "r-june", 1)
    ]
    before = con.execute("select * from coverage order by row_id").fetchall()
    past.derived()
    assert con.execute("select * from coverage order by row_id").fetchall() == before


def test_a_part_of_it_is_not_the_whole_and_the_hole_is_exact(tables: RunTables) -> None:
    past = Past(beyond(tables))
    past.unit("activity_log", f"/subscriptions/{SUB}", days(150), days(100))
    past.unit("activity_log", f"/subscriptions/{SUB}", days(99), days(80))
    past.derived()
    ((reason, detail),) = past.gaps("activity_log")
    assert reason == "beyond_retention"
    assert "lacks 2026-07-24 06:00:00 UTC to 2026-07-25 06:00:00 UTC" in detail


def test_history_turns_no_gap_where_the_caller_may_not_see_the_rest(tables: RunTables) -> None:
    beyond(tables)
    tables.rows = [row for row in tables.rows if row.table != "permissions"]
    past = Past(tables)
    past.unit("activity_log", f"/subscriptions/{SUB}", days(150), days(80))
    past.derived()
    assert [reason for reason, _ in past.gaps("activity_log")] == ["beyond_retention"]


def test_a_rate_becomes_an_interval_with_a_reserve(tables: RunTables) -> None:
    idle, denied = job("idle"), job("denied")
    tables.add(idle, denied)
    tables.gap("executions", denied.job_id)
    past = Past(busy(tables, [execution(JOB, days(5) + timedelta(minutes=3 * n)) for n in range(40)]))
    found = (
        past.derived()
        .execute("""
        select split_part(scope, '/', 9), observed_per_day, limit_days * 24, proposed_interval_h
        from cadence where kind = 'executions' order by scope""")
        .fetchall()
    )
    assert found == [("denied", None, None, 1.0), ("idle", 0.0, 1440.0, 720.0), ("orders", 40.0, 5.0, 2.0)]
