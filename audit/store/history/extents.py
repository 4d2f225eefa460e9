"""What each unit of a run proves: over which interval its list is the whole truth. A gap proves nothing.

The one exception is a window that reaches beyond Azure's memory: what Azure could still be asked was read whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from audit.store.history.kept import EVENT_TABLES, EVER, EventTable
from audit.store.tables import identifier

if TYPE_CHECKING:
    from datetime import timedelta

    import duckdb

    from audit.model import Run, Window

UNIT = "regexp_extract({column}, '^(?:runs/[^/]+/)?raw/[^/]+/([0-9a-f]{{32}})', 1)"
"""SQL: the unit that a raw_ref names."""

_SKEW_SECONDS = 60
"""The collector stays this far inside Azure's memory."""

_CREATE = """
create or replace temp table extents as
select *, if(place is null, substr(sha256(lower(scope)), 1, 32), null) as unit, null::JSON as ids,
       null::TIMESTAMPTZ as covered_from, null::TIMESTAMPTZ as covered_to
from coverage
"""


def create(con: duckdb.DuckDBPyConnection, run: Run, window: Window, *, known: bool = True) -> None:
    """Create the temporary table ``extents``: ``coverage`` with unit, ids, covered_from and covered_to.

    The interval is half-open, and null where the unit proves nothing. ``con`` holds the run's tables under their
    names; ``window`` is the one that they were collected for; ``known`` False: none is, and no interval is given.
    """
    con.execute(_CREATE)
    _ids(con, run)
    if not known:
        return
    there = {name for (name,) in con.execute("select table_name from information_schema.tables").fetchall()}
    for table in sorted(EVENT_TABLES.keys() & there):
        _cover(con, window, EVENT_TABLES[table], permissions="permissions" in there)


def _ids(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    asked = [
        {"kind": unit.kind, "unit": unit.unit, "ids": list(unit.scope.ids)} for unit in run.units if unit.scope.ids
    ]
    if asked:
        con.execute(
            "update extents set ids = given.ids from (select unnest(from_json($rows, $shape), recursive := true)) "
            "as given where extents.kind = given.kind and extents.unit = given.unit",
            {
                "rows": msgspec.json.encode(asked).decode(),
                "shape": '[{"kind": "VARCHAR", "unit": "VARCHAR", "ids": "JSON"}]',
            },
        )


def _cover(con: duckdb.DuckDBPyConnection, window: Window, event: EventTable, *, permissions: bool) -> None:
    whole = "place is null and outcome = 'collected'"
    if event.limit is not None:
        con.execute(
            f"""
            update extents set covered_to = started, covered_from = coalesce(
                (select if(count(*) >= {event.limit}, min({identifier(event.time)}), null)
                 from {identifier(event.table)} as listed
                 where {UNIT.format(column="listed.raw_ref")} = extents.unit),
                $ever)
            where kind = $kind and {whole}""",
            {"kind": event.table, "ever": EVER},
        )
        return
    also = _or_all_there_is(event, permissions=permissions) if event.retention is not None else ""
    con.execute(
        f"""
        update extents set covered_to = least($until::TIMESTAMPTZ, started - $settle::INTERVAL), covered_from = $since
        where kind = $kind and ({whole}{also})""",
        {"kind": event.table, "since": window.since, "until": window.until, "settle": event.settle},
    )
    if event.retention is not None:
        con.execute(
            "update extents set covered_from = greatest(covered_from, finished - $inside::INTERVAL) where kind = $kind "
            "and covered_from is not null and started - $since::TIMESTAMPTZ > $retention::INTERVAL",
            {
                "kind": event.table,
                "since": window.since,
                "inside": _inside(event.retention),
                "retention": event.retention,
            },
        )
    con.execute(
        "update extents set covered_from = null, covered_to = null where kind = $kind and covered_from >= covered_to",
        {"kind": event.table},
    )


def _or_all_there_is(event: EventTable, *, permissions: bool) -> str:
    """Return the SQL for a gap whose only fault is the window's start.

    Of a list that is filtered by what its reader may see, the right to the rest must be shown.
    """
    known = "or (place is null and reason = 'beyond_retention'"
    if not event.action:
        return f" {known})"
    if not permissions:
        return ""
    return f"""
        {known} and exists (
            select 1 from permissions where lower(rtrim(permissions.scope, '/')) = lower(rtrim(extents.scope, '/'))
            and not contains(lower(permissions.missing::VARCHAR), '"{event.action}"')))"""


def _inside(retention: timedelta) -> timedelta:
    return retention - type(retention)(seconds=_SKEW_SECONDS)
