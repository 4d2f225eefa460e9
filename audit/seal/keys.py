"""Keys: ECDSA on P-256, which OpenSSL, Key Vault and every auditor's tools know; as PEM files.

A key's id is the SHA-256 of its public half (DER SubjectPublicKeyInfo), as
``openssl pkey -pubin -in pub.pem -outform DER | sha256sum`` gives it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from audit.errors import ConfigError, UsageError
from audit.store import atomic

_PUBLIC = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
_MOST_BYTES = 64 << 10


class Signing(Protocol):
    """What can sign: a local key, or one that never leaves its vault."""

    @property
    def keyid(self) -> str:
        """SHA-256 of the public key, hex."""

    @property
    def public_pem(self) -> str:
        """The public key."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature over the SHA-256 of the data, DER."""


class PublicKey:
    """A key that signatures are checked with."""

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        self._key = key
        self.pem = key.public_bytes(*_PUBLIC).decode()
        der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.keyid = hashlib.sha256(der).hexdigest()

    @property
    def raw(self) -> ec.EllipticCurvePublicKey:
        """The key as the cryptography library has it."""
        return self._key

    def made(self, signature: bytes, data: bytes) -> bool:
        """Tell whether this key made the signature (DER) over the SHA-256 of the data."""
        try:
            self._key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


class LocalKey:
    """A private key that was read from a file. The same data gets the same signature (RFC 6979)."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())

    @property
    def keyid(self) -> str:
        """SHA-256 of the public key, hex."""
        return self.public.keyid

    @property
    def public_pem(self) -> str:
        """The public key."""
        return self.public.pem

    def sign(self, data: bytes) -> bytes:
        """Return the signature over the SHA-256 of the data, DER."""
        try:
            return self._key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        except UnsupportedAlgorithm:  # an OpenSSL before 3.2: then each signature is another one, and as good
            return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def generate(path: Path, passphrase: str = "") -> PublicKey:
    """Make a key pair: ``path``, readable by its owner alone, and beside it NAME.pub.pem; return the public half.

    With a passphrase the private half is encrypted (PKCS#8). Raises UsageError where a file of that name exists: a key
    that is overwritten can't sign any more, and no one can tell which packs it signed. StoreError.
    """
    public = path.with_name(f"{path.name.removesuffix('.pem')}.pub.pem")
    for taken in (path, public):
        if taken.exists() or taken.is_symlink():
            raise UsageError(
                "a file of this name exists, and a key is never overwritten",
                where=str(taken),
                hint="choose another name; move the old key to safety if it was to be replaced",
            )
    key = ec.generate_private_key(ec.SECP256R1())
    locked = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    made = PublicKey(key.public_key())
    atomic.make_folder(path.parent)
    with atomic.refusals(path.parent):
        for target, content in ((path, private), (public, made.pem.encode())):
            _new(target, content)
    return made


def private(path: Path, passphrase: str = "") -> LocalKey:
    """Read a private key. Raises ConfigError: no file, not P-256, or not with this passphrase."""
    content = _content(path, "jobaudit keygen makes one")
    try:
        key = serialization.load_pem_private_key(content, passphrase.encode() if passphrase else None)
    except TypeError:
        told = "the key is encrypted, and no passphrase was given" if not passphrase else "the key is not encrypted"
        hint = (
            "set the environment variable that seal.passphrase_env names"
            if not passphrase
            else ("leave seal.passphrase_env out, or encrypt the key")
        )
        raise ConfigError(told, where=str(path), hint=hint) from None
    except (ValueError, UnsupportedAlgorithm):
        told = "this is not a private key in PEM, or the passphrase is not its own"
        raise ConfigError(told, where=str(path), hint="jobaudit keygen makes one that fits") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _other(path)
    return LocalKey(key)


def public(path: Path) -> PublicKey:
    """Read a public key. Raises ConfigError."""
    return _public(_content(path, "give the .pub.pem that came with the private key"), str(path))


def public_text(pem: str) -> PublicKey | None:
    """Return the public key that a hostile text holds, or None where it holds none of ours."""
    try:
        found = _public(pem.encode(), "")
    except (ConfigError, UnicodeEncodeError):
        return None
    return found if found.pem == pem else None


def _public(content: bytes, where: str) -> PublicKey:
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        hint = "give the .pub.pem: a public key in PEM; a private key is not shown around"
        raise ConfigError("this is not a public key in PEM", where=where, hint=hint) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _other(where)
    return PublicKey(key)


def _content(path: Path, hint: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise ConfigError(f"the key can't be read: {error.strerror}", where=str(path), hint=hint) from None


def _other(where: Path | str) -> ConfigError:
    return ConfigError("the key is not ECDSA on P-256", where=str(where), hint="jobaudit keygen makes one that fits")


def _new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, atomic.FILE_MODE)
    try:
        os.fchmod(descriptor, atomic.FILE_MODE)
        atomic.write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
