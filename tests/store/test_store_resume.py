"""A run that was left is taken up again: what ended stays, what didn't is read again, and nothing is there twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from store_kind import JOINED, THINGS, done, listed, run_of, scope_of, write_unit

from audit.errors import IntegrityError, StoreError
from audit.model import GapReason, RunState
from audit.store import Store


def test_rows_of_ended_units_are_made_again_from_their_pages(tmp_path: Path) -> None:
    def begin(output: Path) -> None:
        with Store(output).create(run_of()) as writer:
            write_unit(writer, scope_of(1), listed({"id": "/a", "parts": ["x"]}, {"id": 5}, {"id": "/b"}))
            write_unit(writer, scope_of(2), {"id": "/c"}, {"id": "/c2"}, kind=JOINED)

    def end(output: Path) -> list[bytes]:
        with Store(output).resume("run-1") as writer:
            assert writer.run.state is RunState.RUNNING
            write_unit(writer, scope_of(3), listed({"id": "/d"}))
            writer.finish(THINGS)
            writer.finish(JOINED)
            assert writer.query("select thing_id from joined") == [{"thing_id": "/c"}]
            writer.close(done(writer.run))
        return [path.read_bytes() for path in sorted((writer.path / "tables").iterdir())]

    begin(tmp_path / "one")
    resumed = end(tmp_path / "one")
    with Store(tmp_path / "two").create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed({"id": "/a", "parts": ["x"]}, {"id": 5}, {"id": "/b"}))
        write_unit(writer, scope_of(2), {"id": "/c"}, {"id": "/c2"}, kind=JOINED)
        write_unit(writer, scope_of(3), listed({"id": "/d"}))
        writer.finish(THINGS)
        writer.finish(JOINED)
        writer.close(done(writer.run))
    assert resumed == [path.read_bytes() for path in sorted((writer.path / "tables").iterdir())]


def test_only_what_ended_collected_over_the_same_ids_counts_as_ended(tmp_path: Path) -> None:
    asked = msgspec.structs.replace(scope_of(3), ids=("p1", "p2"))
    with Store(tmp_path).create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed())
        write_unit(writer, scope_of(2), gap=GapReason.FORBIDDEN)
        write_unit(writer, asked, listed())
        writer.unit(THINGS, scope_of(4))
    with Store(tmp_path).resume("run-1") as writer:
        assert writer.ended("things", scope_of(1)) is not None
        assert writer.ended("joined", scope_of(1)) is None
        assert writer.ended("things", scope_of(2)) is None
        assert writer.ended("things", asked) is not None
        assert writer.ended("things", msgspec.structs.replace(asked, ids=("p1",))) is None
        assert writer.ended("things", scope_of(4)) is None


def test_a_gap_that_is_read_again_replaces_its_pages_rows_and_coverage(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed({"id": "/a"}, {"id": "/gone"}), gap=GapReason.PARTIAL_VISIBILITY)
        write_unit(writer, scope_of(2), listed({"id": "/b"}))
        writer.finish(THINGS)
        writer.close(done(writer.run))
    with Store(tmp_path).resume("run-1") as writer:
        write_unit(writer, scope_of(1), listed({"id": "/a"}))
        writer.finish(THINGS)
        assert writer.query("select thing_id from things order by all") == [{"thing_id": "/a"}, {"thing_id": "/b"}]
        writer.close(done(writer.run))
    stored = Store(tmp_path).open("run-1")
    assert [unit.outcome.rows for unit in stored.run.units] == [1, 1]
    with stored.tables(tmp_path / "run.duckdb") as database:
        assert database.sql("select outcome from coverage").fetchall() == [("collected",), ("collected",)]


def test_a_gap_without_an_answer_replaces_the_pages_of_an_earlier_attempt(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed({"id": "/a"}), gap=GapReason.TRUNCATED, keep_rows=False)
        writer.close(done(writer.run))
    with Store(tmp_path).resume("run-1") as writer:
        write_unit(writer, scope_of(1), gap=GapReason.FORBIDDEN)
        writer.close(done(writer.run))
    stored = Store(tmp_path).open("run-1")
    assert list(stored.raw_files()) == []
    assert list(stored.pages("things", scope_of(1).unit)) == []


def test_closing_an_interrupted_run_keeps_the_rows_it_has(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed({"id": "/a"}))
        writer.close(msgspec.structs.replace(writer.run, state=RunState.INTERRUPTED))
    with Store(tmp_path).open("run-1").tables(tmp_path / "run.duckdb") as database:
        assert database.sql("select thing_id from things").fetchall() == [("/a",)]


def test_a_unit_that_a_power_failure_took_back_is_read_again(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed({"id": "/a"}))
        write_unit(writer, scope_of(2), listed({"id": "/b"}))
    (writer.path / "raw" / "things" / f"{scope_of(1).unit}.jsonl.zst").write_bytes(b"")
    with Store(tmp_path).resume("run-1") as writer:
        assert writer.ended("things", scope_of(1)) is None
        assert writer.ended("things", scope_of(2)) is not None


def test_a_damaged_page_of_a_finished_kind_is_not_read_again_but_told(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed({"id": "/a"}))
        writer.finish(THINGS)
    damaged = writer.path / "raw" / "things" / f"{scope_of(1).unit}.jsonl.zst"
    damaged.write_bytes(damaged.read_bytes()[:-3])
    with pytest.raises(IntegrityError, match=scope_of(1).unit):
        Store(tmp_path).resume("run-1")
    Store(tmp_path).create(run_of("run-2")).release()


def test_the_journal_may_end_in_half_a_line_and_nowhere_else(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed({"id": "/a"}))
        write_unit(writer, scope_of(2), listed({"id": "/b"}))
    journal = writer.path / "units.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-20])
    with Store(tmp_path).resume("run-1") as writer:
        assert writer.ended("things", scope_of(1)) is not None
        assert writer.ended("things", scope_of(2)) is None
        write_unit(writer, scope_of(2), listed({"id": "/b"}))
    with Store(tmp_path).resume("run-1") as writer:
        assert writer.ended("things", scope_of(2)) is not None
    journal.write_bytes(whole[20:])
    with pytest.raises(IntegrityError, match=r"units\.jsonl, line 1"):
        Store(tmp_path).resume("run-1")


def test_a_run_goes_on_with_its_own_redaction_key(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        begun_with = writer.run.redaction_key_id
    assert len(begun_with) == 8
    with pytest.raises(StoreError, match=begun_with):
        Store(tmp_path, key_file=tmp_path / "another.key").resume("run-1")
    with Store(tmp_path).resume("run-1") as writer:
        assert writer.run.redaction_key_id == begun_with


def test_killed_at_any_point_a_run_resumes_to_the_same_evidence(tmp_path: Path) -> None:
    """Each kill is SIGKILL before one of the system calls that change the folder; the script forks one run per call.

    What is left is resumed, once where several kills leave the same content.
    """
    script = Path(__file__).with_name("killed_writer.py")
    ended = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["points"] > 60
    assert report["killed"] == report["points"]
    assert report["contents"] > 30, "most kills leave something else than the one before"
    assert report["different"] == []
