"""A pack: whole, private, replaced at once, the same bytes every time; and every link of its workbook has an end."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import duckdb
import openpyxl
import pytest
import report_fixture

from audit import assess
from audit.config import packaged
from audit.errors import ConfigError, IntegrityError
from audit.render import data, pack, raw_files, workbook

TEMPLATES = [packaged("report_templates")]


class Source:
    """A stored run, its tables, and what a pack is built of."""

    def __init__(self, root: Path) -> None:
        self.stored = report_fixture.store(root / "output")
        self.database = root / "tables.duckdb"

    def build(self, output: Path, **changes: Any) -> Path:
        with report_fixture.tables(self.stored, self.database) as con:
            self.database.chmod(0o600)
            options = {"pack": "compliance", "templates": TEMPLATES, "controls": controls()} | changes
            return pack.build(con, self.stored.run, self.stored, output, **options)


def controls() -> list[Any]:
    return assess.load([packaged("config") / "controls"])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def built(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return source.build(tmp_path_factory.mktemp("built"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_pack_holds_the_report_the_workbook_the_data_and_the_evidence(built: Path, source: Source) -> None:
    assert built.name == f"compliance-{source.stored.run.window.label}-{source.stored.run.run_id}"
    found = {path.name for path in built.iterdir()}
    assert {"index.html", "jobs", "pages", "evidence.xlsx", "results", "data", "raw", "controls", "run.json"} <= found
    for path in (*source.stored.raw_files(), source.stored.path / "run.json"):
        copy = built / path.relative_to(source.stored.path)
        assert copy.read_bytes() == path.read_bytes()
        assert copy.stat().st_ino != path.stat().st_ino, "a copy, not the run's own file"
    for control in controls():
        assert (built / "controls" / control.file).read_text(encoding="utf-8") == control.text


def test_only_its_owner_can_read_a_pack(built: Path) -> None:
    for path in (built, *built.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_every_table_is_exported_and_reads_back(built: Path, source: Source) -> None:
    with report_fixture.tables(source.stored, source.database) as con:
        raw_files.create(con, source.stored)
        mine = "select table_name from duckdb_tables() where schema_name = 'main' and not temporary order by 1"
        names = [name for (name,) in con.execute(mine).fetchall()]
        assert [path.stem for path in sorted((built / "data").iterdir())] == names
        for name in names:
            count = f"select count(*) from '{built}/data/{name}.parquet'"
            assert duckdb.execute(count).fetchone() == con.execute(f"select count(*) from {name}").fetchone()


def test_the_same_run_gives_the_same_pack(built: Path, source: Source, tmp_path: Path) -> None:
    again = contents(source.build(tmp_path))
    assert again.keys() == contents(built).keys()
    assert [name for name, content in contents(built).items() if again[name] != content] == []


def test_every_link_of_the_workbook_has_its_end_in_the_pack(built: Path) -> None:
    pages: dict[str, str] = {}
    followed = 0
    for sheet in openpyxl.load_workbook(built / "evidence.xlsx").worksheets:
        for link in (cell.hyperlink for row in sheet.iter_rows() for cell in row if cell.hyperlink):
            if link.target is None:
                continue
            path = built / unquote(link.target)
            assert path.is_file(), (sheet.title, link.ref, link.target)
            if link.location:
                text = pages.setdefault(link.target, path.read_text(encoding="utf-8"))
                assert f'id="{link.location}"' in text, (sheet.title, link.ref, link.target, link.location)
            followed += 1
    assert followed > 100


def test_a_pack_of_the_same_name_is_replaced_whole(source: Source, tmp_path: Path) -> None:
    first = source.build(tmp_path, formats=("xlsx",))
    assert not (first / "index.html").exists()
    (first / "stale").write_text("from before")
    assert source.build(tmp_path) == first
    assert (first / "index.html").exists()
    assert not (first / "stale").exists()
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_results_alone_are_a_pack_and_say_what_the_tables_say(source: Source, tmp_path: Path) -> None:
    built = source.build(tmp_path, formats=("results",))
    assert not (built / "index.html").exists()
    assert not (built / "evidence.xlsx").exists()
    told = json.loads((built / "results" / "findings.json").read_text())
    with report_fixture.tables(source.stored, source.database) as con:
        counted = dict(con.execute("select verdict, count(*) from verdicts group by all").fetchall())
        rows = con.execute("select row_id from verdicts").fetchall()
    assert {word: told["verdicts"][word] for word in counted} == counted
    assert sorted(each["row_id"] for each in told["findings"]) == sorted(row for (row,) in rows)
    assert told["coverage"]["gaps"] > 0
    assert {each["evidence"]["file"] for each in told["findings"]} - {None}
    for each in told["findings"]:
        assert each["evidence"]["file"] is None or (built / each["evidence"]["file"]).is_file()


def test_what_fails_leaves_the_pack_that_was_there(source: Source, tmp_path: Path) -> None:
    first = source.build(tmp_path, formats=("xlsx",))
    before = contents(first)
    own = tmp_path / "own"
    own.mkdir()
    (own / "index.html").write_text("{% if %}")
    with pytest.raises(ConfigError):
        source.build(tmp_path, templates=[own, *TEMPLATES])
    assert contents(first) == before
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_what_the_last_step_refuses_leaves_the_pack_that_was_there(source: Source, tmp_path: Path) -> None:
    met: list[set[str]] = []

    def finish(folder: Path) -> None:
        met.append({path.name for path in folder.iterdir()})
        if len(met) > 1:
            raise IntegrityError("no")
        (folder / "SHA256SUMS").write_text("sums")

    first = source.build(tmp_path, formats=("xlsx",), finish=finish)
    before = contents(first)
    assert before["SHA256SUMS"] == b"sums"
    with pytest.raises(IntegrityError):
        source.build(tmp_path, finish=finish)
    assert contents(first) == before
    assert {"evidence.xlsx", "data", "raw", "controls", "run.json"} <= met[0]
    assert {"index.html", "jobs", "pages"} <= met[1]
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_what_a_killed_process_left_is_cleared_away(source: Source, tmp_path: Path) -> None:
    name = f"compliance-{source.stored.run.window.label}-{source.stored.run.run_id}"
    left = tmp_path / "packs" / f".{name}.part-killed"
    left.mkdir(parents=True)
    (left / "index.html").write_text("half")
    source.build(tmp_path, formats=("xlsx",))
    assert not left.exists()


def test_a_pack_comes_back_that_a_killed_process_was_about_to_replace(source: Source, tmp_path: Path) -> None:
    def refuse(folder: Path) -> None:
        raise IntegrityError("no")

    made = source.build(tmp_path, formats=("xlsx",))
    before = contents(made)
    made.rename(made.with_name(f".{made.name}.part-replaced"))
    with pytest.raises(IntegrityError):
        source.build(tmp_path, formats=("xlsx",), finish=refuse)
    assert contents(made) == before
    assert [path.name for path in made.parent.iterdir()] == [made.name]


def test_a_raw_file_that_was_altered_makes_no_pack(tmp_path: Path) -> None:
    source = Source(tmp_path)
    with report_fixture.tables(source.stored, source.database) as con:
        path = next(iter(source.stored.raw_files()))
        path.write_bytes(path.read_bytes() + b"x")
        with pytest.raises(IntegrityError, match="not what was stored"):
            pack.build(
                con, source.stored.run, source.stored, tmp_path, pack="p", templates=TEMPLATES, controls=controls()
            )
    assert not list((tmp_path / "packs").iterdir())


def test_controls_of_the_users_lie_apart_and_none_replaces_another(source: Source, tmp_path: Path) -> None:
    own = [SimpleNamespace(file="a/x.sql", text=text, source="own") for text in ("select 1", "select 2")]
    built = source.build(tmp_path, controls=[*controls(), *own], formats=("xlsx",))
    assert (built / "controls" / "own" / "a" / "x.sql").read_text() == "select 1"
    assert (built / "controls" / "own" / "a" / "x-2.sql").read_text() == "select 2"


def test_data_is_the_same_over_any_number_of_threads_and_any_order(tmp_path: Path) -> None:
    made = []
    for threads, order in ((1, "row_id"), (4, "row_id desc")):
        con = duckdb.connect()
        con.execute(f"set threads = {threads}")
        rows = "select md5(i::varchar) as row_id, i as n, null::varchar as word from range(300_000) t(i)"
        con.execute(f"create table many as select * from ({rows}) order by {order}")
        con.execute("create temp table scratch as select 1 as row_id")
        assert data.write(con, tmp_path / str(threads)) == ["many"]
        made.append(contents(tmp_path / str(threads)))
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://m/x?api-version=1&$skiptoken=abc", "https://m/x?api-version=1"),
        ("https://m/x?%24skipToken=abc&api-version=1", "https://m/x?api-version=1"),
        ("https://m/x?$filter=a%20eq%20'b'", "https://m/x?$filter=a%20eq%20'b'"),
        ("https://m/x", "https://m/x"),
    ],
)
def test_a_source_is_told_without_its_paging_token(url: str, shown: str) -> None:
    assert raw_files.address(url) == shown


def test_every_stored_page_is_counted_once(source: Source) -> None:
    with report_fixture.tables(source.stored, source.database) as con:
        raw_files.create(con, source.stored)
        (pages,) = con.execute("select sum(pages) from raw_files").fetchone() or (0,)
        told = con.execute("select distinct file from raw_files order by 1").fetchall()
    units = [unit for unit in source.stored.run.units if unit.outcome.pages]
    assert pages == sum(unit.outcome.pages for unit in units)
    assert [name for (name,) in told] == sorted(f"raw/{unit.kind}/{unit.unit}.jsonl.zst" for unit in units)


def test_the_workbook_tells_of_its_gaps(built: Path, source: Source) -> None:
    opened = openpyxl.load_workbook(built / "evidence.xlsx")
    outcomes = [row[0].value for row in opened["Coverage"].iter_rows(min_row=5)]
    gaps = sum(each == "gap" for each in outcomes)
    assert gaps > 0
    assert outcomes[:gaps] == ["gap"] * gaps, "gaps first"
    assert workbook.ROW_LIMIT == 1_048_575
