"""Which events a run's own lists held: what earlier commits and its coverage let expect, and where that is wrong.

A run writes only rows that history lacked; which of the others it read again must be known to put the run together
again. Nearly always it read all that is known of its units and its window, so only the exceptions are written:
``listed/month=…/<commit>.parquet``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from audit.errors import IntegrityError, UsageError
from audit.model import Window
from audit.store.history import events
from audit.store.history.extents import UNIT
from audit.store.history.files import months_in
from audit.store.history.kept import EVENT_TABLES, EVER, UNKNOWN, EventTable
from audit.store.history.snapshots import mark_files, parquet
from audit.store.tables import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from audit.store.history.commits import Commit
    from audit.store.history.files import Files

LISTED = "listed"
CREATE = "create temp table listed (table_name VARCHAR, row_id VARCHAR, month VARCHAR, held BOOLEAN)"
_EMPTY = "0-0"
"""What no row comes to."""
_NOTHING = "select row_id from listed where false"
_EDGE = timedelta(days=2)
"""How far before its window a row may begin that a list of the window holds: a day of costs, a step of metrics."""

# Of the versions of a row the last one that was read before the run had ended; a run that was added late may find only
# later ones.
_RESTORE = """
create or replace table {target} as
with versions as (
    select * exclude (filename) from {stored} join history_files using (filename)
), expected as ({expected}
), members as (
    select row_id from versions where sequence = {own}
    union select row_id from listed where held
    union (select row_id from expected except select row_id from listed where not held)
), ended as (
    select coalesce(max(finished), {latest}::TIMESTAMPTZ) as at from {units} where kind = {kind}
)
select versions.* exclude (run_id, sequence) replace ('runs/' || run_id || '/' || raw_ref as raw_ref)
from versions semi join members using (row_id) cross join ended
qualify row_number() over (
    partition by row_id
    order by if(observed_at <= ended.at, observed_at, null) desc nulls last, observed_at, sequence desc) = 1
order by row_id
"""


def months(event: EventTable, window: Window) -> set[str] | None:
    """Return the months in which the rows of a run's list are looked for; None: all, where the window is no bound."""
    if event.limit is not None:
        return None
    return months_in(Window(since=window.since - _EDGE, until=window.until)) | {UNKNOWN}


def grains(con: duckdb.DuckDBPyConnection, event: EventTable) -> tuple[int, ...]:
    """Return the steps in which the run read this table; ``con`` has its rows under the table's name."""
    if not event.grain:
        return ()
    column, table = identifier(event.grain), identifier(event.table)
    found = con.execute(f"select distinct {column} from {table} where {column} is not null order by all").fetchall()
    return tuple(int(step) for (step,) in found)


def sealed(con: duckdb.DuckDBPyConnection, source: str) -> str:
    """Return what the row_ids of a table come to, in any order."""
    row = con.execute(f"select count(*) || '-' || coalesce(bit_xor(md5_number(row_id)), 0) from {source}").fetchone()
    return str(row[0]) if row else ""


def tell(
    con: duckdb.DuckDBPyConnection, event: EventTable, window: Window, steps: Sequence[int], known: Sequence[Path]
) -> None:
    """Add to ``listed`` where the run's list isn't what was to be expected; needs ``fresh`` and ``extents``."""
    if not known:
        return
    ours, table = identifier(event.table), literal(event.table)
    con.execute(f"""
        insert into listed
        with expected as ({_expected(event, window, steps, known, "extents")}),
             again as (select * from {ours} anti join fresh using (row_id))
        select {table}, row_id, {events.month(event)}, true from again anti join expected using (row_id)
        union all
        select {table}, row_id, null, false from expected anti join {ours} using (row_id)""")


def _expected(event: EventTable, window: Window, steps: Sequence[int], known: Sequence[Path], units: str) -> str:
    """Return the SQL of the row_ids in ``known`` that a run over ``window`` with these ``units`` should have read."""
    time = f"known.{identifier(event.time)}::TIMESTAMPTZ"
    since, until = (f"{literal(moment.isoformat())}::TIMESTAMPTZ" for moment in (window.since, window.until))
    if event.limit is not None:
        inside = f"{time} >= coalesce(units.covered_from, {literal(EVER.isoformat())}::TIMESTAMPTZ)"
    elif event.lasts:
        inside = f"{time} + {event.lasts} > {since} and {time} < {until}"
    else:
        inside = f"{time} >= {since} and {time} < {until}"
    step = f"and list_contains({list(steps)}::BIGINT[], known.{identifier(event.grain)})" if event.grain else ""
    return f"""
        select distinct known.row_id from {parquet(known)} as known
        join {units} as units on units.kind = {literal(event.table)} and units.place is null and units."rows" > 0
            and units.unit = {UNIT.format(column="known.raw_ref")}
        where (({inside}) or {time} is null) {step}"""


def restore(con: duckdb.DuckDBPyConnection, files: Files, commits: Sequence[Commit], table: str, units: str) -> bool:
    """Create a table with the events that the run of the last of ``commits`` held, as they read then.

    ``units``: a relation with the run's units, as history keeps them. ``raw_ref`` leads to the run that first read the
    row so, ``observed_at`` tells when. False where history never had a row. Raises IntegrityError where the rows don't
    come to what was committed.
    """
    target = identifier(table)
    event, own, before = EVENT_TABLES[table], commits[-1], commits[:-1]
    kept = own.tables[table]
    if not kept.state:
        raise UsageError(
            f"history took up run {own.run_id} before it kept which events the lists of a run held",
            hint="render a newer run for this window: jobaudit render RUN --since … --until …",
        )
    _load(con, files, own, table)
    searched = months(event, own.run.window)
    if searched is not None:
        searched |= {month for (month,) in con.execute("select distinct month from listed where held").fetchall()}
    earlier = files.of(before, table, searched)
    stored = [*earlier, *files.of([own], table)]
    if stored:
        paths = [path for path, _ in earlier]
        expected = _expected(event, own.run.window, kept.grains, paths, units) if paths else _NOTHING
        mark_files(con, stored)
        con.execute(_RESTORE.format(
            target=target, stored=parquet([path for path, _ in stored]), expected=expected, own=own.sequence,
            units=units, kind=literal(table), latest=literal(own.written.isoformat()),
        ))  # fmt: skip
    state = sealed(con, target) if stored else _EMPTY
    con.execute("drop table listed")
    if state != kept.state:
        raise IntegrityError(
            f"table {table} of run {own.run_id} can't be put together again: its rows are not those committed",
            hint="restore output/history from a copy",
        )
    return bool(stored)


def _load(con: duckdb.DuckDBPyConnection, files: Files, own: Commit, table: str) -> None:
    """Create the temporary table ``listed`` with the exceptions of one commit and table."""
    con.execute(CREATE)
    found = [path for path, _ in files.of([own], LISTED)]
    if found:
        con.execute(
            f"insert into listed by name select * exclude (filename) from {parquet(found)} "
            f"where table_name = {literal(table)}"
        )
