"""History through the whole way: a sandbox behind TLS, several collections into one store, windows of the past."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from audit.collect import Silent
from audit.config import parse
from audit.errors import UsageError
from audit.evidence import fired_alerts
from audit.model import Window
from audit.pipeline.collecting import Collection, collect
from audit.pipeline.naming import named
from audit.pipeline.recalling import recall
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
    assert {name.split("/")[0] for name in commit.files} == {"coverage", "listed"}
    ((tables_named,),) = duckdb.execute(
        "select list(distinct table_name || ' ' || held) from read_parquet($path)",
        {"path": str(next((output / "history/listed").rglob(f"{commit.name}.parquet")))},
    ).fetchall()
    assert tables_named == ["metrics false"]  # of queues that stayed empty: where the shorter window ended


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
    where = f"--config '{Path.cwd()}/my audit.toml'"
    collect_all = f"jobaudit collect {where}"
    render_last = f"jobaudit render latest --month last {where}"
    assert made.cron == (
        f"0 */3 * * * {collect_all} --kinds executions",
        f"30 3 * * 1 {collect_all}",
        f"0 5 6 * * {collect_all} --month last --kinds costs; {collect_all}; {render_last}",
    )


def test_without_a_run_a_schedule_is_cautious_and_says_so(tmp_path: Path) -> None:
    made = schedule(output=tmp_path, config=Path("audit.toml"))
    assert made.run_id == ""
    assert {each.kind: each.words for each in made.proposals}["executions"] == "every hour"
    assert {each.reason for each in made.proposals} == {"not observed"}


def test_cron_lines_name_whole_paths_and_keep_cron_from_reading_them_otherwise(tmp_path: Path) -> None:
    made = schedule(output=tmp_path / "100 %", config=tmp_path / "audit.toml", elsewhere=True)
    where = rf"--config {tmp_path}/audit.toml --output '{tmp_path}/100 \%'"
    assert made.cron[0] == f"0 * * * * jobaudit collect {where} --kinds executions"
    assert all(line.count(where) == line.count("jobaudit") for line in made.cron)


def test_latest_is_the_newest_run_with_everything(output: Path, runs: list[Collection], tmp_path: Path) -> None:
    assert named(Store(output), "latest", output) == runs[2].run_id
    assert named(Store(output), runs[0].run_id, output) == runs[0].run_id
    with pytest.raises(UsageError, match="no run has ended there"):
        named(Store(tmp_path), "latest", tmp_path)


def test_months_of_a_past_window_hold_what_the_runs_read_of_their_bills(output: Path, runs: list[Collection]) -> None:
    window = Window(since=NOW - timedelta(days=20), until=(NOW - timedelta(days=10)).replace(hour=0))
    with tabled(output, runs[2].run_id, window=window) as con:
        told = con.execute("""
            select sum(amount) from job_cost_months where basis = 'actual' and lower(job_id) like '%/billing-invoices'
        """).fetchone()
        in_window = con.execute("""
            select sum(amount) from job_costs where basis = 'actual' and lower(job_id) like '%/billing-invoices'
        """).fetchone()
    costs = dict(Store(output).open(runs[2].run_id).table_files())["costs"]
    billed = tables.connect().execute(
        "select sum(amount) from read_parquet($file) where basis = 'actual' and day < $until::DATE and "
        "lower(resource_id) like '%/microsoft.app/jobs/billing-invoices'",
        {"file": str(costs), "until": window.until},
    )
    assert told == billed.fetchone()
    assert in_window is not None
    assert told is not None
    assert told[0] > in_window[0] > 0


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
    with pytest.raises(UsageError, match="none of the 1 runs"):
        named(Store(tmp_path), "latest", tmp_path)
    assert commit.tables["executions"].added > 0
    assert "activity_log" not in commit.tables


def test_a_closed_window_is_completed_by_what_an_earlier_run_read_of_it_and_of_the_time_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, kinds = (
        Window(since=NOW - timedelta(days=28), until=NOW - timedelta(days=5)),
        ["fired_alerts", "activity_log"],
    )
    longer = Window(since=window.since, until=NOW)
    with process.start(SandboxOptions(now=NOW, caller_role=role())) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        settings = parse(sandbox.config)
        earlier = collect(settings, output=tmp_path, window=longer, kinds=kinds, progress=Silent())
        kept = timedelta(days=3)  # as if three weeks had gone by
        monkeypatch.setattr(fired_alerts, "KEPT", kept)
        forgets = msgspec.structs.replace(EVENT_TABLES["fired_alerts"], retention=kept)
        monkeypatch.setitem(EVENT_TABLES, "fired_alerts", forgets)
        made = collect(settings, output=tmp_path, window=window, kinds=kinds, progress=Silent())
        assert made.gaps > earlier.gaps == 0
    with tabled(tmp_path, made.run_id) as con:
        gaps = con.execute("select detail from coverage where kind = 'fired_alerts' and outcome = 'gap'").fetchall()
        seen = con.execute("select first_seen_run, count(*) from fired_alerts group by all").fetchall()
    with tabled(tmp_path, earlier.run_id) as con:
        there = con.execute(
            "select count(*) from fired_alerts where fired_at < $until", {"until": window.until}
        ).fetchone()
    store = Store(tmp_path)
    stored = store.open(made.run_id)
    with scratch() as database, contextlib.closing(stored.tables(database)) as con:
        recall(con, stored.run, store.history.view(before=stored))
        later = con.execute("select min(event_time), max(event_time) from history.later_events").fetchone()
    assert gaps == []
    assert there is not None
    assert seen == [(earlier.run_id, there[0])]
    assert there[0] > 0
    assert later is not None
    assert window.until <= later[0] < later[1] < NOW
