"""The store: run folders on disk, written atomically, redacted before the first byte, read offline."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from audit.errors import StoreError, UsageError
from audit.model import Run, RunState
from audit.store import attached, head
from audit.store.coverage import Coverage
from audit.store.history import History, RestoredRun
from audit.store.layout import Layout
from audit.store.lock import StoreLock
from audit.store.reader import StoredRun
from audit.store.redaction import Redactor
from audit.store.redaction.key import load_key
from audit.store.redaction.stated import redacted
from audit.store.reviews import Reviews
from audit.store.unit import UnitWriter
from audit.store.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from audit.store.layout import RunFolder

__all__ = [
    "Coverage",
    "History",
    "Readable",
    "Redactor",
    "RestoredRun",
    "Reviews",
    "RunWriter",
    "Store",
    "StoredRun",
    "UnitWriter",
]

Readable = StoredRun | RestoredRun
"""A run that can be read offline: as it lies on disk, or as history keeps it."""


class Store:
    """An output folder. ``key_file``: the redaction key, where it isn't history/redaction.key."""

    def __init__(self, output: Path, *, key_file: Path | None = None) -> None:
        self._layout = Layout(output)
        self._key_file = key_file or self._layout.key

    @property
    def history(self) -> History:
        """What is kept over runs."""
        return History(self._layout)

    @property
    def reviews(self) -> Reviews:
        """Access reviews that were sent out, and what came back."""
        return Reviews(self._layout.reviews)

    def create(self, run: Run, attachments: Mapping[str, Path] | None = None) -> RunWriter:
        """Begin a run: take the store's lock, make its folder and run.json. Raises StoreError, UsageError.

        ``attachments``: where each file that the run's register attaches lies, by its name. They are copied first, and
        UsageError is raised where one isn't any more what the register says.
        """
        lock = StoreLock.take(self._layout.lock, run.run_id)
        try:
            redactor = Redactor(load_key(self._key_file))
            folder = self._layout.new(run.run_id)
            begun = redacted(msgspec.structs.replace(run, redaction_key_id=redactor.key_id), redactor.text)
            files = _attached(folder, begun, attachments or {})
            head.write(folder, begun, files)
            writer = RunWriter(folder, begun, lock=lock, redactor=redactor, files=files)
        except BaseException:
            lock.release()
            raise
        return writer

    def resume(self, run_ref: str) -> RunWriter:
        """Continue a run that was killed, interrupted, or ended with gaps; its ended units stay.

        Raises UsageError where there is none, StoreError, IntegrityError.
        """
        folder = self._layout.find(run_ref)
        lock = StoreLock.take(self._layout.lock, folder.run_id)
        try:
            run = msgspec.structs.replace(head.run(head.read(folder)), state=RunState.RUNNING)
            writer = RunWriter(folder, run, lock=lock, redactor=self.redactor(run))
        except BaseException:
            lock.release()
            raise
        try:
            writer.recover()
        except BaseException:
            writer.release()
            raise
        return writer

    def redactor(self, run: Run) -> Redactor:
        """Return what hides secrets as this run's were hidden. Raises StoreError where the key isn't the run's."""
        redactor = Redactor(load_key(self._key_file))
        if run.redaction_key_id != redactor.key_id:
            raise StoreError(
                f"run {run.run_id} was redacted with another key ({run.redaction_key_id})",
                where=str(self._key_file),
                hint="give the key that the run began with, or collect anew",
            )
        return redactor

    def open(self, run_ref: str) -> StoredRun:
        """Read a run offline. Raises UsageError where there is none, IntegrityError where it is damaged."""
        return StoredRun(self._layout.find(run_ref))

    def read(self, run_ref: str) -> Readable:
        """Read a run offline: as it lies on disk or, where its folder is gone, as history keeps it.

        Raises UsageError where neither knows it, IntegrityError where what is there is damaged.
        """
        folder = self._layout.known(run_ref)
        if folder is not None:
            return StoredRun(folder)
        restored = self.history.restore(self._layout.id_of(run_ref)) if run_ref else None
        if restored is not None:
            return restored
        kept = list(dict.fromkeys(commit.run_id for commit in reversed(self.history.commits())))[:5]
        raise UsageError(
            f"there is no run {run_ref!r}: neither its folder nor history knows it",
            where=f"{self._layout.runs}, {self._layout.history}",
            hint=self._layout.hint() + (f"; history has {', '.join(kept)}" if kept else ""),
        )

    def newest(self) -> Iterator[StoredRun]:
        """Yield the runs that have ended, the newest first; a damaged one raises IntegrityError when it is met."""
        for name in sorted((path.parent.name for path in self._layout.runs.glob("*/run.json")), reverse=True):
            stored = StoredRun(self._layout.find(name))
            if not stored.unended:
                yield stored


def _attached(folder: RunFolder, run: Run, attachments: Mapping[str, Path]) -> dict[str, str]:
    """Copy the attachments; where that fails, the run never began and leaves nothing."""
    try:
        return attached.copy(folder, run, attachments)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
