"""What has ended: the units of a run, the digests of its files, the kinds whose tables are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.model import Collected, Run, Scope, UnitRecord
from audit.store import head, raw
from audit.store.head import Ended, Finished, Journal, Reopened
from audit.store.layout import PART, RunFolder

if TYPE_CHECKING:
    from pathlib import Path


class Ledger:
    """The state that a killed run takes up again: run.json as of the last close, and the journal since."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._units: dict[tuple[str, str], UnitRecord] = {}
        self._finished: set[str] = set()
        self._journal = Journal(folder)
        self.files: dict[str, str] = {}
        """SHA-256 of each raw file and table, by path in the run's folder."""

    def recover(self) -> None:
        """Take over what an earlier session left: its ended units, as far as their raw files are whole.

        A unit of a kind that was not finished may have lost its file to a power failure: it counts as never read.
        Raises IntegrityError where a file of a finished kind isn't what was stored.
        """
        stored = head.read(self._folder)
        self.files = dict(stored.files)
        self._units = {(unit.kind, unit.unit): unit for unit in stored.units}
        self._finished = {unit.kind for unit in stored.units}
        for entry in head.entries(self._folder):
            if isinstance(entry, Finished):
                self._finished.add(entry.kind)
                self.files.update(entry.tables)
            elif isinstance(entry, Reopened):
                self._forget(entry)
            else:
                head.known(self._folder.journal, stored, entry.unit)
                self._note(entry)
        for leftover in self._folder.path.rglob(f"*{PART}"):
            leftover.unlink()
        for key, unit in list(self._units.items()):
            if unit.outcome.pages and not self._whole(unit):
                del self._units[key]
                self.files.pop(self._name(unit), None)

    def unit(self, kind: str, scope: Scope) -> UnitRecord | None:
        """Return the unit's record where it has ended Collected, over the same ids."""
        unit = self._units.get((kind, scope.unit))
        if unit is not None and isinstance(unit.outcome, Collected) and unit.scope.ids == scope.ids:
            return unit
        return None

    def units(self, kind: str | None = None) -> list[UnitRecord]:
        """Return the units that have ended, of one kind or of all."""
        return [unit for unit in list(self._units.values()) if kind in (None, unit.kind)]

    def reopen(self, unit: UnitRecord) -> None:
        """Forget an earlier attempt at a unit, before its raw file is replaced."""
        if (unit.kind, unit.unit) in self._units:
            entry = Reopened(kind=unit.kind, unit=unit.unit)
            self._journal.add(entry)
            self._forget(entry)

    def keep(self, kind: str, units: set[str]) -> None:
        """Forget a kind's units but these, and delete their raw files."""
        for unit in self.units(kind):
            if unit.unit not in units:
                self.reopen(unit)
                self._folder.raw_file(kind, unit.unit).unlink(missing_ok=True)

    def ended(self, unit: UnitRecord, sha256: str) -> None:
        """Note that a unit has ended; its raw file has its name already. A kill can't undo it."""
        entry = Ended(unit=unit, sha256=sha256)
        self._journal.add(entry)
        self._note(entry)

    def finished(self, kind: str, written: list[Path]) -> None:
        """Note that a kind's tables are written, and wait until the journal is on the disk itself."""
        digests = {self._folder.relative(path): head.sha256(path) for path in written}
        self._journal.add(Finished(kind=kind, tables=digests))
        self._journal.sync()
        self.files.update(digests)
        self._finished.add(kind)

    def is_finished(self, kind: str, written: list[Path]) -> bool:
        """Tell whether the tables on disk are those of every unit that has ended."""
        return kind in self._finished and all(
            path.exists() and self.files.get(self._folder.relative(path)) == head.sha256(path) for path in written
        )

    def close(self, run: Run) -> None:
        """Write run.json, which takes the journal over."""
        head.write(self._folder, run, self.files)
        self._folder.journal.unlink(missing_ok=True)

    def release(self) -> None:
        """Close the journal; it stays for the next session."""
        self._journal.close()

    def _note(self, entry: Ended) -> None:
        unit = entry.unit
        self._units[unit.kind, unit.unit] = unit
        self._finished.discard(unit.kind)
        if entry.sha256:
            self.files[self._name(unit)] = entry.sha256
        else:
            self.files.pop(self._name(unit), None)

    def _forget(self, entry: Reopened) -> None:
        unit = self._units.pop((entry.kind, entry.unit), None)
        if unit is not None:
            self.files.pop(self._name(unit), None)
        self._finished.discard(entry.kind)

    @staticmethod
    def _name(unit: UnitRecord) -> str:
        return f"raw/{unit.kind}/{unit.unit}.jsonl.zst"

    def _whole(self, unit: UnitRecord) -> bool:
        path = self._folder.raw_file(unit.kind, unit.unit)
        try:
            if head.sha256(path) == self.files.get(self._name(unit)):
                return True
            problem = "the file is not what was stored"
        except FileNotFoundError:
            problem = "the file is missing"
        if unit.kind in self._finished:
            raise raw.damaged(path, problem)
        return False
