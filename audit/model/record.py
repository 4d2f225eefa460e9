"""A row: frozen, keyword-only, typed; its class is its table's schema."""

from __future__ import annotations

import functools
import hashlib
import types
import typing
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import msgspec


class Json(msgspec.Struct, frozen=True):
    """A column that holds JSON: whatever Azure sent there, kept as it is."""

    value: Any


_SQL: dict[Any, str] = {
    str: "VARCHAR",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
    datetime: "TIMESTAMPTZ",
    date: "DATE",
    Decimal: "DECIMAL(28,6)",
    Json: "JSON",
}

STANDARD_COLUMNS: tuple[tuple[str, str], ...] = (
    ("row_id", "VARCHAR"),
    ("observed_at", "TIMESTAMPTZ"),
    ("raw_ref", "VARCHAR"),
)
"""Every table has these: a stable id, when Azure said it, and where its words are kept."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One row of one table. Subclasses name their ``table`` and the columns that identify a row, ``row_key``.

    Column types: str, int, float, bool, datetime (aware, UTC), date, Decimal, Json, each optionally ``| None``.
    """

    table: ClassVar[str]
    row_key: ClassVar[tuple[str, ...]]

    @property
    def row_id(self) -> str:
        """A stable id: the same thing has the same row_id in every run, whatever the casing Azure chose that day."""
        parts = [self.table, *(str(getattr(self, name)).lower() for name in self.row_key)]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


_INTEGERS = 2**63
_AMOUNTS = Decimal(10) ** 22


def must_fit(record: Record) -> None:
    """Raise ValueError where a number is beyond what its column holds: one such row would fail the whole table."""
    for name, kind in _numbers(type(record)):
        value = getattr(record, name)
        if value is None:
            continue
        fits = -_INTEGERS <= value < _INTEGERS if kind == "BIGINT" else value.is_finite() and abs(value) < _AMOUNTS
        if not fits:
            raise ValueError(f"{name} is a number that no table can hold")


@functools.cache
def _numbers(record: type[Record]) -> tuple[tuple[str, str], ...]:
    return tuple(each for each in columns(record) if each[1] in ("BIGINT", _SQL[Decimal]))


@functools.cache
def columns(record: type[Record]) -> tuple[tuple[str, str], ...]:
    """Return (name, DuckDB type) for every column of a record's table, the standard ones first."""
    hints = typing.get_type_hints(record)
    own = ((name, _sql_type(hints[name])) for name in record.__struct_fields__)
    return (*STANDARD_COLUMNS, *own)


def _sql_type(hint: Any) -> str:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (hint,) = (part for part in typing.get_args(hint) if part is not type(None))
    return _SQL[hint]


def plain(record: Record) -> dict[str, Any]:
    """Return a record's columns as JSON-ready values."""
    return {
        name: value.value if isinstance(value, Json) else value
        for name in record.__struct_fields__
        if (value := getattr(record, name)) is not None
    }
