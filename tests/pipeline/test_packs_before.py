"""What lies among packs is told as it is: damaged, renamed, linked and unsealed ones are rows, never left out."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from audit.approve import records
from audit.model import Run
from audit.pipeline import earlier_packs
from audit.seal import sums
from audit.seal.verify.packed import Packed
from audit.store import tables
from tests.approve import approvable
from tests.seal import sealed_pack

DAY = timedelta(days=1)
NOW = approvable.AT + 20 * DAY


def approve(pack: Path, decision: str = "approved", **options: Any) -> Path:
    return records.append(pack, "approval", approvable.SAID | {"decision": decision}, at=approvable.AT + DAY, **options)


@contextlib.contextmanager
def loaded(packs: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    run: Run = Packed(approvable.make(packs.parent / "now")).run
    shutil.rmtree(packs.parent / "now")
    with contextlib.closing(tables.connect()) as con:
        con.execute("create table jobs as select '/J/one' as job_id, true as in_scope, now() as observed_at")
        earlier_packs.load(con, msgspec.structs.replace(run, started=NOW, finished=NOW + DAY), packs)
        yield con


def rows(packs: Path) -> dict[str, dict[str, Any]]:
    with loaded(packs) as con:
        return {row["pack"]: row for row in tables.rows(con, "from earlier_packs")}


def snapshots(packs: Path) -> list[tuple[Any, ...]]:
    with loaded(packs) as con:
        return con.execute("select pack, configuration->>'x', damage, approved_by from approved_snapshots").fetchall()


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    return tmp_path / "packs"


def test_an_intact_pack_is_told_as_it_is(packs: Path, tmp_path: Path) -> None:
    pack = approvable.make(packs, gap=True, signer=sealed_pack.key(tmp_path))
    approve(pack, "approved-with-conditions")
    (row,) = rows(packs).values()
    assert (row["kind"], row["intact"], row["damage"], row["signed"]) == ("compliance", True, None, True)
    assert (row["gaps"], row["approval"], row["asserted"]) == (1, "approved with conditions", 1)
    (pack / "data/coverage.parquet").write_bytes(b"x")
    (row,) = rows(packs).values()
    assert (row["gaps"], row["intact"]) == (None, False)


def renamed(pack: Path) -> Path:
    return pack.rename(pack.with_name("compliance-old"))


def linked(pack: Path) -> Path:
    away = pack.rename(pack.parent.parent / "away")
    pack.symlink_to(away)
    return pack


def without_head(pack: Path) -> Path:
    (pack / "pack.json").write_text("{}")
    return pack


def unsealed(pack: Path) -> Path:
    for name in (*sums.BESIDE, "pack.json"):
        (pack / name).unlink(missing_ok=True)
    return pack


def malformed_list(pack: Path) -> Path:
    with (pack / sums.SUMS).open("ab") as file:
        file.write(b"no digest\n")
    return pack


def zoneless(pack: Path) -> Path:
    told = json.loads((pack / "run.json").read_text())
    told["started"] = told["started"].removesuffix("Z")
    (pack / "run.json").write_text(json.dumps(told))
    return pack


def without_run(pack: Path) -> Path:
    (pack / "run.json").unlink()
    return pack


@pytest.mark.parametrize("harm", [renamed, linked, without_head, unsealed, malformed_list, zoneless, without_run])
def test_what_is_damaged_is_a_row_and_never_left_out(packs: Path, harm: Any) -> None:
    pack = harm(approvable.make(packs))
    (row,) = rows(packs).values()
    assert (row["pack"], row["kind"], row["intact"]) == (pack.name, "compliance", False)
    assert row["damage"]
    if harm is not zoneless:
        assert (row["gaps"], row["approval"]) == (None, None)


def test_one_whose_time_is_gone_does_not_hide_the_newest(packs: Path) -> None:
    without_run(approvable.make(packs, run_id="r1"))
    approvable.make(packs, run_id="r2", at=approvable.AT + DAY)
    approvable.make(packs, run_id="r3", at=approvable.AT + 2 * DAY)
    found = rows(packs)
    assert {name.rpartition("-")[2]: row["intact"] for name, row in found.items()} == {"r1": False, "r3": True}
    assert found["compliance-2026-10-r1"]["run_started"] is None


def test_a_forged_signature_of_an_approval_approves_nothing(packs: Path, tmp_path: Path) -> None:
    mine, other = sealed_pack.key(tmp_path), sealed_pack.key(tmp_path, "other.pem")
    pack = approvable.make(packs, signer=mine, settings={"x": "1"})
    record = approve(pack, key=mine)
    record.with_name(f"{record.name}.sig").write_bytes(other.sign(record.read_bytes()))
    (row,) = rows(packs).values()
    assert (row["approval"], row["intact"], row["signed"]) == (None, False, True)
    assert "signature is not that of key" in row["damage"]
    ((name, value, damage, _),) = snapshots(packs)
    assert (name, value) == (pack.name, None)
    assert damage.startswith("it can't be told whether it was approved: the signature is not that of key")


def test_a_signature_over_another_list_is_none(packs: Path, tmp_path: Path) -> None:
    mine = sealed_pack.key(tmp_path)
    pack = approvable.make(packs, signer=mine)
    (pack / sums.SIGNATURE).write_bytes(mine.sign(b"x"))
    (row,) = rows(packs).values()
    assert row["signed"] is False


def test_a_signature_that_was_taken_away_is_none_and_one_that_cannot_be_read_is_unknown(
    packs: Path, tmp_path: Path
) -> None:
    file = approvable.make(packs, signer=sealed_pack.key(tmp_path)) / sums.SIGNATURE
    file.unlink()
    assert [row["signed"] for row in rows(packs).values()] == [False]
    file.mkdir()
    assert [row["signed"] for row in rows(packs).values()] == [None]


def test_the_newest_approved_pack_of_a_job_speaks(packs: Path) -> None:
    approve(approvable.make(packs, run_id="r1", settings={"x": "1"}))
    approve(approvable.make(packs, run_id="r2", at=approvable.AT + DAY, settings={"x": "2", "a": "b"}))
    approvable.make(packs, run_id="r3", at=approvable.AT + 2 * DAY, settings={"x": "3"})
    approve(approvable.make(packs, run_id="r4", at=approvable.AT + 3 * DAY, pack="access-review", settings={"x": "4"}))
    assert snapshots(packs) == [("compliance-2026-10-r2", "2", None, "olga@x.example")]


def test_a_damaged_approved_pack_ends_the_search(packs: Path) -> None:
    approve(approvable.make(packs, run_id="r1", settings={"x": "1"}))
    newer = approvable.make(packs, run_id="r2", at=approvable.AT + DAY, settings={"x": "2"})
    approve(newer)
    (newer / "VERIFY.md").write_text("x")
    ((name, value, damage, by),) = snapshots(packs)
    assert (name, value, by) == (newer.name, None, None)
    assert damage.startswith("VERIFY.md was changed")


def test_a_pack_of_which_nobody_can_tell_whether_it_was_approved_ends_it_too(packs: Path) -> None:
    approve(approvable.make(packs, run_id="r1", settings={"x": "1"}))
    newer = approvable.make(packs, run_id="r2", at=approvable.AT + DAY, settings={"x": "2"})
    record = approve(newer)
    without_run(newer)
    assert [(row[0], row[1]) for row in snapshots(packs)] == [(newer.name, None)]
    record.unlink()
    assert [(row[0], row[1]) for row in snapshots(packs)] == [("compliance-2026-10-r1", "1")], "nobody spoke about it"


def test_settings_are_written_in_their_order(packs: Path) -> None:
    approve(approvable.make(packs, settings={name: name for name in "qwertyuiopasdfghjklzxcvbnm"}))
    with loaded(packs) as con:
        row = con.execute("select configuration::VARCHAR from approved_snapshots").fetchone()
    assert row
    assert list(json.loads(row[0])) == sorted(json.loads(row[0]))
