"""Baselines as a control sees them: SQL that the engine and a pack's controls/views.sql share."""

from __future__ import annotations

_IN_FORCE = """
select everywhere.row_id, everywhere.observed_at, coalesce(here.raw_ref, everywhere.raw_ref) as raw_ref,
       everywhere.control_id, null::VARCHAR as job_id, everywhere.name,
       coalesce(here.value, everywhere.value) as value, coalesce(here.origin, everywhere.origin) as origin,
       everywhere.description
from {source} as everywhere
left join {source} as here
    on here.control_id = everywhere.control_id and here.name = everywhere.name and lower(here.job_id) = lower({job})
where everywhere.job_id is null
"""


def in_force(source: str, job: str) -> str:
    """Return a SELECT of the table ``parameters`` as it is for one job: a row each, ``job_id`` null throughout.

    ``source``: the whole table; ``job``: an SQL expression for the job's id, null = what holds where nothing else does.
    """
    return " ".join(_IN_FORCE.format(source=source, job=job).split())
