"""One workbook of a review in the making: what all of its sheets are written from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run
    from audit.render.review.sent import Sent


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A workbook, the run whose access is reviewed, and the review's name. ``rows``: the digest of what is asked."""

    con: duckdb.DuckDBPyConnection
    run: Run
    review: str
    rows: str
    book: Sent

    @property
    def at(self) -> datetime:
        """When the access was as it is told: the end of the collection."""
        return self.run.finished or self.run.started

    @property
    def due(self) -> datetime:
        """Until when decisions are owed."""
        return self.at + timedelta(days=self.run.review.days_to_decide)

    @property
    def footer(self) -> str:
        """What stands below every printed page."""
        return self.review
