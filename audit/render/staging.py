"""Files that appear all at once: written beside their place first, moved into it when every one of them is there."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from audit.store import atomic

if TYPE_CHECKING:
    from types import TracebackType


class Staging:
    """A folder's files in the making. Leaving the block without an error moves them in; with one, nothing stays.

    Raises StoreError where the folder can't be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[Path] = set()
        atomic.make_folder(folder)
        with atomic.refusals(folder):
            self._stage = Path(tempfile.mkdtemp(prefix=".report-", dir=folder))

    def write(self, name: str, text: str) -> None:
        """Write one file; ``name`` is its path below the folder, with forward slashes."""
        path = self._stage / name
        with atomic.refusals(self._folder):
            if path.parent not in self._made:
                atomic.make_folder(path.parent)
                self._made.add(path.parent)
            with open(atomic.create(path), "wb") as file:  # noqa: PTH123  a descriptor, so that the mode is 0600
                file.write(text.encode("utf-8", "backslashreplace"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                with atomic.refusals(self._folder):
                    self._move_in()
        finally:
            shutil.rmtree(self._stage, ignore_errors=True)

    def _move_in(self) -> None:
        for made in sorted(self._stage.iterdir()):
            place = self._folder / made.name
            if place.is_dir():
                shutil.rmtree(place)
            made.replace(place)
