"""SHA256SUMS: the same as GNU's, over every file, and nothing in a pack can change unseen."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import IntegrityError
from audit.seal import sums
from tests.conftest import needs
from tests.seal import small_pack

ODD = ("a\nb", "back\\slash", "c\rd", " leading", "*star", "\\n", "ü", "'; rm", b"not-utf8-\xff")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return small_pack.make(tmp_path / "pack")


@needs("sha256sum")
def test_gnu_sha256sum_writes_the_same_and_accepts_ours(tmp_path: Path) -> None:
    pack = small_pack.make(tmp_path / "pack", {os.fsdecode(name): os.fsencode(name) for name in ODD})
    names = sorted(path.name for path in pack.iterdir())
    theirs = subprocess.run(["sha256sum", "--", *names], cwd=pack, capture_output=True, check=True).stdout
    lines = [line for line in theirs.splitlines(keepends=True) if not line.endswith(b"  SHA256SUMS\n")]
    assert sorted(lines) == sorted((pack / sums.SUMS).read_bytes().splitlines(keepends=True))
    assert len(lines) == len(ODD)
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", sums.SUMS], cwd=pack, check=True)
    assert set(sums.listed(pack)) == {os.fsdecode(name) for name in ODD}


@given(st.sets(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=12), min_size=1))
@settings(max_examples=60, deadline=None)
def test_any_name_a_file_can_have_is_read_back(tmp_path_factory: pytest.TempPathFactory, names: set[str]) -> None:
    wanted = dict.fromkeys(names - {".", "..", *sums.BESIDE}, b"x")
    pack = small_pack.make(tmp_path_factory.mktemp("names"), wanted | {"z": b""})
    assert set(sums.listed(pack)) == set(wanted) | {"z"}
    assert list(sums.listed(pack)) == sorted(sums.listed(pack), key=os.fsencode)
    assert sums.differences(pack) == []


def test_the_digest_is_that_of_the_list(pack: Path) -> None:
    content = (pack / sums.SUMS).read_bytes()
    assert sums.digest(pack) == hashlib.sha256(content).hexdigest() == sums.write(pack)
    assert (pack / sums.SUMS).read_bytes() == content


def test_what_speaks_of_the_seal_is_not_under_it(pack: Path) -> None:
    before = sums.digest(pack)
    (pack / "approvals").mkdir()
    for name in (sums.SIGNATURE, sums.ATTESTATION, "approvals/0001-approval.json"):
        (pack / name).write_bytes(b"x")
    assert sums.differences(pack) == []
    assert sums.write(pack) == before
    (pack / "data" / sums.SIGNATURE).write_bytes(b"x")
    assert sums.differences(pack) == ["data/SHA256SUMS.sig was added: the seal doesn't list it"]


def test_every_single_byte_removal_addition_and_swap_is_told(pack: Path) -> None:
    cases = 0
    for name in sums.listed(pack):
        path, content = pack / name, (pack / name).read_bytes()
        for at in range(len(content)):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            assert sums.differences(pack) == [f"{name} was changed: its digest is not the sealed one"]
            cases += 1
        path.unlink()
        assert f"{name} is missing" in sums.differences(pack)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        added = path.with_name("added")
        added.write_bytes(content)
        assert sums.differences(pack) == [f"{added.relative_to(pack).as_posix()} was added: the seal doesn't list it"]
        added.unlink()
        for other in sums.listed(pack):
            if other != name:
                theirs = (pack / other).read_bytes()
                path.write_bytes(theirs)
                (pack / other).write_bytes(content)
                assert len(sums.differences(pack)) == 2
                (pack / other).write_bytes(theirs)
                path.write_bytes(content)
    assert sums.differences(pack) == []
    assert cases == sum(len(content) for content in small_pack.FILES.values())


def test_every_single_byte_of_the_list_itself_counts(pack: Path) -> None:
    path = pack / sums.SUMS
    content, digest = path.read_bytes(), sums.digest(pack)
    for at in range(len(content)):
        for changed in {content[at] ^ 1, content[at] ^ 0x20, 0x0A} - {content[at]}:
            path.write_bytes(content[:at] + bytes([changed]) + content[at + 1 :])
            assert sums.digest(pack) != digest
            with pytest.raises(IntegrityError):
                sums.check(pack)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../outside", "can't name"),
        ("/etc/passwd", "can't name"),
        ("a/../../b", "can't name"),
        ("./a", "can't name"),
        ("a//b", "can't name"),
        ("SHA256SUMS", "can't name"),
        ("approvals/x", "can't name"),
    ],
)
def test_a_name_that_leads_out_of_the_pack_is_refused(pack: Path, name: str, why: str) -> None:
    (pack / sums.SUMS).write_text(f"{'0' * 64}  {name}\n")
    with pytest.raises(IntegrityError, match=why):
        sums.differences(pack)


@pytest.mark.parametrize("text", ["", "x", f"{'0' * 64}  a", f"{'0' * 64} *a\n", f"\\{'0' * 64}  a\n", "\n"])
def test_what_is_no_list_of_ours_is_refused(pack: Path, text: str) -> None:
    (pack / sums.SUMS).write_text(text)
    with pytest.raises(IntegrityError, match="line"):
        sums.listed(pack)


def test_a_name_that_stands_twice_or_out_of_order_is_refused(pack: Path) -> None:
    lines = (pack / sums.SUMS).read_text().splitlines(keepends=True)
    for wrong in ([lines[0], *lines], lines[::-1]):
        (pack / sums.SUMS).write_text("".join(wrong))
        with pytest.raises(IntegrityError, match="twice or out of order"):
            sums.listed(pack)


def test_links_pipes_and_empty_folders_are_told_and_never_opened(pack: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not the pack's")
    (pack / "link").symlink_to(secret)
    (pack / "folder").symlink_to(tmp_path)
    os.mkfifo(pack / "pipe")  # reading it would wait for ever
    (pack / "empty").mkdir()
    assert sums.differences(pack) == [
        "empty is an empty folder, which no pack has",
        "folder is not a file: it was not opened",
        "link is not a file: it was not opened",
        "pipe is not a file: it was not opened",
    ]
    with pytest.raises(IntegrityError, match="files only"):
        sums.write(pack)


def test_a_file_that_became_a_link_to_the_same_bytes_is_told(pack: Path, tmp_path: Path) -> None:
    shutil.move(pack / "index.html", tmp_path / "index.html")
    (pack / "index.html").symlink_to(tmp_path / "index.html")
    assert "index.html is not a file: it was not opened" in sums.differences(pack)
    (pack / sums.SUMS).rename(tmp_path / "sums")
    (pack / sums.SUMS).symlink_to(tmp_path / "sums")
    with pytest.raises(IntegrityError, match="can't be read"):
        sums.check(pack)


def test_a_pack_that_is_a_link_is_refused(pack: Path, tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(pack)
    with pytest.raises(IntegrityError, match="not a link"):
        sums.check(tmp_path / "other")
