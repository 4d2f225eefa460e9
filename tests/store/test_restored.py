"""A run whose folder is gone, put together again from history: as it was, whatever came before and after it."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from history_runs import EVENTS, Event, at, happened, run
from store_kind import NOW, done, listed, page_of, scope_of

from audit.errors import ExitCode, IntegrityError, UsageError
from audit.model import Collected, GapReason, Window
from audit.store import RestoredRun, Store, tables
from audit.store.history.files import months_in


def kept(output: Path, run_id: str, **what: Any) -> None:
    """Store a run and add it to history."""
    Store(output).history.append(run(output, run_id, **what))


def gone(output: Path, run_id: str) -> RestoredRun:
    """Take a run's folder away and read the run all the same."""
    shutil.move(output / "runs" / run_id, output / f"gone-{run_id}")
    restored = Store(output).read(run_id)
    assert isinstance(restored, RestoredRun)
    return restored


def same(output: Path, run_id: str) -> RestoredRun:
    """Take a run's folder away and hold each of its tables against what history gives back."""
    there = Store(output).open(run_id).run
    restored = gone(output, run_id)
    folder = output / f"gone-{run_id}/tables"
    with restored.tables(output / f"{run_id}.duckdb") as con:
        for path in sorted(folder.glob("*.parquet")):
            columns = [name for name, *_ in con.execute(f"describe from read_parquet('{path}')").fetchall()]
            said = ", ".join(f'"{name}"' for name in columns if name not in ("observed_at", "raw_ref"))
            expected = con.execute(f"select {said} from read_parquet('{path}') order by all").fetchall()
            if con.execute("select 1 from duckdb_tables() where table_name = ?", [path.stem]).fetchone():
                assert con.execute(f"select {said} from {path.stem} order by all").fetchall() == expected, path.stem
            else:
                assert expected == [], path.stem
    assert restored.run.units == there.units
    return restored


def table(output: Path, restored: RestoredRun, select: str) -> list[tuple[Any, ...]]:
    with restored.tables(output / "again.duckdb") as con:
        return con.execute(select).fetchall()


def test_every_run_comes_back_as_it_was_with_its_events(tmp_path: Path) -> None:
    """Rows known before, gone since, read otherwise, without a time, outside the window, and of a list that is full."""
    full = [happened(f"/x{n}", 1 + n / 10) for n in range(100)]
    kept(tmp_path, "r1", days=9, events=[happened("/a", 11), happened("/b", 10.5), happened("/old", 38)],
         executions=[happened("/p", 12, "Running"), happened("/q", None, "Running")],
         things=[{"id": "/t1", "size": 1}])  # fmt: skip
    kept(tmp_path, "r2", days=5, events=[happened("/a", 11), happened("/c", 6)],
         executions=[happened("/p", 12, "Succeeded"), happened("/q", None, "Running"), happened("/ancient", 80)],
         things=[{"id": "/t1", "size": 1}, {"id": "/t2", "parts": ["p"]}])  # fmt: skip
    kept(tmp_path, "r3", days=1, events=[happened("/a", 11, "delete"), happened("/c", 6)], executions=full)
    kept(tmp_path, "r4", events=[happened("/a", 11)], executions=[happened("/p", 12, "Running"), *full[:99]])
    for name in ("r4", "r1", "r3", "r2"):
        same(tmp_path, name)


def test_what_a_list_held_from_outside_its_window_comes_back(tmp_path: Path) -> None:
    kept(tmp_path, "r1", days=2, events=[happened("/a", 15), happened("/b", 14)])
    kept(tmp_path, "r2", events=[happened("/a", 15), happened("/c", 1)], window=5)
    same(tmp_path, "r2")


def test_a_run_that_was_added_late_comes_back_in_the_words_of_its_time(tmp_path: Path) -> None:
    late = run(tmp_path, "r1", days=3, executions=[happened("/x", 5, "Running"), happened("/y", 4, "one")])
    shutil.move(late.path, tmp_path / "elsewhere")
    kept(tmp_path, "r2", days=2, executions=[happened("/x", 5, "Succeeded"), happened("/y", 4, "one")])
    kept(tmp_path, "r3", days=1, executions=[happened("/x", 5, "Succeeded"), happened("/y", 4, "two")])
    shutil.move(tmp_path / "elsewhere", late.path)
    Store(tmp_path).history.append(late)
    for name in ("r1", "r2", "r3"):
        same(tmp_path, name)


