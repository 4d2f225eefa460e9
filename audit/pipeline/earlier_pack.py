"""One earlier pack as a run sees it: what it says, what people had said of it, and what isn't as it was sealed."""

from __future__ import annotations

import contextlib
import os
import re
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from audit.approve import review_people
from audit.approve.chain import verified
from audit.approve.state import State, state_of
from audit.errors import IntegrityError
from audit.model.packs import PACKS
from audit.seal import chain, head, statement, sums, tree
from audit.seal.verify.packed import Packed
from audit.seal.verify.signature import signature

if TYPE_CHECKING:
    from pathlib import Path

    from audit.model import Run

_RECORD = re.compile(r"\d{4}-.*\.json")


class _Began(msgspec.Struct, frozen=True):
    """The one thing that run.json is asked for of every pack."""

    started: datetime


class _Read(NamedTuple):
    """What a pack says, as far as it can be read; else why it can't."""

    packed: Packed | None = None
    state: State | None = None
    why: str = ""


class EarlierPack:
    """A folder among packs. Only its place in time is read at once: the rest once it is asked for."""

    def __init__(self, folder: Path, run: Run, said: head.PackHead | chain.Damaged) -> None:
        self.folder, self._until = folder, run.finished or run.started
        self._damaged = said.why if isinstance(said, chain.Damaged) else ""
        self.started = None if folder.is_symlink() else _started(folder)
        named = next((each for each in PACKS if folder.name.startswith(f"{each}-")), None)
        self.kind = said.pack if isinstance(said, head.PackHead) else named

    @cached_property
    def _read(self) -> _Read:
        """Read what the pack says, and what was said of it until the run ended. What breaks is told, never left out."""
        if self._damaged:
            return _Read(why=self._damaged)
        packed = None
        try:
            packed = Packed(self.folder)
            said = [record for record in verified(self.folder) if record.recorded_at <= self._until]
            return _Read(packed, state_of(said, packed.run.approval, review_people.of(self.folder).one))
        except IntegrityError as error:
            return _Read(packed, why=error.message)
        except OSError as error:
            return _Read(packed, why=_unreadable(error))

    @property
    def packed(self) -> Packed | None:
        """The pack; null where it can't be read as one."""
        return self._read.packed

    @property
    def state(self) -> State | None:
        """What people had said of it; null where that can't be told."""
        return self._read.state

    @property
    def why(self) -> str:
        """Why one of both is null; empty = neither is."""
        return self._read.why

    @property
    def newness(self) -> tuple[bool, float, bool, str]:
        """What packs are ordered by: one whose time can't be read may be the newest; a renamed copy gives way."""
        at = self.started.timestamp() if self.started else 0.0
        return (self.started is None, at, not self._damaged, self.folder.name)

    @property
    def maybe_approved(self) -> bool:
        """Whether it can't be told if it is approved: there are records about it, and they or the pack are damaged."""
        folder = self.folder / sums.APPROVALS
        with contextlib.suppress(OSError):
            return self.state is None and any(_RECORD.fullmatch(path.name) for path in folder.iterdir())
        return self.state is None and (folder.is_symlink() or folder.exists())

    @cached_property
    def damage(self) -> list[str]:
        """Everything that is not as it was sealed, a sentence each."""
        told = [self.why] if self.why else []
        if self.folder.is_symlink() or not (self.folder / sums.SUMS).exists():
            return told
        try:
            told += sums.differences(self.folder)
        except IntegrityError as error:
            told += [error.message] if error.message not in told else []
        except OSError as error:
            told.append(_unreadable(error))
        return told

    @property
    def signed(self) -> bool | None:
        """Whether the key signed that the pack names; whose key that is verify tells. Null = it can't be read."""
        if self.packed is None:
            return None
        try:
            return signature(self.folder, ()).standing == "unknown"
        except (IntegrityError, OSError):
            return None if os.path.lexists(self.folder / sums.SIGNATURE) else False

    @property
    def gaps(self) -> int | None:
        """How many rows of its sealed coverage are gaps; null = the table can't be read."""
        if self.packed is None:
            return None
        try:
            found = statement.gaps(self.folder) if sums.unchanged(self.folder, statement.COVERAGE) else None
        except (IntegrityError, OSError):
            return None
        return sum(found["by_reason"].values()) if found else None


def before(run: Run, packs: Path) -> list[EarlierPack]:
    """Return what lies among packs and is of a run that began before, or may be: the newest first."""
    found = []
    for each in chain.heads(packs):
        earlier = EarlierPack(packs / each.name, run, each)
        if earlier.started is None or earlier.started < run.started:
            found.append(earlier)
    return sorted(found, key=lambda each: each.newness, reverse=True)


def _started(folder: Path) -> datetime | None:
    """Return when a pack's run began; null = that can't be told."""
    try:
        started = msgspec.json.decode(tree.read(folder, "run.json"), type=_Began).started
    except (IntegrityError, OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return started if started.tzinfo else None


def _unreadable(error: OSError) -> str:
    return f"it can't be read: {error.strerror}"
