"""Exceptions: a failure stays one, and an exception that doesn't hold, or isn't needed, is a finding of its own."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from run_tables import NOW, OTHER, SUB, RunTables, container, event, job, job_id

from audit.assess import check_exceptions, load
from audit.assess.policy import read
from audit.errors import ConfigError
from audit.model.waiver import Exceptions, Waiver

TODAY = NOW.date()
CONTROLS = ("JA-16", "JA-40")
SUBJECT = "container worker"


def waiver(**changes: Any) -> Waiver:
    told: dict[str, Any] = {
        "id": "EX-1",
        "control": "JA-16",
        "job": job_id("orders"),
        "subject": SUBJECT,
        "category": "risk_accepted",
        "justification": "Because.",
        "compensating_control": "We look.",
        "requester": "ana",
        "approver": "ben",
        "approved_on": TODAY - timedelta(days=10),
        "ticket": "RISK-1",
        "expires": TODAY + timedelta(days=10),
    }
    return Waiver(**told | changes)


def excused(tables: RunTables, *entries: Waiver) -> None:
    tables.with_run(exceptions=Exceptions(file="exceptions.toml", sha256="0" * 64, entries=entries))


def found(tables: RunTables, *entries: Waiver) -> dict[tuple[str, str, str], tuple[str, bool, str | None]]:
    excused(tables, *entries)
    return {
        (row["control_id"], (row["job_id"] or "").rsplit("/", 1)[-1], row["subject"]): (
            row["verdict"], row["waived"], row["waiver_id"],
        )
        for row in (tables.assessed(*CONTROLS) if tables.database.exists() else tables.verdicts(*CONTROLS))
    }  # fmt: skip


def states(tables: RunTables) -> dict[str, tuple[str, bool | None]]:
    return {row["id"]: (row["state"], row["used"]) for row in tables.query("select * from exceptions")}


def told(tables: RunTables) -> str:
    (row,) = tables.query("select detail from exceptions")
    return str(row["detail"])


@pytest.fixture(scope="module")
def derived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One job whose image is not pinned, and one whose image is: derived once, for all tests."""
    tables = laid(RunTables(tmp_path_factory.mktemp("derived")))
    tables.derived().close()
    return tables.database


def laid(tables: RunTables) -> RunTables:
    orders, billing = job("orders"), job("billing")
    tables.add(orders, billing, container(orders, digest=None, tag="1"), container(billing))
    return tables


@pytest.fixture
def failing(tables: RunTables, derived: Path) -> RunTables:
    """The derived tables, for a test that adds nothing to them; one that does takes ``anew``."""
    shutil.copyfile(derived, tables.database)
    return laid(tables)


@pytest.fixture
def anew(tables: RunTables) -> RunTables:
    return laid(tables)


def test_a_failure_that_is_waived_stays_a_failure(failing: RunTables) -> None:
    rows = found(failing, waiver())
    assert rows["JA-16", "orders", SUBJECT] == ("fail", True, "EX-1")
    assert rows["JA-16", "billing", SUBJECT] == ("pass", False, None)
    assert rows["JA-40", "orders", "EX-1"] == ("pass", False, None)
    assert rows["JA-40", "billing", "billing"] == ("not_applicable", False, None)
    assert states(failing) == {"EX-1": ("in_force", True)}
    (row,) = failing.query("select * from exceptions")
    assert (row["severity"], row["raw_ref"], row["approver"]) == ("medium", "run.json", "ben")


def test_control_and_job_are_meant_in_any_casing_the_subject_letter_by_letter(failing: RunTables) -> None:
    rows = found(failing, waiver(control="ja-16", job=job_id("orders").upper()))
    assert rows["JA-16", "orders", SUBJECT] == ("fail", True, "EX-1")
    (row,) = failing.query("select control_id from exceptions")
    assert row["control_id"] == "JA-16"
    rows = found(failing, waiver(subject="Container worker"))
    assert rows["JA-16", "orders", SUBJECT] == ("fail", False, None)
    assert states(failing) == {"EX-1": ("broken", False)}
    assert f'"{SUBJECT}" is near' in told(failing)


def test_without_a_file_there_is_an_empty_table_and_nothing_passes(failing: RunTables) -> None:
    rows = {row["subject"]: row["verdict"] for row in failing.assessed("JA-40")}
    assert rows == {"orders": "not_applicable", "billing": "not_applicable"}
    assert failing.query("select * from exceptions") == []


@pytest.mark.parametrize(("days", "state", "waived"), [(0, "in_force", True), (-1, "expired", False)])
def test_the_last_day_is_the_runs_and_counts(failing: RunTables, days: int, state: str, waived: bool) -> None:
    rows = found(failing, waiver(expires=TODAY + timedelta(days=days)))
    assert rows["JA-16", "orders", SUBJECT][1] is waived
    assert states(failing)["EX-1"][0] == state
    assert rows["JA-40", "orders", "EX-1"][0] == ("pass" if waived else "fail")


def test_an_expired_exception_says_that_the_failure_counts_again(failing: RunTables) -> None:
    found(failing, waiver(expires=TODAY - timedelta(days=2)))
    assert (
        told(failing)
        == "it expired on 2026-10-30, 2 days before the run; the check fails, and the failure counts again"
    )


def test_it_is_judged_as_of_the_end_of_the_run_whatever_the_window_of_the_pack(failing: RunTables) -> None:
    excused(failing, waiver(expires=TODAY))
    failing.with_run(finished=NOW + timedelta(days=3))
    failing.assessed(*CONTROLS)
    assert states(failing)["EX-1"][0] == "expired"


