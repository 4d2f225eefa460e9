"""The chain of packs, followed back as far as they lie beside this one."""

from __future__ import annotations

from pathlib import Path

from audit.errors import IntegrityError
from audit.seal import chain, envelope, head, statement, sums
from audit.seal.verify import signature
from audit.seal.verify.checks import Check, Result, failed, lacking, ok

CHAIN = "The packs before it are those that it follows"


def chained(pack: Path) -> Check:
    """Check that each pack before is the one that is named, sealed and attested as it was, and that none was left out.

    What lies beside them and may belong between is never a pass.
    """
    told: list[str] = []
    left_out = [
        f"{each.name} can't be read, so whether one of them should follow it can't be told: {each.why}"
        for each in chain.damaged(pack.parent, head.read(pack).pack)
        if each.name != pack.name
    ]
    at, seen = pack, {pack.name}
    while True:
        try:
            link = statement.previous_of(envelope.read(at).payload)
            left_out += _left_out(at, link)
        except IntegrityError as error:
            return failed(CHAIN, *told, f"{at.name}: {error.message}")
        if link is None:
            told.append(f"{at.name} is the first of its kind")
            return lacking(CHAIN, *told, *left_out) if left_out else ok(CHAIN, *told)
        if "/" in link.name or link.name in (".", "..", "") or link.name in seen:
            return failed(CHAIN, *told, f"{at.name} says that it follows {link.name!r}, which can't be")
        earlier = pack.parent / link.name
        if earlier.is_symlink() or not earlier.is_dir():
            why = f"{at.name} follows {link.name} ({link.sha256[:16]}…), which is not at hand"
            return lacking(CHAIN, *told, *left_out, why)
        if why := _wrong(earlier, link.sha256):
            return failed(CHAIN, *told, f"{at.name} follows {link.name}: {why}")
        told.append(f"{at.name} follows {link.name}")
        at = earlier
        seen.add(at.name)


def _wrong(earlier: Path, sha256: str) -> str:
    """Return why a pack is not the one that was followed, or not as it was sealed; empty = it is."""
    try:
        digest = sums.digest(earlier)
        if digest != sha256:
            return f"it has the digest {digest[:16]}…, and {sha256[:16]}… was followed"
        signed = signature.signature(earlier, ())
        if signed.check.result is Result.FAILED:
            return "; ".join(signed.check.told)
        return "; ".join(signature.unattested(earlier, signed.key))
    except IntegrityError as error:
        return error.message


def _left_out(at: Path, link: statement.Previous | None) -> list[str]:
    """Return the pack that lies between one and that which it follows."""
    between = chain.previous(at.parent, head.read(at))
    if between is None or (link is not None and between.name == link.name):
        return []
    follows = f"follows {link.name}" if link else "follows none"
    if link is not None and not (at.parent / link.name).is_dir():
        return []
    return [f"{at.name} {follows}, though {between.name} lies between: it was left out, or made later"]
