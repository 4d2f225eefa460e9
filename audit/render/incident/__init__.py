"""The incident view: everything that is known of a job in one window, on one time axis and in one table.

It warns where several settings changed at once, and where failures follow a change; it never says that a change was
the cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from audit.render import charts
from audit.render.dossier import happened
from audit.render.dossier.health import tone
from audit.render.incident import events, sides, windows
from audit.render.incident.windows import Incident
from audit.render.text import plural, utc

if TYPE_CHECKING:
    import duckdb

    from audit.render.dossier import About
    from audit.render.rows import Row

__all__ = ["Incident", "Views"]


class Views:
    """The incident views of a report."""

    def __init__(self, con: duckdb.DuckDBPyConnection, about: About, asked: Sequence[Incident]) -> None:
        self._con = con
        self._about = about
        self._windows = windows.choose(con, about.run, asked)
        for sql in events.PREPARE:
            con.execute(sql)
        self._range = (-1, -1)
        self._parts: dict[tuple[str, int], dict[str, list[Row]]] = {}

    def first(self, job_key: str) -> Row | None:
        """Return the window that a job's page leads to; None for a job that is gone."""
        return next(iter(self._windows.get(job_key, [])), None)

    def pages(self, facts: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (file, what its page tells) for each window of a job whose dossier is ``facts``."""
        job = facts["job"]
        mine = self._windows.get(job["job_key"], [])
        if not mine:
            return
        if not self._range[0] <= job["position"] <= self._range[1]:
            self._range = (job["position"], job["position"] + _BATCH - 1)
            self._parts = dict(events.read(self._con, *self._range))
        for window in mine:
            parts = self._parts.get((job["job_key"], window["number"])) or {name: [] for name in events.QUERIES}
            yield window["page"], self._told(facts, window, mine, parts)

    def _told(self, facts: dict[str, Any], window: Row, mine: list[Row], parts: dict[str, list[Row]]) -> dict[str, Any]:
        changes = happened.folded(parts["changed"], self._about)
        at_once = happened.at_once(changes)
        span = (window["since"], window["until"])
        blind = [
            (max(since, span[0]), min(until, span[1]))
            for since, until in facts["blind"]
            if since < span[1] and until > span[0]
        ]
        drawn = sides.lanes(parts, sides.split(changes), blind, facts["missing"])
        lines, more = sides.merged(parts, changes)
        failed = sum(tone(row["status"]) == "failed" for row in parts["runs"])
        bands = [(row["since"], row["until"]) for row in at_once]
        shared = max((row["of_jobs"] or 0 for row in parts["logs"]), default=0)
        whose = f", some of them of one of {shared} jobs of this name" if shared else ""
        described = (
            f"From {utc(span[0])} to {utc(span[1])}: {plural(len(parts['runs']), 'execution')}, {failed} failed; "
            f"{plural(len(changes), 'change')}; {plural(len(parts['logs']), 'log warning')}{whose}; "
            f"{plural(len(parts['fired']), 'alert')}. The table below lists them in order of time."
        )
        drawing = charts.lanes(
            "sides", f"{facts['job']['name']}: all sides", span, drawn, described=described, bands=bands
        )
        return {
            "job": facts["job"],
            "missing": facts["missing"],
            "window": window,
            "others": [each for each in mine if each is not window],
            "drawing": drawing,
            "described": described,
            "notes": [note for lane in drawn for note in lane.notes],
            "lines": lines,
            "more": more,
            "cut": {
                name: parts[name][0]["total"]
                for name in ("runs", "logs")
                if parts[name] and parts[name][0]["total"] > events.MOST_EACH
            },
            "at_once": at_once,
            "follows": sides.after_change(parts, changes),
            "measured": sides.measured(parts),
            "network": next(iter(parts["network"]), None),
            "alerts": facts["alerts"],
            "blind": blind,
        }


_BATCH = 200
