"""How far the writes of a job are known: from the Activity Log's continuity and from what the job says of itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import pytest
from known_writes import JOB, NOW, change, days, known, tables

from audit.change.rollback.writes import Writes, too_old


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return tables()


def unseen(con: duckdb.DuckDBPyConnection, since: datetime, until: datetime, modified: datetime | None) -> str | None:
    return Writes(con).unseen(JOB, since, until, modified=modified)


def test_every_write_is_known_where_the_log_is(con: duckdb.DuckDBPyConnection) -> None:
    known(con, days(30), days(10))
    known(con, days(12), days(1))  # what two runs know, joined
    assert unseen(con, days(20), days(1), days(2)) is None
    assert unseen(con, days(30), days(1), None) is None


@pytest.mark.parametrize(
    ("since", "until", "modified", "words"),
    [
        (31, 1, 2, "from 2026-10-20 00:00:00 UTC to 2026-11-18 00:00:00 UTC"),  # before the log begins
        (20, 0, None, "from 2026-11-10 00:00:00 UTC to 2026-11-20 00:00:00 UTC"),  # after it ends
        (20, 0, 5, "from 2026-11-10 00:00:00 UTC to 2026-11-15 00:00:00 UTC"),  # nothing came after the last write
    ],
)
def test_a_hole_is_told_from_where_to_where(
    con: duckdb.DuckDBPyConnection, since: float, until: float, modified: float | None, words: str
) -> None:
    known(con, days(30), days(10))
    known(con, days(10), days(0), state="hole")
    assert unseen(con, days(since), days(until), None if modified is None else days(modified)) == (
        f"the Activity Log is not known {words}"
    )


def test_a_job_that_says_it_was_not_written_needs_no_log(con: duckdb.DuckDBPyConnection) -> None:
    assert unseen(con, days(5), days(0), days(6)) is None
    assert unseen(con, days(5), days(0), days(4)) is not None


def test_a_last_write_that_is_told_leaves_nothing_unknown_of_itself(con: duckdb.DuckDBPyConnection) -> None:
    known(con, days(30), days(1) - timedelta(minutes=1))
    assert unseen(con, days(5), days(0), days(1)) is not None
    change(con, days(1))
    assert unseen(con, days(5), days(0), days(1)) is None


def test_a_log_that_was_whole_from_the_beginning_is_known(con: duckdb.DuckDBPyConnection) -> None:
    known(con, None, days(0))
    assert unseen(con, days(500), days(0), None) is None


def test_the_writes_of_a_job_are_its_own_and_the_newest_come_first(con: duckdb.DuckDBPyConnection) -> None:
    change(con, days(3), "a")
    change(con, days(3), "a", property="tags.x", before=None, after="1")
    change(con, days(2), "b", property=None, before=None, after=None, before_after="unknown")
    change(con, days(1), "c", before_after="cut by Azure")
    change(con, days(1), "failed", before_after="nothing changed", property=None)
    change(con, days(1), "diagnostics", kind="diagnostics", property=None, resource_id=f"{JOB}/providers/x")
    change(con, days(1), "around", relation="scope")
    change(con, days(1), "azure", property="properties.provisioningState")
    change(con, days(0.5), "tags", kind="tags", property=None, before_after="unknown", resource_id=f"{JOB}/providers/t")
    found = Writes(con).since(JOB.upper(), days(4))
    assert [(each.at, len(each.properties), each.untold) for each in found] == [
        (days(0.5), 0, True), (days(1), 0, True), (days(2), 0, True), (days(3), 2, False)
    ]  # fmt: skip
    assert [each.at for each in Writes(con).between(JOB, days(4), days(2))] == [days(3)]
    assert [each.at for each in Writes(con).since(JOB, days(2))] == [days(0.5), days(1), days(2)]
    assert found[0].who == "ana"


def test_values_are_told_for_fourteen_days(con: duckdb.DuckDBPyConnection) -> None:
    change(con, days(15), "a")
    change(con, days(13), "b")
    assert [too_old(each, NOW) for each in Writes(con).since(JOB, days(20))] == [False, True]
