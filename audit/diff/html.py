"""The differences as a page of its own: no network, no script, the report's style."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.config import packaged
from audit.diff.compared import AREAS, KINDS, counts
from audit.diff.side import Side, notes
from audit.diff.text import because, cut, short
from audit.diff.told import rows
from audit.render.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

MOST = 1_000
"""Rows of one area on the page: it opens at once, and says how many more there are."""

TITLES = {
    "jobs": "Jobs",
    "configuration": "Configuration",
    "access": "Access",
    "verdicts": "Verdicts",
    "coverage": "Coverage",
    "cost": "Cost",
    "baselines": "Baselines and exceptions",
}


def page(con: duckdb.DuckDBPyConnection, old: Side, new: Side, *, templates: Sequence[Path] = ()) -> str:
    """Return the page. ``templates``: the user's own folders, before the built-in ones. Raises ConfigError."""
    made = Templates([*templates, packaged("report_templates")])
    made.add(run=new.run, because=because, short=short, cut=cut)
    by = counts(con)
    areas = [
        {
            "name": area,
            "title": TITLES[area],
            "by": by[area],
            "total": sum(by[area].values()),
            "rows": rows(con, area, MOST),
        }
        for area in AREAS
    ]
    return made.render("diff.html", old=old, new=new, notes=notes(old, new), areas=areas, kinds=KINDS, most=MOST)
