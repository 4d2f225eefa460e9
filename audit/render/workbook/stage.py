"""A sheet's rows, numbered once in the engine, so that every other sheet can lead to them before they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit.render.workbook.sheet import STANDARD, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

HEAD_ROWS = 4
"""Title, note, state, headings: the rows above the first row of a table."""

_BATCH = 5_000


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A sheet with its rows counted. ``missing``: tables that it needs and this run doesn't have."""

    sheet: Sheet
    table: str
    rows: int
    capacity: int
    missing: tuple[str, ...] = ()
    remark: str = ""
    places: dict[str, dict[str, int]] = field(default_factory=dict)
    """anchor → key (lower-case) → number of the first row that has it, from 1."""

    @property
    def parts(self) -> int:
        """How many sheets of the book it fills: 1, or more where the format's row limit is reached."""
        return max(1, -(-self.rows // self.capacity))

    def title(self, part: int) -> str:
        """Return the name of a part's sheet: ``Activity Log``, ``Activity Log (2)``."""
        return self.sheet.title if part == 0 else f"{self.sheet.title} ({part + 1})"

    def place(self, number: int) -> tuple[str, int]:
        """Return where row ``number`` stands: the sheet's name and its row there."""
        part, offset = divmod(number - 1, self.capacity)
        return self.title(part), HEAD_ROWS + 1 + offset

    def find(self, anchor: str, key: object) -> tuple[str, int] | None:
        """Return where the first row stands whose anchor equals ``key``, or None."""
        number = self.places.get(anchor, {}).get(str(key).lower()) if key is not None else None
        return self.place(number) if number else None


def stage(con: duckdb.DuckDBPyConnection, sheet: Sheet, row_limit: int) -> Staged:
    """Put a sheet's rows, numbered, into a temporary table; ``row_limit``: rows that one sheet of the book holds."""
    capacity = row_limit - HEAD_ROWS
    table = "sheet_" + "".join(letter if letter.isalnum() else "_" for letter in sheet.title.lower())
    missing = tuple(name for name in sheet.tables if not exists(con, name))
    if missing:
        return Staged(sheet=sheet, table=table, rows=0, capacity=capacity, missing=missing)
    given = {name for name, *_ in con.execute(f"describe {sheet.query}").fetchall()}
    absent = "".join(f", null as {column.name}" for column in STANDARD if column.name not in given)
    anchors = "".join(f", lower(cast({sql} as varchar)) as anchor_{name}" for name, sql in sheet.anchors.items())
    con.execute(
        f"create or replace temp table {table} as with queried as (select *{absent} from ({sheet.query})) "
        f"select *{anchors} from queried order by {sheet.order}",  # a table keeps the order in which it was filled
    )
    (rows,) = con.execute(f"select count(*) from {table}").fetchone() or (0,)
    places = {
        name: dict(
            con.execute(
                f"select anchor_{name}, min(rowid) + 1 from {table} where anchor_{name} is not null group by all",
            ).fetchall(),
        )
        for name in sheet.anchors
    }
    (remark,) = (con.execute(sheet.remark).fetchone() if sheet.remark else None) or ("",)
    return Staged(sheet=sheet, table=table, rows=rows, capacity=capacity, remark=remark or "", places=places)


def exists(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Tell whether the connection has a table or view of that name."""
    found = con.execute("select count(*) from information_schema.tables where table_name = ?", [name]).fetchone()
    return bool(found and found[0])


def rows_of(con: duckdb.DuckDBPyConnection, staged: Staged, names: list[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows in order, each with the columns ``names``; memory is bounded by a batch."""
    listed = ", ".join(f'"{name}"' for name in names)
    for first in range(0, staged.rows, _BATCH):
        within = f"rowid between {first} and {first + _BATCH - 1}"
        yield from con.execute(f"select {listed} from {staged.table} where {within} order by rowid").fetchall()


def drop(con: duckdb.DuckDBPyConnection, staged: Staged) -> None:
    """Forget the numbered rows: what is exported afterwards holds only the run's tables."""
    con.execute(f"drop table if exists {staged.table}")
