"""Commits: what makes appended files part of history. A file that no commit names is not there.

A commit is one JSON file, written last and whole. It names its files with their SHA-256, and the commit before it by
its own SHA-256, so that what was taken away or changed afterwards shows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from audit.errors import IntegrityError
from audit.model import Run
from audit.store import atomic, head

_HINT = "restore output/history from a copy; runs that are still there are taken up again once the commit is gone"
COMMITS = "commits"


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file of a commit."""

    rows: int
    sha256: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit says of one table of its run."""

    rows: int
    """Rows that the run holds."""
    added: int
    """Rows of these that history did not hold."""
    removed: int = 0
    """Rows that the run before held and this one doesn't; events are never removed."""
    state: str = ""
    """What the run's rows come to. For a table that is kept run by run SHA-256 over the sorted digests of the rows; for
    events their number and the exclusive or over MD5 of their ids."""
    grains: tuple[int, ...] = ()
    """For events that are read in steps: the steps of the run's rows."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One addition to history. ``run``: the head of run.json, without its units: they are in table ``coverage``."""

    name: str
    """``<run id>``; a run that was resumed is added again as ``<run id>.2``; its verdicts as ``<run id>.verdicts``."""
    part: str
    """``run`` or ``verdicts``."""
    sequence: int
    """Counts up; a later commit of the same run and part stands for the earlier one."""
    written: datetime
    run: Run
    head_sha256: str
    """Of the run's run.json, as it was then."""
    head_bytes: int
    before: str
    """SHA-256 of the commit before this one; empty for the first."""
    files: dict[str, File] = {}
    """By path below output/history."""
    tables: dict[str, Kept] = {}
    left_out: dict[str, str] = {}
    """Runs beside this one that can't be added because they are damaged, and how."""

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.run.run_id


@dataclass(frozen=True)
class Log:
    """The commits of one history folder, oldest first."""

    folder: Path

    def path(self, name: str) -> Path:
        """Return where a commit lies."""
        return self.folder / COMMITS / f"{name}.json"

    def read(self) -> list[Commit]:
        """Read every commit. Raises IntegrityError where one is damaged or missing from the chain."""
        found: list[tuple[Commit, str]] = []
        for path in sorted((self.folder / COMMITS).glob("*.json")):
            if path.name.startswith("."):
                continue
            raw = path.read_bytes()
            try:
                commit = msgspec.json.decode(raw, type=Commit)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise IntegrityError(f"a commit can't be read: {error}", where=str(path), hint=_HINT) from error
            if path.stem != commit.name:
                raise IntegrityError(f"the file of commit {commit.name} was renamed", where=str(path), hint=_HINT)
            found.append((commit, hashlib.sha256(raw).hexdigest()))
        found.sort(key=lambda each: each[0].sequence)
        before = ""
        for commit, digest in found:
            if commit.before != before:
                raise IntegrityError(
                    f"the commit before {commit.name} is missing or was changed",
                    where=str(self.path(commit.name)),
                    hint=_HINT,
                )
            before = digest
        return [commit for commit, _ in found]

    def write(self, commit: Commit) -> None:
        """Make a commit visible: atomically, and on the disk itself when this returns."""
        atomic.make_folder(self.folder / COMMITS)
        atomic.write(self.path(commit.name), msgspec.json.format(msgspec.json.encode(commit), indent=1) + b"\n")

    def tip(self, commits: list[Commit]) -> tuple[int, str]:
        """Return the next sequence number and the digest of the newest commit."""
        if not commits:
            return 1, ""
        return commits[-1].sequence + 1, head.sha256(self.path(commits[-1].name))

    def name(self, commits: list[Commit], run_id: str, part: str) -> str:
        """Return the name of a run's next commit."""
        base = run_id if part == "run" else f"{run_id}.{part}"
        taken = {commit.name for commit in commits}
        number = 1
        while (name := base if number == 1 else f"{base}.{number}") in taken:
            number += 1
        return name
