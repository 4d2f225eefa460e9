"""A pack of a run whose folder is gone: what history kept tells the same, and says what is missing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from openpyxl import load_workbook

from audit import derive
from audit.collect import Silent
from audit.config import beside, load
from audit.errors import UsageError
from audit.model import Window
from audit.pipeline.collecting import collect
from audit.pipeline.demo import _lay
from audit.pipeline.recalling import recall, recall_window
from audit.pipeline.rendering import render
from audit.pipeline.tabling import query, trial
from audit.sandbox import process
from audit.sandbox.options import SandboxOptions
from audit.store import Store
from tests.conftest import NOW, role

SINCE = NOW - timedelta(days=30)
ABOUT_THE_READ = {"observed_at", "raw_ref", "collected_at", "first_seen_at"}
"""When something was read, and where that lies."""


class Packs:
    """One output folder: the pack of a run with its folder, and that of the run once its folder was gone."""

    def __init__(self, output: Path) -> None:
        self.output = output
        window = Window(since=SINCE, until=NOW)
        with (
            process.start(SandboxOptions(now=NOW, caller_role=role())) as sandbox,
            pytest.MonkeyPatch.context() as patch,
        ):
            for name, value in sandbox.environment.items():
                patch.setitem(os.environ, name, value)
            config = output / "audit.toml"
            _lay(config, sandbox)
            settings = load(config)
            given: dict[str, Any] = {"output": output, "stated": beside(config, settings), "progress": Silent()}
            before = Window(since=SINCE, until=NOW - timedelta(days=5))
            self.earlier = collect(settings, window=before, **given).run_id
            self.run = collect(settings, window=window, **given).run_id
            self.whole = render(self.run, pack="compliance", output=output).path
            shutil.move(output / "runs" / self.run, output / "moved")
            self.restored = render(self.run, pack="compliance", output=output).path
            self.told = digests(self.restored)
            collect(settings, window=window, kinds=["executions"], **given)


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Packs:
    return Packs(tmp_path_factory.mktemp("restored"))


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def said(pack: Path, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a table of a pack without what tells of the read."""
    path = str(pack / f"data/{table}.parquet")
    names = [name for name, *_ in duckdb.execute("describe from read_parquet($path)", {"path": path}).fetchall()]
    listed = ", ".join(f'"{name}"' for name in names if name not in ABOUT_THE_READ and not name.endswith("_ref"))
    return names, duckdb.execute(f"select {listed} from read_parquet(?) order by all", [path]).fetchall()


def test_every_table_tells_the_same_and_every_verdict_is_the_same(packs: Packs) -> None:
    names = {path.stem for path in (packs.whole / "data").glob("*.parquet")}
    assert names == {path.stem for path in (packs.restored / "data").glob("*.parquet")}
    for table in sorted(names - {"raw_files", "history_sources"}):
        assert said(packs.restored, table) == said(packs.whole, table), table
    for table in ("verdicts", "population", "jobs", "activity_log", "executions", "metrics", "coverage"):
        assert said(packs.restored, table)[1], table
    assert said(packs.restored, "raw_files")[1] == []
    runs = {row[2] for row in said(packs.restored, "history_sources")[1]}
    assert runs == {packs.earlier, packs.run}


def test_the_same_pack_comes_out_however_much_was_collected_since(packs: Packs) -> None:
    assert digests(render(packs.run, pack="compliance", output=packs.output).path) == packs.told


def test_an_earlier_pack_with_its_raw_answers_stays(packs: Packs) -> None:
    assert packs.restored.name == f"{packs.whole.name}-restored"
    assert list((packs.whole / "raw").rglob("*.zst"))


def test_the_first_page_the_cover_and_run_json_say_what_is_missing(packs: Packs) -> None:
    first = (packs.restored / "index.html").read_text()
    assert "Restored from history, without raw answers" in first
    assert first.index("Restored from history") < first.index("</section>")
    cover = load_workbook(packs.restored / "evidence.xlsx", read_only=True)["Summary"]
    cells = [str(cell) for row in cover.iter_rows(values_only=True, max_row=12) for cell in row if cell]
    assert any(cell.startswith("Restored from history, without raw answers") for cell in cells)
    head = json.loads((packs.restored / "run.json").read_text())
    before = json.loads((packs.whole / "run.json").read_text())
    assert head["restored_from"] == packs.run
    assert head["units"] == before["units"]
    assert "Restored" not in (packs.whole / "index.html").read_text()


