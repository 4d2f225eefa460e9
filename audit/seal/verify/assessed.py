"""Verdicts against controls: the pack's own controls answer again over its own tables, and are compared."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from audit import __version__, assess
from audit.errors import ConfigError
from audit.seal.verify.checks import Check, failed, lacking, ok
from audit.seal.verify.packed import Packed
from audit.store import tables

if TYPE_CHECKING:
    import duckdb

ASSESSED = "The pack's own controls, run again over its tables, give its verdicts"
_TIMEOUT = 120.0
"""Seconds for a statement: the machine that verifies may be slower than that which rendered."""
_LOST = """
select control_id, count(*)
from ((select * exclude (row_id) from {one}) except all (select * exclude (row_id) from {other}))
group by all order by all
"""


def assessed(pack: Path) -> Check:
    """Run what lies in controls/ over data/, offline, and compare what it answers with the verdicts, row by row."""
    packed = Packed(pack)
    if packed.about.tool_version != __version__:
        told = f"it was assessed by jobaudit {packed.about.tool_version}: verify it with that version"
        return lacking(ASSESSED, f"{told}, this is {__version__}")
    with tempfile.TemporaryDirectory(prefix="jobaudit-") as folder:
        database = Path(folder) / "tables.duckdb"
        packed.load(database)
        try:
            controls = assess.load_pack(pack / "controls")
            assess.assess(database, packed.run, controls, timeout=_TIMEOUT)
        except ConfigError as error:
            return failed(ASSESSED, f"its controls can't be run again: {error.message}")
        with contextlib.closing(tables.connect(str(database))) as con:
            tables.load(con, "sealed", pack / "data/verdicts.parquet")
            wrong = [*_differences(con, "sealed", "verdicts", "are not what it answers")]
            wrong += _differences(con, "verdicts", "sealed", "that it answers are missing")
    return failed(ASSESSED, *wrong) if wrong else ok(ASSESSED, f"{len(controls):,} controls, run again and the same")


def _differences(con: duckdb.DuckDBPyConnection, one: str, other: str, words: str) -> list[str]:
    found = con.execute(_LOST.format(one=one, other=other)).fetchall()
    return [f"{control}: {count} verdicts {words}" for control, count in found]
