"""The signature over SHA256SUMS, the attestation, and the chain of packs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audit.errors import IntegrityError
from audit.seal import chain, envelope, head, keys, statement, sums, tree
from audit.seal.verify.checks import Check, failed, lacking, ok

if TYPE_CHECKING:
    from audit.seal.keys import PublicKey

SIGNED = "SHA256SUMS is signed"
ATTESTED = "The attestation says what the pack holds, and is signed as the pack is"
CHAIN = "The packs before it are those that it follows"


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
    found = envelope.read(pack)
    told = []
    if key is None and found.signatures:
        told.append("the attestation is signed, and the pack is not")
    if key is not None and not envelope.signed_by(found, key):
        told.append(f"the attestation is not signed with key {key.keyid} alone")
    if statement.of(pack, statement.previous_of(found.payload)) != found.payload:
        told.append("the statement is not what the sealed files say")
    if told:
        return failed(ATTESTED, *told)
    return ok(ATTESTED) if key else ok(ATTESTED, "it is not signed, like the pack")


def chained(pack: Path) -> Check:
    """Follow the chain back as far as the earlier packs lie beside this one."""
    told: list[str] = []
    name, seen, link = pack.name, {pack.name}, statement.previous_of(envelope.read(pack).payload)
    while link is not None:
        if "/" in link.name or link.name in (".", "..", "") or link.name in seen:
            return failed(CHAIN, *told, f"{name} says that it follows {link.name!r}, which can't be")
        earlier = pack.parent / link.name
        if earlier.is_symlink() or not earlier.is_dir():
            return lacking(CHAIN, *told, f"{name} follows {link.name} ({link.sha256[:16]}…), which is not at hand")
        try:
            digest = sums.digest(earlier)
            if digest != link.sha256:
                why = f"{link.name} has the digest {digest[:16]}…, and {name} follows one with {link.sha256[:16]}…"
                return failed(CHAIN, *told, why)
            told.append(f"{name} follows {link.name}")
            name, link = link.name, statement.previous_of(envelope.read(earlier).payload)
        except IntegrityError as error:
            return failed(CHAIN, *told, f"{earlier.name}: {error.message}")
        seen.add(name)
    between = chain.previous(pack.parent, head.read(pack)) if not told else None
    if between is not None:
        told.append(f"it follows none, though {between.name} lies beside it: that one may have been made later")
    return ok(CHAIN, *told, f"{name} is the first of its kind")
