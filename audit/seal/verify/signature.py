"""The signature over SHA256SUMS, and the attestation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audit.seal import envelope, head, keys, statement, sums, tree
from audit.seal.verify.checks import Check, failed, lacking, ok

if TYPE_CHECKING:
    from audit.seal.keys import PublicKey

SIGNED = "SHA256SUMS is signed"
ATTESTED = "The attestation says what the pack holds, and is signed as the pack is"


class Signed(NamedTuple):
    """What the signature is worth. ``standing``: authentic, unknown, unsigned, untrusted or refused."""

    check: Check
    standing: str
    key: PublicKey | None


def signature(pack: Path, trusted: Sequence[PublicKey]) -> Signed:
    """Check the signature, with a trusted key where there is one, else with the key that the pack itself names."""
    signer = head.read(pack).signer
    if signer is None:
        return _unsigned(asked=bool(trusted))
    known = {each.keyid: each for each in trusted}
    key = known.get(signer.keyid) or keys.public_text(signer.public_key)
    if key is None or (key.keyid, key.pem) != (signer.keyid, signer.public_key):
        return Signed(failed(SIGNED, "the key that the pack names is not what it says"), "refused", None)
    if not key.made(tree.read(pack, sums.SIGNATURE), tree.read(pack, sums.SUMS)):
        return Signed(failed(SIGNED, f"the signature was not made with key {key.keyid} over this list"), "refused", key)
    return _worth(key, trusted=key.keyid in known, asked=bool(trusted))


def _unsigned(*, asked: bool) -> Signed:
    told = "nobody signed this pack"
    if asked:
        return Signed(failed(SIGNED, told, "a signature of a trusted key was asked for"), "untrusted", None)
    return Signed(lacking(SIGNED, told), "unsigned", None)


def _worth(key: PublicKey, *, trusted: bool, asked: bool) -> Signed:
    """Say what a good signature is worth to this reader."""
    if trusted:
        return Signed(ok(SIGNED, f"with the trusted key {key.keyid}"), "authentic", key)
    told = f"with key {key.keyid}, which the pack itself names"
    if asked:
        return Signed(failed(SIGNED, told, "and which is none of the trusted ones"), "untrusted", key)
    return Signed(ok(SIGNED, told, "whose that is, only its owner can tell: --key gives a trusted one"), "unknown", key)


def attestation(pack: Path, key: PublicKey | None) -> Check:
    """Check the envelope's signature, and that its statement is what the sealed files say."""
    told = unattested(pack, key)
    payload = envelope.read(pack).payload
    if statement.of(pack, statement.previous_of(payload)) != payload:
        told.append("the statement is not what the sealed files say")
    if told:
        return failed(ATTESTED, *told)
    return ok(ATTESTED) if key else ok(ATTESTED, "it is not signed, like the pack")


def unattested(pack: Path, key: PublicKey | None) -> list[str]:
    """Return what is wrong with the attestation as such: who signed it, and of which list of digests it speaks."""
    found = envelope.read(pack)
    told = []
    if key is None and found.signatures:
        told.append("the attestation is signed, and the pack is not")
    if key is not None and not envelope.signed_by(found, key):
        told.append(f"the attestation is not signed with key {key.keyid} alone")
    if statement.subject_of(found.payload) != sums.digest(pack):
        told.append(f"the attestation speaks of another {sums.SUMS}")
    return told
