"""What history keeps of run after run, what it says of a window, and that it gives back every run as it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from history_runs import EVENTS, Event, at, happened, run
from store_kind import NOW, done, listed, page_of, scope_of

from audit.errors import IntegrityError, StoreError, UsageError
from audit.model import Collected, GapReason, Window
from audit.store import Store, tables
from audit.store.history import EVER
from audit.store.lock import StoreLock

ALL = Window.last(400, NOW + timedelta(days=1))


def rows(output: Path, table: str, window: Window = ALL, *, before: Any = None) -> list[dict[str, Any]]:
    con = tables.connect()
    Store(output).history.view(before=before).rows(con, table, window, "found")
    return tables.rows(con, "select * from found order by row_id")


def seen(output: Path, table: str = "activity_log") -> dict[str, tuple[str, str]]:
    key = {"activity_log": "event_id", "executions": "execution_id"}[table]
    said = {"activity_log": "operation", "executions": "status"}[table]
    return {row[key]: (row[said], row["first_seen_run"]) for row in rows(output, table)}


def append(output: Path, *args: Any, **given: Any) -> dict[str, int]:
    """Store a run, add it to history, and return how many rows were added by table."""
    commit = Store(output).history.append(run(output, *args, **given))
    assert commit is not None
    return {table: kept.added for table, kept in commit.tables.items() if table != "coverage"}


def parquet_files(output: Path) -> set[str]:
    return {path.relative_to(output / "history").as_posix() for path in (output / "history").rglob("*.parquet")}


def test_events_lie_in_the_months_of_their_own_time(tmp_path: Path) -> None:
    append(tmp_path, "r1", events=[happened("/e1", 1), happened("/e2", 25)], executions=[happened("/x", None)])
    assert {name for name in parquet_files(tmp_path) if not name.startswith("coverage")} == {
        "activity_log/month=2026-11/r1.parquet",
        "activity_log/month=2026-10/r1.parquet",
        "executions/month=unknown/r1.parquet",
    }
    assert [row["event_id"] for row in rows(tmp_path, "activity_log", Window.month(2026, 10))] == ["/e2"]


def test_running_a_window_again_adds_nothing_but_says_that_it_looked(tmp_path: Path) -> None:
    what = {
        "events": [happened("/e1", 1), happened("/e2", 25)],
        "executions": [happened("/x1", 2), happened("/x2", None)],
        "things": [{"id": "/t", "size": 1, "parts": ["a", "b"]}],
    }
    assert append(tmp_path, "r1", **what) == {"activity_log": 2, "executions": 2, "things": 1, "parts": 2}
    before = parquet_files(tmp_path)
    assert append(tmp_path, "r2", **what) == {"activity_log": 0, "executions": 0, "things": 0, "parts": 0}
    assert parquet_files(tmp_path) - before == {"coverage/month=2026-11/r2.parquet"}
    assert {name for _, name in seen(tmp_path).values()} == {"r1"}


def test_adding_a_run_twice_changes_nothing(tmp_path: Path) -> None:
    stored = run(tmp_path, "r1", events=[happened("/e1", 1)])
    history = Store(tmp_path).history
    assert history.append(stored) is not None
    assert history.append(stored) is None
    assert len(history.commits()) == 1


def test_of_overlapping_runs_each_row_names_the_first_and_is_there_once(tmp_path: Path) -> None:
    append(tmp_path, "r1", days=10, events=[happened("/old", 35), happened("/both", 12)])
    assert append(tmp_path, "r2", events=[happened("/both", 12), happened("/new", 2)])["activity_log"] == 1
    assert seen(tmp_path) == {"/old": ("write", "r1"), "/both": ("write", "r1"), "/new": ("write", "r2")}


def test_a_row_tells_when_a_whole_list_last_had_it(tmp_path: Path) -> None:
    append(tmp_path, "r1", days=10, events=[happened("/stays", 12), happened("/goes", 11), happened("/left", 39)])
    append(tmp_path, "r2", events=[happened("/stays", 12)])
    last = {row["event_id"]: row["last_seen_at"] for row in rows(tmp_path, "activity_log")}
    second, first = NOW + timedelta(minutes=31), at(10) + timedelta(minutes=31)
    assert last == {"/stays": second, "/goes": first, "/left": first}


def test_what_the_newest_whole_list_lacks_can_be_left_out(tmp_path: Path) -> None:
    both = [happened("/stays", 12), happened("/goes", 11), happened("/returns", 9)]
    append(tmp_path, "r1", days=10, events=[*both, happened("/left", 39)])
    append(tmp_path, "r2", days=5, events=both[:1])
    append(tmp_path, "r3", events=[both[0], both[2]])
    con = tables.connect()
    Store(tmp_path).history.view().rows(con, "activity_log", ALL, "found", standing=True)
    found = con.execute("select event_id, last_seen_at is not null from found order by event_id").fetchall()
    assert found == [("/left", True), ("/returns", True), ("/stays", True)]


def test_what_azure_says_differently_later_is_a_new_version_and_the_newest_wins(tmp_path: Path) -> None:
    append(tmp_path, "r1", days=3, executions=[happened("/x", 5, "Running"), happened("/y", 4, "one")])
    append(tmp_path, "r2", days=2, executions=[happened("/x", 5, "Succeeded"), happened("/y", 4, "two")])
    assert append(tmp_path, "r3", days=1, executions=[happened("/x", 5, "SUCCEEDED"), happened("/y", 4, "one")]) == {
        "activity_log": 0, "executions": 1, "things": 0, "parts": 0,
    }  # fmt: skip
    assert seen(tmp_path, "executions") == {"/x": ("Succeeded", "r1"), "/y": ("one", "r1")}


def test_a_final_state_wins_over_one_that_was_read_later(tmp_path: Path) -> None:
    append(tmp_path, "r1", days=1, executions=[happened("/x", 5, "Failed")])
    append(tmp_path, "r2", executions=[happened("/x", 5, "Running")])
    assert seen(tmp_path, "executions") == {"/x": ("Failed", "r1")}


def test_a_run_that_is_added_late_adds_nothing_that_is_known(tmp_path: Path) -> None:
    stored = run(tmp_path, "r1", days=1, events=[happened("/e", 5)])
    shutil.move(stored.path, tmp_path / "elsewhere")
    append(tmp_path, "r2", events=[happened("/e", 5)])
    shutil.move(tmp_path / "elsewhere", stored.path)
    commit = Store(tmp_path).history.append(stored)
    assert commit is not None
    assert commit.tables["activity_log"].added == 0


def things(output: Path, run_id: str) -> list[tuple[Any, ...]]:
    con = tables.connect()
    Store(output).history.view().snapshot(con, run_id, schema="snapshot")
    return con.execute("select row_id, thing_id, size, details from snapshot.things order by all").fetchall()


def test_every_run_is_given_back_as_it_was(tmp_path: Path) -> None:
    one, two, three = ({"id": f"/t{n}", "size": n, "details": {"a": [n, None]}} for n in (1, 2, 3))
    changed = {"id": "/t1", "size": 9}
    series = [[one, two], [changed, two, three], [], [one, two], [one, two]]
    for number, items in enumerate(series):
        append(tmp_path, f"r{number}", days=9 - number, things=items)
    for number, items in enumerate(series):
        expected = duckdb.execute(
            "select row_id, thing_id, size, details from read_parquet(?) order by all",
            [str(tmp_path / f"runs/r{number}/tables/things.parquet")],
        ).fetchall()
        assert things(tmp_path, f"r{number}") == expected
        assert len(expected) == len(items)
    stored = [name for name in parquet_files(tmp_path) if name.startswith("things/")]
    kept = duckdb.execute("select count(*) from read_parquet(?)", [[str(tmp_path / "history" / n) for n in stored]])
    assert kept.fetchone() == (4,)  # one, two, changed, three: each content once


def test_coverage_is_given_back_with_every_run(tmp_path: Path) -> None:
    append(tmp_path, "r1", events=[happened("/e", 1)], gap=GapReason.FORBIDDEN)
    con = tables.connect()
    Store(tmp_path).history.view().snapshot(con, "r1")
    ours = con.execute("select * from coverage order by row_id").fetchall()
    path = str(tmp_path / "runs/r1/tables/coverage.parquet")
    assert ours == con.execute("select * from read_parquet(?) order by row_id", [path]).fetchall()
    with pytest.raises(UsageError, match="knows no run"):
        Store(tmp_path).history.view().snapshot(con, "r9")


def proven(output: Path) -> dict[str, tuple[Any, Any]]:
    con = tables.connect()
    Store(output).history.view().units(con, ["activity_log", "executions"], "units")
    return {
        kind: (since, until)
        for kind, since, until in con.execute("select kind, covered_from, covered_to from units").fetchall()
    }


def test_a_whole_list_proves_its_window_up_to_what_may_still_come_up(tmp_path: Path) -> None:
    append(tmp_path, "r1", executions=[happened(f"/x{n}", 1 + n / 10) for n in range(99)])
    started = NOW + timedelta(minutes=30)
    assert proven(tmp_path) == {"activity_log": (at(30), NOW), "executions": (EVER, started)}


def test_a_list_that_is_full_proves_nothing_before_its_oldest(tmp_path: Path) -> None:
    append(tmp_path, "r1", executions=[happened(f"/x{n}", 1 + n / 10) for n in range(100)])
    assert proven(tmp_path)["executions"] == (at(1 + 99 / 10), NOW + timedelta(minutes=30))


@pytest.mark.parametrize("reason", [GapReason.FORBIDDEN, GapReason.PARTIAL_VISIBILITY, GapReason.BEYOND_RETENTION])
def test_a_gap_proves_nothing_though_its_rows_are_kept(tmp_path: Path, reason: GapReason) -> None:
    """Beyond retention too, where nothing shows that the caller sees all there is."""
    added = append(tmp_path, "r1", events=[happened("/e", 1)], gap=reason)
    assert added["activity_log"] == 1
    assert proven(tmp_path)["activity_log"] == (None, None)


def test_history_as_it_was_before_a_run(tmp_path: Path) -> None:
    append(tmp_path, "r1", days=2, events=[happened("/a", 3)])
    second = run(tmp_path, "r2", days=1, events=[happened("/b", 2)])
    Store(tmp_path).history.append(second)
    append(tmp_path, "r3", events=[happened("/c", 1)])
    assert [row["event_id"] for row in rows(tmp_path, "activity_log", before=second)] == ["/a"]


def test_what_nobody_committed_is_not_there_and_goes_with_the_next_run(tmp_path: Path) -> None:
    append(tmp_path, "r1", days=1, events=[happened("/a", 3)])
    folder = tmp_path / "history/activity_log/month=2026-11"
    shutil.copy(folder / "r1.parquet", folder / "dead.parquet")
    assert len(rows(tmp_path, "activity_log")) == 1
    append(tmp_path, "r2", events=[])
    assert not (folder / "dead.parquet").exists()


def test_a_run_whose_addition_was_killed_is_added_by_the_next(tmp_path: Path) -> None:
    run(tmp_path, "r1", days=1, events=[happened("/a", 3)])
    append(tmp_path, "r2", events=[happened("/a", 3)])
    assert [commit.name for commit in Store(tmp_path).history.commits()] == ["r1", "r2"]
    assert seen(tmp_path) == {"/a": ("write", "r1")}


def test_a_damaged_run_keeps_no_other_out_and_is_named(tmp_path: Path) -> None:
    run(tmp_path, "r1", days=1)
    (tmp_path / "runs/r1/run.json").write_text("{")
    append(tmp_path, "r2", events=[happened("/a", 3)])
    (commit,) = Store(tmp_path).history.commits()
    assert list(commit.left_out) == ["r1"]


def test_a_run_that_was_taken_up_again_is_added_again_and_stands_for_itself(tmp_path: Path) -> None:
    stored = run(tmp_path, "r1", events=[happened("/a", 3)], things=[{"id": "/t"}], gap=GapReason.PARTIAL_VISIBILITY)
    history = Store(tmp_path).history
    history.append(stored)
    with Store(tmp_path).resume("r1") as writer:
        unit = writer.unit(EVENTS, scope_of(1))
        page = unit.page(page_of(scope_of(1), listed(happened("/a", 3), happened("/b", 2))))
        for number, name in enumerate(("/a", "/b")):
            unit.row(Event(event_id=name, event_time=at(3 - number), operation="write"), page, number)
        unit.end(Collected(pages=0, rows=0), requests=1, started=NOW, finished=NOW)
        writer.close(done(writer.run))
    again = history.append(Store(tmp_path).open("r1"))
    assert again is not None
    assert (again.name, again.tables["activity_log"].added, again.tables["things"].added) == ("r1.2", 1, 0)
    assert seen(tmp_path) == {"/a": ("write", "r1"), "/b": ("write", "r1")}
    assert len(things(tmp_path, "r1")) == 1


def test_two_writers_exclude_each_other(tmp_path: Path) -> None:
    stored = run(tmp_path, "r1")
    lock = StoreLock.take(tmp_path / ".lock", "other")
    with pytest.raises(StoreError, match="is writing to this output folder"):
        Store(tmp_path).history.append(stored)
    lock.release()
    assert Store(tmp_path).history.append(stored) is not None


@pytest.mark.parametrize("harm", ["change", "remove", "commit changed", "commit removed", "commit renamed"])
def test_damage_is_found_and_never_read_as_less(tmp_path: Path, harm: str) -> None:
    append(tmp_path, "r1", days=1, events=[happened("/a", 3)])
    append(tmp_path, "r2", events=[happened("/b", 2)])
    file, commit = tmp_path / "history/activity_log/month=2026-11/r1.parquet", tmp_path / "history/commits/r1.json"
    if harm == "change":
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif harm == "remove":
        file.unlink()
    elif harm == "commit changed":
        told = json.loads(commit.read_text())
        told["files"] = {}
        commit.write_text(json.dumps(told))
    elif harm == "commit removed":
        commit.unlink()
    else:
        commit.rename(commit.with_name("r0.json"))
    with pytest.raises(IntegrityError):
        rows(tmp_path, "activity_log")


def test_verdicts_are_a_commit_of_their_own_and_the_same_ones_add_none(tmp_path: Path) -> None:
    stored = run(tmp_path, "r1")
    history = Store(tmp_path).history
    history.append(stored)
    path = tmp_path / "verdicts.parquet"

    def answer(verdict: str) -> bool:
        duckdb.execute(
            f"copy (select 'v1' as row_id, now() as observed_at, 'x' as raw_ref, '{verdict}' as verdict) to '{path}'"
        )
        return history.append_verdicts(stored, {"verdicts": path}) is not None

    assert [answer("pass"), answer("pass"), answer("fail"), answer("fail")] == [True, False, True, False]
    assert [commit.name for commit in history.commits()] == ["r1", "r1.verdicts", "r1.verdicts.2"]
    con = tables.connect()
    history.view().snapshot(con, "r1")
    assert con.execute("select verdict from verdicts").fetchall() == [("fail",)]


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    append(tmp_path, "r1", events=[happened("/a", 3)], things=[{"id": "/t"}])
    for path in (tmp_path / "history").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_unit_is_filed_as_its_scope_says(tmp_path: Path) -> None:
    append(tmp_path, "r1")
    con = tables.connect()
    Store(tmp_path).history.view().units(con, ["activity_log"], "units")
    assert con.execute("select unit from units").fetchall() == [(scope_of(1).unit,)]


def test_killed_at_any_point_an_addition_added_all_or_nothing(tmp_path: Path) -> None:
    """Each kill is SIGKILL before one of the system calls that change the folder; the script forks one per call.

    What is left is looked at and added to again, once where several kills leave the same content.
    """
    script = Path(__file__).with_name("killed_history.py")
    ended = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "kills")],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=1500,
    )
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["points"] > 40
    assert report["killed"] == report["points"]
    assert report["contents"] > 15, "most kills leave something else than the one before"
    assert report["wrong"] == []
