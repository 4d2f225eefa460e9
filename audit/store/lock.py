"""Two runs on one store exclude each other: an flock, which the system releases even when a run is killed."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

import msgspec

from audit.errors import StoreError
from audit.store.atomic import FILE_MODE, make_folder, refusals, write_all

if TYPE_CHECKING:
    from pathlib import Path


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
