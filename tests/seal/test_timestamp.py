"""Timestamps: asked over TLS, kept beside the seal, verified offline and by OpenSSL; never trusted by themselves."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from audit.config.settings import SealSettings
from audit.errors import ConfigError, ExitCode, TimestampFailed
from audit.pipeline.signing import stamping, trusted_roots
from audit.seal import sums
from audit.seal.timestamp import Stamping
from audit.seal.verify import Result
from audit.seal.verify.stamp import stamp
from tests.conftest import needs
from tests.seal import sealed_pack
from tests.seal.authority import Authority, serving
from tests.seal.test_signature import commands, run

pytestmark = needs("openssl")


class Stamped:
    """A signed pack with a timestamp, and the authority that made it."""

    def __init__(self, root: Path, authority: Authority, url: str) -> None:
        self.root, self.authority, self.url = root, authority, url
        self.key = sealed_pack.key(root)
        self.pack = sealed_pack.make(root / "packs", self.key, stamp=self.asked())
        self.roots = trusted_roots(SealSettings(), root, [authority.root])

    def asked(self, **settings: object) -> Stamping:
        told = msgspec.convert({"timestamp_url": self.url, **settings}, SealSettings)
        made = stamping(told, self.root)
        assert made
        return made

    @property
    def token(self) -> Path:
        return self.pack / sums.TIMESTAMP


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stamped]:
    authority = Authority(tmp_path / "authority")
    with serving(authority) as url:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.folder / "tls.pem"))
        yield Stamped(tmp_path, authority, url)


def test_a_timestamp_is_the_authoritys_where_its_root_is_trusted(made: Stamped, tmp_path: Path) -> None:
    trusted = stamp(made.pack, made.roots)
    assert trusted.check
    assert trusted.check.result is Result.OK
    assert "UTC, as CN=Test TSA says of SHA256SUMS.sig" in trusted.check.told[0]
    assert trusted.time.endswith("UTC, asserted by CN=Test TSA")
    unknown = stamp(made.pack, [])
    assert unknown.check
    assert (unknown.check.result, unknown.time) == (Result.NOT_CHECKED, "")
    other = Authority(tmp_path / "other")
    wrong = stamp(made.pack, trusted_roots(SealSettings(), tmp_path, [other.root]))
    assert wrong.check
    assert (wrong.check.result, wrong.time) == (Result.FAILED, "")


def test_verify_md_of_a_timestamped_pack_runs_as_it_is_printed(made: Stamped) -> None:
    shutil.copy(made.root / "key.pub.pem", made.pack.parent / "pub.pem")
    shutil.copy(made.authority.root, made.pack.parent / "tsa-ca.pem")
    told = [run(block, made.pack) for block in commands(made.pack)]
    assert [each.returncode for each in told] == [0] * 7, [each.stderr for each in told]
    assert "Verification: OK" in told[5].stdout + told[5].stderr
    assert "Time stamp: " in told[6].stdout
    other = sealed_pack.make(made.root / "others", made.key, run_id="r2", stamp=made.asked())
    shutil.copy(other / sums.TIMESTAMP, made.token)
    assert run(commands(made.pack)[5], made.pack).returncode != 0


def test_every_byte_of_a_timestamp_counts_where_its_authority_is_trusted(made: Stamped) -> None:
    content, good = made.token.read_bytes(), stamp(made.pack, made.roots).check
    assert good
    failed, accepted = 0, []
    for at in range(len(content)):
        made.token.write_bytes(content[:at] + bytes([content[at] ^ (1 << (at % 8))]) + content[at + 1 :])
        found = stamp(made.pack, made.roots).check
        assert found
        failed += found.result is Result.FAILED
        if found.result is not Result.FAILED and found != good:
            accepted.append(at)
    assert accepted == [], "another time, or another authority, is never asserted"
    assert failed > 0.9 * len(content)


def test_a_timestamp_taken_away_moved_or_slipped_in_is_told(made: Stamped) -> None:
    other = sealed_pack.make(made.root / "others", made.key, run_id="r2", stamp=made.asked())
    plain = sealed_pack.make(made.root / "plain", made.key, run_id="r3")
    assert stamp(plain, []).check is None
    shutil.copy(made.token, plain / sums.TIMESTAMP)
    shutil.copy(other / sums.TIMESTAMP, made.token)
    for pack in (plain, made.pack):
        found = stamp(pack, made.roots).check
        assert found
        assert found.result is Result.FAILED
    command = [sys.executable, "-m", "audit", "verify", str(made.pack), "--tsa-ca", str(made.authority.root)]
    made.token.unlink()
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert ran.returncode == ExitCode.INTEGRITY
    assert "SHA256SUMS.tsr" in ran.stdout


def test_without_a_signature_the_list_itself_is_timestamped(made: Stamped) -> None:
    pack = sealed_pack.make(made.root / "unsigned", run_id="r2", stamp=made.asked())
    found = stamp(pack, made.roots).check
    assert found
    assert found.told[0].endswith("says of SHA256SUMS")
    assert "-data SHA256SUMS -CAfile" in (pack / "VERIFY.md").read_text()


def test_an_authority_that_does_not_answer_is_said_and_nothing_is_kept(made: Stamped, tmp_path: Path) -> None:
    made.authority.status = 503
    with pytest.raises(TimestampFailed, match="it answered 503") as refused:
        made.asked().token(b"x")
    assert refused.value.exit_code is ExitCode.UNREACHABLE
    with pytest.raises(TimestampFailed, match="it can't be reached"):
        made.asked(timestamp_url="https://127.0.0.1:9/").token(b"x")
    made.authority.status = 200
    other = Authority(tmp_path / "other")
    with pytest.raises(TimestampFailed, match="no trusted authority"):
        made.asked(timestamp_roots=[str(other.root)]).token(b"x")
    made.authority.answer = lambda _: b"nonsense"  # type: ignore[method-assign]
    with pytest.raises(TimestampFailed, match="can't be read"):
        made.asked().token(b"x")


def test_an_answer_to_another_question_is_refused(made: Stamped) -> None:
    kept = made.token.read_bytes()
    made.authority.answer = lambda _: kept  # type: ignore[method-assign]
    with pytest.raises(TimestampFailed, match="about something else"):
        made.asked().token(b"x")
    with pytest.raises(TimestampFailed, match="answers another question"):
        made.asked().token((made.pack / sums.SIGNATURE).read_bytes())


def test_what_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ConfigError, match="no certificate in PEM"):
        trusted_roots(SealSettings(), tmp_path, [tmp_path / "text"])
    with pytest.raises(ConfigError, match="can't be read"):
        trusted_roots(SealSettings(timestamp_roots=("none.pem",)), tmp_path)