def test_no_link_leads_nowhere_and_a_missing_answer_is_told(packs: Packs) -> None:
    pages = list(packs.restored.rglob("*.html"))
    for page in pages:
        for target in re.findall(r'href="([^"#]+)', page.read_text()):
            if not target.startswith(("http", "mailto:")):
                assert (page.parent / target).exists(), (page, target)
    (page,) = (packs.restored / "jobs").glob("orders-fulfil-*.html")
    job = page.read_text()
    assert f", run {packs.run}, not kept" in job
    assert f", run {packs.earlier}, not kept" not in job  # that run's folder is there
    assert f", run {packs.earlier}<" in job
    assert "the file was not kept" in job
    book = load_workbook(packs.restored / "evidence.xlsx", read_only=True)["Jobs"]
    refs = [str(cell) for row in book.iter_rows(values_only=True) for cell in row if "runs/" in str(cell)]
    assert refs
    assert all(ref.startswith("not kept: ") == (packs.run in ref) for ref in refs)


def test_sql_and_controls_are_run_over_it_too(packs: Packs) -> None:
    counted = list(query(packs.run, "select count(*) from jobs", output=packs.output))
    assert counted[1] == (len(said(packs.whole, "jobs")[1]),)
    given = duckdb.execute(
        "select control_id, verdict, count(*) from read_parquet(?) group by all order by all",
        [str(packs.whole / "data/verdicts.parquet")],
    ).fetchall()
    assert list(trial(packs.run, output=packs.output, controls=())) == given


def test_a_window_of_the_past_is_told_by_it_too(packs: Packs) -> None:
    window = Window(since=NOW - timedelta(days=20), until=NOW - timedelta(days=10))
    path = render(packs.run, pack="compliance", output=packs.output, window=window, formats=["html"]).path
    assert path.name.endswith("-restored")
    ((first, last),) = duckdb.execute(
        "select min(event_time), max(event_time) from read_parquet(?)", [str(path / "data/activity_log.parquet")]
    ).fetchall()
    assert window.since <= first < last < window.until


def test_a_run_that_neither_place_knows_is_refused(packs: Packs) -> None:
    with pytest.raises(UsageError, match="neither its folder nor history knows it"):
        render("20200101T000000Z-000000", pack="compliance", output=packs.output)


@contextlib.contextmanager
def listing_none(packs: Packs) -> Iterator[duckdb.DuckDBPyConnection]:
    """The run's tables, as if its lists told no execution any more and so no template that they ran with."""
    database = packs.output / "listing-none.duckdb"
    with Store(packs.output).read(packs.run).tables(database) as con:
        con.execute("delete from executions")
        con.execute("delete from execution_templates")
        yield con
    database.unlink()


RESOLVED = """
select count(*) filter (where k.row_id is not null), count(*) filter (where k.row_id is null)
from execution_history as h
left join execution_templates as k on lower(k.job_id) = lower(h.job_id) and k.template_digest = h.template_digest
where h.template_digest is not null
"""
WINDOWS = [None, Window(since=NOW - timedelta(days=20), until=NOW - timedelta(days=10))]


@pytest.mark.parametrize("window", WINDOWS, ids=["the run's own", "of the past"])
def test_templates_of_executions_come_from_whichever_run_listed_them(packs: Packs, window: Window | None) -> None:
    store = Store(packs.output)
    stored = store.read(packs.run)
    with listing_none(packs) as con:
        if window is None:
            run = stored.run
            recall(con, run, store.history.view(before=stored))
        else:
            run = recall_window(con, stored.run, store.history.view(), window)
        derive.derive(con, run)
        ((resolved, unresolved),) = con.execute(RESOLVED).fetchall()
        ((idle,),) = con.execute("""
            select count(*) from execution_templates where (lower(job_id), template_digest) not in (
                select (lower(job_id), template_digest) from execution_history where template_digest is not null)
            """).fetchall()
    assert resolved > 0
    assert (unresolved, idle) == (0, 0)  # all of them, and no more than the executions ask for


def test_a_job_tells_with_which_templates_it_ran(packs: Packs) -> None:
    for pack in (packs.whole, packs.restored):
        page = next((pack / "jobs").glob("imports-catalogue-*.html")).read_text()
        assert "With which template the executions of the window ran" in page
        assert "template not known" not in page
