"""Findings: what failed, heaviest first, by control; and what could not be assessed, by control and reason."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from audit.render.controls import SEVERITY_RANK, VERDICT_RANK, VERDICTS

if TYPE_CHECKING:
    from audit.render.rows import Row

_OF_JOB = """
from verdicts v
left join report_jobs j on j.job_key = lower(v.job_id)
"""

FAILURES = f"""
select row_number() over (order by {SEVERITY_RANK.format("v")}, v.control_id, v.waived, j.position, v.subject, v.row_id)
       as number, v.*, j.name, j.subscription, j.resource_group
{_OF_JOB}
where v.verdict = 'fail'
"""

OPEN = f"""
select row_number() over (order by {SEVERITY_RANK.format("v")}, v.control_id, count(*) desc, v.reason) as number,
       v.control_id, v.severity, v.reason, count(*) as checks, count(distinct lower(v.job_id)) as jobs,
       list(distinct v.job_id order by v.job_id)[:3] as some
{_OF_JOB}
where v.verdict = 'not_assessed'
group by v.control_id, v.severity, v.reason
"""

OF_CONTROL = f"""
select row_number() over (order by {VERDICT_RANK.format("v")}, j.position nulls first, v.subject, v.row_id) as number,
       v.*, j.name, j.subscription, j.resource_group
{_OF_JOB}
where v.control_id = '{{control}}'
"""


def by_control(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """Return one page's failures under their controls."""
    return [(control, list(group)) for control, group in groupby(rows, key=lambda row: str(row["control_id"]))]


def by_verdict(rows: list[Row], counts: dict[str, int]) -> list[tuple[str, list[Row], bool]]:
    """Return one page's verdicts under their words, and whether the word's rows begin on this page."""
    begins, before = {}, 0
    for word in VERDICTS:
        begins[word] = before + 1
        before += counts[word]
    found = ((word, list(group)) for word, group in groupby(rows, key=lambda row: str(row["verdict"])))
    return [(word, members, members[0]["number"] == begins[word]) for word, members in found]
