"""Rows out of DuckDB as dictionaries: all at once where they are few, page by page where they may be many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]


def fetch(con: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[Row]:
    """Return every row of a query."""
    result = con.execute(sql, list(values))
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def one(con: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> Row:
    """Return the one row of an aggregate."""
    (row,) = fetch(con, sql, *values)
    return row


def numbered(con: duckdb.DuckDBPyConnection, table: str, sql: str) -> int:
    """Keep a query's rows in a temporary table and return how many; ``sql`` gives them ``number``, from 1."""
    con.execute(f"create or replace temp table {table} as {sql} order by number")
    return int(one(con, f"select count(*) as n from {table}")["n"])


def pages(con: duckdb.DuckDBPyConnection, table: str, total: int, size: int) -> Iterator[list[Row]]:
    """Yield the rows of a numbered table, ``size`` at a time; one empty page where there are none."""
    for first in range(1, max(total, 1) + 1, size):
        yield fetch(con, f"select * from {table} where number between ? and ? order by number", first, first + size - 1)
