"""The evidence workbook, from the tables of a run to one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.render import links
from audit.render.workbook import holders
from audit.render.workbook.binding import bind
from audit.render.workbook.provenance import write_columns, write_provenance
from audit.render.workbook.sheets import EVIDENCE, RAW_FILES
from audit.render.workbook.sheets.change import CHANGE
from audit.render.workbook.stage import Staged, drop, stage
from audit.render.workbook.summary import write_summary
from audit.render.workbook.table import write_table
from audit.render.workbook.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import duckdb

    from audit.model import Run
    from audit.render.workbook.sheet import Sheet

ROW_LIMIT = 1_048_575
"""Rows on one sheet, headings included; the format's own limit is one more."""


def write(
    con: duckdb.DuckDBPyConnection,
    run: Run,
    path: Path,
    *,
    row_limit: int = ROW_LIMIT,
    sheets: Sequence[Sheet] = EVIDENCE,
    report: bool = True,
    change: bool = False,
    raw: Callable[[str | None], str | None] = links.raw_page,
    lost: Callable[[str], bool] = lambda _raw_ref: False,
) -> None:
    """Write the evidence workbook of a run to ``path``.

    ``con`` holds the run's tables under their contract names; temporary tables are made there and dropped again.
    A table that is missing gives a sheet that says so. ``report``: the HTML report lies beside the book, so rows lead
    to its pages; ``change``: the book is of a change pack, whose own sheets come first; ``raw``: where an item is shown
    there. ``lost``: whether the raw answer that a row of another run names is gone. ``row_limit``: rows of one sheet,
    headings included; more continue on a next sheet, which the first one says. The same tables and run give the same
    bytes.
    """
    staged: dict[str, Staged] = {}
    con.execute("set TimeZone = 'UTC'")
    try:
        holders.create(con)
        for sheet in (*(CHANGE if change else ()), *sheets, RAW_FILES):
            staged[sheet.title] = stage(con, sheet, row_limit)
        volume = Volume(
            con=con,
            run=run,
            staged=staged,
            report=report,
            raw=raw,
            lost=lost,
            title="Change evidence" if change else "Compliance evidence",
        )
        book = _written(volume)
        bind(book, path, run, title=f"{volume.title}, {run.window.label}")
    finally:
        for item in staged.values():
            drop(con, item)
        holders.drop(con)


def _written(volume: Volume) -> Any:
    """Write every sheet, in the order of the book."""
    write_summary(volume)
    for title, item in volume.staged.items():
        if title == RAW_FILES.title:
            write_provenance(volume)
        write_table(volume, item)
    write_columns(volume)
    return volume.book
