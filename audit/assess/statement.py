"""What SQL a control may be: exactly one SELECT."""

from __future__ import annotations

import duckdb

from audit.errors import ConfigError


def one_select(sql: str, *, where: str) -> None:
    """Refuse anything but one SELECT. Raises ConfigError that names ``where``."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        told = first_line(error)
        raise ConfigError(
            f"not valid SQL: {told}", where=where, hint="try the SELECT in duckdb on a pack's data/"
        ) from None
    if len(statements) != 1:
        raise ConfigError(
            f"{len(statements)} statements where exactly one SELECT is expected", where=where, hint="keep one SELECT"
        )
    if statements[0].type != duckdb.StatementType.SELECT:
        raise ConfigError(
            f"a {statements[0].type.name} statement where a SELECT is expected",
            where=where,
            hint="a control reads tables and answers; it changes nothing",
        )


def first_line(error: Exception) -> str:
    """Return DuckDB's message without the excerpt of the query."""
    return str(error).partition("\n")[0].strip()
