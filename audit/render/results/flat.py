"""findings.csv: RFC 4180, every field quoted, and nothing in it that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, BinaryIO

from audit.render.results.findings import remediation
from audit.render.text import visible

if TYPE_CHECKING:
    from audit.model import Run
    from audit.render.results.about import About
    from audit.render.results.verdicts import Verdicts
    from audit.render.rows import Row

OWN = (
    "id", "row_id", "control_id", "title", "area", "severity", "verdict", "reason", "job_id", "job", "subscription_id",
    "resource_group", "subject", "waived", "waiver_id", "frameworks", "remediation", "raw_ref", "observed_at",
)  # fmt: skip
"""What differs from verdict to verdict."""
COLUMNS = (*OWN, "run_id", "window_since", "window_until", "collected_by", "gaps")
"""In this order; more are added at the end."""

_FORMULA = frozenset("=+-@＝＋－＠")  # noqa: RUF001  the wide ones are formulas in some spreadsheets
_FLUSH = 1_000


def write(file: BinaryIO, run: Run, told: About, verdicts: Verdicts) -> None:
    """Write a heading and one record per verdict, each ended by CR LF."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    window = {"run_id": run.run_id, "window_since": run.window.since, "window_until": run.window.until}
    same = [cell(each) for each in (*window.values(), told.collected_by, told.coverage.gaps)]
    for number, row in enumerate(verdicts, 1):
        values = _values(row)
        writer.writerow([*(cell(values[name]) for name in OWN), *same])
        if number % _FLUSH == 0:
            _flush(buffer, file)
    _flush(buffer, file)


def cell(value: Any) -> str:
    """Return a value as text that is only ever read: an apostrophe stands before what would begin a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = visible(value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value)
    return f"'{text}" if text[:1] in _FORMULA or text[:1].isspace() else text


def _values(row: Row) -> dict[str, Any]:
    control = row["control"]
    linked = (control["frameworks"] or {}).items()
    more = {"title": control["title"], "area": control["area"], "job": row["name"], "remediation": remediation(row)}
    return row | more | {"frameworks": "; ".join(f"{key} {', '.join(ids)}" for key, ids in linked)}


def _flush(buffer: io.StringIO, file: BinaryIO) -> None:
    file.write(buffer.getvalue().encode("utf-8", "backslashreplace"))
    buffer.seek(0)
    buffer.truncate()
