"""A run being collected: units are written as they end, tables as their kind ends, run.json when the run ends.

What a kill can cost: the units that had not ended. A unit has ended once its raw file has its name and the journal
has its line; both survive the process without fsync. They survive the machine once the kind is finished: ``finish``
waits until all of the kind's files are on the disk itself, and the journal says so afterwards. ``resume`` checks every
raw file against the journal's digest, so a unit that a power failure took back is collected again. Rows needn't
survive: they are made again from the raw pages.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Self

import msgspec

from audit.errors import UsageError
from audit.model.decode import Row, decode
from audit.store import atomic, coverage, head, raw, tables
from audit.store.ledger import Ledger
from audit.store.spool import Spool, UnitRows
from audit.store.unit import UnitWriter, line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from audit.model import EvidenceKind, Run, Scope, UnitRecord
    from audit.store.layout import RunFolder
    from audit.store.lock import StoreLock
    from audit.store.redaction import Redactor


class RunWriter:
    """The one writer of a run. Units may be open side by side in one thread.

    ``finish`` and ``query`` may run in one other thread, as long as the kind that is finished has no unit open.
    As a context manager it lets go of the store when the block ends, whether or not the run was closed.
    """

    def __init__(
        self,
        folder: RunFolder,
        run: Run,
        *,
        lock: StoreLock,
        redactor: Redactor,
        files: Mapping[str, str] | None = None,
    ) -> None:
        self.run = run
        self.path: Path = folder.path
        self.redactor = redactor
        self._folder = folder
        self._lock = lock
        self._ledger = Ledger(folder)
        self._ledger.files.update(files or {})
        self._spool = Spool(folder.spool)
        self._open: dict[str, EvidenceKind] = {}
        self._unsynced: dict[str, list[Path]] = defaultdict(list)
        self._spooled: dict[str, set[str]] = defaultdict(set)
        self._database = tables.connect(spill=folder.spool / "sorting")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()

    def recover(self) -> None:
        """Take over what an earlier session left. Raises IntegrityError where that is damaged."""
        self._spool.clear()
        self._ledger.recover()

    def unit(self, kind: EvidenceKind, scope: Scope) -> UnitWriter:
        """Begin to write a unit. What an earlier attempt at it left stays until this one has ended."""
        if kind.name not in self.run.kinds:
            raise UsageError(f"{kind.name} is not one of the kinds of run {self.run.run_id}")
        if kind.name not in self._open:
            atomic.make_folder(self._folder.raw / kind.name)
            self._open[kind.name] = kind
        return UnitWriter(
            kind, scope, folder=self._folder, spool=self._spool, redactor=self.redactor, ended=self._ended
        )

    def _ended(self, unit: UnitRecord, pages: raw.RawWriter, rows: UnitRows) -> None:
        self._ledger.reopen(unit)
        sha256 = pages.finish()
        rows.keep()
        self._ledger.ended(unit, sha256)
        self._spooled[unit.kind].add(unit.unit)
        if sha256:
            self._unsynced[unit.kind].append(pages.path)

    def ended(self, kind_name: str, scope: Scope) -> UnitRecord | None:
        """Return the unit's record where it has already ended Collected over the same ids: nothing is left to read."""
        return self._ledger.unit(kind_name, scope)

    def keep(self, kind: EvidenceKind, scopes: Iterable[Scope]) -> None:
        """Drop what an earlier session left of the kind's units at other scopes than these: nobody asks for it now."""
        self._ledger.keep(kind.name, {scope.unit for scope in scopes})

    def finish(self, kind: EvidenceKind) -> None:
        """Write the kind's tables, also where there are no rows, and make them visible to :meth:`query`."""
        targets = {record: self._folder.table_file(record.table) for record in kind.records}
        if not self._ledger.is_finished(kind.name, list(targets.values())):
            self._replay(kind)
            for record, target in targets.items():
                tables.write(self._database, record, self._spool.sources(kind.name, record.table), target)
            self._synced(kind.name)
            self._ledger.finished(kind.name, list(targets.values()))
        self._open.pop(kind.name, None)
        self._spooled.pop(kind.name, None)
        self._spool.drop(kind.name)
        for record, target in targets.items():
            tables.view(self._database, record.table, target)

    def _replay(self, kind: EvidenceKind) -> None:
        """Make the rows of units that ended before, from their raw pages."""
        for unit in self._ledger.units(kind.name):
            if not unit.outcome.rows or unit.unit in self._spooled[kind.name]:
                continue
            rows = UnitRows(self._spool, kind.name, unit.unit)
            for result in decode(kind, raw.read(self._folder.raw_file(kind.name, unit.unit))):
                if isinstance(result, Row):
                    rows.add(result.record.table, line(kind, result.record, result.page, result.item))
            rows.keep()

    def _synced(self, kind: str) -> None:
        folder = self._folder.raw / kind
        with atomic.refusals(folder):
            atomic.sync_all(self._unsynced.pop(kind, []))
            if folder.is_dir():
                atomic.sync(folder)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Run SQL over the tables finished so far, each a view of its own name; times come as aware UTC datetimes."""
        return tables.rows(self._database, sql)

    def close(self, run: Run, *, then: Callable[[], object] | None = None) -> None:
        """End the session: tables of kinds still open, coverage.parquet, run.json; then let go of the store.

        ``then``: what is to be done with the closed run while nobody else can write here yet.
        """
        try:
            for kind in list(self._open.values()):
                self.finish(kind)
            order = {kind: index for index, kind in enumerate(run.kinds)}
            units = sorted(self._ledger.units(), key=lambda unit: (order[unit.kind], unit.scope.id.lower()))
            self._cover(units)
            self.run = msgspec.structs.replace(run, units=tuple(units), redaction_key_id=self.redactor.key_id)
            self._ledger.close(self.run)
            self._spool.clear()
            if then is not None:
                then()
        finally:
            self.release()

    def _cover(self, units: list[UnitRecord]) -> None:
        self._spool.drop("coverage")
        spooled = UnitRows(self._spool, "coverage", "coverage")
        for row, reference in coverage.rows(units):
            spooled.add(row.table, tables.line(row, observed_at=row.finished, raw_ref=reference))
        spooled.keep()
        target = self._folder.table_file("coverage")
        tables.write(self._database, coverage.Coverage, self._spool.sources("coverage", "coverage"), target)
        self._ledger.files[self._folder.relative(target)] = head.sha256(target)

    def release(self) -> None:
        """Let go of the store without closing the run: it can be resumed. Safe to call twice."""
        if self._lock.held:
            self._ledger.release()
            self._database.close()
            self._lock.release()
