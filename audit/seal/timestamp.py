"""RFC 3161 timestamps: an authority confirms that a signature, or an unsigned list of digests, was there at a time.

https://www.rfc-editor.org/rfc/rfc3161
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

from cryptography import x509

from audit.errors import ConfigError, IntegrityError
from audit.seal import sums

if TYPE_CHECKING:
    from pathlib import Path

    from audit.seal.head import PackHead

_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_MOST_BYTES = 1 << 20


class Stamping(Protocol):
    """What can have something timestamped."""

    @property
    def authority(self) -> str:
        """The address of the authority."""

    def token(self, data: bytes) -> bytes:
        """Return the authority's answer about the data: a TimeStampResp, DER."""


class Asked(NamedTuple):
    """A request as it is sent, and the number in it that the answer has to repeat."""

    content: bytes
    nonce: int | None


class Stamped(NamedTuple):
    """What an answer says: when, and by the certificate of whom."""

    at: datetime
    by: str


def stamped(about: PackHead) -> str:
    """Return the file of a pack that is timestamped: the signature, or where nobody signed the list itself."""
    return sums.SIGNATURE if about.signer else sums.SUMS


def present() -> bool:
    """Tell whether the package that reads timestamps is installed."""
    try:
        import rfc3161_client  # noqa: F401, PLC0415  an extra: most packs have none
    except ImportError:
        return False
    return True


def request(data: bytes) -> Asked:
    """Return the question to an authority: it sees a SHA-256, no more."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder  # noqa: PLC0415

    built = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).cert_request(cert_request=True)
    made = built.build()
    return Asked(made.as_bytes(), made.nonce)


def read(answer: bytes, data: bytes, *, nonce: int | None = None) -> Stamped:
    """Return what an answer says about the data; whether it is the authority's own, :func:`verify` tells.

    Raises IntegrityError where it can't be read, grants nothing, or is about something else.
    """
    from rfc3161_client import PKIStatus, decode_timestamp_response  # noqa: PLC0415

    try:
        found = decode_timestamp_response(answer[:_MOST_BYTES])
        if found.status not in (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS):
            _refuse(", ".join(found.status_string) or f"status {found.status}")
        info = found.tst_info
        imprint = info.message_imprint
        signer = next(iter(found.signed_data.signer_infos))
        names = [
            each.subject.rfc4514_string()
            for each in map(x509.load_der_x509_certificate, found.signed_data.certificates)
            if (each.issuer, each.serial_number) == (signer.issuer, signer.serial_number)
        ]
        at, number = info.gen_time, info.nonce
    except IntegrityError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a hostile answer breaks in the parser, it is no timestamp
        raise IntegrityError(f"the timestamp can't be read: {type(error).__name__}: {error}") from None
    if imprint.hash_algorithm != _SHA256 or imprint.message != hashlib.sha256(data).digest():
        raise IntegrityError("the timestamp is about something else")
    if nonce is not None and number != nonce:
        raise IntegrityError("the timestamp answers another question")
    return Stamped(at, names[0] if names else signer.issuer.rfc4514_string())


def _refuse(why: str) -> NoReturn:
    raise IntegrityError(f"the authority refuses: {why}")


def verify(answer: bytes, data: bytes, roots: Sequence[x509.Certificate]) -> None:
    """Raise IntegrityError where no authority below one of the roots has timestamped the data so."""
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response  # noqa: PLC0415

    try:
        builder = VerifierBuilder(roots=list(roots))
        builder.build().verify(decode_timestamp_response(answer[:_MOST_BYTES]), hashlib.sha256(data).digest())
    except VerificationError as error:
        raise IntegrityError(f"no trusted authority made the timestamp: {error}") from None
    except Exception as error:  # noqa: BLE001  as above
        raise IntegrityError(f"the timestamp can't be verified: {type(error).__name__}: {error}") from None


def roots(paths: Sequence[Path]) -> list[x509.Certificate]:
    """Read the certificates of authorities that a reader trusts. Raises ConfigError."""
    found: list[x509.Certificate] = []
    for path in paths:
        try:
            found += x509.load_pem_x509_certificates(path.read_bytes())
        except OSError as error:
            raise ConfigError(f"the certificate can't be read: {error.strerror}", where=str(path)) from None
        except ValueError:
            hint = "give the authority's root certificate, as its operator publishes it"
            raise ConfigError("this holds no certificate in PEM", where=str(path), hint=hint) from None
    return found
