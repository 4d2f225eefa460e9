"""Which source a recipe rests on, and what is said against it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import duckdb
import msgspec
import pytest
from known_writes import JOB, change, days, known, tables

from audit.change.rollback.readings import Reading
from audit.change.rollback.recipes import Recipe, chosen
from audit.change.rollback.writes import Writes

SINCE = days(5)
PATH = "properties.configuration.replicaTimeout"


def reading(
    run: str, at: datetime, timeout: int, *, modified: float | None, created: float = 99, key: str = "k", **more: Any
) -> Reading:
    item = {"id": JOB, "name": "orders", "properties": {"configuration": {"replicaTimeout": timeout, **more}}}
    return Reading(
        run_id=run,
        at=at,
        raw_ref=f"raw/jobs/{'a' * 32}.jsonl.zst#line=1&item=0&request=r",
        created=days(created),
        modified=None if modified is None else days(modified),
        key_id=key,
        item=msgspec.json.encode(item),
    )


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = tables()
    known(con, days(30), days(0.1))
    return con


def told(con: duckdb.DuckDBPyConnection, now: Reading | None, before: Reading | None, state: str = "present") -> Any:
    return chosen(JOB, now=now, before=before, state=state, since=SINCE, writes=Writes(con))


def timeout(found: Any) -> int:
    assert isinstance(found, Recipe)
    return int(found.item["properties"]["configuration"]["replicaTimeout"])


NOW_AFTER = reading("r2", days(0), 2, modified=4)
BEFORE = reading("r1", days(10), 1, modified=20)


def test_a_reading_with_no_write_until_the_change_is_certain(con: duckdb.DuckDBPyConnection) -> None:
    change(con, days(4), property=None, before_after="unknown")
    found = told(con, NOW_AFTER, BEFORE)
    assert (found.source, found.as_of, found.doubts, timeout(found)) == ("earlier run", days(10), (), 1)


def test_a_hole_before_the_change_makes_a_reading_uncertain(con: duckdb.DuckDBPyConnection) -> None:
    change(con, days(4), property=None, before_after="unknown")
    con.execute("delete from continuity")
    known(con, days(7), days(0.1))
    (doubt,) = told(con, NOW_AFTER, BEFORE).doubts
    assert doubt.startswith("the Activity Log is not known from 2026-11-10 00:00:00 UTC to 2026-11-15 00:00:00 UTC")


def test_a_job_that_was_never_written_since_the_reading_needs_no_log(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from continuity")
    found = told(con, reading("r2", days(0), 1, modified=20), BEFORE)
    assert (found.source, found.doubts) == ("earlier run", ())


def test_after_a_write_before_the_change_the_undone_changes_are_surer(con: duckdb.DuckDBPyConnection) -> None:
    change(con, days(6), "a", before="1", after="7")
    change(con, days(4), "b", before="7", after="2")
    found = told(con, NOW_AFTER, BEFORE)
    assert (found.source, found.as_of, found.doubts, timeout(found)) == ("changes undone", SINCE, (), 7)


def test_where_neither_is_certain_the_reading_is_given_with_what_speaks_against_it(
    con: duckdb.DuckDBPyConnection,
) -> None:
    for number in range(5):
        change(con, days(6) + timedelta(hours=number), f"a{number}")
    change(con, days(4), "b", property=None, before_after="unknown")
    found = told(con, NOW_AFTER, BEFORE)
    assert (found.source, timeout(found)) == ("earlier run", 1)
    assert len(found.doubts) == 4
    assert found.doubts[0] == "ana wrote the job on 2026-11-14 04:00:00 UTC, after that reading"
    assert found.doubts[-1] == "and 2 more of this kind"


def test_sources_that_contradict_each_other_make_no_certain_recipe(con: duckdb.DuckDBPyConnection) -> None:
    change(con, days(4), before="3", after="2")
    found = told(con, NOW_AFTER, BEFORE)
    assert (found.source, timeout(found)) == ("earlier run", 1)
    assert found.doubts == ("what that run read is not what comes of undoing the changes that are known since",)


@pytest.mark.parametrize(("key", "certain"), [("k", False), ("other", True)])
def test_hidden_values_are_compared_under_one_key_only(con: duckdb.DuckDBPyConnection, key: str, certain: bool) -> None:
    change(con, days(4), before="1", after="2")
    before = reading("r1", days(10), 1, modified=20, key=key, x="[redacted:1111111111111111]")
    now = reading("r2", days(0), 2, modified=4, x="[redacted:2222222222222222]")
    assert (told(con, now, before).doubts == ()) is certain


def test_a_known_change_is_undone_beside_one_that_is_not_told(con: duckdb.DuckDBPyConnection) -> None:
    change(con, days(4), "a", before="9", after="2")
    change(con, days(3), "b", property=None, before_after="unknown")
    found = told(con, NOW_AFTER, None)
    assert (found.source, timeout(found)) == ("changes undone", 9)
    assert found.doubts[0] == "what ana wrote on 2026-11-17 00:00:00 UTC is not told property by property"


def test_a_change_that_does_not_lead_to_what_stands_there_is_named(con: duckdb.DuckDBPyConnection) -> None:
    change(con, days(4), before="9", after="8")
    found = told(con, NOW_AFTER, None)
    assert found.doubts == (f"{PATH}, written on 2026-11-16 00:00:00 UTC, stands otherwise than that change left it",)


@pytest.mark.parametrize(
    ("now", "state", "words"),
    [
        (None, "deleted", "the job is deleted, and no earlier run"),
        (None, "present", "this run's raw answer about the job is gone, and no earlier run"),
        (None, "unreadable", "the job could not be read by this run, and no earlier run"),
        (reading("r2", days(0), 2, modified=4, created=4), "present", "the job was made on 2026-11-16 00:00:00 UTC"),
    ],
)
def test_why_there_is_no_recipe_is_said(
    con: duckdb.DuckDBPyConnection, now: Reading | None, state: str, words: str
) -> None:
    found = told(con, now, None, state)
    assert isinstance(found, str)
    assert found.startswith(words)
    assert isinstance(told(con, now, BEFORE, state), Recipe)


def test_values_that_azure_has_forgotten_leave_no_recipe(con: duckdb.DuckDBPyConnection) -> None:
    change(con, days(20), property=None, before_after="unknown")
    now = reading("r2", days(0), 2, modified=20)
    found = chosen(JOB, now=now, before=None, state="present", since=days(25), writes=Writes(con))
    assert isinstance(found, str)
    assert "Azure tells values for fourteen days" in found


def test_a_job_deleted_and_made_again_is_not_undone(con: duckdb.DuckDBPyConnection) -> None:
    change(con, days(4), "gone", kind="deletion", property=None, before_after="unknown")
    found = told(con, NOW_AFTER, None)
    assert isinstance(found, str)
    assert found.startswith("the job was deleted on 2026-11-16 00:00:00 UTC and made again")


def test_a_change_that_is_still_to_come_goes_back_to_what_is_there(con: duckdb.DuckDBPyConnection) -> None:
    now = reading("r2", days(6), 2, modified=9)
    found = told(con, now, None)
    assert (found.source, found.as_of, found.doubts, timeout(found)) == ("changes undone", days(6), (), 2)
