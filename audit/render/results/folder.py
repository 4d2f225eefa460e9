"""The folder ``results/`` of a pack: every format from the same rows, in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.render.results import findings, flat, ocsf, oscal, shapes
from audit.render.results.about import about
from audit.render.results.stream import created
from audit.render.results.verdicts import Verdicts
from audit.store import atomic

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from audit.model import Run

FOLDER = "results"
"""Where they lie in a pack."""


def write(con: duckdb.DuckDBPyConnection, run: Run, folder: Path) -> None:
    """Write every format into ``folder``, which is made.

    ``con`` holds the run's tables, derived and assessed. Rows are streamed: memory is bounded by the controls, not by
    the jobs. The same tables and run give the same bytes. Raises StoreError where the folder can't be written.
    """
    atomic.make_folder(folder)
    own = con.cursor()
    try:
        own.execute("set TimeZone = 'UTC'")
        verdicts, told = Verdicts(own, run), about(own, run)
        with created(folder / "findings.schema.json") as file:
            file.write(shapes.schema())
        with created(folder / "findings.json") as file:
            findings.write(file, own, run, told, verdicts)
        with created(folder / "findings.csv") as file:
            flat.write(file, run, told, verdicts)
        with created(folder / "findings.ocsf.jsonl") as file:
            ocsf.write(file, run, told, verdicts)
        with created(folder / "assessment-results.oscal.json") as file:
            oscal.write(file, own, run, told, verdicts)
    finally:
        own.close()