@pytest.mark.parametrize("reason", [GapReason.PARTIAL_VISIBILITY, GapReason.FORBIDDEN])
def test_of_a_gap_exactly_the_rows_that_were_read_come_back(tmp_path: Path, reason: GapReason) -> None:
    kept(tmp_path, "r1", days=3, events=[happened("/a", 5), happened("/b", 4)])
    kept(tmp_path, "r2", days=2, events=[happened("/b", 4), happened("/c", 3)], gap=reason)
    kept(tmp_path, "r3", days=1, gap=reason)
    same(tmp_path, "r2")
    same(tmp_path, "r3")


def test_what_was_read_as_expected_takes_no_room(tmp_path: Path) -> None:
    what = {"events": [happened("/a", 5)], "executions": [happened("/x", 2), happened("/y", None)]}
    kept(tmp_path, "r1", days=1, **what)
    kept(tmp_path, "r2", **what)
    assert not (tmp_path / "history/listed").exists()
    kept(tmp_path, "r3", events=[happened("/b", 1)], executions=[happened("/x", 2)])
    (file,) = (tmp_path / "history/listed").rglob("*.parquet")
    assert duckdb.execute("select table_name, held from read_parquet(?) order by all", [str(file)]).fetchall() == [
        ("activity_log", False), ("executions", False),
    ]  # fmt: skip


def test_a_row_names_the_run_that_first_read_it_so_and_when_this_run_read_it(tmp_path: Path) -> None:
    kept(tmp_path, "r1", days=3, events=[happened("/a", 5)], things=[{"id": "/t"}])
    kept(tmp_path, "r2", days=1, events=[happened("/a", 5), happened("/b", 2)], things=[{"id": "/t"}])
    restored = same(tmp_path, "r2")
    read = at(1) + timedelta(minutes=30)
    rows = table(tmp_path, restored, "select split_part(raw_ref, '/', 2), observed_at from activity_log order by 1")
    assert rows == [("r1", read), ("r2", read)]
    things = table(tmp_path, restored, "select raw_ref, observed_at from things")
    assert things == [(f"runs/r1/raw/things/{scope_of(1).unit}.jsonl.zst#line=1&item=0&request=request-1", read)]
    assert not restored.lost(things[0][0])
    shutil.move(tmp_path / "runs/r1", tmp_path / "elsewhere")
    assert Store(tmp_path).read("r2").lost(things[0][0])


def test_a_run_that_was_taken_up_again_comes_back_as_it_ended(tmp_path: Path) -> None:
    kept(tmp_path, "r1", events=[happened("/a", 3)], things=[{"id": "/t"}], gap=GapReason.PARTIAL_VISIBILITY)
    with Store(tmp_path).resume("r1") as writer:
        unit = writer.unit(EVENTS, scope_of(1))
        page = unit.page(page_of(scope_of(1), listed(happened("/b", 2))))
        unit.row(Event(event_id="/b", event_time=at(2), operation="write"), page, 0)
        unit.end(Collected(pages=0, rows=0), requests=1, started=NOW, finished=NOW)
        writer.close(done(writer.run))
    Store(tmp_path).history.append(Store(tmp_path).open("r1"))
    assert same(tmp_path, "r1").run.restored_from == "r1.2"


def test_it_has_no_raw_answer_and_says_from_where_it_is(tmp_path: Path) -> None:
    kept(tmp_path, "r1", events=[happened("/a", 3)])
    restored = gone(tmp_path, "r1")
    (unit,) = [unit for unit in restored.run.units if unit.kind == "activity_log"]
    assert (list(restored.pages(unit.kind, unit.unit)), list(restored.raw_files())) == ([], [])
    told = json.loads(restored.head())
    assert (told["run_id"], told["restored_from"], told["files"]) == ("r1", "r1", {})
    assert len(told["units"]) == len(restored.run.units) == 3


def test_a_run_is_named_by_the_path_of_its_folder_too(tmp_path: Path) -> None:
    kept(tmp_path, "r1")
    gone(tmp_path, "r1")
    for name in ("runs/r1", "runs/r1/run.json"):
        assert Store(tmp_path).read(str(tmp_path / name)).run.run_id == "r1"


