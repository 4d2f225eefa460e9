"""Who signed: authentic only with a key that the reader trusts; OpenSSL agrees; VERIFY.md runs as it is printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from audit.errors import ConfigError, IntegrityError, UsageError
from audit.model import Window
from audit.seal import chain, envelope, keys, sealing, statement, sums
from audit.seal.verify import Report, Result, sealed
from audit.seal.verify.checks import failed, lacking, ok
from tests.conftest import needs
from tests.seal import sealed_pack

pytestmark = needs("openssl")


def standing(pack: Path, *trusted: keys.PublicKey) -> str:
    checks, signed = sealed(pack, trusted)
    return signed.standing if all(check.result is not Result.FAILED for check in checks) else "failed"


def test_who_signed_is_never_said_to_be_more_than_was_shown(tmp_path: Path) -> None:
    mine, other = sealed_pack.key(tmp_path), sealed_pack.key(tmp_path, "other.pem")
    signed, unsigned = sealed_pack.make(tmp_path / "a", mine), sealed_pack.make(tmp_path / "b")
    assert standing(signed) == "unknown"
    assert standing(signed, mine.public) == "authentic"
    assert standing(signed, other.public, mine.public) == "authentic"
    assert standing(signed, other.public) == "failed"
    assert standing(unsigned) == "unsigned"
    assert standing(unsigned, mine.public) == "failed"


@pytest.mark.parametrize(
    ("signer", "words"),
    [
        ("authentic", "authentic: intact, and signed with the trusted key K; time asserted by the operator"),
        ("unknown", "intact, signer unknown"),
        ("unsigned", "intact, NOT SIGNED"),
    ],
)
def test_the_last_line_says_what_was_shown(signer: str, words: str) -> None:
    good = Report(checks=(ok("a"), lacking("b", "no")), signer=signer, keyid="K")
    assert good.verdict.startswith(words)
    assert good.verdict.endswith("time asserted by the operator; 1 of 2 checks were not made")
    assert Report(checks=(ok("a"),), signer=signer, keyid="K").verdict.endswith("time asserted by the operator")
    bad = Report(checks=(ok("a"), failed("b", "wrong")), signer=signer, keyid="K")
    assert (bad.verdict, bad.intact) == ("NOT INTACT", False)
    assert not Report(checks=(), signer=signer, keyid="K").intact, "an empty list passes nothing"


def test_somebody_who_signs_a_changed_pack_anew_is_not_taken_for_the_signer(tmp_path: Path) -> None:
    mine, other = sealed_pack.key(tmp_path), sealed_pack.key(tmp_path, "other.pem")
    pack = sealed_pack.make(tmp_path / "packs", mine)
    (pack / "index.html").write_text("<p>2 jobs</p>")
    for name in (sums.SUMS, sums.SIGNATURE, sums.ATTESTATION):
        (pack / name).unlink()
    sealing.seal(pack, sealed_pack.about(other), packs=pack.parent, key=other)
    assert standing(pack) == "unknown"
    assert standing(pack, mine.public) == "failed"
    _, asked = sealed(pack, [mine.public])
    report = Report(checks=(ok("files"), asked.check), signer=asked.standing, keyid="")
    assert report.verdict.startswith("NOT AUTHENTIC: the files are as they were sealed")
    assert not report.intact
    broken = Report(checks=(failed("files", "one differs"), asked.check), signer=asked.standing, keyid="")
    assert broken.verdict == "NOT INTACT"
    sealing.seal(pack, sealed_pack.about(mine), packs=pack.parent, key=other)  # names one key, signs with another
    assert standing(pack) == "failed"


def test_openssl_accepts_the_signature_and_refuses_another_list(tmp_path: Path) -> None:
    pack = sealed_pack.make(tmp_path / "packs", sealed_pack.key(tmp_path))
    command = ["openssl", "dgst", "-sha256", "-verify", str(tmp_path / "key.pub.pem"), "-signature"]
    command += [sums.SIGNATURE, sums.SUMS]
    ran = subprocess.run(command, cwd=pack, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "Verified OK\n")
    with (pack / sums.SUMS).open("ab") as file:
        file.write(b"\n")
    assert subprocess.run(command, cwd=pack, capture_output=True, check=False).returncode == 1


def commands(pack: Path) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```$", (pack / "VERIFY.md").read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 3
    return blocks


def run(block: str, pack: Path) -> subprocess.CompletedProcess[str]:
    """Run a block as somebody does who pastes it into a shell: nothing but its own words ends it early."""
    return subprocess.run(["bash", "-c", block], cwd=pack, capture_output=True, text=True, check=False)


def test_verify_md_runs_as_it_is_printed(tmp_path: Path) -> None:
    pack = sealed_pack.make(tmp_path / "packs", sealed_pack.key(tmp_path))
    shutil.copy(tmp_path / "key.pub.pem", pack.parent / "pub.pem")
    told = [run(block, pack) for block in commands(pack)]
    assert [each.returncode for each in told] == [0] * 5, [each.stderr for each in told]
    assert told[2].stdout == "Verified OK\n"
    assert told[4].stdout.startswith('Verified OK\n{"_type":"https://in-toto.io/Statement/v1"')
    assert standing(pack) == "unknown", "checking a pack leaves nothing in it"


def test_verify_md_catches_what_it_says_it_does(tmp_path: Path) -> None:
    pack = sealed_pack.make(tmp_path / "packs", sealed_pack.key(tmp_path))
    sealed_pack.key(tmp_path, "other.pem")
    shutil.copy(tmp_path / "other.pub.pem", pack.parent / "pub.pem")
    changed, added, signed, whose, attested = commands(pack)
    assert [run(block, pack).returncode == 0 for block in (signed, whose, attested)] == [False] * 3
    (pack / "added").write_text("x")
    assert run(added, pack).returncode != 0
    (pack / "index.html").write_text("x")
    assert run(changed, pack).returncode != 0


def test_verify_md_catches_the_attestation_of_another_pack_by_the_same_signer(tmp_path: Path) -> None:
    key = sealed_pack.key(tmp_path)
    pack = sealed_pack.make(tmp_path / "packs", key)
    other = sealed_pack.make(tmp_path / "others", key, run_id="another")
    shutil.copy(tmp_path / "key.pub.pem", pack.parent / "pub.pem")
    shutil.copy(other / "attestation.dsse.json", pack / "attestation.dsse.json")
    ran = run(commands(pack)[4], pack)
    assert ran.stdout == "Verified OK\n"
    assert ran.returncode != 0


def test_verify_md_of_an_unsigned_pack_says_so_loudly(tmp_path: Path) -> None:
    pack = sealed_pack.make(tmp_path / "packs")
    assert "**Nobody. This pack is not signed.**" in (pack / "VERIFY.md").read_text()
    assert [run(block, pack).returncode for block in commands(pack)] == [0, 0, 0]


def test_the_attestation_is_an_in_toto_statement_about_the_list(tmp_path: Path) -> None:
    mine = sealed_pack.key(tmp_path)
    pack = sealed_pack.make(tmp_path / "packs", mine)
    found = envelope.read(pack)
    told = json.loads(found.payload)
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    assert told["subject"] == [{"name": "SHA256SUMS", "digest": {"sha256": sums.digest(pack)}}]
    about = told["predicate"]
    assert about["run"]["run_id"] == "r1"
    assert about["caller"] == {"object_id": "o", "kind": "app"}
    assert about["counts"]["tables"] == {"coverage": 1, "jobs": 1}
    assert about["gaps"] == {"units": 1, "items": 0, "by_reason": {"forbidden": 1}}
    assert about["window"] == {"since": "2026-10-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}
    assert set(about["digests"]) == {"configuration", "controls", "exceptions"}
    assert about["previous"] is None
    assert list(found.signatures) == [mine.keyid]
    assert envelope.signed_by(found, mine.public)


def test_each_pack_names_the_one_of_its_kind_before_it(tmp_path: Path) -> None:
    october, november = Window.month(2026, 10), Window.month(2026, 11)
    first = sealed_pack.make(tmp_path, run_id="r1", window=october)
    sealed_pack.make(tmp_path, run_id="r2", window=october, pack="access-review")
    second = sealed_pack.make(tmp_path, run_id="r3", window=november)
    third = sealed_pack.make(tmp_path, run_id="r4", window=november)
    links = [statement.previous_of(envelope.read(each).payload) for each in (first, second, third)]
    assert links[0] is None
    assert [(each.name, each.sha256) for each in links[1:] if each] == [
        (each.name, sums.digest(each)) for each in (first, second)
    ]
    assert chain.naming(tmp_path, first.name, sums.digest(first)) == [second.name]
    assert standing(third) == "unsigned"


def test_a_broken_chain_is_told_and_a_missing_link_is_not_a_pass(tmp_path: Path) -> None:
    first = sealed_pack.make(tmp_path, run_id="r1")
    sealed_pack.make(tmp_path, run_id="r2")
    third = sealed_pack.make(tmp_path, run_id="r3")
    assert sealed(third)[0][4].result is Result.OK
    (first / "index.html").write_text("rewritten")
    sums.write(first)
    broken = sealed(third)[0][4]
    assert broken.result is Result.FAILED
    assert "compliance-2026-10-r2 follows compliance-2026-10-r1: it has the digest" in broken.told[-1]
    shutil.rmtree(first)
    assert sealed(third)[0][4].result is Result.NOT_CHECKED


def test_a_renamed_pack_is_told(tmp_path: Path) -> None:
    pack = sealed_pack.make(tmp_path)
    moved = pack.rename(tmp_path / "compliance-2026-09-r1")
    assert standing(moved) == "failed"
    assert any("was sealed as compliance-2026-10-r1" in told for told in sealed(moved)[0][1].told)


def test_links_out_of_the_pack_are_told(tmp_path: Path) -> None:
    pack = sealed_pack.make(tmp_path / "packs", sealed_pack.key(tmp_path))
    for name in (sums.SIGNATURE, sums.ATTESTATION, "run.json", "pack.json"):
        away = tmp_path / name
        (pack / name).rename(away)
        (pack / name).symlink_to(away)
        assert standing(pack) == "failed", name
        (pack / name).unlink()
        away.rename(pack / name)
    assert standing(pack) == "unknown"
    (tmp_path / "link").symlink_to(pack)
    assert standing(tmp_path / "link") == "failed"


def test_what_is_no_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="no SHA256SUMS"):
        sealed(tmp_path)


def test_a_key_is_the_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    os.umask(0)
    made = keys.generate(tmp_path / "new/key.pem")
    assert (tmp_path / "new/key.pem").stat().st_mode & 0o777 == 0o600
    assert keys.public(tmp_path / "new/key.pub.pem").keyid == made.keyid
    before = (tmp_path / "new/key.pem").read_bytes()
    with pytest.raises(UsageError, match="never overwritten"):
        keys.generate(tmp_path / "new/key.pem")
    (tmp_path / "new/key.pem").unlink()
    with pytest.raises(UsageError, match="never overwritten"):
        keys.generate(tmp_path / "new/key.pem")
    assert not (tmp_path / "new/key.pem").exists()
    assert b"ENCRYPTED" not in before


def test_a_passphrase_locks_the_key(tmp_path: Path) -> None:
    keys.generate(tmp_path / "key.pem", "correct horse")
    assert b"ENCRYPTED" in (tmp_path / "key.pem").read_bytes()
    assert keys.private(tmp_path / "key.pem", "correct horse").sign(b"x")
    for wrong, why in (("", "no passphrase was given"), ("battery", "passphrase is not its own")):
        with pytest.raises(ConfigError, match=why):
            keys.private(tmp_path / "key.pem", wrong)
    keys.generate(tmp_path / "open.pem")
    with pytest.raises(ConfigError, match="not encrypted"):
        keys.private(tmp_path / "open.pem", "correct horse")


def test_other_keys_and_other_files_are_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    for name, key in (
        ("rsa", rsa.generate_private_key(65537, 2048)),
        ("p384", ec.generate_private_key(ec.SECP384R1())),
    ):
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / f"{name}.pem").write_bytes(pem)
        public = key.public_key().public_bytes(Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / f"{name}.pub.pem").write_bytes(public)
        for read in (keys.private, keys.public):
            path = tmp_path / (f"{name}.pem" if read is keys.private else f"{name}.pub.pem")
            with pytest.raises(ConfigError, match="not ECDSA on P-256"):
                read(path)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ConfigError, match="not a private key"):
        keys.private(tmp_path / "text")
    with pytest.raises(ConfigError, match="not a public key"):
        keys.public(tmp_path / "text")
    with pytest.raises(ConfigError, match="can't be read"):
        keys.public(tmp_path / "none")


def test_the_same_key_signs_the_same_list_alike(tmp_path: Path) -> None:
    mine = sealed_pack.key(tmp_path)
    assert mine.sign(b"x") == mine.sign(b"x") != mine.sign(b"y")
