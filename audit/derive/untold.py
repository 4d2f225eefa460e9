"""Of what time not every execution of a job is known: nothing that rests on all of them may be said of it."""

from __future__ import annotations

UNTOLD = """
with holes as (
    select lower(rtrim(scope, '/')) as job_key, "from" as since, "to" as until from continuity
    where kind = 'executions' and state = 'hole'
)
select * from holes
union all
select distinct lower(job_id), null::TIMESTAMPTZ, null::TIMESTAMPTZ from job_gaps
where kind = 'executions' and lower(job_id) not in (select job_key from holes)
"""
"""SELECT of job_key, since and until; null = without a beginning or an end. Needs ``continuity`` and ``job_gaps``."""
