"""The verdict matrix: every job of the population against every area, with counts."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from audit.render.controls import VERDICTS, area_rank
from audit.render.rows import Row, fetch

if TYPE_CHECKING:
    import duckdb

JOBS = "select position + 1 as number, * from report_jobs"

_CELLS = """
select lower(v.job_id) as job_key, c.area, v.verdict, count(*) as n
from verdicts v
join controls c using (control_id)
join report_jobs j on j.job_key = lower(v.job_id)
where j.position between ? and ?
group by all order by all
"""

Cell = list[tuple[str, int]]


def areas(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the areas that have controls, in the catalogue's order."""
    return sorted((row["area"] for row in fetch(con, "select distinct area from controls")), key=area_rank)


def groups(con: duckdb.DuckDBPyConnection, rows: list[Row]) -> list[dict[str, Any]]:
    """Return one page's jobs by resource group, each with ``cells``: area → (verdict, count), heaviest first."""
    if not rows:
        return []
    counted: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in fetch(con, _CELLS, rows[0]["position"], rows[-1]["position"]):
        counted[row["job_key"]][row["area"]][row["verdict"]] = row["n"]
    for row in rows:
        cells = counted[row["job_key"]]
        row["cells"] = {area: [(word, cells[area][word]) for word in VERDICTS if word in cells[area]] for area in cells}
    found = groupby(
        rows, key=lambda row: (row["subscription"], row["subscription_id"].lower(), row["resource_group"].lower())
    )
    return [
        {"subscription": subscription, "resource_group": (jobs := list(group))[0]["resource_group"], "jobs": jobs}
        for (subscription, _, _), group in found
    ]
