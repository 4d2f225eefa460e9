"""How far back the evidence reaches without a hole, and whether the job behaves like a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.render.dossier.batch import About, Facts, of_job
from audit.render.dossier.unread import QUERY

if TYPE_CHECKING:
    from audit.render.rows import Row

QUERIES = {"continuity": QUERY, "fit": of_job("fit", "t.signal")}

_SIGNALS = {
    "running_share": ("Part of the window in which it ran", "share", 0.9),
    "near_timeout_share": ("Executions that took nine tenths of the timeout or more", "share", 0.5),
    "idle_share": ("Successful executions that found nothing to do", "share", 0.5),
    "longest_open_h": ("Longest execution that had not ended when read", "hours", 24.0),
}
"""Signal → what it measures, its unit, and from where a reader should look twice."""


def told(facts: Facts, _about: About) -> dict[str, Any]:
    """Return continuity and fit."""
    return {"continuity": facts["continuity"], "fit": [_signal(row) for row in facts["fit"]]}


def _signal(row: Row) -> Row:
    label, unit, limit = _SIGNALS.get(row["signal"], (row["signal"].replace("_", " ").capitalize(), "", None))
    value = row["value"]
    told = "unknown" if value is None else f"{value:.0%}" if unit == "share" else f"{value:,.1f} {'h' if unit else ''}"
    return row | {"label": label, "told": told.strip(), "odd": limit is not None and (value or 0) >= limit}
