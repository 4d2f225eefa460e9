"""The table ``coverage``: how every unit of a run ended. It stands first in every report."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from audit.model import Collected, Record, UnitRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Coverage(Record, frozen=True, kw_only=True):
    """One unit (kind x scope), or one item of a unit that could not be decoded."""

    table: ClassVar[str] = "coverage"
    row_key: ClassVar[tuple[str, ...]] = ("kind", "scope", "place")

    kind: str
    scope: str
    """The unit's ARM scope; for a malformed item its id, or its place where it has none."""
    outcome: str
    """``collected`` or ``gap``."""
    reason: str | None
    """A gap's reason; null when collected."""
    detail: str
    pages: int
    rows: int
    """Rows kept. A truncated unit keeps its raw pages and no rows."""
    requests: int
    """Requests sent for the unit, retries included."""
    started: datetime
    finished: datetime
    place: str | None
    """For a malformed item the JSON path that was wrong; null for a unit."""


def rows(units: Iterable[UnitRecord]) -> Iterator[tuple[Coverage, str]]:
    """Yield each coverage row with its raw_ref: the unit's first, then one for each malformed item."""
    for unit in units:
        outcome = unit.outcome
        yield (
            Coverage(
                kind=unit.kind,
                scope=unit.scope.id,
                outcome="collected" if isinstance(outcome, Collected) else "gap",
                reason=None if isinstance(outcome, Collected) else str(outcome.reason),
                detail=outcome.detail,
                pages=outcome.pages,
                rows=outcome.rows,
                requests=unit.requests,
                started=unit.started,
                finished=unit.finished,
                place=None,
            ),
            f"raw/{unit.kind}/{unit.unit}.jsonl.zst" if outcome.pages else "run.json",
        )
        for item in unit.malformed:
            yield (
                Coverage(
                    kind=unit.kind,
                    scope=item.scope,
                    outcome="gap",
                    reason="malformed",
                    detail=item.detail,
                    pages=0,
                    rows=0,
                    requests=0,
                    started=unit.started,
                    finished=unit.finished,
                    place=item.detail,
                ),
                item.raw_ref,
            )
