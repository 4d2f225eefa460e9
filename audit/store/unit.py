"""One unit being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from audit.model import EvidenceKind, MalformedItem, Outcome, Page, Record, Scope, UnitRecord
from audit.model.decode import raw_ref
from audit.store import raw, tables
from audit.store.spool import Spool, UnitRows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from audit.store.layout import RunFolder
    from audit.store.redaction import Redactor


class UnitWriter:
    """Pages and rows are taken at once, and count when :meth:`end` says how the unit ended."""

    def __init__(
        self,
        kind: EvidenceKind,
        scope: Scope,
        *,
        folder: RunFolder,
        spool: Spool,
        redactor: Redactor,
        ended: Callable[[UnitRecord, raw.RawWriter, UnitRows], None],
    ) -> None:
        self._kind = kind
        self._scope = scope
        self._redactor = redactor
        self._ended = ended
        self._raw = raw.RawWriter(folder.raw_file(kind.name, scope.unit))
        self._rows = UnitRows(spool, kind.name, scope.unit)

    def page(self, page: Page) -> Page:
        """Redact a page and store it; return it as stored, with its line number."""
        stored = self._redactor.page(page)
        return msgspec.structs.replace(stored, line=self._raw.append(raw.encode(stored)))

    def row(self, record: Record, page: Page, item: int) -> None:
        """Add a row made from the ``item``-th item (from 0) of a stored page."""
        self._rows.add(record.table, line(self._kind, record, page, item))

    def end(
        self,
        outcome: Outcome,
        *,
        requests: int,
        started: datetime,
        finished: datetime,
        malformed: Sequence[MalformedItem] = (),
        keep_rows: bool = True,
    ) -> UnitRecord:
        """End the unit and return its record. Its pages and rows are counted here, whatever the outcome says.

        ``keep_rows=False`` keeps the pages alone: a part of a list would pass for the whole. What Azure said about a
        failure is redacted as pages are.
        """
        if not keep_rows:
            self._rows.discard()
        unit = UnitRecord(
            kind=self._kind.name,
            scope=self._scope,
            unit=self._scope.unit,
            outcome=msgspec.structs.replace(
                outcome, detail=self._redactor.text(outcome.detail), pages=self._raw.lines, rows=self._rows.count
            ),
            requests=requests,
            started=started,
            finished=finished,
            malformed=tuple(
                msgspec.structs.replace(
                    item, scope=self._redactor.text(item.scope), detail=self._redactor.text(item.detail)
                )
                for item in malformed
            ),
        )
        try:
            self._ended(unit, self._raw, self._rows)
        except BaseException:
            self.abort()
            raise
        return unit

    def abort(self) -> None:
        """Drop the unit: it has not ended, and resume reads it again."""
        self._raw.abort()
        self._rows.discard()


def line(kind: EvidenceKind, record: Record, page: Page, item: int) -> bytes:
    """Return a row's NDJSON line."""
    return tables.line(record, observed_at=page.received_at, raw_ref=raw_ref(kind.name, page, item))
