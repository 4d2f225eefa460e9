"""Records beside the seal: a chain in which nothing can be changed, taken out, slipped in or carried elsewhere."""

from __future__ import annotations

import itertools
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.approve import records
from audit.errors import IntegrityError, UsageError
from audit.seal import sums
from tests.seal import small_pack

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    pack = small_pack.make(tmp_path / "pack")
    for number in range(3):
        records.append(pack, "approval", {"by": f"person {number}", "comment": "=1+1\n<b>"}, at=AT)
    return pack


def test_records_come_back_as_they_were_given(pack: Path) -> None:
    path = records.append(pack, "access-review", {"rows": [1, 2.5, None], "zwölf": True}, at=AT)
    assert path.name == "0004-access-review.json"
    found = records.read(pack)
    assert [each.number for each in found] == [1, 2, 3, 4]
    assert found[3].body == {"rows": [1, 2.5, None], "zwölf": True}
    assert found[0].previous is None
    assert [each.previous for each in found[1:]] == [each.sha256 for each in found[:3]]
    assert {each.subject_sha256 for each in found} == {sums.digest(pack)}
    assert {each.recorded_at for each in found} == {AT}
    assert {each.signer for each in found} == {None}


def test_a_record_is_readable_json_and_the_owners_alone(pack: Path) -> None:
    path = pack / "approvals/0001-approval.json"
    assert json.loads(path.read_text())["body"]["by"] == "person 0"
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_no_records_are_an_empty_list(tmp_path: Path) -> None:
    assert records.read(small_pack.make(tmp_path / "pack")) == []


def test_every_single_byte_of_a_record_counts(pack: Path) -> None:
    for path in sorted((pack / "approvals").iterdir())[:2]:  # the last one's words are held by its signature alone
        content = path.read_bytes()
        for at, mask in itertools.product(range(len(content)), (1, 0x20)):
            path.write_bytes(content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :])
            with pytest.raises(IntegrityError):
                records.read(pack)
        path.write_bytes(content)
    assert len(records.read(pack)) == 3


def test_a_record_taken_out_swapped_or_slipped_in_is_told(pack: Path) -> None:
    folder = pack / "approvals"
    first, second, third = (folder / f"000{number}-approval.json" for number in (1, 2, 3))
    kept = {path: path.read_bytes() for path in (first, second, third)}
    for change in (
        first.unlink,
        second.unlink,
        lambda: second.write_bytes(kept[third]),
        lambda: (folder / "0004-approval.json").write_bytes(kept[third]),
        lambda: (folder / "0002-comment.json").write_bytes(kept[second]),
        lambda: first.rename(folder / "0001-rejection.json"),
    ):
        change()
        with pytest.raises(IntegrityError):
            records.read(pack)
        shutil.rmtree(folder)
        folder.mkdir()
        for path, content in kept.items():
            path.write_bytes(content)
    assert len(records.read(pack)) == 3


def test_a_record_about_another_pack_is_refused(pack: Path, tmp_path: Path) -> None:
    other = small_pack.make(tmp_path / "other", {"run.json": b"{}"})
    shutil.copytree(pack / "approvals", other / "approvals")
    with pytest.raises(IntegrityError, match="another pack"):
        records.read(other)


def test_nothing_is_said_about_a_pack_that_is_not_as_it_was_sealed(pack: Path) -> None:
    (pack / "index.html").write_text("14 jobs")
    with pytest.raises(IntegrityError, match=r"index\.html was changed"):
        records.append(pack, "approval", {})
    assert len(records.read(pack)) == 3


def test_nothing_follows_a_broken_chain(pack: Path) -> None:
    (pack / "approvals/0001-approval.json").unlink()
    with pytest.raises(IntegrityError):
        records.append(pack, "approval", {})


def test_a_record_that_is_a_link_or_too_large_is_refused(pack: Path, tmp_path: Path) -> None:
    path = pack / "approvals/0003-approval.json"
    path.rename(tmp_path / "record")
    path.symlink_to(tmp_path / "record")
    with pytest.raises(IntegrityError, match="can't be read"):
        records.read(pack)
    path.unlink()
    with path.open("wb") as file:
        file.truncate(9 << 20)
    with pytest.raises(IntegrityError, match="8 MiB at most"):
        records.read(pack)


@pytest.mark.parametrize("kind", ["", "../x", "A", "a b", "a--b", "a/b", "-a"])
def test_a_kind_that_could_not_be_a_file_name_is_refused(pack: Path, kind: str) -> None:
    with pytest.raises(UsageError):
        records.append(pack, kind, {})


def test_two_writers_get_two_numbers(pack: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: records.append(pack, "approval", {"by": each}), range(12)))
    assert [each.number for each in records.read(pack)] == list(range(1, 16))
