"""Whose a change is: the job's own, that of what it stands on, or of a scope that encloses it.

Temporary tables ``change_around`` and ``change_touched``.
"""

from __future__ import annotations

_TOP = r"^(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/[^/]+)"

# Whose a change is: the job's own; that of what it stands on; or of a scope that encloses it.
_AROUND = """
create or replace temp table change_around as
with reasons as (
    select lower(job_id) as about, job_id, 'job' as relation, 0 as nearness from population
    union all
    select lower(rtrim(resource_id, '/')), job_id,
           case relation when 'entity' then 'event_source' else relation end, 1
    from dependencies
    where relation <> 'reaches' and resource_id ilike '/subscriptions/%'
    union all
    select lower(job_id) || '/providers/microsoft.managedidentity/identities/default', job_id, 'identity', 1
    from population
    union all
    select unnest([lower('/subscriptions/' || subscription_id || '/resourcegroups/' || resource_group),
                   lower('/subscriptions/' || subscription_id)]), job_id, 'scope', 2
    from population
)
select about, job_id, arg_min(relation, row(nearness, relation)) as relation
from reasons
group by all
"""

_TOUCHED = rf"""
create or replace temp table change_touched as
with places as (
    select change_id, about as place, about <> resource_key or operation_key like '%/resourcegroups/%'
           or operation_key like 'microsoft.resources/deployments/%' or resource_key = about and regexp_full_match(
               about, '/subscriptions/[^/]+(/resourcegroups/[^/]+)?') as on_scope
    from change_acts
    union all
    select change_id, regexp_extract(about, '{_TOP}', 1), false
    from change_acts
    where regexp_extract(about, '{_TOP}', 1) not in ('', about)
)
select places.change_id, around.job_id,
       arg_min(around.relation, row(case around.relation when 'job' then 0 when 'scope' then 2 else 1 end,
                                    around.relation)) as relation
from places
join change_around as around on around.about = places.place
where around.relation <> 'scope' or places.on_scope
group by all
"""

TOUCHED = (_AROUND, _TOUCHED)
"""Statements in order; they read ``population``, ``dependencies`` and ``change_acts``."""
