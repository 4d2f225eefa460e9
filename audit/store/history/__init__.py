"""History: what every run saw, kept beyond Azure's memory; appended to, never changed.

::

    output/history/commits/<run id>.json                     makes the files it names visible
    output/history/<table>/month=YYYY-MM/<run id>.parquet    events by their own time, snapshots by the run's
    output/history/coverage/month=…/<run id>.parquet         the run's units and what each proves
    output/history/members/…, vanished/…                     what came back, what is gone
    output/history/listed/…                                  what a run read again, or didn't, against expectation

A run that adds nothing new leaves a commit all the same: that it looked, and where, is evidence.
"""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from audit.errors import IntegrityError, UsageError
from audit.store import head
from audit.store.history import extents
from audit.store.history.addition import Addition
from audit.store.history.commits import Commit, Log
from audit.store.history.kept import EVENT_TABLES, EVER, EventTable
from audit.store.history.restored import RestoredRun
from audit.store.history.view import View
from audit.store.lock import StoreLock
from audit.store.reader import StoredRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from audit.store.layout import Layout

__all__ = ["EVENT_TABLES", "EVER", "Commit", "EventTable", "History", "RestoredRun", "View", "extents"]

RUN, VERDICTS = "run", "verdicts"


class History:
    """The history of one output folder."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._log = Log(layout.history)

    def append(self, stored: StoredRun, *, locked: bool = False) -> Commit | None:
        """Add what a run collected; None where history has it already.

        Runs that lie beside it and were never added (their collection was killed in between) are added first.
        ``locked``: the caller holds the store's lock. Raises UsageError for a run that hasn't ended, StoreError where
        another process writes here, IntegrityError.
        """
        _ended(stored)
        with contextlib.nullcontext() if locked else self._locked(stored):
            waiting, damaged = self._left_behind(stored)
            for each in waiting:
                self._add(each, RUN, dict(each.table_files()))
            return self._add(stored, RUN, dict(stored.table_files()), left_out=damaged)

    def append_verdicts(self, stored: StoredRun, sources: Mapping[str, Path]) -> Commit | None:
        """Add what was made of a run offline, given as Parquet files by table; None where history has the same."""
        _ended(stored)
        with self._locked(stored):
            return self._add(stored, VERDICTS, sources)

    def commits(self) -> list[Commit]:
        """Return every commit, oldest first. Raises IntegrityError."""
        return self._log.read()

    def restore(self, run_id: str) -> RestoredRun | None:
        """Return a run as history keeps it, as it last ended; None where history doesn't know it.

        Raises IntegrityError, UsageError (history took it up in a way from which it can't be put together).
        """
        commits = self.commits()
        own = [commit.sequence for commit in commits if commit.run_id == run_id and commit.part == RUN]
        if not own:
            return None
        return RestoredRun(self._layout, [commit for commit in commits if commit.sequence <= own[-1]])

    def view(self, *, before: StoredRun | RestoredRun | None = None) -> View:
        """Return history as it can be read now; ``before``: as it was before that run was added to it.

        So a run renders the same however much was collected since.
        """
        commits = self.commits()
        if before is not None:
            own = [commit.sequence for commit in commits if commit.run_id == before.run.run_id]
            if own:
                commits = [commit for commit in commits if commit.sequence < min(own)]
            else:
                commits = [commit for commit in commits if commit.run.started < before.run.started]
        return View(self._layout.history, commits)

    @contextmanager
    def _locked(self, stored: StoredRun) -> Iterator[None]:
        lock = StoreLock.take(self._layout.lock, stored.run.run_id)
        try:
            yield
        finally:
            lock.release()

    def _add(
        self, stored: StoredRun, part: str, sources: Mapping[str, Path], *, left_out: Mapping[str, str] | None = None
    ) -> Commit | None:
        commits = self._log.read()
        mine = [commit for commit in commits if commit.run_id == stored.run.run_id and commit.part == part]
        file = stored.path / "run.json"
        if part == RUN and mine and mine[-1].head_sha256 == head.sha256(file):
            return None
        addition = Addition(self._layout.history, commits, stored.run, file, part=part, left_out=left_out or {})
        return addition.write(sources, unless=mine[-1] if part == VERDICTS and mine else None)

    def _left_behind(self, newest: StoredRun) -> tuple[list[StoredRun], dict[str, str]]:
        """Return runs that ended before this one and that no commit speaks of, oldest first; and damaged ones.

        A damaged run doesn't keep a whole one out of history: the commit names it.
        """
        known = {commit.run_id: commit.head_bytes for commit in self._log.read() if commit.part == RUN}
        found, damaged = [], {}
        for file in sorted(self._layout.runs.glob("*/run.json")):
            name = file.parent.name
            if name == newest.run.run_id or known.get(name) == file.stat().st_size:
                continue
            try:
                stored = StoredRun(self._layout.find(name))
            except IntegrityError as error:
                damaged[name] = str(error).partition("\n")[0]
                continue
            if not stored.unended and stored.run.started < newest.run.started:
                found.append(stored)
        return sorted(found, key=lambda stored: stored.run.started), damaged


def _ended(stored: StoredRun) -> None:
    if stored.unended:
        raise UsageError(
            f"run {stored.run.run_id} has not ended: only what is whole goes into history",
            hint=f"take it up again: jobaudit resume {stored.run.run_id}",
        )
