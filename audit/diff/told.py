"""The differences, read from their table a part at a time, and written as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from audit.diff import shapes
from audit.diff.compared import counts
from audit.diff.side import Side, notes
from audit.model.published import Window
from audit.render.results.stream import array, members

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

_AT_ONCE = 5_000
_ALL = (
    'select * rename (table_name as "table") from differences where number > $after {where} order by number limit $most'
)
Row = dict[str, Any]


def rows(con: duckdb.DuckDBPyConnection, area: str = "", most: int | None = None) -> Iterator[Row]:
    """Yield the differences in order, each a dict by column: all, or the first ``most`` of one ``area``."""
    where = "and area = $area" if area else ""
    given = {"area": area} if area else {}
    after, left = 0, most
    while left is None or left > 0:
        asked = _AT_ONCE if left is None else min(_AT_ONCE, left)
        found = con.execute(_ALL.format(where=where), {"after": after, "most": asked, **given})
        names = [column[0] for column in found.description or ()]
        part = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        yield from part
        if len(part) < asked:
            return
        after = part[-1]["number"]
        left = None if left is None else left - len(part)


def write(file: BinaryIO, con: duckdb.DuckDBPyConnection, old: Side, new: Side) -> None:
    """Write everything as JSON, row by row, as docs/diff.schema.json says. The same differences give the same bytes."""
    areas = shapes.Areas(**{area: shapes.Counts(**by) for area, by in counts(con).items()})
    file.write(b"{\n")
    members(file, {"schema_version": shapes.VERSION, "old": _side(old), "new": _side(new), "notes": notes(old, new)})
    members(file, {"counts": areas})
    file.write(b'"differences": ')
    array(file, (_difference(row) for row in rows(con)))
    file.write(b"\n}\n")


def _side(side: Side) -> shapes.Compared:
    run = side.run
    return shapes.Compared(
        run_id=run.run_id,
        pack=side.pack or None,
        sealed=side.sealed,
        tool_version=run.tool_version,
        started=run.started,
        window=Window(since=run.window.since, until=run.window.until),
        subscriptions=list(run.subscriptions),
        redaction_key_id=run.redaction_key_id,
    )


def _difference(row: Row) -> shapes.Difference:
    told = {name: row[name] for name in shapes.Difference.__struct_fields__}
    return shapes.Difference(**told | {"because": shapes.Because(**row["because"]) if row["because"] else None})
