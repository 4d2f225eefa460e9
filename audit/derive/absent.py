"""Empty tables for the kinds that a run left out, so that a control can name every table of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.evidence import record_types
from audit.model import columns

if TYPE_CHECKING:
    import duckdb


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create each record class's table that isn't there. That it is empty means nothing: job_gaps says so."""
    for record in record_types():
        schema = ", ".join(f'"{name}" {kind}' for name, kind in columns(record))
        con.execute(f'create table if not exists "{record.table}" ({schema})')
