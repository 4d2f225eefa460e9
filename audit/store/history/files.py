"""Files of history: which of them are committed, whether they are whole, and what nobody committed is cleared away."""

from __future__ import annotations

import shutil
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from audit.errors import IntegrityError
from audit.store import atomic, head
from audit.store.history.commits import COMMITS, Commit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from audit.model import Window

SCRATCH = ".adding-"
"""How the folder begins in which an addition spills what doesn't fit into memory."""
_HINT = "restore output/history from a copy: a file of it was changed or removed"


def path_of(table: str, month: str, name: str) -> str:
    """Return where a commit's rows of one table and month lie, below output/history."""
    return f"{table}/month={month}/{name}.parquet"


def month_of(path: str) -> str:
    """Return the month that a file's path names."""
    return path.split("/")[1].removeprefix("month=")


def months_in(window: Window) -> set[str]:
    """Return the months that a window touches."""
    moment = window.since.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last = window.until.astimezone(UTC)
    found = set()
    while moment < last:
        found.add(f"{moment:%Y-%m}")
        moment = (moment + timedelta(days=32)).replace(day=1)
    return found


class Files:
    """The committed files below a history folder. Each is held against its digest the first time it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._verified: set[str] = set()

    def of(self, commits: Iterable[Commit], table: str, months: set[str] | None = None) -> list[tuple[Path, Commit]]:
        """Return the files of a table, of these months (None: all), each with its commit, in the commits' order.

        Raises IntegrityError where one isn't what was committed.
        """
        return [
            (self._checked(name, commit), commit)
            for commit in commits
            for name in sorted(commit.files)
            if name.startswith(f"{table}/") and (months is None or month_of(name) in months)
        ]

    def _checked(self, name: str, commit: Commit) -> Path:
        path = self._folder / name
        if name not in self._verified:
            try:
                whole = head.sha256(path) == commit.files[name].sha256
            except FileNotFoundError as error:
                raise IntegrityError("a file of history is missing", where=str(path), hint=_HINT) from error
            if not whole:
                raise IntegrityError("a file of history is not what was stored", where=str(path), hint=_HINT)
            self._verified.add(name)
        return path

    def clear(self, commits: Iterable[Commit]) -> None:
        """Remove what a killed addition left: Parquet files that no commit names, and files half written."""
        named = {name for commit in commits for name in commit.files}
        with atomic.refusals(self._folder):
            for path in sorted(self._folder.glob("*/month=*/*")):
                if path.relative_to(self._folder).as_posix() not in named:
                    path.unlink()
            for path in sorted((self._folder / COMMITS).glob(".*.part")):
                path.unlink()
            for path in sorted(self._folder.glob(f"{SCRATCH}*")):
                shutil.rmtree(path)
