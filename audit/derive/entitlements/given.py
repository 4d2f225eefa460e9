"""Everything that was given to somebody, whatever it reaches: assignments, eligibility, policies, memberships.

Temporary table ``given_entitlements``, one row per assignment, policy or membership. ``entitlement_id`` says what it
is, not which assignment: who takes a role away and gives it again has given the same entitlement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

ID = """'E-' || upper(substr(sha256(concat_ws(chr(31), kind, lower(principal_id), role_key,
    lower(rtrim(scope, '/')))), 1, 12))"""

GIVEN = f"""
create or replace temp table given_entitlements as
with activated as (
    select lower(origin_assignment_id) as assignment_key, max(ends) as ends, bool_or(ends is null) as lasting
    from role_activations where origin_assignment_id is not null group by all
),
-- How long PIM lets a membership last.
member_until as (
    select lower(group_id) as group_key, lower(principal_id) as member_key,
           case when bool_or(ends is null) then null else max(ends) end as ends
    from group_eligibility where access = 'active' and access_id = 'member' group by all
),
members as (
    select group_id, member_id, observed_at, raw_ref from group_edges
    union all
    select group_id, principal_id, observed_at, raw_ref from group_eligibility
    where access = 'active' and access_id = 'member' and member_type = 'direct'
),
given as (
    select 'role' as kind, 'active' as access, a.assignment_id as via_id, a.principal_id, a.principal_type,
           lower(a.role_guid) as role_key, a.role_definition_id, null as role, a.scope, a.condition,
           case when t.lasting then null else t.ends end as expires, a.created_on as given_on,
           a.created_by as given_by_id, a.observed_at, a.raw_ref
    from role_assignments a left join activated t on t.assignment_key = lower(a.assignment_id)
    union all
    select 'eligible_role', 'eligible', eligibility_id, principal_id, principal_type, lower(role_guid),
           role_definition_id, null, scope, condition, ends, created_on, null, observed_at, raw_ref
    from role_eligibility
    where coalesce(starts <= observed_at, true) and coalesce(ends > observed_at, true)
    union all
    select 'membership', 'active', m.group_id || '/members/' || m.member_id, m.member_id, null, '', null, null,
           m.group_id, null, u.ends, null, null, m.observed_at, m.raw_ref
    from members m left join member_until u on u.group_key = lower(m.group_id) and u.member_key = lower(m.member_id)
    union all
    select 'eligible_membership', 'eligible', instance_id, principal_id, principal_type, '', null, null, group_id, null,
           ends, null, null, observed_at, raw_ref
    from group_eligibility where access = 'eligible' and access_id = 'member'
    union all
    select 'shared_access_policy', 'active', policy_id, policy_id, 'SharedAccessPolicy', '', null,
           array_to_string(rights::VARCHAR[], ', '), coalesce(entity_id, resource_id), null, null, null, null,
           observed_at, raw_ref
    from event_source_policies
    union all
    select 'vault_access_policy', 'active',
           vault_id || '/accessPolicies/' || principal_id || coalesce('/' || application_id, ''), principal_id, null,
           coalesce(lower(application_id), ''), null,
           'secrets: ' || array_to_string(coalesce(secrets, '[]')::VARCHAR[], ', '), vault_id,
           'only through the application ' || application_id, null, null, null, observed_at, raw_ref
    from vault_access_policies
    union all
    select 'registry_admin', 'active', registry_id || '/adminUser', registry_id || '/adminUser', 'AdminUser', '', null,
           'push and pull', registry_id, null, null, null, null, observed_at, raw_ref
    from registries where admin_user
)
select {ID} as entitlement_id, *,
       case when kind in ('membership', 'eligible_membership') then 'group ' || lower(scope)
            else 'grant ' || lower(via_id) end as source_key
from given
where principal_id is not null and scope is not null
qualify row_number() over (partition by kind, lower(via_id) order by raw_ref) = 1
"""

# Which groups a group or a member stands in, however deep: what those hold, it holds.
_ABOVE = """
create or replace temp table groups_above as
with recursive edges as (
    select distinct lower(scope) as group_key, lower(principal_id) as member_key
    from given_entitlements where kind in ('membership', 'eligible_membership')
),
above as (
    select member_key, group_key from edges
    union
    select above.member_key, edges.group_key from above join edges on edges.member_key = above.group_key
)
select * from above
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create the temporary ``given_entitlements`` and ``groups_above``."""
    con.execute(GIVEN)
    con.execute(_ABOVE)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    con.execute("drop table groups_above")
    con.execute("drop table given_entitlements")
