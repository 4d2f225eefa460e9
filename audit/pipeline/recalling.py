"""Recall: what history adds to a run's tables before they are derived."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from audit.derive import execution_templates, past
from audit.derive.earlier import TABLES
from audit.errors import UsageError
from audit.model import Window
from audit.pipeline import monthly
from audit.store.history import EVENT_TABLES, EVER, View

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run


_AROUND = timedelta(hours=1)
"""How far the collector may stay inside Azure's memory."""


def recall(con: duckdb.DuckDBPyConnection, run: Run, view: View) -> None:
    """Load into the schema ``history`` what earlier runs saw of the window, and of the run's own events before it."""
    con.execute("create schema if not exists history")
    there = _tables(con)
    for table in TABLES:
        window = _span(con, table, run.window) if table in there else run.window
        view.rows(con, table, window, f'history."{table}"', last_seen=False)
    if forgotten := _forgotten(run, "metrics"):
        view.rows(con, "metrics", forgotten, "history.metrics", last_seen=False)
    view.units(con, sorted(EVENT_TABLES), "history.units")
    _later(con, view, run.window)
    _templates(con, view)
    monthly.load(con, view, run.window)


def recall_window(con: duckdb.DuckDBPyConnection, run: Run, view: View, window: Window) -> Run:
    """Replace the run's events by those that history knows of ``window``; return the run's head for that window.

    Raises UsageError where history knows nothing of it.
    """
    con.execute("create schema if not exists history")
    loaded = [
        table for table in sorted(EVENT_TABLES) if view.rows(con, table, window, f'history."{table}"', last_seen=False)
    ]
    view.units(con, sorted(EVENT_TABLES), "history.units")
    if not _touched(con, window) and not any(_rows(con, table) for table in loaded):
        raise UsageError(
            f"history knows nothing of {window.label}",
            where=str(view.folder),
            hint=f"{_reach(con)}; leave out --since, --until and --month to render what the run itself collected",
        )
    _later(con, view, window)
    _templates(con, view)
    monthly.load(con, view, window)
    past.take_over(con, run, window)
    return msgspec.structs.replace(run, window=window, collected_for=run.window)


def _later(con: duckdb.DuckDBPyConnection, view: View, window: Window) -> None:
    """Load what history knows of the time after a window: what became of the jobs that existed in it."""
    until = max((commit.written for commit in view.commits), default=window.until)
    if until > window.until:
        later = Window(since=window.until, until=until)
        view.rows(con, "activity_log", later, "history.later_events", last_seen=False)


def _templates(con: duckdb.DuckDBPyConnection, view: View) -> None:
    """Load the templates that history's executions ran with, whichever run held them, as far as the run lacks them."""
    if "executions" in _tables(con, "history"):
        view.contents(con, execution_templates.TABLE, execution_templates.WANTED, execution_templates.HELD)


def _forgotten(run: Run, table: str) -> Window | None:
    """Return the part of a run's window that Azure had forgotten when the run ended, or None."""
    retention = EVENT_TABLES[table].retention
    if retention is None:
        return None
    until = min(run.window.until, (run.finished or run.started) - retention + _AROUND)
    return Window(since=run.window.since, until=until) if until > run.window.since else None


def _touched(con: duckdb.DuckDBPyConnection, window: Window) -> bool:
    """Tell whether a run asked about any of the window; that a short list reaches back for ever is no answer."""
    row = con.execute(
        "select count(*) from history.units "
        "where covered_from > $ever and covered_from < $until and covered_to > $since",
        {"ever": EVER, "since": window.since, "until": window.until},
    ).fetchone()
    return row is not None and row[0] > 0


def _rows(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f'select count(*) from history."{table}"').fetchone()
    return int(row[0]) if row else 0


def _reach(con: duckdb.DuckDBPyConnection) -> str:
    row = con.execute(
        "select min(covered_from), max(covered_to) from history.units where covered_from > $ever", {"ever": EVER}
    ).fetchone()
    return f"it reaches from {row[0]:%Y-%m-%d} to {row[1]:%Y-%m-%d}" if row and row[0] else "it is empty"


def _tables(con: duckdb.DuckDBPyConnection, schema: str = "main") -> set[str]:
    found = con.execute("select table_name from duckdb_tables() where schema_name = ?", [schema]).fetchall()
    return {name for (name,) in found}


def _span(con: duckdb.DuckDBPyConnection, table: str, window: Window) -> Window:
    """Return the window, widened to the run's own rows: a list of executions reaches beyond it."""
    time = f'"{EVENT_TABLES[table].time}"::TIMESTAMPTZ'
    row = con.execute(f'select min({time}), max({time}) + interval 1 microsecond from "{table}"').fetchone()
    if row is None or row[0] is None:
        return window
    return Window(since=min(window.since, row[0]), until=max(window.until, row[1]))
