"""Every single-byte change, removal, addition and swap of files of a sealed pack is caught, signed or not."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from audit.errors import IntegrityError
from audit.seal import sums
from audit.seal.verify import Result, sealed
from tests.seal import sealed_pack

MODES = ("trusted", "unknown", "unsigned")


class Sealed:
    """A pack, and the reader's keys."""

    def __init__(self, folder: Path, mode: str) -> None:
        signer = None if mode == "unsigned" else sealed_pack.key(folder)
        self.pack = sealed_pack.make(folder / "packs", signer)
        self.trusted = [signer.public] if signer and mode == "trusted" else []
        self.names = sorted(path.relative_to(self.pack).as_posix() for path in self.pack.rglob("*") if path.is_file())

    def intact(self) -> bool:
        try:
            checks, signed = sealed(self.pack, self.trusted)
        except IntegrityError:
            return False
        return signed.standing != "refused" and all(check.result is not Result.FAILED for check in checks)


@pytest.fixture(params=MODES)
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Sealed:
    made = Sealed(tmp_path, request.param)
    assert made.intact()
    return made


def test_every_single_byte_counts(whole: Sealed) -> None:
    """Of every file; what is under the seal needs no more than the list, what speaks of the seal all of its checks."""
    tried = 0
    for name in whole.names:
        path = whole.pack / name
        content = path.read_bytes()
        for at in range(len(content)):
            path.write_bytes(content[:at] + bytes([content[at] ^ (1 << (at % 8))]) + content[at + 1 :])
            told = sums.differences(whole.pack) if sums.sealed(name) else not whole.intact()
            assert told, (name, at)
            tried += 1
        path.write_bytes(content)
    assert whole.intact()
    assert tried > 4000


def test_every_byte_cut_off_or_added_at_the_end_counts(whole: Sealed) -> None:
    for name in whole.names:
        path = whole.pack / name
        content = path.read_bytes()
        for changed in (content[:-1], content + b"\n", content + b" ", content + b"\0", b""):
            path.write_bytes(changed)
            assert not whole.intact(), name
        path.write_bytes(content)
    assert whole.intact()


def test_every_removal_counts(whole: Sealed) -> None:
    for name in whole.names:
        path = whole.pack / name
        content = path.read_bytes()
        path.unlink()
        assert not whole.intact(), name
        path.write_bytes(content)
    assert whole.intact()


def test_every_addition_counts(whole: Sealed) -> None:
    folders = {whole.pack, *(path for path in whole.pack.rglob("*") if path.is_dir())}
    for folder, name in itertools.product(sorted(folders), ("added", ".hidden", "jobs2.parquet", "SHA256SUMS.bak")):
        (folder / name).write_bytes(b"x")
        assert not whole.intact(), (folder, name)
        (folder / name).unlink()
    (whole.pack / "new").mkdir()
    assert not whole.intact()
    (whole.pack / "new").rmdir()
    assert whole.intact()


def test_every_swap_counts(whole: Sealed) -> None:
    for one, other in itertools.combinations(whole.names, 2):
        first, second = (whole.pack / name for name in (one, other))
        contents = first.read_bytes(), second.read_bytes()
        first.write_bytes(contents[1])
        second.write_bytes(contents[0])
        assert not whole.intact(), (one, other)
        first.write_bytes(contents[0])
        second.write_bytes(contents[1])
    assert whole.intact()


def test_a_list_made_again_over_changed_files_is_caught_in_each_mode(whole: Sealed) -> None:
    (whole.pack / "index.html").write_text("<p>2 jobs</p>")
    assert not whole.intact()
    sums.write(whole.pack)
    assert not whole.intact(), "the attestation, and the signature where there is one, speak of another list"
