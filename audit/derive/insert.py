"""Rows computed in Python into a table of the connection: one statement, typed by the record class."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from audit.model import Record, columns, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb


class Made(NamedTuple):
    """A row and where it comes from. ``row_id`` replaces the record's own, where two things share its key."""

    record: Record
    observed_at: datetime | None
    raw_ref: str | None
    row_id: str = ""


def create(con: duckdb.DuckDBPyConnection, record: type[Record], rows: Iterable[Made]) -> None:
    """Create the record class's table with these rows, ordered by row_id; what was there is replaced."""
    schema = columns(record)
    described = ", ".join(f'"{name}" {kind}' for name, kind in schema)
    con.execute(f"create or replace table {record.table} ({described})")
    encoded = msgspec.json.encode([_row(each) for each in rows]).decode()
    shape = msgspec.json.encode([dict(schema)]).decode()
    con.execute(
        f"insert into {record.table} by name select row.* from (select unnest(from_json($rows, $shape)) as row)"
        " order by row.row_id",
        {"rows": encoded, "shape": shape},
    )


def _row(made: Made) -> dict[str, object]:
    return {
        "row_id": made.row_id or made.record.row_id,
        "observed_at": made.observed_at,
        "raw_ref": made.raw_ref,
        **plain(made.record),
    }
