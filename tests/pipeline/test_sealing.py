"""What was said about a pack outlives rendering it again, or nothing is rendered."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.approve import checked, records
from audit.errors import IntegrityError, UsageError
from audit.pipeline.sealing import seal
from audit.seal import sums
from audit.seal.verify import Result
from tests.approve import approvable
from tests.seal import sealed_pack


class Again:
    """A pack that is rendered once more, into a folder that is to take its place."""

    def __init__(self, root: Path) -> None:
        self.pack = approvable.make(root / "packs")
        self.folder = approvable.make(root / "again")
        for name in (*sums.BESIDE, "pack.json", "VERIFY.md"):
            (self.folder / name).unlink(missing_ok=True)

    def seal(self) -> None:
        seal(self.folder, sealed_pack.about(None), replaces=self.pack, key=None)


@pytest.fixture
def again(tmp_path: Path) -> Again:
    return Again(tmp_path)


def test_the_same_pack_again_keeps_what_was_said_about_it(again: Again) -> None:
    records.append(again.pack, "approval", approvable.SAID)
    again.seal()
    assert records.read(again.folder) == records.read(again.pack)
    assert len(records.read(again.folder)) == 1


def test_the_page_of_what_was_said_is_made_of_the_records_that_were_kept(again: Again) -> None:
    records.append(again.pack, "approval", approvable.SAID)
    again.seal()
    page = (again.folder / "approvals/index.html").read_text()
    assert "olga@x.example" in page
    assert checked.approvals(again.folder).result is Result.OK


def test_a_pack_that_lost_its_list_keeps_what_was_said_about_it(again: Again) -> None:
    records.append(again.pack, "approval", approvable.SAID)
    (again.pack / sums.SUMS).unlink()
    with pytest.raises(UsageError, match="has lost its SHA256SUMS"):
        again.seal()


def test_another_pack_does_not_take_the_place_of_one_that_was_spoken_about(again: Again) -> None:
    records.append(again.pack, "approval", approvable.SAID)
    (again.folder / "index.html").write_text("new")
    with pytest.raises(UsageError, match="1 records"):
        again.seal()


def test_it_takes_the_place_of_one_about_which_nothing_was_said(again: Again) -> None:
    (again.folder / "index.html").write_text("new")
    again.seal()
    assert sums.digest(again.folder) != sums.digest(again.pack)


def test_it_does_not_where_a_later_pack_follows_the_one_there(again: Again) -> None:
    later = sealed_pack.make(again.pack.parent, run_id="r2")
    (again.folder / "index.html").write_text("new")
    with pytest.raises(UsageError, match=later.name):
        again.seal()


def test_records_that_are_damaged_are_not_thrown_away(again: Again) -> None:
    records.append(again.pack, "approval", approvable.SAID).write_text("{}")
    with pytest.raises(IntegrityError):
        again.seal()
