"""``access_grants``: who was given what, where: one row per assignment or policy, capability and way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

# An assignment once, however many subscriptions' lists name it; and how long PIM lets it last.
_GIVEN = """
create or replace temp table given as
with activated as (
    select lower(origin_assignment_id) as assignment_key, max(ends) as ends, bool_or(ends is null) as lasting
    from role_activations where origin_assignment_id is not null group by all
),
assigned as (
    select distinct on (lower(assignment_id)) * from role_assignments order by lower(assignment_id), row_id
),
eligible as (
    select distinct on (lower(eligibility_id)) * from role_eligibility
    where coalesce(starts <= observed_at, true) and coalesce(ends > observed_at, true)
    order by lower(eligibility_id), row_id
)
select 'role' as via_kind, 'active' as access, a.assignment_id, a.scope, a.principal_id, a.principal_type,
       a.role_definition_id, lower(a.role_guid) as role_guid, a.condition is not null as conditional,
       case when t.lasting then null else t.ends end as expires, a.observed_at, a.raw_ref
from assigned a left join activated t on t.assignment_key = lower(a.assignment_id)
union all
select 'eligibility', 'eligible', eligibility_id, scope, principal_id, principal_type, role_definition_id,
       lower(role_guid), condition is not null, ends, observed_at, raw_ref
from eligible
"""

_RIGHTS = """list_has_any(list_transform({held}::VARCHAR[], lambda r: lower(r)),
                 list_transform({asked}::VARCHAR[], lambda r: lower(r)))"""

# An access policy with an application holds only for the principal acting through it, which is a condition.
_HELD = f"""
create or replace temp table held_without_role as
select 'shared_access_policy' as via_kind, 'active' as access, p.policy_id as assignment_id,
       coalesce(p.entity_id, p.resource_id) as scope, p.policy_id as principal_id,
       'SharedAccessPolicy' as principal_type, false as conditional, w.capability, w.way, p.observed_at, p.raw_ref
from event_source_policies p join access_ways w on w.holder = 'shared_access_policy'
    and (len(w.rights::VARCHAR[]) = 0 or {_RIGHTS.format(held="p.rights", asked="w.rights")})
union all
select 'access_policy', 'active',
       v.vault_id || '/accessPolicies/' || v.principal_id || coalesce('/' || v.application_id, ''), v.vault_id,
       v.principal_id, null, v.application_id is not null, w.capability, w.way, v.observed_at, v.raw_ref
from vault_access_policies v join access_ways w on w.holder = 'access_policy'
    and (len(w.rights::VARCHAR[]) = 0 or {_RIGHTS.format(held="v.secrets", asked="w.rights")})
union all
select 'admin_user', 'active', r.registry_id || '/adminUser', r.registry_id, r.registry_id || '/adminUser', 'AdminUser',
       false, w.capability, w.way, r.observed_at, r.raw_ref
from registries r join access_ways w on w.holder = 'admin_user'
where r.admin_user
"""

_CREATE = f"""
create or replace table access_grants as
select {row_id("access_grants", "assignment_id", "capability", "way::VARCHAR", "seq::VARCHAR")} as row_id, *
from (
    select g.observed_at, g.raw_ref, n.capability, n.way, n.seq, n.need, g.scope, g.principal_id,
           coalesce(g.principal_type, p.type) as principal_type, g.access, g.via_kind, g.assignment_id,
           g.role_definition_id, g.conditional or r.conditional as conditional, g.expires, p.principal_no
    from given g
    join role_needs r using (role_guid)
    join access_needs n using (need)
    join access.principal_numbers p on p.principal_key = lower(g.principal_id)
    union all
    select h.observed_at, h.raw_ref, h.capability, h.way, n.seq, n.need, h.scope, h.principal_id,
           coalesce(h.principal_type, p.type), h.access, h.via_kind, h.assignment_id, null, h.conditional, null,
           p.principal_no
    from held_without_role h
    join access_needs n on n.capability = h.capability and n.way = h.way
    join access.principal_numbers p on p.principal_key = lower(h.principal_id)
)
order by lower(scope), lower(assignment_id), capability, way, seq
"""

# Rights by scope and need, in numbers: what everything after this joins.
_NUMBERED = """
create or replace table access.grants as
select (row_number() over (order by place, assignment_id, need))::INTEGER as grant_no, *
from (
    select lower(rtrim(scope, '/')) as place, scope, need, principal_no as grantee_no, access, via_kind, assignment_id,
           role_definition_id, conditional, expires, observed_at, raw_ref
    from access_grants)
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``access_grants``, and the temporary ``grants``: the same with numbers for joining.

    ``seq`` numbers the needs of a way: a way with several is only held by who has a grant for each. An assignment whose
    role's definition wasn't read grants nothing here; ``access_answers`` says that it may.
    """
    con.execute(_GIVEN)
    con.execute(_HELD)
    con.execute(_CREATE)
    con.execute(_NUMBERED)
    con.execute("alter table access_grants drop column need")
    con.execute("alter table access_grants drop column principal_no")
    con.execute("drop table held_without_role")
    con.execute("drop table given")
