"""The SQL that gives derived rows their standard columns."""

from __future__ import annotations


def row_id(table: str, *columns: str) -> str:
    """Return the SQL for a stable id, made as ``Record.row_id`` makes it: table and key columns, lower case."""
    parts = ", ".join(f"coalesce(lower({column}), '')" for column in columns)
    return f"substr(sha256(concat_ws(chr(31), '{table}', {parts})), 1, 16)"


def utc(column: str) -> str:
    """Return the SQL that words a TIMESTAMPTZ as a person reads it, in UTC whatever the session's zone is."""
    return f"strftime({column} at time zone 'UTC', '%Y-%m-%d %H:%M:%S UTC')"
