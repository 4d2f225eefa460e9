"""The tables as files: data/<table>.parquet, which DuckDB, pandas and Power BI open and controls can be re-run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from audit.errors import StoreError
from audit.store import atomic

if TYPE_CHECKING:
    from pathlib import Path


def write(con: duckdb.DuckDBPyConnection, folder: Path) -> list[str]:
    """Write every table of the connection to ``folder`` and return the tables' names in order.

    Rows are ordered by row_id and, for a table that repeats one, by all columns: the same rows give the same bytes
    over any number of threads. Temporary tables and views stay out. Raises StoreError where a file can't be written.
    """
    atomic.make_folder(folder)
    names = [
        name
        for (name,) in con.execute(
            "select table_name from duckdb_tables() where not temporary and not internal "
            "and database_name = current_database() and schema_name = current_schema() order by table_name",
        ).fetchall()
    ]
    for name in names:
        path = folder / f"{name}.parquet"
        columns = {column for column, *_ in con.execute(f'describe "{name}"').fetchall()}
        whole = _whole_row(columns)
        order = "row_id" if _one_each(con, name, columns) else f"row_id, {whole}" if "row_id" in columns else whole
        try:
            con.execute(
                f'copy (select * from "{name}" order by {order}) '
                f"to '{_quoted(path)}' (format parquet, compression zstd)",
            )
        except duckdb.IOException as error:
            raise StoreError(
                f"table {name} could not be written: {str(error).splitlines()[0]}",
                where=str(folder),
                hint="free some space or choose another folder with --output, then render the run again",
            ) from error
        path.chmod(atomic.FILE_MODE)
    return names


def _one_each(con: duckdb.DuckDBPyConnection, name: str, columns: set[str]) -> bool:
    """Tell whether each row has a row_id of its own: then it alone orders them, in a fraction of the room."""
    if "row_id" not in columns:
        return False
    found = con.execute(f'select count(*) = count(distinct row_id) from "{name}"').fetchone()
    return bool(found and found[0])


def _whole_row(columns: set[str]) -> str:
    return ", ".join(f'cast("{column}" as varchar)' for column in sorted(columns))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
