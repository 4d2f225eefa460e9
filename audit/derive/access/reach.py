"""What an assignment or policy gives, and on which jobs, before groups are unfolded: what a revocation takes away.

Jobs about which the same is asked at the same scopes share a *profile*, so that an assignment meets a profile once
however many jobs have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

TABLES = ("reach_profiles", "reach", "group_sizes")

_PROFILES = """
create or replace temp table reach_profiles as
with asked as (
    select job_no, set_no, list(distinct need order by need) as needs from access.job_needs group by all
),
told as (
    select job_no, list({'set_no': set_no, 'needs': needs} order by set_no) as profile from asked group by job_no
)
select job_no, job_id, dense_rank() over (order by profile)::INTEGER as profile_no
from told join access.job_numbers using (job_no)
"""

# A way that needs several rights counts where somebody really holds it by this assignment.
_REACH = """
create or replace temp table reach as
with asked as (
    select distinct p.profile_no, n.set_no, n.need, n.capability, n.needs > 1 as several
    from access.job_needs n join reach_profiles p using (job_no) where n.seq = 0
),
met as (
    select distinct lower(g.assignment_id) as assignment_key, a.profile_no, a.capability, a.several
    from asked a join access.set_places s using (set_no) join access.grants g on g.place = s.place and g.need = a.need
)
select assignment_key, profile_no, list(distinct capability order by capability) as capabilities
from met
where not several {proven}
group by all
"""

_PROVEN = """or (assignment_key, profile_no, capability) in (
    select lower(e.via_assignment_id), p.profile_no, e.capability
    from effective_access e join reach_profiles p using (job_id) where e.steps = 1)"""

_SIZES = """
create or replace temp table group_sizes as
select n.principal_key as group_key,
       case when u.principal_no is null then count(distinct h.principal_no) filter (where h.path_no is not null) end
           as holders
from access.principal_numbers n
left join access.access_holders h on h.grantee_no = n.principal_no
left join access.untold_groups u on u.principal_no = n.principal_no
where lower(n.type) in ('group', 'foreigngroup')
group by n.principal_key, u.principal_no
"""


def create(con: duckdb.DuckDBPyConnection, *, written: bool) -> None:
    """Create the temporary ``reach_profiles``, ``reach`` and ``group_sizes``; ``written``: effective_access is a table.

    Where it isn't, a way that needs several rights counts where the assignment gives the first of them. Denials aren't
    taken off: what is denied today is held again once the denial is gone.
    """
    con.execute(_PROFILES)
    con.execute(_REACH.format(proven=_PROVEN if written else "or true"))
    con.execute(_SIZES)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    for table in TABLES:
        con.execute(f"drop table if exists {table}")
