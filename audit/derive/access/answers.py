"""``access_answers``: per job and capability, how many hold it, and whether these are all or only "at least these"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

EVERYWHERE = (
    "deny_assignments",
    "group_eligibility",
    "group_members",
    "management_groups",
    "reconciliation",
    "role_activations",
    "role_assignments",
    "role_definitions",
    "role_eligibility",
    "subscriptions",
)
"""Kinds that every answer rests on."""

_BY_PLACE = {
    "environment": ("environments",),
    "workspace": ("environments", "diagnostic_settings", "workspaces", "inventory"),
    "identity": ("identities",),
    "event_source": ("event_sources", "inventory"),
    "entity": ("event_sources", "inventory"),
    "vault": ("key_vaults", "inventory"),
    "registry": ("registries", "inventory"),
}

_RESTS_ON = """
create or replace temp table rests_on as
select distinct n.capability, k.kind from access_needs n join (select unnest($places::VARCHAR[]) as place,
       unnest($kinds::VARCHAR[]) as kind) k on k.place = n.place
union
select capability, unnest($everywhere::VARCHAR[]) from capabilities
"""

# A resource that a name leads to and that wasn't found may be anybody's; a job that couldn't be read says nothing.
_CREATE = f"""
create or replace table access_answers as
with asked as (
    select p.job_id, p.state, p.observed_at, p.raw_ref, c.capability, c.position
    from population p cross join capabilities c where p.state <> 'deleted'
),
lacking as (
    select lower(g.job_id) as job_key, r.capability,
           list_sort(list(distinct g.kind || ': ' || g.reason || coalesce(', ' || g.detail, ''))) as reasons
    from job_gaps g join rests_on r using (kind) group by all
    union all
    select lower(d.job_id), n.capability,
           list_sort(list(distinct d.relation || ' ' || d.resource_id || ': ' || d.detail))
    from dependencies d join (select distinct capability, place from access_needs) n on n.place = d.relation
    where not d.resolved group by all
    union all
    select j.job_key, n.capability,
           list_sort(list(distinct 'the members of the group ' || coalesce(p.display_name, p.principal_id)
                                   || ' are not known'))
    from access.job_needs n join access.set_places s using (set_no)
    join access.grants g on g.place = s.place and g.need = n.need
    join access.access_holders h on h.grantee_no = g.grantee_no
    join access.untold_groups u on u.principal_no = h.principal_no
    join access.principal_numbers x on x.principal_no = h.principal_no
    join access_principals p on lower(p.principal_id) = x.principal_key
    join access.job_numbers j using (job_no)
    group by all
    union all
    select lower(job_id), capability, ['the job could not be read'] from asked where state = 'unreadable'
),
told as (
    select job_key, capability, list_sort(list_distinct(flatten(list(reasons)))) as reasons from lacking group by all
),
held as (
    select lower(job_id) as job_key, capability,
           count(distinct principal_id) filter (where access = 'active' and not denied and steps = 1) as active,
           count(distinct principal_id) filter (where access = 'eligible' and not denied and steps = 1) as eligible,
           count(distinct principal_id) filter (where not denied and steps = 2) as through_identity,
           count(distinct principal_id) filter (where denied) as denied
    from {{access}} group by all
),
there as (
    select distinct j.job_key, n.capability
    from access.job_needs n join access.job_numbers j using (job_no) where n.seq = 0
)
select {row_id("access_answers", "a.job_id", "a.capability")} as row_id, a.observed_at, a.raw_ref, a.job_id,
       a.capability,
       t.job_key is not null as applicable, l.reasons is null as complete,
       coalesce(to_json(l.reasons), '[]') as reasons,
       {{counts}}
from asked a
left join there t on t.job_key = lower(a.job_id) and t.capability = a.capability
left join told l on l.job_key = lower(a.job_id) and l.capability = a.capability
left join held h on h.job_key = lower(a.job_id) and h.capability = a.capability
order by lower(a.job_id), a.position
"""

_COUNTED = ", ".join(
    f"coalesce(h.{name}, 0) as {name}" for name in ("active", "eligible", "through_identity", "denied")
)
_UNCOUNTED = ", ".join(f"h.{name}::BIGINT as {name}" for name in ("active", "eligible", "through_identity", "denied"))
_NONE = "(select * from effective_access where false)"


def create(con: duckdb.DuckDBPyConnection, *, counted: bool) -> None:
    """Create ``access_answers``; ``counted``: effective_access is a table, so that counting costs one pass.

    ``applicable``: the job has a resource that the capability is about. ``complete`` false: those listed are *at least*
    the holders (or, where deny assignments weren't read, some may be denied); ``reasons`` says why. Counts are of
    distinct principals, null where ``effective_access`` is too large to be counted.
    """
    pairs = [(place, kind) for place, kinds in _BY_PLACE.items() for kind in kinds]
    con.execute(
        _RESTS_ON,
        {
            "places": [place for place, _ in pairs],
            "kinds": [kind for _, kind in pairs],
            "everywhere": list(EVERYWHERE),
        },
    )
    con.execute(
        _CREATE.format(access="effective_access" if counted else _NONE, counts=_COUNTED if counted else _UNCOUNTED)
    )
    con.execute("drop table rests_on")
