"""Sealing: everything that turns a finished folder into a pack that can be checked, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.seal import chain, envelope, guide, head, statement, sums, tree
from audit.store import atomic

if TYPE_CHECKING:
    from pathlib import Path

    from audit.seal.keys import Signing


def seal(folder: Path, about: head.PackHead, *, packs: Path, key: Signing | None) -> str:
    """Seal a folder that holds all that a pack holds, and return the pack's digest.

    ``packs``: where earlier packs lie, for the chain. ``key``: that which ``about`` names as its signer.
    Raises IntegrityError where the folder holds what no pack holds, StoreError.
    """
    head.write(folder, about)
    atomic.write(folder / guide.GUIDE, guide.text(about).encode())
    digest = sums.write(folder)
    if key is not None:
        atomic.write(folder / sums.SIGNATURE, key.sign(tree.read(folder, sums.SUMS)))
    envelope.write(folder, statement.of(folder, chain.previous(packs, about)), key)
    return digest
