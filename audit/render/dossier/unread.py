"""Which times of the window a job's executions are not known for. They are hatched in charts and named in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.render.charts import Span
    from audit.render.dossier.batch import About, Facts
    from audit.render.rows import Row

QUERY = """
select b.job_key, t.* from continuity t
join (
    select job_key, position, unnest([job_key, '', '/subscriptions/' || lower(subscription_id)]) as scope_key
    from report_jobs where position between ? and ?
) b on b.scope_key = lower(rtrim(t.scope, '/'))
order by b.position, (lower(rtrim(t.scope, '/')) <> b.job_key), t.kind, t."from" nulls first, t.row_id
"""
_CUT = ("truncated", "beyond_retention")


def spans(facts: Facts, about: About, missing: dict[str, list[Row]], totals: Row | None) -> list[Span]:
    """Return the spans of the window whose executions were not read, in order.

    ``continuity`` names the exact holes. Where it doesn't and the executions are a gap, a list that was cut leaves
    what came before its oldest unknown; any other gap leaves the whole window unknown.
    """
    since, until = about.window
    holes = [
        (max(since, row["from"] or since), min(until, row["to"] or until))
        for row in facts["continuity"]
        if row["kind"] == "executions" and row["state"] == "hole"
    ]
    found = sorted(hole for hole in holes if hole[0] < hole[1])
    if found or not missing.get("executions"):
        return found
    cut = all(gap["reason"] in _CUT for gap in missing["executions"])
    oldest = totals["first"] if totals and cut else None
    return (
        [(since, min(until, max(since, oldest)))] if oldest and oldest > since else [] if oldest else [(since, until)]
    )
