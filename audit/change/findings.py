"""``change_findings``: what each control said of the change's jobs before and after, where either is no pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

_CREATE = f"""
create or replace table change_findings as
with b as (select lower(v.job_id) as job_key, v.* from {{old}} v
           where lower(v.job_id) in (select lower(job_id) from change_jobs)),
a as (select lower(v.job_id) as job_key, v.* from {{new}} v
      where lower(v.job_id) in (select lower(job_id) from change_jobs)),
pairs as (
    select coalesce(a.control_id, b.control_id) as control_id, coalesce(a.job_id, b.job_id) as job_id,
           coalesce(a.subject, b.subject) as subject, coalesce(a.severity, b.severity) as severity,
           b.verdict as before, a.verdict as after, b.reason as before_reason, a.reason as after_reason,
           coalesce(a.waived, false) as waived, coalesce(a.raw_ref, b.raw_ref) as raw_ref,
           coalesce(a.observed_at, b.observed_at) as observed_at
    from a full join b on a.job_key = b.job_key and a.control_id = b.control_id
        and a.subject is not distinct from b.subject
)
select {row_id("change_findings", "control_id", "job_id", "subject")} as row_id, observed_at, raw_ref, control_id,
       job_id, subject, severity, before, after, before_reason, after_reason, waived,
       case when not $compared then if(after = 'fail', 'open', 'not known')
            when after = 'fail' and before = 'fail' then 'still open'
            when after = 'fail' and before in ('pass', 'not_applicable') then 'opened'
            when after = 'fail' and before is null then 'opened'
            when after = 'fail' then 'open'
            when before = 'fail' and after in ('pass', 'not_applicable') then 'closed'
            when before = 'fail' and after is null then 'gone'
            else 'not known' end as state
from pairs
where coalesce(before, '') in ('fail', 'not_assessed') or coalesce(after, '') in ('fail', 'not_assessed')
"""


def create(con: duckdb.DuckDBPyConnection, *, old: str | None, new: str = "verdicts") -> None:
    """Create the table. ``old``, ``new``: the tables of verdicts before and after; ``old`` None = none is known.

    ``state``: ``opened`` (it fails and didn't), ``still open``, ``closed`` (it failed and doesn't), ``gone`` (what
    failed is there no more), ``open`` (it fails; whether it did isn't known), ``not known`` (not assessed on a side).
    """
    con.execute(_CREATE.format(old=old or "(select * from verdicts limit 0)", new=new), {"compared": old is not None})
