"""The chain: each pack's attestation names the pack of its kind before it, so that none can be left out unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from audit.errors import IntegrityError
from audit.seal import envelope, head, statement, sums
from audit.seal.statement import Previous

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Damaged(NamedTuple):
    """A folder among packs that can't be read as one. What it was nobody can tell, so it is never passed over."""

    name: str
    why: str


def previous(packs: Path, about: head.PackHead) -> Previous | None:
    """Return the newest pack of the same kind beside it that is earlier: by the end of its window, then by its run.

    A damaged one can't be followed: :func:`damaged` tells which there are.
    """
    mine = order(about)
    found = [each for each in heads(packs) if isinstance(each, head.PackHead) and each.pack == about.pack]
    earlier = [(order(each), each.name) for each in found if order(each) < mine]
    if not earlier:
        return None
    name = max(earlier)[1]
    return Previous(name=name, sha256=sums.digest(packs / name))


def naming(packs: Path, name: str, digest: str) -> list[str | Damaged]:
    """Return the packs beside it whose attestation names this one with this digest: they would break without it.

    Whether a sealed one names it whose attestation can't be read nobody knows: that is a Damaged among them.
    """
    found: list[str | Damaged] = []
    for each in heads(packs):
        if each.name == name or not (packs / each.name / sums.SUMS).exists():
            continue
        try:
            link = statement.previous_of(envelope.read(packs / each.name).payload)
        except IntegrityError as error:
            found.append(Damaged(each.name, error.message))
            continue
        if link is not None and (link.name, link.sha256) == (name, digest):
            found.append(each.name)
    return found


def damaged(packs: Path, pack: str) -> list[Damaged]:
    """Return what may be a sealed pack of this kind, and can't be read as one."""
    return [
        each
        for each in heads(packs)
        if isinstance(each, Damaged) and each.name.startswith(f"{pack}-") and (packs / each.name / sums.SUMS).exists()
    ]


def order(about: head.PackHead) -> tuple[str, str]:
    """Return what packs of one kind are ordered by."""
    return (about.window.until.isoformat(), about.run_id)


def heads(packs: Path) -> Iterator[head.PackHead | Damaged]:
    """Yield what the folders of packs say about themselves, in order of their names; what can't be read is Damaged."""
    for folder in sorted(packs.iterdir()) if packs.is_dir() else ():
        if not folder.name.startswith(".") and (folder.is_symlink() or folder.is_dir()):
            yield _head(folder)


def _head(folder: Path) -> head.PackHead | Damaged:
    if folder.is_symlink():
        return Damaged(folder.name, "it is a link, and not the folder of a pack")
    try:
        if not (folder / sums.SUMS).exists():
            return Damaged(folder.name, f"it is not sealed: it has no {sums.SUMS}")
        about, _ = head.read(folder), sums.digest(folder)
    except IntegrityError as error:
        return Damaged(folder.name, error.message)
    except OSError as error:
        return Damaged(folder.name, f"it can't be read: {error.strerror}")
    if about.name != folder.name:
        return Damaged(folder.name, f"it was sealed as {about.name}")
    return about
