"""The chain beyond its first link: earlier packs are checked as such, and none is passed over in silence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from audit.errors import IntegrityError
from audit.model import Window
from audit.seal import chain, envelope, statement, sums
from audit.seal.verify import Result
from audit.seal.verify.chained import chained
from tests.seal import sealed_pack


class Three:
    """Three signed packs in a row."""

    def __init__(self, root: Path) -> None:
        self.packs = root / "packs"
        self.key = sealed_pack.key(root)
        self.first, self.second, self.third = (
            sealed_pack.make(self.packs, self.key, run_id=each) for each in ("r1", "r2", "r3")
        )


@pytest.fixture
def three(tmp_path: Path) -> Three:
    made = Three(tmp_path)
    assert chained(made.third).result is Result.OK
    return made


def test_an_earlier_pack_with_another_signature_breaks_it(three: Three) -> None:
    (three.first / sums.SIGNATURE).write_bytes(three.key.sign(b"x"))
    found = chained(three.third)
    assert found.result is Result.FAILED
    assert "compliance-2026-10-r2 follows compliance-2026-10-r1" in found.told[-1]


def test_an_earlier_pack_with_another_attestation_breaks_it(three: Three) -> None:
    link = statement.previous_of(envelope.read(three.second).payload)
    envelope.write(three.second, statement.of(three.second, link), None)
    assert "the attestation is not signed with key" in chained(three.third).told[-1]
    shutil.copy(three.first / sums.ATTESTATION, three.second / sums.ATTESTATION)
    assert "the attestation speaks of another SHA256SUMS" in chained(three.third).told[-1]


def test_a_link_that_skips_a_pack_is_no_pass(three: Three) -> None:
    link = statement.previous_of(envelope.read(three.second).payload)
    envelope.write(three.third, statement.of(three.third, link), three.key)
    found = chained(three.third)
    assert found.result is Result.NOT_CHECKED
    assert "though compliance-2026-10-r2 lies between" in found.told[-1]


def test_one_made_later_and_followed_by_none_is_no_pass(three: Three) -> None:
    sealed_pack.make(three.packs, three.key, run_id="r0", window=Window.month(2026, 9))
    found = chained(three.third)
    assert found.result is Result.NOT_CHECKED
    assert "compliance-2026-10-r1 follows none, though compliance-2026-09-r0 lies between" in found.told[-1]


def test_a_damaged_pack_beside_them_is_no_pass(three: Three) -> None:
    other = sealed_pack.make(three.packs, three.key, run_id="r4")
    (other / "pack.json").write_text("{}")
    found = chained(three.third)
    assert found.result is Result.NOT_CHECKED
    assert f"{other.name} can't be read" in found.told[-1]


def test_whether_a_damaged_one_names_a_pack_is_not_known(three: Three) -> None:
    digest = sums.digest(three.first)
    assert chain.naming(three.packs, three.first.name, digest) == [three.second.name]
    (three.second / sums.ATTESTATION).write_text("{}")
    (found,) = chain.naming(three.packs, three.first.name, digest)
    assert isinstance(found, chain.Damaged)


def test_heads_of_packs_tell_what_is_none(three: Three) -> None:
    (three.packs / "unsealed").mkdir()
    (three.packs / "link").symlink_to(three.first)
    (three.packs / ".part").mkdir()
    (three.packs / "notes.txt").write_text("x")
    found = {each.name: each for each in chain.heads(three.packs)}
    assert set(found) == {"unsealed", "link", three.first.name, three.second.name, three.third.name}
    assert {name for name, each in found.items() if isinstance(each, chain.Damaged)} == {"unsealed", "link"}


def test_the_gaps_are_those_of_the_sealed_coverage(three: Three) -> None:
    assert statement.gaps(three.first) == {"units": 1, "items": 0, "by_reason": {"forbidden": 1}}
    (three.first / statement.COVERAGE).write_bytes(b"x")
    with pytest.raises(IntegrityError, match="can't be read"):
        statement.gaps(three.first)
