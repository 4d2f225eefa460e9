"""The evidence workbook, from the tables of a run to one file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import duckdb
from openpyxl import Workbook
from openpyxl.packaging.core import DocumentProperties
from openpyxl.xml.functions import tostring

from audit.model import Run
from audit.render.workbook.deterministic import rezip
from audit.render.workbook.pen import Pen
from audit.render.workbook.provenance import write_columns, write_provenance
from audit.render.workbook.sheet import Sheet
from audit.render.workbook.sheets import EVIDENCE, RAW_FILES
from audit.render.workbook.stage import Staged, drop, stage
from audit.render.workbook.state import coverage_by_kind, state_of
from audit.render.workbook.style import Styles
from audit.render.workbook.summary import write_summary
from audit.render.workbook.table import write_table

ROW_LIMIT = 1_048_575
"""Rows on one sheet, headings included; the format's own limit is one more."""


def write(
    con: duckdb.DuckDBPyConnection,
    run: Run,
    path: Path,
    *,
    row_limit: int = ROW_LIMIT,
    sheets: Sequence[Sheet] = EVIDENCE,
) -> None:
    """Write the evidence workbook of a run to ``path``.

    ``con`` holds the run's tables under their contract names; temporary tables are made there and dropped again.
    A table that is missing gives a sheet that says so. The same tables and run give the same bytes.
    """
    staged: dict[str, Staged] = {}
    con.execute("set TimeZone = 'UTC'")
    try:
        for sheet in (*sheets, RAW_FILES):
            staged[sheet.title] = stage(con, sheet, row_limit)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".workbook-") as folder:
            loose = Path(folder) / "loose.xlsx"
            _book(con, run, staged).save(loose)
            rezip(loose, path, _properties(run))
    finally:
        for item in staged.values():
            drop(con, item)


def _book(con: duckdb.DuckDBPyConnection, run: Run, staged: dict[str, Staged]) -> Workbook:
    book = Workbook(write_only=True)
    first = book.create_sheet("Summary")
    styles = Styles(first)
    kinds = coverage_by_kind(con)
    footer = f"jobaudit run {run.run_id}"
    write_summary(Pen(first, styles), con, run, staged, kinds)
    for title, item in staged.items():
        if title == RAW_FILES.title:
            write_provenance(Pen(book.create_sheet("Provenance"), styles), con, run)
        write_table(book, styles, con, item, state_of(item, run, kinds), staged, footer)
    write_columns(Pen(book.create_sheet("Columns"), styles), run, [item.sheet for item in staged.values()])
    return book


def _properties(run: Run) -> bytes:
    """Return docProps/core.xml: its times are the run's, not the clock's."""
    at = (run.finished or run.started).astimezone(UTC).replace(tzinfo=None, microsecond=0)
    properties = DocumentProperties(
        creator=f"jobaudit {run.tool_version}",
        title=f"Compliance evidence, {run.window.label}",
        subject=f"Run {run.run_id}",
        lastModifiedBy=f"jobaudit {run.tool_version}",
        created=at,
        modified=at,
    )
    return bytes(tostring(properties.to_tree()))
