"""run.json and the journal: what a run is, and which of its units have ended.

The journal grows by a line per ended unit, so a killed run knows how far it came; closing the run moves it into
run.json.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import msgspec

from audit.errors import IntegrityError
from audit.model import Run, UnitRecord
from audit.store import atomic

if TYPE_CHECKING:
    from pathlib import Path

    from audit.store.layout import RunFolder

_HINT = "restore the file from a copy of the run, or collect again"


class Head(Run, frozen=True, kw_only=True):
    """run.json: the run, and the SHA-256 of each of its raw files and tables by path."""

    files: dict[str, str] = msgspec.field(default_factory=dict)


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """A journal line: a unit has ended. ``sha256`` is its raw file's, empty where there is none."""

    unit: UnitRecord
    sha256: str


class Reopened(msgspec.Struct, frozen=True, kw_only=True, tag="reopened"):
    """A journal line: a unit was read again, and its earlier raw file is about to be replaced."""

    kind: str
    unit: str


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """A journal line: the tables of a kind are written and its raw files are on the disk itself."""

    kind: str
    tables: dict[str, str]
    """SHA-256 by path."""


Entry = Ended | Reopened | Finished


def write(folder: RunFolder, run: Run, files: dict[str, str]) -> None:
    """Write run.json atomically."""
    fields = {name: getattr(run, name) for name in Run.__struct_fields__}
    head = Head(**fields, files=dict(sorted(files.items())))
    atomic.write(folder.head, msgspec.json.format(msgspec.json.encode(head), indent=2) + b"\n")


def read(folder: RunFolder) -> Head:
    """Read run.json. Raises IntegrityError where it is missing or damaged, or names a kind that isn't the run's."""
    try:
        head = msgspec.json.decode(folder.head.read_bytes(), type=Head)
    except FileNotFoundError as error:
        raise IntegrityError("run.json is missing", where=str(folder.head), hint=_HINT) from error
    except (msgspec.DecodeError, UnicodeDecodeError, OSError, ValueError) as error:
        raise IntegrityError(f"run.json can't be read: {error}", where=str(folder.head), hint=_HINT) from error
    for unit in head.units:
        known(folder.head, head, unit)
    return head


def run(head: Head) -> Run:
    """Return the run without its file list."""
    return Run(**{name: getattr(head, name) for name in Run.__struct_fields__})


def known(file: Path, run: Run, unit: UnitRecord) -> None:
    """Raise IntegrityError where a unit is of a kind that isn't the run's, or isn't filed under its scope."""
    if unit.kind not in run.kinds:
        raise IntegrityError(f"unknown evidence kind {unit.kind!r}", where=str(file), hint=_HINT)
    if unit.unit != unit.scope.unit:
        raise IntegrityError(f"unit {unit.unit!r} doesn't belong to {unit.scope.id}", where=str(file), hint=_HINT)


def sha256(path: Path) -> str:
    """Return a file's SHA-256. Raises FileNotFoundError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Journal:
    """units.jsonl, opened for appending."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._encoder = msgspec.json.Encoder()
        with atomic.refusals(folder.path):
            self._descriptor = os.open(
                folder.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, atomic.FILE_MODE
            )
            _cut(folder.journal, self._descriptor)

    def add(self, entry: Entry) -> None:
        """Append a line: once this returns, a kill can't undo it."""
        with atomic.refusals(self._folder.path):
            atomic.write_all(self._descriptor, self._encoder.encode(entry) + b"\n")

    def sync(self) -> None:
        """Wait until the journal is on the disk itself."""
        with atomic.refusals(self._folder.path):
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; it stays."""
        os.close(self._descriptor)


def _cut(journal: Path, descriptor: int) -> None:
    """Remove a last line that a kill cut short: the next one must not be written behind it."""
    whole = journal.read_bytes().rfind(b"\n") + 1
    if whole < os.fstat(descriptor).st_size:
        os.ftruncate(descriptor, whole)


def entries(folder: RunFolder) -> list[Entry]:
    """Read the journal; a last line that a kill cut short is not there. Raises IntegrityError on any other damage."""
    try:
        lines = folder.journal.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    found: list[Entry] = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            found.append(msgspec.json.decode(line, type=Entry))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            where = f"{folder.journal}, line {number}"
            raise IntegrityError(f"the journal is damaged: {error}", where=where, hint=_HINT) from error
    return found
