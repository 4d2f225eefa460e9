"""Sealing: everything that turns a finished folder into a pack that can be checked, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.seal import chain, envelope, guide, head, statement, sums, timestamp, tree
from audit.store import atomic

if TYPE_CHECKING:
    from pathlib import Path

    from audit.seal.keys import Signing
    from audit.seal.timestamp import Stamping


def seal(folder: Path, about: head.PackHead, *, packs: Path, key: Signing | None, stamp: Stamping | None = None) -> str:
    """Seal a folder that holds all that a pack holds, and return the pack's digest.

    ``packs``: where earlier packs lie, for the chain. ``key``, ``stamp``: those which ``about`` names as its signer and
    its timestamp authority. Raises IntegrityError where the folder holds what no pack holds, StoreError, and whatever
    signing and timestamping raise.
    """
    head.write(folder, about)
    atomic.write(folder / guide.GUIDE, guide.text(about).encode())
    digest = sums.write(folder)
    if key is not None:
        atomic.write(folder / sums.SIGNATURE, key.sign(tree.read(folder, sums.SUMS)))
    if stamp is not None:
        atomic.write(folder / sums.TIMESTAMP, stamp.token(tree.read(folder, timestamp.stamped(about))))
    envelope.write(folder, statement.of(folder, chain.previous(packs, about)), key)
    return digest
