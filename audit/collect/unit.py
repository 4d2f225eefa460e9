"""One unit: read its pages, store them, decode their rows, and end as Collected or as a Gap. There is no third way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from audit.model import (
    Collected,
    EvidenceKind,
    Gap,
    GapReason,
    MalformedItem,
    NotThere,
    Outcome,
    Page,
    ReadFailed,
    Row,
    Scope,
    UnitRecord,
    Window,
    decode,
)
from audit.model.outcome import KEEPS_ROWS

if TYPE_CHECKING:
    from audit.azure import Azure
    from audit.collect.visibility import Visibility
    from audit.store import RunWriter, UnitWriter


@dataclass
class _Tally:
    pages: int = 0
    rows: int = 0
    malformed: list[MalformedItem] = field(default_factory=list)


async def read(
    azure: Azure,
    writer: RunWriter,
    kind: EvidenceKind,
    scope: Scope,
    *,
    window: Window,
    visibility: Visibility,
    wait: float,
) -> UnitRecord:
    """Read one unit to its end and return how it ended. Only cancellation and a failing store raise."""
    unit = writer.unit(kind, scope)
    tally = _Tally()
    started = datetime.now(UTC)
    detail, failure = "", None
    try:
        async with azure.unit(wait=wait) as meter:
            try:
                await _pages(azure, kind, scope, window, unit=unit, tally=tally)
            except NotThere as error:
                detail = error.said or "Azure answered that it does not exist (404)"
                if tally.pages:
                    failure = ReadFailed(
                        GapReason.TRUNCATED, f"a part of what was asked for isn't there (404): {error}"
                    )
            except ReadFailed as error:
                failure = error
    except BaseException:
        unit.abort()
        raise
    outcome = _outcome(kind, scope, tally, failure=failure, visibility=visibility, detail=detail)
    return unit.end(
        outcome,
        requests=meter.requests,
        started=started,
        finished=datetime.now(UTC),
        malformed=tally.malformed,
        keep_rows=not isinstance(outcome, Gap) or outcome.reason in KEEPS_ROWS,
    )


async def _pages(
    azure: Azure, kind: EvidenceKind, scope: Scope, window: Window, *, unit: UnitWriter, tally: _Tally
) -> None:
    held: list[Page] = []
    try:
        async for page in kind.fetch(azure, scope, window):
            stored = unit.page(page)
            tally.pages += 1
            if kind.combine is None:
                _rows(kind, [stored], unit, tally)
            else:
                held.append(stored)
    except ReadFailed as error:
        if error.reason in KEEPS_ROWS:
            _rows(kind, held, unit, tally)
        raise
    _rows(kind, held, unit, tally)


def _rows(kind: EvidenceKind, pages: list[Page], unit: UnitWriter, tally: _Tally) -> None:
    for result in decode(kind, pages):
        if isinstance(result, Row):
            unit.row(result.record, result.page, result.item)
            tally.rows += 1
        else:
            tally.malformed.append(result)


def _outcome(
    kind: EvidenceKind, scope: Scope, tally: _Tally, *, failure: ReadFailed | None, visibility: Visibility, detail: str
) -> Outcome:
    if failure is not None:
        reason = failure.reason
        if reason is GapReason.UNAVAILABLE and tally.pages:
            reason = GapReason.TRUNCATED
        rows = tally.rows if reason in KEEPS_ROWS else 0
        return Gap(reason=reason, detail=failure.detail, pages=tally.pages, rows=rows)
    if tally.malformed:
        first = tally.malformed[0]
        what = f"{len(tally.malformed)} of the items can't be decoded; the first: {first.scope}: {first.detail}"
        return Gap(reason=GapReason.MALFORMED, detail=what, pages=tally.pages, rows=tally.rows)
    if kind.filtered and (hidden := visibility.hidden(scope, kind.actions)):
        return Gap(reason=GapReason.PARTIAL_VISIBILITY, detail=hidden, pages=tally.pages, rows=tally.rows)
    return Collected(pages=tally.pages, rows=tally.rows, detail=detail)