def test_a_run_that_nobody_knows_names_both_places(tmp_path: Path) -> None:
    kept(tmp_path, "r1")
    gone(tmp_path, "r1")
    for name in ("r9", ""):
        with pytest.raises(UsageError, match="neither its folder nor history knows it") as told:
            Store(tmp_path).read(name)
        assert told.value.where == f"{tmp_path / 'runs'}, {tmp_path / 'history'}"
        assert "history has r1" in told.value.hint


def test_a_damaged_folder_is_damage_and_history_is_no_way_round_it(tmp_path: Path) -> None:
    kept(tmp_path, "r1", events=[happened("/a", 3)])
    (tmp_path / "runs/r1/run.json").unlink()
    with pytest.raises(IntegrityError):
        Store(tmp_path).read("r1")


def _change(output: Path, what: str) -> None:
    """Harm history in a way that leaves its chain of commits whole."""
    commit = output / "history/commits/r2.json"
    told = json.loads(commit.read_text())
    if what == "exceptions":
        told["files"] = {name: file for name, file in told["files"].items() if not name.startswith("listed/")}
    elif what in told["tables"]:
        told["tables"][what]["state"] = "1-1"
    else:
        (output / f"history/{what}/month=2026-11/r2.parquet").write_bytes(b"PAR1")
    commit.write_text(json.dumps(told))


@pytest.mark.parametrize("what", ["activity_log", "things", "exceptions", "coverage"])
def test_rows_that_do_not_come_to_what_was_committed_are_damage(tmp_path: Path, what: str) -> None:
    kept(tmp_path, "r1", days=1, events=[happened("/a", 3), happened("/b", 2)], things=[{"id": "/t"}])
    kept(tmp_path, "r2", events=[happened("/a", 3), happened("/c", 1)], things=[{"id": "/t"}])
    shutil.move(tmp_path / "runs/r2", tmp_path / "gone")
    if what == "coverage":
        (tmp_path / "history/coverage/month=2026-11/r2.parquet").write_bytes(b"PAR1")
    else:
        _change(tmp_path, what)
    with pytest.raises(IntegrityError) as told:
        Store(tmp_path).read("r2").tables(tmp_path / "x.duckdb")
    assert told.value.exit_code == ExitCode.INTEGRITY


def test_a_commit_from_before_lists_were_kept_is_refused_not_guessed_at(tmp_path: Path) -> None:
    kept(tmp_path, "r2", events=[happened("/a", 3)])
    commit = tmp_path / "history/commits/r2.json"
    told = json.loads(commit.read_text())
    del told["tables"]["activity_log"]["state"]
    commit.write_text(json.dumps(told))
    with pytest.raises(UsageError, match="before it kept which events"):
        gone(tmp_path, "r2").tables(tmp_path / "x.duckdb")


def test_a_content_is_found_whichever_run_held_it(tmp_path: Path) -> None:
    kept(tmp_path, "r1", days=2, things=[{"id": "/t1", "size": 1}, {"id": "/t2"}])
    kept(tmp_path, "r2", days=1, things=[{"id": "/t1", "size": 2}])
    kept(tmp_path, "r3", things=[{"id": "/t3"}])
    con = tables.connect()
    view = Store(tmp_path).history.view()
    wanted = "select row_id from (select unnest($ids) as row_id)".replace(
        "$ids", str([row[0] for row in _ids(tmp_path, "/t1", "/t2")])
    )
    assert view.contents(con, "things", wanted, "found")
    found = con.execute("select thing_id, size, split_part(raw_ref, '/', 2) from found order by 1").fetchall()
    assert found == [("/t1", 2, "r2"), ("/t2", None, "r1")]
    assert not view.contents(con, "nothing", wanted, "found")


def _ids(output: Path, *names: str) -> list[tuple[str]]:
    return duckdb.execute(
        "select row_id from read_parquet(?) where list_contains(?, thing_id) order by thing_id",
        [str(output / "runs/r1/tables/things.parquet"), list(names)],
    ).fetchall()


def test_a_window_that_ends_early_in_a_month_touches_it() -> None:
    window = Window(since=datetime(2026, 10, 5, 6, tzinfo=UTC), until=datetime(2026, 11, 1, 3, tzinfo=UTC))
    assert months_in(window) == {"2026-10", "2026-11"}
