"""History through the whole way: a sandbox behind TLS, several collections into one store, windows of the past."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from audit.collect import Silent
from audit.config import parse
from audit.errors import UsageError
from audit.model import Window
from audit.pipeline.collecting import Collection, collect
from audit.pipeline.scheduling import schedule
from audit.pipeline.tabling import derived, scratch
from audit.sandbox import process
from audit.sandbox.options import SandboxOptions
from audit.store import Store, tables
from audit.store.history import EVENT_TABLES
from tests.conftest import NOW, role

SINCE, UNTIL = NOW - timedelta(days=30), NOW
Collect = Callable[..., Collection]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("history")


@pytest.fixture(scope="module")
def runs(output: Path) -> Iterator[list[Collection]]:
    """Three runs: until five days ago, until now, and the same again."""
    with process.start(SandboxOptions(now=NOW, caller_role=role())) as sandbox, pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.environment.items():
            patch.setitem(os.environ, name, value)
        settings = parse(sandbox.config)
        windows = [Window(since=SINCE, until=NOW - timedelta(days=5)), *[Window(since=SINCE, until=UNTIL)] * 2]
        yield [collect(settings, output=output, window=window, progress=Silent()) for window in windows]


@contextlib.contextmanager
def tabled(output: Path, run_id: str, **given: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    store = Store(output)
    with scratch() as database:
        derived(store.open(run_id), database, history=store.history, **given)
        with contextlib.closing(duckdb.connect(str(database))) as con:
            yield con


def test_every_collection_feeds_history(output: Path, runs: list[Collection]) -> None:
    assert [commit.run_id for commit in Store(output).history.commits()] == [run.run_id for run in runs]


def test_overlapping_runs_add_each_event_once(output: Path, runs: list[Collection]) -> None:
    view = Store(output).history.view()
    con = tables.connect()
    for table in sorted(EVENT_TABLES):
        paths = [str(path) for path, _ in view.files.of(view.commits, table)]
        twice = con.execute(
            "select count(*), count(distinct row_id) from read_parquet($paths, union_by_name = true)", {"paths": paths}
        ).fetchone()
        assert twice is not None
        assert twice[0] == twice[1] > 0, table


def test_the_same_window_again_adds_no_row(output: Path, runs: list[Collection]) -> None:
    commit = Store(output).history.commits()[-1]
    assert {table: kept.added for table, kept in commit.tables.items() if kept.added and table != "coverage"} == {}
    assert {name.split("/")[0] for name in commit.files} == {"coverage"}


def test_every_table_of_every_run_comes_back_from_its_snapshot(output: Path, runs: list[Collection]) -> None:
    store = Store(output)
    for number, run in enumerate(runs):
        con, schema = tables.connect(), f"run{number}"
        store.history.view().snapshot(con, run.run_id, schema=schema)
        for table, path in store.open(run.run_id).table_files():
            if table in EVENT_TABLES or table == "coverage":
                continue
            ours = con.execute("select * exclude (observed_at, raw_ref) from read_parquet(?) order by all", [str(path)])
            expected, names = ours.fetchall(), [column[0] for column in ours.description or ()]
            there = con.execute(
                "select count(*) from duckdb_tables() where schema_name = ? and table_name = ?", [schema, table]
            ).fetchone()
            if there == (0,):
                assert expected == [], table
                continue
            listed = ", ".join(f'"{name}"' for name in names)
            found = con.execute(f'select {listed} from {schema}."{table}" order by all').fetchall()
            assert found == expected, table


def test_a_run_derives_the_same_whatever_was_collected_since(output: Path, runs: list[Collection]) -> None:
    with tabled(output, runs[1].run_id) as con:
        firsts = con.execute(
            "select first_seen_run, count(*) from activity_log group by all order by 2 desc"
        ).fetchall()
        gaps = con.execute("select kind, detail from coverage where outcome = 'gap'").fetchall()
        holes = con.execute("select kind from continuity where state = 'hole'").fetchall()
    assert dict(firsts).keys() == {runs[0].run_id, runs[1].run_id}
    assert gaps == []
    assert set(holes) <= {("resource_changes",)}


def test_a_window_of_the_past_comes_from_history_and_says_so(output: Path, runs: list[Collection]) -> None:
    window = Window(since=NOW - timedelta(days=20), until=NOW - timedelta(days=10))
    with tabled(output, runs[2].run_id, window=window) as con:
        times = con.execute("select min(event_time), max(event_time) from activity_log").fetchone()
        first = con.execute("select distinct first_seen_run from activity_log").fetchall()
        jobs = con.execute("select count(*) from jobs").fetchone()
        coverage = con.execute("""
            select kind, outcome, min(detail) from coverage where kind in ('activity_log', 'executions', 'metrics')
            group by all order by all""").fetchall()
    assert times is not None
    assert window.since <= times[0] < times[1] < window.until
    assert first == [(runs[0].run_id,)]
    assert jobs is not None
    assert jobs[0] > 0
    assert [(kind, outcome) for kind, outcome, _ in coverage] == [
        ("activity_log", "collected"),
        ("executions", "collected"),
        ("metrics", "collected"),
    ]
    assert all(detail.startswith("from history") for *_, detail in coverage)


def test_a_window_that_history_knows_a_part_of_is_a_gap_with_the_hole(output: Path, runs: list[Collection]) -> None:
    window = Window(since=NOW - timedelta(days=40), until=NOW - timedelta(days=20))
    with tabled(output, runs[2].run_id, window=window) as con:
        gaps = dict(con.execute("select kind, min(detail) from coverage where outcome = 'gap' group by all").fetchall())
    assert f"{window.since:%Y-%m-%d %H:%M:%S UTC} to {SINCE:%Y-%m-%d %H:%M:%S UTC}" in gaps["activity_log"]


def test_a_window_of_which_history_knows_nothing_is_refused(output: Path, runs: list[Collection]) -> None:
    window = Window(since=NOW - timedelta(days=400), until=NOW - timedelta(days=390))
    with scratch() as database, pytest.raises(UsageError, match="knows nothing of"):
        store = Store(output)
        derived(store.open(runs[2].run_id), database, history=store.history, window=window)


def test_a_schedule_rests_on_what_was_observed(output: Path, runs: list[Collection]) -> None:
    made = schedule(output=output, config=Path("my audit.toml"))
    assert made.run_id == runs[2].run_id
    (busiest,) = [each for each in made.proposals if each.kind == "executions"]
    assert busiest.scope.endswith("/billing-dunning")  # its crash loop: forty within three hours
    assert busiest.words == "every 3 hours"
    assert made.cron[0] == "0 */3 * * * jobaudit collect --config 'my audit.toml' --kinds executions"
    assert made.cron[-1].startswith("0 5 6 * * jobaudit run compliance")


def test_without_a_run_a_schedule_is_cautious_and_says_so(tmp_path: Path) -> None:
    made = schedule(output=tmp_path, config=Path("audit.toml"))
    assert made.run_id == ""
    assert {each.kind: each.words for each in made.proposals}["executions"] == "every hour"
    assert {each.reason for each in made.proposals} == {"not observed"}


def test_kinds_on_a_cadence_of_their_own_feed_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: Path
) -> None:
    with process.start(SandboxOptions(now=NOW, caller_role=role())) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        settings, window = parse(sandbox.config), Window(since=SINCE, until=UNTIL)
        made = collect(settings, output=tmp_path, window=window, kinds=["executions"], progress=Silent())
    (commit,) = Store(tmp_path).history.commits()
    assert commit.run_id == made.run_id
    assert commit.tables["executions"].added > 0
    assert "activity_log" not in commit.tables
