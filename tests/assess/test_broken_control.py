"""A control that is wrong costs its own verdicts and nothing else: they are not assessed, and coverage says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from own_control import JOBS, control, passing
from run_tables import NOW, SUB, RunTables, container, event, job, job_id, rule

from audit.assess import assess, load
from audit.model import GapReason


@pytest.fixture(scope="module")
def derived(tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    tables = RunTables(tmp_path_factory.mktemp("derived"))
    tables.add(job("orders"), job("billing"))
    tables.derived().close()
    return tables


def by_subject(rows: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {row["subject"]: (row["verdict"], row["reason"]) for row in rows}


def one(tables: RunTables, sql: str) -> dict[str, Any]:
    (row,) = tables.query(sql)
    return row


ANSWER = "select job_id, name as subject, {} as verdict, {} as reason from jobs"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (ANSWER.format("'pass'", "'x'") + " where name <> 'orders'", 'it gives no answer for the subject "orders"'),
        (f"{passing()} union all {passing()} where subject = 'orders'", 'it answers twice for the subject "orders"'),
        (
            passing().replace("subject,", "if(subject = 'orders', 'else', subject) as subject,"),
            'it answers for "else", which its population does not list',
        ),
        (ANSWER.format("if(name = 'orders', 'ok', 'pass')", "'fine'"), 'it answers "ok" for "orders": not one of pass'),
        (ANSWER.format("if(name = 'orders', null, 'pass')", "'fine'"), 'it answers "None" for "orders"'),
        (ANSWER.format("'pass'", "if(name = 'orders', null, 'fine')"), 'it gives no reason for "orders"'),
        (ANSWER.format("'pass'", "if(name = 'orders', '  ', 'fine')"), 'it gives no reason for "orders"'),
    ],
)
def test_a_broken_answer_about_one_job_is_no_answer_about_that_job(
    derived: RunTables, tmp_path: Path, sql: str, told: str
) -> None:
    rows = by_subject(derived.assessed("T-01", own=control(tmp_path, sql)))
    assert rows["orders"][0] == "not_assessed"
    assert rows["orders"][1].startswith(f"the control could not answer for this job: {told}")
    assert rows["billing"][0] == "pass"
    failure = one(derived, "select failure from controls")["failure"]
    assert failure.startswith(f"no answer for 1 of 2 jobs, such as {job_id('orders')}: the control could not answer")


def test_an_answer_that_is_no_text_is_no_answer(derived: RunTables, tmp_path: Path) -> None:
    rows = by_subject(derived.assessed("T-01", own=control(tmp_path, ANSWER.format("['pass']", "'fine'"))))
    assert {verdict for verdict, _ in rows.values()} == {"not_assessed"}
    assert all("it answers \"['pass']\"" in reason for _, reason in rows.values())


def test_a_population_that_lists_a_subject_of_one_job_twice(derived: RunTables, tmp_path: Path) -> None:
    own = control(tmp_path, passing(), subjects=f"{JOBS} union all {JOBS} and name = 'orders'")
    rows = by_subject(derived.assessed("T-01", own=own))
    assert rows["orders"] == (
        "not_assessed",
        'the control could not answer for this job: its population lists the subject "orders" twice',
    )
    assert rows["billing"] == ("pass", "fine")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (passing().replace("job_id, subject", "'nowhere' as job_id, subject"), "not in the table jobs"),
        (passing().replace("job_id, subject", "3 as job_id, subject"), "are text"),
        (passing().replace("job_id, subject", "null as job_id, subject"), "answers about the whole estate for"),
        (passing().replace("'fine'", "no_such_column"), "the SQL failed: Binder Error"),
        (
            passing().replace("'fine'", "error('a row that breaks it')"),
            "the SQL failed: Invalid Input Error: a row that",
        ),
        (passing().replace(" as verdict", " as judgement"), "the SELECT gives the columns job_id, subject, judgement"),
    ],
)
def test_a_control_that_can_not_be_run_is_not_assessed_for_every_job(
    derived: RunTables, tmp_path: Path, sql: str, told: str
) -> None:
    own = control(tmp_path, sql)
    rows = by_subject(derived.assessed("T-01", own=own))
    assert set(rows) == {"orders", "billing"}
    for verdict, reason in rows.values():
        assert verdict == "not_assessed"
        assert reason.startswith(
            ("the control could not be run (T-01.sql): ", "the control could not be run (T-01.sql, line")
        )
        assert told in reason
        assert str(tmp_path) not in reason


def test_an_error_in_the_subjects_says_that_it_is_there(derived: RunTables, tmp_path: Path) -> None:
    own = control(tmp_path, passing(), subjects="select job_id, no_such_column as subject from jobs")
    for verdict, reason in by_subject(derived.assessed("T-01", own=own)).values():
        assert verdict == "not_assessed"
        assert reason.startswith("the control could not be run (T-01.sql, subjects, line 8, column 18): the SQL failed")


def test_a_control_that_takes_too_long_is_stopped_and_the_others_answer(derived: RunTables, tmp_path: Path) -> None:
    endless = passing().replace(
        "'fine'", "(select sum(a.i * b.i)::VARCHAR from range(1000000) a(i), range(1000000) b(i))"
    )
    own = control(tmp_path, endless)
    control(tmp_path, passing(), name="T-02")
    rows = derived.assessed("T-01", "T-02", own=own, timeout=0.5)
    assert [(row["control_id"], row["subject"], row["verdict"]) for row in rows] == [
        ("T-01", "billing", "not_assessed"),
        ("T-01", "orders", "not_assessed"),
        ("T-02", "billing", "pass"),
        ("T-02", "orders", "pass"),
    ]
    assert "longer than 0.5 s" in rows[0]["reason"]


def test_the_failure_is_a_gap_in_coverage_and_of_the_jobs_that_have_no_answer(
    derived: RunTables, tmp_path: Path
) -> None:
    own = control(tmp_path, ANSWER.format("if(name = 'orders', 'ok', 'pass')", "'fine'"))
    control(tmp_path, passing().replace("'fine'", "no_such_column"), name="T-02")
    control(tmp_path, passing(), name="T-03")
    before = derived.query("select * from coverage where kind <> 'controls' order by row_id")
    for _ in range(2):
        derived.assessed("T-01", "T-02", "T-03", own=own)
        gaps = derived.query("select scope, outcome, reason, detail, raw_ref from coverage where kind = 'controls'")
        assert [(gap["scope"], gap["outcome"], gap["raw_ref"]) for gap in gaps] == [
            ("T-01", "gap", "controls/own/T-01.sql"),
            ("T-02", "gap", "controls/own/T-02.sql"),
        ]
        jobs = derived.query("select scope, job_id, detail from job_gaps where kind = 'controls' order by all")
        assert [(gap["scope"], gap["job_id"]) for gap in jobs] == [
            ("T-01", job_id("orders")),
            ("T-02", job_id("billing")),
            ("T-02", job_id("orders")),
        ]
        assert 'it answers "ok"' in jobs[0]["detail"]
        assert "no_such_column" in jobs[1]["detail"]
    assert derived.query("select * from coverage where kind <> 'controls' order by row_id") == before
    told = {row["control_id"]: row["failure"] for row in derived.query("select control_id, failure from controls")}
    assert told["T-03"] is None
    assert told["T-02"].startswith("the control could not be run (T-02.sql, line 14, column 44): the SQL failed")
    derived.assessed("T-03", own=own)
    assert derived.query("select * from coverage where kind = 'controls'") == []
    assert derived.query("select * from job_gaps where kind = 'controls'") == []


def test_a_broken_control_leaves_no_file_behind(derived: RunTables, tmp_path: Path) -> None:
    derived.assessed(own=control(tmp_path, passing().replace("'pass'", "'ok'")))
    assert sorted(path.name for path in derived.database.parent.iterdir() if path.is_file()) == ["run.duckdb"]


def test_a_deleted_job_stays_what_it_is_and_no_job_at_all_tells_the_failure(tables: RunTables, tmp_path: Path) -> None:
    own = control(tmp_path, passing().replace("'fine'", "no_such_column"))
    ((row),) = tables.verdicts("T-01", own=own)
    assert (row["job_id"], row["subject"], row["verdict"]) == (None, "population", "not_assessed")
    assert "no_such_column" in row["reason"]
    tables.add(job("orders"), event(job_id("imports"), "Microsoft.App/jobs/delete"))
    tables.database.unlink()
    rows = by_subject(tables.verdicts("T-01", own=own))
    assert rows["imports"][1].startswith("deleted at 2026-10-29")
    assert "no_such_column" in rows["orders"][1]


def test_a_broken_control_says_so_where_evidence_is_missing_too(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"))
    tables.gap("tags", f"/subscriptions/{SUB}", GapReason.FORBIDDEN)
    own = control(tmp_path, passing().replace("'fine'", "no_such_column"), needs="jobs, tags")
    ((verdict, reason),) = by_subject(tables.verdicts("T-01", own=own)).values()
    assert verdict == "not_assessed"
    assert reason.startswith("the control could not be run")


def test_two_rules_and_two_containers_of_one_name_cost_only_their_own_jobs_verdicts(tables: RunTables) -> None:
    """As a run holds them that an earlier version collected: the kind names them apart today."""
    twin, other = job("orders"), job("billing")
    tables.add(twin, rule(twin), rule(twin, position=1), container(twin), container(twin, position=1))
    tables.add(other, rule(other), container(other))
    rows = tables.verdicts()
    assert {row["control_id"] for row in rows} == {each.id for each in load()}
    told = {(row["control_id"], row["job_id"]): row for row in rows}
    for name in ("JA-10", "JA-13", "JA-16"):
        assert "twice" in told[name, twin.job_id]["reason"]
        assert told[name, twin.job_id]["verdict"] == "not_assessed"
        assert told[name, other.job_id]["verdict"] in {"pass", "fail", "not_applicable"}
    assert told["JA-09", twin.job_id]["verdict"] != "not_assessed"
    assert told["JA-10", twin.job_id]["observed_at"] == NOW
    first = tables.query("select * from coverage order by all")
    assess(tables.database, tables.run, load())
    assert tables.query("select * from coverage order by all") == first
