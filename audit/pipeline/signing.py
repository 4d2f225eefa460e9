"""What signs packs, what timestamps them, and whom a reader trusts, as audit.toml and the command line say."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import ConfigError, IntegrityError, TimestampFailed
from audit.seal import keys, timestamp

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from audit.config import Settings
    from audit.config.settings import SealSettings
    from audit.seal.keys import PublicKey, Signing
    from audit.seal.timestamp import Stamping

_SECONDS = 30
_MOST_BYTES = 1 << 20


def signing_key(settings: Settings, base: Path, environment: Mapping[str, str]) -> Signing | None:
    """Return the key that packs are signed with, or None where audit.toml names none.

    ``base``: audit.toml's folder. Raises ConfigError; of a key in a vault SignInFailed and AzureUnreachable too.
    """
    seal = settings.seal
    if seal.key_file and seal.key_vault_key:
        raise ConfigError(
            "two keys are named to sign with", where="seal.key_file, seal.key_vault_key", hint="leave one of them out"
        )
    if seal.key_vault_key:
        from audit.azure.key_vault import vault_key  # noqa: PLC0415  Azure's SDK: who signs with a file needn't load it

        return vault_key(seal.key_vault_key, settings.cloud, settings.credential)
    if not seal.key_file:
        return None
    name = seal.passphrase_env
    return keys.private(base / seal.key_file, environment.get(name, "") if name else "")


def stamping(settings: SealSettings, base: Path) -> Stamping | None:
    """Return the authority that packs are timestamped by, or None where audit.toml names none. Raises ConfigError."""
    if not settings.timestamp_url:
        return None
    if not timestamp.present():
        raise ConfigError(
            "a timestamp needs a package that is not installed: rfc3161-client",
            where="seal.timestamp_url",
            hint="pip install 'jobaudit[timestamp]', or leave the key out",
        )
    return _Authority(settings.timestamp_url, trusted_roots(settings, base))


def trusted_keys(settings: SealSettings, base: Path, given: Sequence[Path] = ()) -> list[PublicKey]:
    """Return the keys that a reader trusts: those given, else those that audit.toml names. Raises ConfigError."""
    return [keys.public(path) for path in given or [base / name for name in settings.trusted_keys]]


def trusted_roots(settings: SealSettings, base: Path, given: Sequence[Path] = ()) -> list[Certificate]:
    """Return the roots of the timestamp authorities that a reader trusts, likewise. Raises ConfigError."""
    return timestamp.roots(given or [base / name for name in settings.timestamp_roots])


class _Authority:
    """A timestamp authority, asked over HTTP (RFC 3161, section 3.4)."""

    def __init__(self, url: str, roots: Sequence[Certificate]) -> None:
        self.authority, self._roots = url, roots

    def token(self, data: bytes) -> bytes:
        """Return the authority's answer, which is about the data and, where roots are known, below one of them."""
        asked = timestamp.request(data)
        answer = self._answer(asked.content)
        try:
            timestamp.read(answer, data, nonce=asked.nonce)
            if self._roots:
                timestamp.verify(answer, data, self._roots)
        except IntegrityError as error:
            raise self._failed(error.message) from None
        return answer

    def _answer(self, question: bytes) -> bytes:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        request = urllib.request.Request(self.authority, data=question, headers=headers)  # noqa: S310  http(s) by the pattern of the setting
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
                return bytes(response.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            raise self._failed(f"it answered {error.code}") from error
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", None) or error
            raise self._failed(f"it can't be reached: {why}") from error

    def _failed(self, why: str) -> TimestampFailed:
        return TimestampFailed(
            f"the timestamp authority gives no timestamp: {why}",
            where=f"seal.timestamp_url: {self.authority}",
            hint="render the run again when it answers, or leave seal.timestamp_url out: no pack was made",
        )
