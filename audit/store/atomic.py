"""Files that are whole or not there, readable by nobody else; and failures to write, in words a person can use."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from audit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_SYNCS = 4
FILE_MODE = 0o600
FOLDER_MODE = 0o700

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def refusals(folder: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write below ``folder`` into a StoreError that says what to do."""
    try:
        yield
    except OSError as error:
        raise refusal(error, folder) from error


def refusal(error: OSError, folder: Path) -> StoreError:
    """Return the StoreError for one refusal of the operating system."""
    reason = error.strerror or str(error)
    where = str(folder)
    if error.errno in _FULL:
        return StoreError(
            f"the disk is full: {reason}",
            where=where,
            hint="free some space or choose another folder with --output; what was collected stays: jobaudit resume",
        )
    if error.errno in _REFUSED:
        return StoreError(
            f"the output folder can't be written: {reason}",
            where=where,
            hint="make the folder writable for this user, or choose another with --output",
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return StoreError(
            f"a file stands where a folder is needed: {error.filename or reason}",
            where=where,
            hint="move that file away, or choose another folder with --output",
        )
    return StoreError(f"writing failed: {reason}", where=where, hint="choose another folder with --output")


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are missing, each 0700; folders that exist keep their mode."""
    with refusals(path):
        missing = [path, *path.parents]
        for folder in reversed([folder for folder in missing if not folder.is_dir()]):
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def create(path: Path) -> int:
    """Open a new file for writing, 0600, and return its descriptor. A leftover of the same name is replaced."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, FILE_MODE)
    except FileExistsError:
        path.unlink()
        return os.open(path, flags, FILE_MODE)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte: os.write may take only a part."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def write(path: Path, data: bytes) -> None:
    """Write a file durably: temporary file, fsync, rename, fsync of the folder. Raises StoreError."""
    part = path.with_name(f".{path.name}.part")
    with refusals(path.parent):
        try:
            _lay(part, data)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        sync(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """Write a file durably as :func:`write`, and never over another. Raises StoreError, also where there is one."""
    part = path.with_name(f".{path.name}.part")
    with refusals(path.parent):
        try:
            _lay(part, data)
            path.hardlink_to(part)
        finally:
            part.unlink(missing_ok=True)
        sync(path.parent)


def _lay(part: Path, data: bytes) -> None:
    descriptor = create(part)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(part: Path, path: Path) -> None:
    """Give a file that is already written its name, durably."""
    with refusals(path.parent):
        part.chmod(FILE_MODE)
        sync(part)
        part.replace(path)
        sync(path.parent)


def append(path: Path, data: bytes) -> None:
    """Add bytes to a file, 0600 where it is new. Raises StoreError."""
    with refusals(path.parent):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
        try:
            write_all(descriptor, data)
        finally:
            os.close(descriptor)


def sync_all(paths: Iterable[Path]) -> None:
    """Wait until many files are on the disk itself: side by side, so that the file system commits them together."""
    with ThreadPoolExecutor(max_workers=_SYNCS, thread_name_prefix="fsync") as pool:
        for _ in pool.map(sync, paths):
            pass


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
