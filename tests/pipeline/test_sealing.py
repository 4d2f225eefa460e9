"""What was said about a pack outlives rendering it again, or nothing is rendered."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.approve import records
from audit.errors import IntegrityError, UsageError
from audit.pipeline.sealing import seal
from audit.seal import sums
from tests.seal import small_pack

FIRST = {"run.json": b"{}", "data/jobs.parquet": b"1"}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    pack = small_pack.make(tmp_path / "pack", FIRST)
    records.append(pack, "approval", {"by": "somebody"})
    return pack


def anew(folder: Path, files: dict[str, bytes]) -> Path:
    small_pack.make(folder, files)
    (folder / sums.SUMS).unlink()
    return folder


def test_the_same_pack_again_keeps_what_was_said_about_it(pack: Path, tmp_path: Path) -> None:
    again = anew(tmp_path / "again", FIRST)
    seal(again, pack)
    assert records.read(again) == records.read(pack)
    assert len(records.read(again)) == 1


def test_another_pack_does_not_take_the_place_of_one_that_was_spoken_about(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1 records"):
        seal(anew(tmp_path / "again", FIRST | {"index.html": b"new"}), pack)


def test_it_takes_the_place_of_one_about_which_nothing_was_said(tmp_path: Path) -> None:
    pack = small_pack.make(tmp_path / "pack", FIRST)
    (pack / "approvals").mkdir()
    again = anew(tmp_path / "again", FIRST | {"index.html": b"new"})
    seal(again, pack)
    assert not (again / "approvals").exists()


def test_records_that_are_damaged_are_not_thrown_away(pack: Path, tmp_path: Path) -> None:
    (pack / "approvals/0001-approval.json").write_text("{}")
    with pytest.raises(IntegrityError):
        seal(anew(tmp_path / "again", FIRST), pack)
