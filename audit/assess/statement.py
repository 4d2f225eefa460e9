"""What SQL a control may be: exactly one SELECT; and where in its file an error of DuckDB's stands."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import duckdb

from audit.errors import ConfigError


class Place(NamedTuple):
    """Where a statement stands in its file: lines from 1."""

    line: int = 1
    """The line on which it begins; 0 = nobody knows."""
    column: int = 0
    """Characters before it on its first line."""
    indent: int = 0
    """Characters that were cut off each further line, as YAML does with a block."""
    exact: bool = True
    """False: its lines were folded, so that only where it begins is known."""

    def of(self, sql: str, position: int) -> tuple[int, int]:
        """Return line and column, from 1, of a byte of the statement; the column is 0 where only the line is known."""
        before = sql.encode()[:position].decode(errors="ignore")
        if not self.exact or not self.line:
            return self.line, 0
        further, last = before.count("\n"), len(before) - before.rfind("\n") - 1
        return self.line + further, 1 + last + (self.indent if further else self.column)


class SqlError(ConfigError):
    """SQL of the user's is wrong. ``line`` and ``column`` in its file, from 1; 0 = not known."""

    def __init__(self, message: str, *, where: str, hint: str, at: tuple[int, int] = (0, 0)) -> None:
        self.line, self.column = at
        super().__init__(message, where=", ".join(filter(None, (where, self.place))), hint=hint)

    @property
    def place(self) -> str:
        """Return line and column in words; empty where they aren't known."""
        line, column = f"line {self.line}" * bool(self.line), f"column {self.column}" * bool(self.column)
        return ", ".join(filter(None, (line, column)))


class Told(NamedTuple):
    """An error as DuckDB tells it: in one line, the byte where it stands, and what was not found."""

    message: str
    position: int | None = None
    missing: str = ""
    """``table`` or ``column``, where one of these was not found."""
    name: str = ""
    """The name that was not found, or by which nothing fits."""


_MISSING = {"MISSING_ENTRY": "table", "COLUMN_NOT_FOUND": "column"}


def one_select(sql: str, *, where: str, at: Place | None = None) -> None:
    """Refuse anything but one SELECT. Raises SqlError that names ``where``, and the place if ``at`` is given."""
    place = at or Place(line=0)
    start = place.of(sql, 0)
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        found = _explained(sql, error)
        raise SqlError(
            f"not valid SQL: {found.message}", where=where, at=place.of(sql, found.position or 0),
            hint="try the SELECT in duckdb on a pack's data/",
        ) from None  # fmt: skip
    if len(statements) != 1:
        raise SqlError(
            f"{len(statements)} statements where exactly one SELECT is expected", where=where, at=start,
            hint="keep one SELECT",
        )  # fmt: skip
    if statements[0].type != duckdb.StatementType.SELECT:
        raise SqlError(
            f"a {statements[0].type.name} statement where a SELECT is expected", where=where, at=start,
            hint="a control reads tables and answers; it changes nothing",
        )  # fmt: skip


def without_end(sql: str) -> str:
    """Return one SELECT with blanks for the semicolons that end it, so that it can stand inside another."""
    text = bytearray(sql.encode())
    for at, kind in reversed(duckdb.tokenize(sql)):  # places are those of bytes
        if kind == duckdb.token_type.comment:
            continue
        if text[at : at + 1] != b";":
            break
        text[at : at + 1] = b" "
    return text.decode()


def _explained(sql: str, error: Exception) -> Told:
    """Read SQL once more that can't be read, so that it is told where it is wrong."""
    with duckdb.connect(config={"errors_as_json": True}) as con:
        try:
            con.extract_statements(sql)
        except duckdb.Error as again:
            return told(again)
    return told(error)


def told(error: Exception) -> Told:
    """Return what DuckDB says, without the excerpt of the query; with ``errors_as_json`` on, where it stands too."""
    text = str(error)
    kind, _, rest = text.partition(": ")
    try:
        said: dict[str, Any] = json.loads(rest)
        message, position = said["exception_message"], said.get("position")
    except (ValueError, KeyError, TypeError):
        return Told(text.partition("\n")[0].strip())
    missing = _MISSING.get(said.get("error_subtype", ""), "")
    if missing == "table" and said.get("type") != "Table":
        missing = ""
    first = str(message).partition("\n")[0].strip()
    at = int(str(position)) if str(position).isdigit() else None
    return Told(f"{kind}: {first}", at, missing, str(said.get("name", "")))
