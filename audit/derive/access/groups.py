"""``access_holders``: whom a grantee stands for: itself, or, where it is a group, its members, by which groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

DEEPEST = 64
"""Nesting beyond which no path is followed; Entra ID nests far less."""

# Direct memberships: those in force, some until a time that PIM knows, and those that a member may activate.
_EDGES = """
create or replace temp table member_edges as
with held as (
    select lower(group_id) as group_key, lower(member_id) as member_key from group_edges
    union
    select lower(group_id), lower(principal_id) from group_eligibility
    where access = 'active' and access_id = 'member' and member_type = 'direct'
),
until as (
    select lower(group_id) as group_key, lower(principal_id) as member_key, max(ends) as ends,
           bool_or(ends is null) as lasting
    from group_eligibility where access = 'active' and access_id = 'member' group by all
)
select g.principal_no as group_no, m.principal_no as member_no, edges.access, edges.expires
from (
    select held.group_key, held.member_key, 'active' as access,
           case when until.lasting then null else until.ends end as expires
    from held left join until on until.group_key = held.group_key and until.member_key = held.member_key
    union
    select lower(group_id), lower(principal_id), 'eligible', ends from group_eligibility
    where access = 'eligible' and access_id = 'member'
) as edges
join access.principal_numbers g on g.principal_key = edges.group_key
join access.principal_numbers m on m.principal_key = edges.member_key
where edges.group_key <> edges.member_key
"""

# The groups that were asked about, and the others: told those whose every member is known, which a nested one's are
# where those of the group around it are.
_ASKED = """
create or replace temp table asked_groups as
select p.principal_no as group_no, bool_or(coverage.outcome = 'collected') as told
from coverage
join access.principal_numbers p
    on p.principal_key = lower(split_part(rtrim(coverage.scope, '/'), '/', -1))
where coverage.kind = 'group_members' and coverage.place is null
group by p.principal_no
"""

_TOLD = """
create or replace temp table told_groups as
select group_no from asked_groups where told
union
select m.principal_no
from group_members
join access.principal_numbers g on g.principal_key = lower(group_id)
join access.principal_numbers m on m.principal_key = lower(member_id)
join asked_groups on asked_groups.group_no = g.principal_no and told
where member_type = 'Group'
"""

# Of a group that wasn't told PIM may still tell some members.
# Groups of which nobody told who is in them: they may be anybody.
_UNTOLD = """
create or replace table access.untold_groups as
select principal_no from access.principal_numbers
where lower(type) in ('group', 'foreigngroup') and principal_no not in (select group_no from told_groups)
  and principal_key not in (select lower(member_id) from group_edges)
"""

_FIRST = """
create or replace temp table unfolded as
select asked.group_no as root_no, e.member_no, [asked.group_no] as path, e.access, e.expires, 1 as depth
from asked_groups asked join member_edges e on e.group_no = asked.group_no
"""

# The shortest path to each member, per access and end: level by level, so a cycle ends where it began.
_NEXT = """
insert into unfolded
select root_no, member_no, min(path), access, expires, $depth
from (
    select u.root_no, e.member_no, list_append(u.path, u.member_no) as path,
           case when u.access = 'eligible' or e.access = 'eligible' then 'eligible' else 'active' end as access,
           least(u.expires, e.expires) as expires
    from unfolded u join member_edges e on e.group_no = u.member_no
    where u.depth = $depth - 1 and e.member_no <> u.root_no
) as further
where not exists (
    select 1 from unfolded known
    where known.root_no = further.root_no and known.member_no = further.member_no and known.access = further.access
      and known.expires is not distinct from further.expires)
group by all
"""

_HOLDERS = """
create or replace table access.access_holders as
select principal_no as grantee_no, principal_no, null::INTEGER as path_no, 'active' as access,
       null::TIMESTAMPTZ as expires
from access.principal_numbers where principal_no not in (select group_no from told_groups)
union all
select u.root_no, u.member_no, p.path_no, u.access, u.expires
from unfolded u join access.group_paths p on p.path = u.path
where u.member_no not in (select group_no from told_groups)
"""

_PATHS = """
create or replace table access.group_paths as
with numbered as (
    select (row_number() over (order by path))::INTEGER as path_no, path from (select distinct path from unfolded)
),
hops as (
    select path_no, unnest(path) as principal_no, generate_subscripts(path, 1) as hop from numbered
)
select path_no, any_value(path) as path, to_json(list(principal_id order by hop)) as group_path
from hops join access.principal_numbers using (principal_no) join numbered using (path_no)
group by path_no
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create the temporary tables ``access_holders`` (by principal numbers) and ``group_paths``.

    A group whose members weren't told stands for itself, wherever it stands: its row says so, and ``access_answers``
    that there are more. A group that was told stands for its members alone.
    ``group_path`` is a JSON list of group ids, the one that holds the assignment first.
    """
    con.execute(_EDGES)
    con.execute(_ASKED)
    con.execute(_TOLD)
    con.execute(_UNTOLD)
    con.execute(_FIRST)
    for depth in range(2, DEEPEST):
        con.execute(_NEXT, {"depth": depth})
        row = con.execute("select count(*) from unfolded where depth = $depth", {"depth": depth}).fetchone()
        if not row or not row[0]:
            break
    con.execute(_PATHS)
    con.execute(_HOLDERS)
    con.execute("drop table unfolded")
    con.execute("drop table told_groups")
    con.execute("drop table asked_groups")
    con.execute("drop table member_edges")
