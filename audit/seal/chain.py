"""The chain: each pack's attestation names the pack of its kind before it, so that none can be left out unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import IntegrityError
from audit.seal import envelope, head, statement, sums
from audit.seal.statement import Previous

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def previous(packs: Path, about: head.PackHead) -> Previous | None:
    """Return the newest pack of the same kind beside it that is earlier: by the end of its window, then by its run."""
    mine = _order(about)
    earlier = [(_order(each), each.name) for each in heads(packs) if each.pack == about.pack and _order(each) < mine]
    if not earlier:
        return None
    name = max(earlier)[1]
    return Previous(name=name, sha256=sums.digest(packs / name))


def naming(packs: Path, name: str, digest: str) -> list[str]:
    """Return the packs beside it whose attestation names this one with this digest: they would break without it."""
    found = []
    for each in heads(packs):
        try:
            link = statement.previous_of(envelope.read(packs / each.name).payload)
        except IntegrityError:
            continue
        if link is not None and (link.name, link.sha256) == (name, digest):
            found.append(each.name)
    return found


def _order(about: head.PackHead) -> tuple[str, str]:
    return (about.window.until.isoformat(), about.run_id)


def heads(packs: Path) -> Iterator[head.PackHead]:
    """Yield the heads of the sealed packs in a folder, in order of their names; what isn't one is none."""
    for folder in sorted(packs.iterdir()) if packs.is_dir() else ():
        if folder.name.startswith(".") or folder.is_symlink() or not folder.is_dir():
            continue
        try:
            about, _ = head.read(folder), sums.digest(folder)
        except IntegrityError:
            continue
        if about.name == folder.name:
            yield about
