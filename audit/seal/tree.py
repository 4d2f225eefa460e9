"""The files of a pack that may be hostile: every one is met, none is followed out of the folder."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from audit.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Tree(NamedTuple):
    """What lies in a pack, by path from the pack with forward slashes, each list in the order of the names' bytes."""

    files: tuple[str, ...]
    odd: tuple[str, ...]
    """What is neither a file nor a folder: links, pipes, sockets, devices. Nothing of ours, and never opened."""
    empty: tuple[str, ...]
    """Folders that hold nothing, which no list of files shows."""


def walk(pack: Path) -> Tree:
    """List a pack without following a link. Raises IntegrityError where the pack itself is a link or no folder."""
    if not stat.S_ISDIR(pack.lstat().st_mode if pack.is_symlink() or pack.exists() else 0):
        raise IntegrityError(
            "a pack is a folder, and not a link to one", where=str(pack), hint="give the path of the folder itself"
        )
    files: list[str] = []
    odd: list[str] = []
    empty: list[str] = []
    for name, kind in _below(pack, ""):
        {"file": files, "odd": odd, "empty": empty}[kind].append(name)
    return Tree(*(tuple(sorted(each, key=os.fsencode)) for each in (files, odd, empty)))


def _below(folder: Path, prefix: str) -> Iterator[tuple[str, str]]:
    met = False
    with os.scandir(folder) as entries:
        for entry in entries:
            met = True
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _below(folder / entry.name, f"{name}/")
            else:
                yield name, "file" if entry.is_file(follow_symlinks=False) else "odd"
    if not met and prefix:
        yield prefix.rstrip("/"), "empty"


def read(pack: Path, name: str) -> bytes:
    """Return a file's bytes, never through a link. Raises IntegrityError where it isn't there or isn't a file."""
    path = pack / name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise IntegrityError("this is not a file", where=str(path))
            return file.read()
    except OSError as error:
        raise IntegrityError(f"the file can't be read: {error.strerror}", where=str(path)) from error
