"""``access_principals``: everything that is known of everybody who holds, or may hold, access: one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

# What the directory answered about an id wins over what a group's list of members or an assignment says of it.
_CREATE = f"""
create or replace table access_principals as
with told as (
    select 1 as rank, principal_id, type, display_name, user_principal_name, app_id, enabled, user_type, resolved,
           observed_at, raw_ref
    from principals
    union all
    select 2, member_id, member_type, display_name, user_principal_name, app_id, enabled, user_type, true,
           observed_at, raw_ref
    from group_members
    union all
    select 3, principal_id, principal_type, null, null, null, null, null, null, observed_at, raw_ref
    from role_assignments
    union all
    select 3, principal_id, principal_type, null, null, null, null, null, null, observed_at, raw_ref
    from role_eligibility
    union all
    select 4, principal_id, null, null, null, null, null, null, null, observed_at, raw_ref from vault_access_policies
    union all
    select 4, principal_id, null, null, null, null, null, null, null, observed_at, raw_ref from group_eligibility
    union all
    select 4, group_id, 'Group', null, null, null, null, null, null, observed_at, raw_ref from group_edges
    union all
    select 4, unnest(list_concat(principals::JSON[], coalesce(excluded_principals, '[]')::JSON[]))->>'id',
           null, null, null, null, null, null, null, observed_at, raw_ref
    from deny_assignments
    union all
    select 5, policy_id, 'SharedAccessPolicy', name, null, null, null, null, true, observed_at, raw_ref
    from event_source_policies
    union all
    select 5, registry_id || '/adminUser', 'AdminUser', name, null, null, null, null, true, observed_at, raw_ref
    from registries where admin_user
),
one as (
    select lower(principal_id) as principal_key, arg_min(principal_id, (rank, principal_id)) as principal_id,
           arg_min(type, rank) as type, arg_min(display_name, rank) as display_name,
           arg_min(user_principal_name, rank) as user_principal_name, arg_min(app_id, rank) as app_id,
           arg_min(enabled, rank) as enabled, arg_min(user_type, rank) as user_type,
           arg_min(resolved, rank) as resolved, arg_min(observed_at, (rank, raw_ref)) as observed_at,
           arg_min(raw_ref, (rank, raw_ref)) as raw_ref
    from told where principal_id is not null
    group by lower(principal_id)
)
select {row_id("access_principals", "principal_id")} as row_id, observed_at, raw_ref, principal_id, type, display_name,
       user_principal_name, app_id, enabled, user_type, resolved,
       case when resolved = false then 'orphaned' when enabled = false then 'disabled'
            when lower(user_type) = 'guest' then 'guest' end as concern
from one order by principal_key
"""

_NUMBERS = """
create or replace table access.principal_numbers as
select (row_number() over (order by lower(principal_id)))::INTEGER as principal_no,
       lower(principal_id) as principal_key,
       principal_id, type
from access_principals
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``access_principals``, and the temporary ``principal_numbers``: joins over numbers are the cheap ones.

    ``concern``: ``orphaned`` (the directory doesn't know the id), ``disabled`` or ``guest``. ``resolved`` is null where
    nobody could be asked.
    """
    con.execute(_CREATE)
    con.execute(_NUMBERS)
