"""What deny assignments take away: which needs, where, from whom, and whom they spare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from audit.derive.access.ways import Matcher

if TYPE_CHECKING:
    import duckdb

EVERYONE = "00000000-0000-0000-0000-000000000000"
"""The principal, of type SystemDefined, that stands for all users, groups and service principals.

Source: https://learn.microsoft.com/azure/role-based-access-control/deny-assignments
"""

_DENIALS = f"""
create or replace temp table denials as
select (row_number() over (order by lower(assignment_id)))::INTEGER as deny_no, *,
       list_contains(principals, '{EVERYONE}') as everyone
from (
    select distinct on (lower(assignment_id)) assignment_id, lower(rtrim(scope, '/')) as place,
           coalesce(do_not_apply_to_child_scopes, false) as exact, permissions::VARCHAR as permissions,
           condition is not null as conditional,
           list_transform(principals::JSON[], lambda p: lower(p->>'id')) as principals,
           list_transform(coalesce(excluded_principals, '[]')::JSON[], lambda p: lower(p->>'id')) as excluded
    from deny_assignments order by lower(assignment_id), row_id
)
"""

_NEEDS = """
create or replace temp table denial_needs as
select row.* from (select unnest(from_json($rows,
    '[{"deny_no": "INTEGER", "need": "INTEGER", "conditional": "BOOLEAN"}]')) as row)
"""

# A denied group's members are denied, a spared group's are spared; eligibility spares nobody before it is activated.
_PEOPLE = """
create or replace temp table denial_{name} as
select distinct d.deny_no, h.principal_no
from (select deny_no, unnest({name}) as principal_key from denials) d
join access.principal_numbers p on p.principal_key = d.principal_key
join access.access_holders h on h.grantee_no = p.principal_no and h.access = 'active'
union
select d.deny_no, p.principal_no
from (select deny_no, unnest({name}) as principal_key from denials) d
join access.principal_numbers p on p.principal_key = d.principal_key
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create the temporary tables ``denials``, ``denial_needs``, ``denial_principals`` and ``denial_excluded``.

    A denial under a condition isn't counted as one: whether it holds can't be told from here, so it is flagged.
    """
    con.execute(_DENIALS)
    matcher = Matcher(con)
    rows = [
        {"deny_no": deny_no, "need": need, "conditional": conditional or under_condition}
        for deny_no, permissions, conditional in con.execute(
            "select deny_no, permissions, conditional from denials order by deny_no"
        ).fetchall()
        for need, under_condition in matcher.matched(permissions)
    ]
    con.execute(_NEEDS, {"rows": msgspec.json.encode(rows).decode()})
    for name in ("principals", "excluded"):
        con.execute(_PEOPLE.format(name=name))


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    for table in ("denial_excluded", "denial_principals", "denial_needs", "denials"):
        con.execute(f"drop table {table}")
