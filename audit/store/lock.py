"""Locks: an flock, which the system releases even when a process is killed.

:class:`StoreLock` refuses a second run on one store; :func:`exclusive` lets whoever changes a folder wait its turn.
"""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import msgspec

from audit.errors import StoreError
from audit.store.atomic import FILE_MODE, make_folder, refusals, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_mine = threading.local()
"""``held``: the folders that this thread has locked, by device and inode."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock, as the lock file says."""

    pid: int
    run_id: str


class StoreLock:
    """The lock of one output folder, held from :meth:`take` until :meth:`release` or the end of the process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, path: Path, run_id: str) -> Self:
        """Take the lock or raise StoreError naming the process and the run that hold it."""
        make_folder(path.parent)
        with refusals(path.parent):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            try:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise _taken(path, descriptor) from None
                os.ftruncate(descriptor, 0)
                write_all(descriptor, msgspec.json.encode(Holder(pid=os.getpid(), run_id=run_id)))
            except BaseException:
                os.close(descriptor)
                raise
        return cls(path, descriptor)

    @property
    def held(self) -> bool:
        """Whether this process still holds it."""
        return self._descriptor is not None

    def release(self) -> None:
        """Let others write. Safe to call twice."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


def _taken(path: Path, descriptor: int) -> StoreError:
    try:
        holder = msgspec.json.decode(os.pread(descriptor, 4096, 0), type=Holder)
        who = f"process {holder.pid} (run {holder.run_id})"
    except msgspec.DecodeError:  # taken a moment ago: its holder has not written its name yet
        who = "another process"
    return StoreError(
        f"{who} is writing to this output folder",
        where=str(path.parent),
        hint="wait until it has ended, stop it, or choose another folder with --output",
    )


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Let one at a time change what lies in a folder; the others wait. Within itself it is free.

    The folder that is locked is the one of that name once it is locked, not one that was replaced meanwhile.
    Raises StoreError where it isn't there.
    """
    held: set[tuple[int, int]] = vars(_mine).setdefault("held", set())
    with refusals(folder):
        descriptor, key = _locked(folder, held)
    if descriptor is None:
        yield
        return
    held.add(key)
    try:
        yield
    finally:
        held.discard(key)
        os.close(descriptor)


def _locked(folder: Path, held: set[tuple[int, int]]) -> tuple[int | None, tuple[int, int]]:
    """Return the descriptor that holds the lock, None where this thread holds it already, and what is locked."""
    while True:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            key = _key(os.fstat(descriptor))
            if key in held:
                os.close(descriptor)
                return None, key
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _key(folder.lstat()) == key:
                return descriptor, key
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _key(told: os.stat_result) -> tuple[int, int]:
    return (told.st_dev, told.st_ino)
