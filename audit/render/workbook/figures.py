"""The figures of the Summary, each counted by the engine over the tables that the sheets show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.render.workbook.stage import exists

if TYPE_CHECKING:
    import duckdb

VERDICTS = ("fail", "not_assessed", "pass", "not_applicable")
SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Counts; None where the table that they are counted in is missing."""

    jobs: dict[str, int] | None
    """State of a job (in_scope, deleted, out_of_scope) → jobs."""
    by_severity: dict[tuple[str, str], int]
    """(verdict, severity) → verdicts."""
    by_area: dict[str, dict[str, int]]
    """Area of the catalogue → verdict → verdicts, areas in order of their names."""
    assessed: bool
    waived: int

    def state(self, state: str) -> int | None:
        """Return how many jobs are in that state; None where jobs can't be counted."""
        return None if self.jobs is None else self.jobs.get(state, 0)

    def verdicts(self, verdict: str) -> int:
        """Return how many verdicts say so, over all severities."""
        return sum(count for (said, _), count in self.by_severity.items() if said == verdict)


def figures(con: duckdb.DuckDBPyConnection, jobs_table: str | None) -> Figures:
    """Count; ``jobs_table`` is the numbered rows of the sheet Jobs, or None where it can't be shown."""
    jobs = (
        dict(con.execute(f"select state, count(*) from {jobs_table} group by state order by state").fetchall())
        if jobs_table
        else None
    )
    if not (exists(con, "verdicts") and exists(con, "controls")):
        return Figures(jobs=jobs, by_severity={}, by_area={}, assessed=False, waived=0)
    severities = con.execute("select verdict, severity, count(*) from verdicts group by all order by all").fetchall()
    areas = con.execute(
        "select c.area, v.verdict, count(v.verdict) from controls c left join verdicts v using (control_id) "
        "group by all order by all",
    ).fetchall()
    by_area: dict[str, dict[str, int]] = {}
    for area, verdict, count in areas:
        by_area.setdefault(area, {})[verdict] = count
    (waived,) = con.execute("select count(*) from verdicts where waived").fetchone() or (0,)
    return Figures(
        jobs=jobs,
        by_severity={(verdict, severity): count for verdict, severity, count in severities},
        by_area=by_area,
        assessed=True,
        waived=waived,
    )
