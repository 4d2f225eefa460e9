"""A run is written, closed, read back: everything that was stored is there, and leads to its raw page."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import duckdb
import msgspec
import pytest
from store_kind import JOINED, NOW, THINGS, done, listed, page_of, run_of, scope_of, write_unit

from audit.errors import UsageError
from audit.model import Collected, Gap, GapReason, MalformedItem, RunState
from audit.store import Store, spool, tables

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_and_pages_come_back_as_they_were_stored(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed({"id": "/a", "size": 1, "parts": ["x", "y"]}), listed({"id": "/b"}))
        write_unit(writer, scope_of(2), listed())
        writer.finish(THINGS)
        assert [row["thing_id"] for row in writer.query("select thing_id from things order by all")] == ["/a", "/b"]
        writer.close(done(writer.run))
    stored = Store(tmp_path).open("run-1")
    assert stored.run.state is RunState.DONE
    assert [unit.outcome for unit in stored.run.units] == [
        Collected(pages=2, rows=4),
        Collected(pages=1, rows=0),
    ]
    pages = list(stored.pages("things", scope_of(1).unit))
    assert [(page.line, page.request_id, page.received_at) for page in pages] == [
        (1, "request-1", page_of(scope_of(1), {}).received_at),
        (2, "request-1", page_of(scope_of(1), {}).received_at),
    ]
    assert pages[1].body == b'{"value":[{"id":"/b"}]}'
    with stored.tables(tmp_path / "run.duckdb") as database:
        rows = database.sql("select thing_id, size, raw_ref, observed_at from things order by thing_id").fetchall()
        reference = f"raw/things/{scope_of(1).unit}.jsonl.zst#line={{}}&item=0&request=request-1"
        assert [(row[0], row[1], row[2]) for row in rows] == [
            ("/a", 1, reference.format(1)),
            ("/b", None, reference.format(2)),
        ]
        assert rows[0][3].utcoffset().total_seconds() == 0
        assert database.sql("select count(*) from parts").fetchall() == [(2,)]
        coverage = database.sql("select kind, scope, outcome, pages, rows from coverage order by scope").fetchall()
        assert coverage == [
            ("things", scope_of(1).id, "collected", 2, 4),
            ("things", scope_of(2).id, "collected", 1, 0),
        ]
    assert [path.name for path in stored.raw_files()] == sorted(f"{scope_of(n).unit}.jsonl.zst" for n in (1, 2))


def test_only_the_owner_can_read_what_is_stored(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with Store(tmp_path / "new" / "output").create(run_of()) as writer:
            write_unit(writer, scope_of(1), listed({"id": "/a", "size": 1}))
            writer.finish(THINGS)
            writer.close(done(writer.run))
        Store(tmp_path / "new" / "output").open("run-1").tables(tmp_path / "new" / "run.duckdb").close()
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").rglob("*")}
    assert len(modes) > 10
    assert {path: oct(mode) for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)} == {}


def test_a_closed_run_leaves_only_its_evidence(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed({"id": "/a"}))
        writer.unit(THINGS, scope_of(2)).page(page_of(scope_of(2), listed({"id": "/never ended"})))
        writer.finish(THINGS)
        writer.finish(JOINED)
        writer.close(done(writer.run))
    files = sorted(path.relative_to(writer.path).as_posix() for path in writer.path.rglob("*") if path.is_file())
    assert files == [
        f"raw/things/{scope_of(1).unit}.jsonl.zst",
        "run.json",
        "tables/coverage.parquet",
        "tables/joined.parquet",
        "tables/parts.parquet",
        "tables/things.parquet",
    ]


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        writer.finish(THINGS)
        columns = [row["column_name"] for row in writer.query("describe things")]
        types = {row["column_name"]: row["column_type"] for row in writer.query("describe things")}
    assert columns == ["row_id", "observed_at", "raw_ref", "thing_id", "size", "seen", "details"]
    assert (types["seen"], types["details"], types["size"]) == ("TIMESTAMP WITH TIME ZONE", "JSON", "BIGINT")


def test_one_thing_read_twice_is_one_row_with_the_smallest_reference(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        for number in (1, 2, 3):
            write_unit(writer, scope_of(number), listed({"id": "/THE/Same" if number == 2 else "/the/same"}))
        writer.finish(THINGS)
        rows = writer.query("select raw_ref from things")
    smallest = min(f"raw/things/{scope_of(number).unit}.jsonl.zst" for number in (1, 2, 3))
    assert [row["raw_ref"].partition("#")[0] for row in rows] == [smallest]


def test_a_truncated_unit_keeps_its_pages_and_no_rows(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        unit = write_unit(writer, scope_of(1), listed({"id": "/a"}), gap=GapReason.TRUNCATED, keep_rows=False)
        write_unit(writer, scope_of(2), listed({"id": "/b"}))
        writer.finish(THINGS)
        assert [row["thing_id"] for row in writer.query("select thing_id from things")] == ["/b"]
        writer.close(done(writer.run))
    assert unit.outcome == Gap(reason=GapReason.TRUNCATED, detail="", pages=1, rows=0)
    assert len(list(Store(tmp_path).open("run-1").pages("things", scope_of(1).unit))) == 1


def test_every_malformed_item_has_a_row_of_its_own_in_coverage(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        unit = writer.unit(THINGS, scope_of(1))
        items = [
            MalformedItem(scope=scope_of(1).id, detail="$.value[0].size: expected int", raw_ref="raw/x#line=1&item=0"),
            MalformedItem(scope=scope_of(1).id, detail="$.value[0].seen: expected str", raw_ref="raw/x#line=1&item=0"),
        ]
        unit.end(
            Gap(reason=GapReason.MALFORMED, detail="2 items"), requests=1, started=NOW, finished=NOW, malformed=items
        )
        writer.close(done(writer.run))
    with Store(tmp_path).open("run-1").tables(tmp_path / "run.duckdb") as database:
        found = database.sql("select scope, outcome, reason, detail, raw_ref from coverage order by detail").fetchall()
    assert [row[3] for row in found] == ["$.value[0].seen: expected str", "$.value[0].size: expected int", "2 items"]
    assert {row[:3] for row in found} == {(scope_of(1).id, "gap", "malformed")}
    assert found[0][4] == "raw/x#line=1&item=0"


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 2, 1, 3)])
def test_the_same_rows_are_the_same_bytes(
    tmp_path: Path, order: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(output: Path, numbers: tuple[int, ...], threads: int) -> list[bytes]:
        connect = tables.connect

        def threaded(database: str = ":memory:", **given: Path) -> duckdb.DuckDBPyConnection:
            connection = connect(database, **given)
            connection.execute(f"SET threads = {threads}")
            return connection

        monkeypatch.setattr(tables, "connect", threaded)
        with Store(output).create(run_of()) as writer:
            for number in numbers:
                items = [{"id": f"/{number}/{item}", "size": item, "parts": ["a"]} for item in range(5000)]
                write_unit(writer, scope_of(number), listed(*items))
            writer.finish(THINGS)
            writer.close(done(writer.run))
        monkeypatch.undo()
        return [path.read_bytes() for path in sorted((writer.path / "tables").iterdir())]

    assert written(tmp_path / "one", (1, 2, 3, 4), 1) == written(tmp_path / "two", order, 4)


def test_many_rows_go_by_way_of_files_and_lose_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_HELD", 2000)
    monkeypatch.setattr("audit.store.raw._HELD", 2000)
    with Store(tmp_path).create(run_of()) as writer:
        for number in (1, 2, 3):
            bodies = [
                listed(*({"id": f"/{number}/{page}/{item}", "parts": ["p"]} for item in range(40))) for page in range(5)
            ]
            write_unit(writer, scope_of(number), *bodies)
        write_unit(writer, scope_of(4), listed({"id": "/few"}))
        write_unit(
            writer,
            scope_of(5),
            *[listed(*({"id": f"/cut/{item}"} for item in range(90)))] * 2,
            gap=GapReason.TRUNCATED,
            keep_rows=False,
        )
        aborted = writer.unit(THINGS, scope_of(6))
        for _ in range(3):
            aborted.page(page_of(scope_of(6), listed({"id": "/x", "details": "y" * 3000})))
        aborted.abort()
        writer.finish(THINGS)
        assert writer.query("select count(*) n, count(distinct thing_id) d from things") == [{"n": 601, "d": 601}]
        assert writer.query("select count(*) n from parts") == [{"n": 600}]
        writer.close(done(writer.run))
    stored = Store(tmp_path).open("run-1")
    assert [page.line for page in stored.pages("things", scope_of(2).unit)] == [1, 2, 3, 4, 5]
    assert not list(tmp_path.rglob("*.part"))
    assert not list(tmp_path.rglob("*.ndjson"))


def test_odd_folder_names_and_texts_are_only_text(tmp_path: Path) -> None:
    output = tmp_path / "o'brien [x] *{y} 'or 1=1"
    odd = "a'b\"c\\d\u2028\U0001f600\x00'); drop table things; --"
    with Store(output).create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed({"id": odd, "details": {"k": [1.10, None, odd]}}))
        writer.finish(THINGS)
        assert writer.query("select thing_id from things") == [{"thing_id": odd}]
        writer.close(done(writer.run))
    with Store(output).open("run-1").tables(tmp_path / "run.duckdb") as database:
        (row,) = database.sql("select thing_id, details from things").fetchall()
    assert row[0] == odd
    assert msgspec.json.decode(row[1]) == {"k": [1.1, None, odd]}


def test_pretty_printed_and_empty_answers_are_one_line_each(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        unit = writer.unit(THINGS, scope_of(1))
        first = unit.page(page_of(scope_of(1), b'\xef\xbb\xbf{\r\n  "value": [\n    {"id": "/a\\n"}\n  ]\n}\n'))
        second = unit.page(page_of(scope_of(1), b""))
        third = unit.page(page_of(scope_of(1), b"<html>\nnot found</html>", request_body=b'{"ids":\n["x"]}'))
        unit.end(Collected(pages=0, rows=0), requests=3, started=NOW, finished=NOW)
        writer.close(done(writer.run))
    assert msgspec.json.decode(first.body) == {"value": [{"id": "/a\n"}]}
    assert (second.body, third.body) == (b"null", b'"<html> not found</html>"')
    assert list(Store(tmp_path).open("run-1").pages("things", scope_of(1).unit)) == [first, second, third]
    assert third.request_body == b'{"ids": ["x"]}'


def test_a_run_is_found_by_id_and_by_path_and_a_wrong_one_names_those_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.create(run_of("run-7")) as writer:
        writer.close(done(writer.run))
    by_path = [store.open(str(writer.path)), store.open(str(writer.path / "run.json")), store.open("run-7")]
    assert {found.run.run_id for found in by_path} == {"run-7"}
    with pytest.raises(UsageError, match=r"no run 'run-8'[\s\S]*run-7"):
        store.open("run-8")
    with pytest.raises(UsageError, match="already exists"):
        store.create(run_of("run-7"))
    for wrong in ("../x", "", "..", "a/b"):
        with pytest.raises(UsageError):
            store.create(run_of(wrong))
