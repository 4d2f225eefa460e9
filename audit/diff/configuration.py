"""Configuration: what each job is set to, property by property, and the things that it stands on.

A job that stands on one side only is told under jobs, without its settings. A rule's metadata is told key by key, under
``values``. Secrets are names and addresses; a hidden value is compared by its keyed digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.diff import found, things

if TYPE_CHECKING:
    import duckdb

# Of a path, an identity's id is an id; a variable's name is the job's own, and counts with its casing.
_SIDE = """
select lower(c.job_id) as job_key, if(starts_with(property, 'identities/'), lower(property), property) as path,
       c.job_id, property, value, raw_ref
from {side}.job_configuration c
where lower(c.job_id) in (select job_key from sides_jobs where old_state = 'present' and new_state = 'present')
  and not (starts_with(property, 'rules/') and ends_with(property, '/metadata'))
"""

_LOCATION = "if(property = 'location', lower(replace(value, ' ', '')), folded(value))"

_SETTINGS = f"""
with a as (select *, {_LOCATION} as same from ({_SIDE.format(side="old")})),
b as (select *, {_LOCATION} as same from ({_SIDE.format(side="new")}))
select 'configuration' as area, 'job_configuration' as table_name, [coalesce(b.job_id, a.job_id)] as key,
       coalesce(b.job_id, a.job_id) as job_id, coalesce(b.property, a.property) as property,
       case when a.path is null then 'added' when b.path is null then 'removed' else 'changed' end as kind,
       a.value as before, b.value as after, a.raw_ref as old_ref, b.raw_ref as new_ref,
       ends_with(coalesce(b.property, a.property), '/auth') as is_json
from a full join b using (job_key, path)
where a.same is distinct from b.same
"""


def find(con: duckdb.DuckDBPyConnection, shared: things.Columns) -> None:
    """Add what is set differently."""
    found.add(con, _SETTINGS)
    for each in things.THINGS:
        if each.area == "configuration":
            things.find(con, each, shared)