def test_an_exception_from_what_passes_is_unused(failing: RunTables) -> None:
    rows = found(failing, waiver(job=job_id("billing")))
    assert rows["JA-16", "billing", SUBJECT] == ("pass", False, None)
    assert rows["JA-40", "billing", "EX-1"][0] == "fail"
    assert states(failing) == {"EX-1": ("unused", False)}


def test_an_exception_whose_check_could_not_be_assessed_is_neither_used_nor_unused(anew: RunTables) -> None:
    anew.gap("jobs", f"/subscriptions/{SUB}")
    rows = found(anew, waiver())
    assert rows["JA-16", "orders", SUBJECT][0] == "not_assessed"
    assert rows["JA-40", "orders", "EX-1"][0] == "not_assessed"
    assert states(anew) == {"EX-1": ("in_force", None)}


def test_an_exception_of_a_deleted_job_is_unused(tables: RunTables) -> None:
    tables.add(job("orders"), event(job_id("imports"), "Microsoft.App/jobs/delete"))
    rows = found(tables, waiver(job=job_id("imports")))
    assert rows["JA-40", "imports", "imports"][0] == "not_assessed"
    assert states(tables) == {"EX-1": ("unused", False)}
    assert told(tables).startswith("the job was deleted at 2026-10-29")


def test_a_job_that_is_nowhere_is_a_finding_about_the_whole_estate(failing: RunTables) -> None:
    rows = found(failing, waiver(job=job_id("gone")))
    assert rows["JA-40", "", "EX-1"][0] == "fail"
    assert states(failing) == {"EX-1": ("broken", False)}
    (row,) = failing.query("select reason, raw_ref from verdicts where control_id = 'JA-40' and job_id is null")
    assert job_id("gone") in row["reason"]
    assert row["raw_ref"] == "run.json"


def test_a_job_where_the_run_did_not_look_is_no_finding(failing: RunTables) -> None:
    rows = found(failing, waiver(job=job_id("gone", subscription=OTHER)))
    assert rows["JA-40", "", "EX-1"][0] == "not_assessed"
    assert states(failing) == {"EX-1": ("in_force", None)}


def test_a_job_that_may_be_in_a_list_that_was_not_read_is_not_assessed(anew: RunTables) -> None:
    anew.gap("jobs", f"/subscriptions/{SUB}")
    rows = found(anew, waiver(job=job_id("gone")))
    assert rows["JA-40", "", "EX-1"][0] == "not_assessed"


def test_a_job_out_of_scope_is_passed_over(anew: RunTables) -> None:
    anew.add(job("nightly", in_scope=False))
    rows = found(anew, waiver(job=job_id("nightly")))
    assert not [key for key in rows if key[2] == "EX-1"]
    assert states(anew) == {"EX-1": ("in_force", None)}
    assert "out of this run's scope" in told(anew)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"control": "JA-61"}, "there is no control JA-61"),
        ({"control": "JA-40", "subject": "EX-1"}, "nothing can be excused from it"),
        ({"expires": TODAY + timedelta(days=171)}, "181 days, and 180 are the most for a medium control"),
        ({"approved_on": TODAY + timedelta(days=1)}, "after the run"),
    ],
)
def test_a_broken_exception_waives_nothing(failing: RunTables, changes: dict[str, Any], words: str) -> None:
    rows = found(failing, waiver(**changes))
    assert rows["JA-16", "orders", SUBJECT] == ("fail", False, None)
    assert rows["JA-40", "orders", "EX-1"][0] == "fail"
    assert states(failing) == {"EX-1": ("broken", False)}
    assert words in told(failing)


def test_how_long_it_may_hold_goes_by_policy(failing: RunTables) -> None:
    failing.with_run(settings={"exception_days_most": {"medium": 19}})
    found(failing, waiver())
    assert states(failing)["EX-1"][0] == "broken"
    failing.with_run(settings={"exception_days_most": {"medium": 20}})
    found(failing, waiver())
    assert states(failing)["EX-1"][0] == "in_force"


def test_an_exception_is_shown_as_text_whatever_it_holds(failing: RunTables) -> None:
    found(failing, waiver(approver="'; drop table verdicts; --", ticket="<script>", justification="=HYPERLINK()"))
    (row,) = failing.query("select reason from verdicts where control_id = 'JA-40' and subject = 'EX-1'")
    assert 'approved by "\'; drop table verdicts; --"' in row["reason"]


def test_rows_are_in_order_and_the_same_twice(failing: RunTables) -> None:
    entries = (waiver(id="EX-2", job=job_id("billing")), waiver(id="EX-1"), waiver(id="ex-3", job=job_id("gone")))
    found(failing, *entries)
    first = failing.query("select * from verdicts"), failing.query("select * from exceptions")
    assert [row["id"] for row in first[1]] == ["EX-1", "EX-2", "ex-3"]
    ordered = "select * from verdicts order by control_id, lower(job_id), subject"
    assert first[0] == failing.query(ordered)
    failing.assessed(*CONTROLS)
    assert (failing.query("select * from verdicts"), failing.query("select * from exceptions")) == first


def test_what_no_run_could_use_is_refused_before_anything_is_collected() -> None:
    def held(entry: Waiver) -> None:
        check_exceptions(load(), read({}).exception_days, Exceptions(file="e.toml", sha256="", entries=(entry,)))

    held(waiver())
    held(waiver(expires=date(2020, 1, 2), approved_on=date(2020, 1, 1)))
    with pytest.raises(ConfigError, match="JA-16 is near") as caught:
        held(waiver(control="JA-116"))
    assert caught.value.where == "e.toml: exceptions[0].control"
    with pytest.raises(ConfigError, match="180 are the most") as caught:
        held(waiver(expires=TODAY + timedelta(days=300)))
    assert caught.value.where == "e.toml: exceptions[0].expires"
