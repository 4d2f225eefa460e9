"""The rows of ``change_closing``, and how they are made."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

import msgspec

from audit.derive.insert import Made, create
from audit.model import Json, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb


class ChangeClosing(Record, frozen=True, kw_only=True):
    """Whether what was applied is what was approved, property by property, and each change that the proposal lacks.

    In packs of a change that a proposal was approved for. What the proposal leaves as it is, and is so, has no row.
    """

    table: ClassVar[str] = "change_closing"
    row_key: ClassVar[tuple[str, ...]] = ("job_id", "property", "outcome", "because")

    job_id: str
    property: str | None = None
    """As in table ``job_configuration``, or ``tags/NAME``; null = the row is about a change, or about the job."""
    before: str | None = None
    """As the run had it on which the proposal was made."""
    approved: str | None = None
    """As the proposal sets it or leaves it."""
    applied: str | None = None
    """As it is now."""
    outcome: str
    """``as approved``, ``not applied`` (as it was), ``otherwise`` (another value), ``extra`` (changed, and the proposal
    doesn't say so) or ``unknown``."""
    because: str | None = None
    """Why it isn't known; what the extra change was; that the job isn't there."""
    change_ids: Json = Json([])
    """The changes of table ``changes`` that set it."""
    changed_by: str | None = None
    """Who made these."""


class Row(msgspec.Struct, kw_only=True):
    """One row in the making."""

    observed_at: datetime
    raw_ref: str
    job_id: str
    property: str | None = None
    before: str | None = None
    approved: str | None = None
    applied: str | None = None
    outcome: str
    because: str | None = None
    change_ids: list[str] = []
    changed_by: list[str] = []
    """The names of who made the changes."""


def fill(con: duckdb.DuckDBPyConnection, rows: Iterable[Row]) -> None:
    """Create ``change_closing`` of these rows; what was there is replaced."""
    create(con, ChangeClosing, (_made(row) for row in rows))


def _made(row: Row) -> Made:
    record = ChangeClosing(
        job_id=row.job_id,
        property=row.property,
        before=row.before,
        approved=row.approved,
        applied=row.applied,
        outcome=row.outcome,
        because=row.because,
        change_ids=Json(row.change_ids),
        changed_by=", ".join(row.changed_by) or None,
    )
    return Made(record, row.observed_at, row.raw_ref, _row_id(record, row))


def _row_id(record: ChangeClosing, row: Row) -> str:
    """Return an id that also parts changes of one moment whose words are the same."""
    parts = [record.row_id, *row.change_ids]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
