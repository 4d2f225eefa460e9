"""Findings: what failed, heaviest first, by control; and what could not be assessed, by control and reason."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from audit.render.controls import SEVERITY_RANK, VERDICT_RANK, VERDICTS

if TYPE_CHECKING:
    from audit.render.rows import Row

OWN_BASELINES = """
left join (
    select control_id, lower(job_id) as baseline_job,
           list(struct_pack(name := name, value := value::VARCHAR, origin := origin) order by name) as own_baselines
    from parameters where job_id is not null group by all
) as own on own.control_id = v.control_id and own.baseline_job = lower(v.job_id)
"""
"""SQL: what a verdict's job is judged by where that differs from what holds for all."""
_OF_JOB = f"""
from verdicts v
left join report_jobs j on j.job_key = lower(v.job_id)
{OWN_BASELINES}
"""

FAILURES = f"""
select row_number() over (order by {SEVERITY_RANK.format("v")}, v.control_id, v.waived, j.position, v.subject, v.row_id)
       as number, v.*, j.name, j.subscription, j.resource_group, own.own_baselines
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
       v.*, j.name, j.subscription, j.resource_group, own.own_baselines
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
