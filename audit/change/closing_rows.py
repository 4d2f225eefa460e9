"""The rows of ``change_closing``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from audit.derive.rows import row_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

CREATE = """
create or replace table change_closing (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR, job_id VARCHAR, property VARCHAR, before VARCHAR,
    approved VARCHAR, applied VARCHAR, outcome VARCHAR, because VARCHAR, change_ids JSON, changed_by VARCHAR
)
"""

_INSERT = f"""
insert into change_closing by name
select {row_id("change_closing", "job_id", "property", "outcome", "because", "change_ids::VARCHAR")} as row_id,
       * replace (nullif(array_to_string(changed_by, ', '), '') as changed_by)
from (select unnest(from_json($rows, $shape), recursive := true))
order by lower(job_id), property nulls last, outcome, because, change_ids::VARCHAR
"""
_SHAPE = {
    "observed_at": "TIMESTAMPTZ", "raw_ref": "VARCHAR", "job_id": "VARCHAR", "property": "VARCHAR",
    "before": "VARCHAR", "approved": "VARCHAR", "applied": "VARCHAR", "outcome": "VARCHAR", "because": "VARCHAR",
    "change_ids": "JSON", "changed_by": "VARCHAR[]",
}  # fmt: skip


class Row(msgspec.Struct, kw_only=True):
    """One row of ``change_closing`` in the making."""

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
    """The names of who made the changes; a text in the table."""


def insert(con: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> None:
    """Insert rows, in an order that doesn't depend on theirs."""
    shape = msgspec.json.encode([_SHAPE]).decode()
    con.execute(_INSERT, {"rows": msgspec.json.encode(rows).decode(), "shape": shape})
