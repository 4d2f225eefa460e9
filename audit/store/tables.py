"""Tables: NDJSON in, Parquet out, through DuckDB. The same rows give the same bytes, over any number of threads."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec

from audit.errors import StoreError
from audit.model import Record, columns
from audit.store import atomic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

_encoder = msgspec.json.Encoder()


def line(record: Record, *, observed_at: datetime, raw_ref: str) -> bytes:
    """Return a row as one NDJSON line, newline included."""
    row: dict[str, Any] = {"row_id": record.row_id, "observed_at": observed_at, "raw_ref": raw_ref}
    row |= msgspec.structs.asdict(record)
    for name in _json_columns(type(record)):
        if row[name] is not None:
            row[name] = row[name].value
    return _encoder.encode(row) + b"\n"


@cache
def _json_columns(record: type[Record]) -> tuple[str, ...]:
    return tuple(name for name, kind in columns(record) if kind == "JSON")


def literal(text: str) -> str:
    """Quote text for SQL, where DuckDB takes no parameter (COPY, CREATE VIEW)."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Quote a table's or a column's name for SQL."""
    return '"' + name.replace('"', '""') + '"'


MEMORY = "384MB"
"""What DuckDB may hold while a table is sorted or added to history; more is laid off in the folder that it is given."""


MEMORY_OF_FILE = "2GB"
"""What DuckDB may hold of a database file that a run's tables are derived and rendered in; more lies in the file."""


def connect(database: str = ":memory:", *, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open DuckDB as this program uses it: UTC, nothing downloaded, no progress bar.

    ``spill``: a folder for what doesn't fit into MEMORY. Without it a database file may hold MEMORY_OF_FILE and lays
    the rest beside itself, and one in memory has DuckDB's own limit, four fifths of the machine.
    """
    connection = duckdb.connect(
        database, config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    if spill is not None:
        connection.execute(f"SET temp_directory = {literal(str(spill))}")
        connection.execute(f"SET memory_limit = '{MEMORY}'")
    elif database != ":memory:":
        connection.execute(f"SET memory_limit = '{MEMORY_OF_FILE}'")
    return connection


def write(connection: duckdb.DuckDBPyConnection, record: type[Record], sources: Sequence[Path], target: Path) -> None:
    """Write the table of a record class as Parquet, atomically. Without rows it is a table all the same.

    Rows that say the same, whatever the casing, are one row: the one with the smallest raw_ref stays. Rows that say
    different things under one row_id (an environment variable set twice, say) all stay: the second gets ``-2``.
    Raises StoreError.
    """
    part = target.with_name(f".{target.name}.part")
    copy = f"COPY ({_select(record, sources)}) TO {literal(str(part))} (FORMAT parquet, COMPRESSION zstd)"
    part.unlink(missing_ok=True)
    try:
        connection.execute(copy)
    except duckdb.IOException as error:
        part.unlink(missing_ok=True)
        raise StoreError(
            f"table {record.table} could not be written: {_first_line(error)}",
            where=str(target.parent),
            hint="free some space or choose another folder with --output; what was collected stays: jobaudit resume",
        ) from error
    except duckdb.Error:
        part.unlink(missing_ok=True)
        raise
    atomic.publish(part, target)


def _select(record: type[Record], sources: Sequence[Path]) -> str:
    schema = columns(record)
    names = ", ".join(identifier(name) for name, _ in schema)
    if not sources:
        return "SELECT " + ", ".join(f"NULL::{kind} AS {identifier(name)}" for name, kind in schema) + " WHERE false"
    files = "[" + ", ".join(literal(str(path)) for path in sources) + "]"
    types = "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in schema) + "}"
    said = ", ".join(
        f"lower({identifier(name)}::VARCHAR)" for name, _ in schema if name not in ("observed_at", "raw_ref")
    )
    rest = ", ".join(identifier(name) for name, _ in schema if name != "row_id")
    read = f"read_json({files}, format = 'newline_delimited', columns = {types})"
    # Nearly every row_id stands once: only the others need comparing, which takes all of them in memory at once.
    return f"""
        WITH twice AS (
            SELECT row_id FROM {read} GROUP BY row_id HAVING count(*) > 1
        ), said AS (
            SELECT {names} FROM {read} WHERE row_id IN (FROM twice)
            QUALIFY row_number() OVER (PARTITION BY {said} ORDER BY raw_ref) = 1
        ), numbered AS (
            SELECT *, row_number() OVER (PARTITION BY row_id ORDER BY raw_ref, {said}) AS nth FROM said
        )
        SELECT row_id, {rest} FROM {read} WHERE row_id NOT IN (FROM twice)
        UNION ALL
        SELECT if(nth = 1, row_id, row_id || '-' || nth), {rest} FROM numbered
        ORDER BY row_id, raw_ref"""


def view(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    """Make a Parquet file readable under its table's name."""
    connection.execute(f"CREATE OR REPLACE VIEW {identifier(table)} AS FROM read_parquet({literal(str(path))})")


def load(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    """Load a Parquet file, whose digest was right, into the connection's database. Raises StoreError."""
    try:
        connection.execute(f"CREATE OR REPLACE TABLE {identifier(table)} AS FROM read_parquet({literal(str(path))})")
    except duckdb.Error as error:
        raise StoreError(
            f"table {table} could not be loaded into a database: {_first_line(error)}",
            where=str(path),
            hint="see that the folder for temporary files can be written and has space (TMPDIR)",
        ) from error


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """Run a query and return its rows by column name."""
    result = connection.execute(sql)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
