"""Baselines: controls that came, went or were written anew, values that they judge by, and exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.diff import found, things

if TYPE_CHECKING:
    import duckdb

_CONTROLS = """
with a as (select control_id, sha256(sql) as digest, raw_ref from old.controls),
b as (select control_id, sha256(sql) as digest, raw_ref from new.controls)
select 'baselines' as area, 'controls' as table_name, [coalesce(b.control_id, a.control_id)] as key,
       if(a.digest is not null and b.digest is not null, 'sql', null) as property,
       case when a.digest is null then 'added' when b.digest is null then 'removed' else 'changed' end as kind,
       a.digest as before, b.digest as after, a.raw_ref as old_ref, b.raw_ref as new_ref
from a full join b using (control_id)
where a.digest is distinct from b.digest
"""

_SIDE = """
select control_id, lower(coalesce(job_id, '')) as job_key, name, job_id, value::VARCHAR as value, origin, raw_ref
from {side}.parameters
where control_id in (select control_id from old.controls) and control_id in (select control_id from new.controls)
"""

# A value for one job comes of an override that fits its tags: where those weren't read, it may fit unseen.
_PARAMETERS = f"""
with untold as (
    select side, min({{'side': side, 'kind': kind, 'scope': scope, 'reason': reason, 'detail': detail,
                      'raw_ref': raw_ref}}) as because
    from units where evidence = 'tags' and outcome = 'gap' group by side
),
a as ({_SIDE.format(side="old")}), b as ({_SIDE.format(side="new")})
select 'baselines' as area, 'parameters' as table_name, [control_id, name] as key,
       coalesce(b.job_id, a.job_id) as job_id, 'value' as property,
       case when untold.because is not null then 'unknown' when a.origin is null then 'added'
            when b.origin is null then 'removed' else 'changed' end as kind, untold.because,
       a.value as before, b.value as after, true as is_json,
       case when a.origin is distinct from b.origin
            then 'set by ' || coalesce(a.origin, 'nothing') || ', now by ' || coalesce(b.origin, 'nothing') end as note,
       a.raw_ref as old_ref, b.raw_ref as new_ref
from a full join b using (control_id, job_key, name)
left join untold on job_key <> ''
    and untold.side = case when a.origin is null then 'old' when b.origin is null then 'new' end
where a.value is distinct from b.value or a.origin is null or b.origin is null
"""


def find(con: duckdb.DuckDBPyConnection, shared: things.Columns) -> None:
    """Add what is judged by other rules."""
    found.add(con, _CONTROLS)
    found.add(con, _PARAMETERS)
    for each in things.THINGS:
        if each.area == "baselines":
            things.find(con, each, shared)
