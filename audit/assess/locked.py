"""A run's tables as a control may see them: read-only, nothing outside the database, bounded in size and time."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from audit.assess.quoting import unquoted
from audit.assess.schema import Schema
from audit.assess.statement import Place, SqlError, one_select, told, without_end
from audit.errors import ConfigError

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "threads": "4",
    "memory_limit": "2GB",
    "max_temp_directory_size": "4GB",
}
_CHUNK = 2048
_KEYWORDS = """
select distinct lower(column_name) from duckdb_columns()
where not internal and lower(column_name) in (select keyword_name from duckdb_keywords())
"""


class Locked:
    """The database file, reopened so that SQL of the user's can only read it. A context manager.

    Every other connection to the file has to be closed first. ``timeout`` is seconds per statement.
    """

    def __init__(self, database: Path, *, timeout: float = 30.0) -> None:
        self._timeout = timeout
        self._con = duckdb.connect(str(database), read_only=True, config=_CONFIG)
        self._con.execute("set global TimeZone = 'UTC'")
        self._con.execute("set global errors_as_json = true")
        self._con.execute("set lock_configuration = true")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the database."""
        self._con.close()

    def select(
        self,
        sql: str,
        *,
        where: str,
        required: tuple[str, ...],
        optional: tuple[str, ...] = (),
        at: Place | None = None,
        within: str = "",
    ) -> Iterator[tuple[Any, ...]]:
        """Yield rows of ``required`` and then ``optional`` columns, None where an optional one isn't selected.

        ``at``: where the SQL stands in its file. ``within``: common table expressions that it sees in place of tables.
        Raises ConfigError naming ``where``: not one SELECT, an error in it, other columns, or longer than the timeout.
        """
        with closing(self.rows(sql, where=where, at=at, within=within)) as rows:
            places = _places(list(next(rows)), required, optional, where)
            for row in rows:
                yield tuple(row[place] if place is not None else None for place in places)

    def rows(self, sql: str, *, where: str, at: Place | None = None, within: str = "") -> Generator[tuple[Any, ...]]:
        """Yield the names of the columns, then every row. Raises ConfigError as :meth:`select` does."""
        self._one_select(sql, where, at)
        before = f"with {within} select * from (\n" if within else ""
        sql = without_end(sql)
        cursor = self._con.cursor()
        late = threading.Event()

        def stop() -> None:
            late.set()
            cursor.interrupt()

        timer = threading.Timer(self._timeout, stop)
        timer.daemon = True
        timer.start()
        try:
            cursor.execute(f"{before}{sql}\n)" if within else sql)
            yield tuple(column[0] for column in cursor.description or ())
            while rows := cursor.fetchmany(_CHUNK):
                yield from rows
                if late.is_set():
                    raise self._late(where)
        except (duckdb.Error, ValueError, OverflowError) as error:  # the last two: a value that Python can't hold
            if late.is_set():
                raise self._late(where) from None
            raise self._failed(error, sql, len(before.encode()), where, at) from None
        finally:
            timer.cancel()
            timer.join()
            cursor.close()

    def _failed(self, error: Exception, sql: str, before: int, where: str, at: Place | None) -> SqlError:
        """Return DuckDB's error with its place in the file and what the SQL may use instead."""
        found = told(error)
        place = (0, 0)
        if at is not None and found.position is not None and found.position >= before:
            place = at.of(sql, found.position - before)
        return SqlError(
            f"the SQL failed: {found.message}", where=where, hint=Schema(self._con).hint(found, sql), at=place
        )

    def _one_select(self, sql: str, where: str, at: Place | None) -> None:
        """Refuse anything but one SELECT; where it lacks only the quotes around a column, say so."""
        try:
            one_select(sql, where=where, at=at)
        except SqlError as error:
            found = self._con.execute(_KEYWORDS).fetchall()
            if word := unquoted(sql, {name for (name,) in found}):
                hint = f'{word} is a word of SQL and a column here: write it as "{word}", in double quotes'
                raise SqlError(error.message, where=where, hint=hint, at=(error.line, error.column)) from None
            raise

    def _late(self, where: str) -> ConfigError:
        return ConfigError(
            f"the SQL took longer than {self._timeout:g} s and was stopped",
            where=where,
            hint="look for a join without a condition or a recursion without an end",
        )


def _places(found: list[str], required: tuple[str, ...], optional: tuple[str, ...], where: str) -> list[int | None]:
    names = [name.lower() for name in found]
    wrong = [name for name in required if names.count(name) != 1]
    wrong += [name for name in names if name not in (*required, *optional)]
    if wrong:
        may = f" (and may add {', '.join(optional)})" if optional else ""
        raise ConfigError(
            f"the SELECT gives the columns {', '.join(found)}",
            where=where,
            hint=f"it has to give exactly {', '.join(required)}{may}",
        )
    return [names.index(name) if name in names else None for name in (*required, *optional)]
