"""``effective_access``: job × capability × principal × path, the join of its factors.

A direct row holds by an assignment or policy of the principal or of its groups. A row of two steps holds by acting as
the job's identity: whoever can change the job can do what the job's identity can. There is one for each way, assignment
and group path of the first step, with the best way that the identity has for the second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

ACT = "act_as_identity"
"""The capability that is a step to all that the identity can do."""
ORDER = "lower(job_id), capability, lower(principal_id), steps, access, lower(target_id), way, row_id"
ROW_ID = """substr(md5(concat_ws(chr(31), 'effective_access', lower(j.job_id), x.capability, x.way, lower(t.target_id),
    lower(p.principal_id), lower(g.assignment_id), coalesce(path.group_path::VARCHAR, ''), x.eligible, x.expires,
    x.membership, x.membership_expires, x.steps,
    coalesce(lower(x.through_identity), ''), coalesce(x.through_way, 0))), 1, 16)"""
_WANTED = "job_no in (select job_no from access.job_numbers where job_key = lower(wanted))"
AT_ONCE = 200_000
"""Rows, about, that are sorted at once."""
LIMIT = 20_000_000
"""Rows up to which the table is written out; beyond, it is asked for job by job."""

# Denials that meet at a set for a need, and each principal's fate under them.
_DENIED_SETS = """
create or replace table access.denied_sets as
with met as (
    select s.set_no, n.need, list(s.deny_no order by s.deny_no) as denials
    from set_denials s join denial_needs n using (deny_no) group by s.set_no, n.need
)
select set_no, need, dense_rank() over (order by denials, need)::INTEGER as fate_no, denials from met
"""

_FATES = """
create or replace table access.fates as
with asked as (
    select distinct fate_no, need, unnest(denials) as deny_no from access.denied_sets
),
hit as (
    select a.fate_no, p.principal_no, d.assignment_id, n.conditional
    from asked a join denials d using (deny_no) join denial_needs n using (deny_no, need)
    join access.principal_numbers p
        on d.everyone or (a.deny_no, p.principal_no) in (select deny_no, principal_no from denial_principals)
    where (a.deny_no, p.principal_no) not in (select deny_no, principal_no from denial_excluded)
)
select fate_no, principal_no, min(assignment_id) filter (where not conditional) as denied_by,
       bool_or(conditional) as uncertain
from hit group by fate_no, principal_no
"""

# The other needs of a way that has several; on the same resource where they name the same one.
_OTHERS = """
create or replace temp table others as
select main.job_no, main.need, main.target_no,
       list({'seq': other.seq, 'need': other.need, 'set_no': other.set_no} order by other.seq, other.set_no) as others
from access.job_needs main
join access.job_needs other
    on other.job_no = main.job_no and other.capability = main.capability and other.way = main.way and other.seq > 0
    and (other.place <> main.place or other.target_no = main.target_no)
where main.seq = 0 and main.needs > 1
group by main.job_no, main.need, main.target_no, main.needs
having count(distinct other.seq) = main.needs - 1
"""

_COMBINATIONS = """
create or replace table access.combinations as
select dense_rank() over (order by others)::INTEGER as combination_no, * from others
"""

# Who has every other need of a combination, each in the best way: not denied, in force, without condition, lasting.
_ALSO = """
create or replace table access.also_held as
with asked as (
    select combination_no, other.seq, other.need, other.set_no
    from (select distinct combination_no, unnest(others) as other from access.combinations)
),
held as (
    select a.combination_no, a.seq, h.principal_no, f.denied_by, least(g.expires, h.expires) as expires,
           g.access = 'eligible' or h.access = 'eligible' as eligible,
           g.conditional or coalesce(f.uncertain, false) as conditional
    from asked a
    join access.set_places p using (set_no) join access.grants g on g.place = p.place and g.need = a.need
    join access.access_holders h on h.grantee_no = g.grantee_no
    left join access.denied_sets d on d.set_no = a.set_no and d.need = a.need
    left join access.fates f on f.fate_no = d.fate_no and f.principal_no = h.principal_no
),
best as (
    select combination_no, seq, principal_no,
           min({'denied': denied_by is not null, 'eligible': eligible, 'conditional': conditional,
                'ends': expires is not null, 'left': -epoch_us(expires), 'denied_by': denied_by}) as how
    from held group by all
)
select combination_no, principal_no, count(*) as needs, bool_or(how.eligible) as eligible,
       bool_or(how.conditional) as conditional, min(how.denied_by) as denied_by,
       make_timestamptz(-max(how.left)) as expires
from best group by combination_no, principal_no
"""

_ROWS = """
select n.job_no, n.capability, n.way, n.place, n.target_no, g.grant_no, h.principal_no, h.path_no,
       case when h.path_no is not null then h.access end as membership, h.expires as membership_expires,
       g.access = 'eligible' or h.access = 'eligible' or coalesce(a.eligible, false) as eligible,
       g.conditional or coalesce(a.conditional, false) or coalesce(f.uncertain, false) as conditional,
       coalesce(f.denied_by, a.denied_by) as denied_by, least(g.expires, h.expires, a.expires) as expires
from access.job_needs n
join access.set_places p using (set_no)
join access.grants g on g.place = p.place and g.need = n.need
join {holders} h on h.grantee_no = g.grantee_no
left join access.denied_sets d on d.set_no = n.set_no and d.need = n.need
left join access.fates f on f.fate_no = d.fate_no and f.principal_no = h.principal_no
left join access.combinations c on c.job_no = n.job_no and c.need = n.need and c.target_no = n.target_no
left join access.also_held a on a.combination_no = c.combination_no and a.principal_no = h.principal_no
where n.seq = 0 and (n.needs = 1 or a.needs = n.needs - 1)
"""
_DIRECT = _ROWS.format(holders="access.access_holders")
_OF_IDENTITIES = _ROWS.format(holders="identity_holders")

_BEST = "(denied_by is not null, eligible, conditional, expires is not null, -epoch_us(expires), way, grant_no)"

_IDENTITIES = """
create or replace table access.identity_numbers as
select distinct on (j.job_no, lower(i.identity_id)) j.job_no, t.target_no as identity_no, i.identity_id, p.principal_no
from identities i
join access.job_numbers j on j.job_key = lower(i.job_id)
join access.principal_numbers p on p.principal_key = lower(i.principal_id)
left join access.target_numbers t on t.target_key = lower(i.identity_id)
order by j.job_no, lower(i.identity_id), p.principal_no
"""

_IDENTITY_HOLDERS = """
create or replace temp table identity_holders as
select * from access.access_holders where principal_no in (select principal_no from access.identity_numbers)
"""

# What a job's identities can do to what the job stands on, each in the best way that they have.
_REACH = f"""
create or replace table access.reach as
select job_no, identity_id, identity_no, identity_principal, capability, target_no, unnest(how)
from (
    select i.job_no, i.identity_id, i.identity_no, i.principal_no as identity_principal, d.capability, d.target_no,
           arg_min({{'way': d.way, 'grant_no': d.grant_no, 'eligible': d.eligible, 'conditional': d.conditional,
                    'denied_by': d.denied_by, 'expires': d.expires}}, {_BEST}) as how
    from access.identity_numbers i
    join ({_OF_IDENTITIES}) as d on d.job_no = i.job_no and d.principal_no = i.principal_no
    where d.capability <> '{ACT}'
    group by all
)
"""

# A first step may be taken on the job, as any of its identities, or on one identity itself.
_STEPPED = f"""
select r.job_no, r.capability, r.way, r.target_no, d.grant_no, d.principal_no, d.path_no,
       d.membership, d.membership_expires, d.eligible or r.eligible as eligible,
       d.conditional or r.conditional as conditional,
       coalesce(d.denied_by, r.denied_by) as denied_by, least(d.expires, r.expires) as expires,
       2 as steps, r.identity_id as through_identity, d.way as through_way, r.grant_no as through_grant
from access.reach r
join ({_DIRECT}) as d on d.job_no = r.job_no and (d.place = 'job' or d.target_no = r.identity_no)
where d.capability = '{ACT}' and d.principal_no <> r.identity_principal
"""

_ALL = f"""
select job_no, capability, way, target_no, grant_no, principal_no, path_no, membership, membership_expires, eligible,
       conditional, denied_by, expires, 1 as steps, null::VARCHAR as through_identity,
       null::INTEGER as through_way, null::INTEGER as through_grant
from ({_DIRECT})
union all
{_STEPPED}
"""

_WORDED = f"""
select {ROW_ID} as row_id, g.observed_at, g.raw_ref, j.job_id, x.capability, x.way, t.target_id, p.principal_id,
       p.type as principal_type, case when x.eligible then 'eligible' else 'active' end as access, g.via_kind,
       g.assignment_id as via_assignment_id, g.role_definition_id, g.scope, path.group_path, x.membership,
       x.membership_expires, x.conditional,
       x.denied_by is not null as denied, x.denied_by, x.expires, x.steps, x.through_identity, x.through_way,
       step.assignment_id as through_assignment_id
from ({_ALL}) as x
join access.job_numbers j using (job_no)
join access.target_numbers t using (target_no)
join access.grants g using (grant_no)
join access.principal_numbers p using (principal_no)
left join access.group_paths path using (path_no)
left join access.grants step on step.grant_no = x.through_grant
"""

_COUNT = """
with sizes as (select grantee_no, count(*) as holders from access.access_holders group by grantee_no),
given as (
    select p.set_no, g.need, sum(s.holders) as holders
    from access.set_places p join access.grants g on g.place = p.place join sizes s using (grantee_no) group by all
),
direct as (
    select n.job_no, n.capability, sum(given.holders) as held
    from access.job_needs n join given using (set_no, need) where n.seq = 0 group by all
),
reached as (select job_no, count(*) as reached from access.reach group by job_no)
select coalesce(sum(held), 0)::BIGINT + coalesce((
           select sum(d.held * r.reached) from direct d join reached r using (job_no)
           where d.capability = $act), 0)::BIGINT
from direct
"""


def create(con: duckdb.DuckDBPyConnection, *, limit: int = LIMIT) -> bool:
    """Create ``effective_access`` and tell whether it is a table; with more than ``limit`` rows it is a view.

    A view gives the same rows; it is too large to be kept in a pack as a whole. ``effective_access_of(job_id)`` gives
    those of one job at once, which a filter on the view doesn't.
    """
    for statement in (_DENIED_SETS, _FATES, _OTHERS, _COMBINATIONS, _ALSO, _IDENTITIES, _IDENTITY_HOLDERS):
        con.execute(statement)
    con.execute(_REACH)
    _forget(con)
    most = rows(con)
    written = most <= limit
    if written:
        _write(con, most)
    else:
        con.execute(f"create or replace view effective_access as {_WORDED}")
        con.execute(f"create or replace macro effective_access_of(wanted) as table {_narrowed(_WORDED, _WANTED)}")
    return written


def _forget(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what was made before: a table and a view don't replace each other."""
    found = con.execute(
        "select 'table' from duckdb_tables() where table_name = 'effective_access' "
        "union all select 'view' from duckdb_views() where view_name = 'effective_access'"
    ).fetchall()
    for (kind,) in found:
        con.execute(f"drop {kind} effective_access")
    con.execute("drop macro table if exists effective_access_of")


def _write(con: duckdb.DuckDBPyConnection, most: int) -> None:
    """Write the table some jobs at a time, in order: what is sorted at once stays small however many jobs there are."""
    con.execute(f"create table effective_access as select * from ({_WORDED}) limit 0")
    row = con.execute("select count(*) from access.job_numbers").fetchone()
    jobs = int(row[0]) if row else 0
    size = max(1, jobs * AT_ONCE // max(most, AT_ONCE))
    for first in range(1, jobs + 1, size):
        some = _narrowed(_WORDED, f"job_no between {first} and {first + size - 1}")
        con.execute(f"insert into effective_access {some} order by {ORDER}")


def _narrowed(sql: str, condition: str) -> str:
    """Return the SQL over some jobs' needs, their identities' reach and their combinations of needs only.

    Combinations are few to a job, and who holds one are many: joined as a whole they are what takes the memory.
    """
    some = f"(select * from access.{{}} where {condition})"
    for table, name in (("job_needs", "n"), ("reach", "r")):
        sql = sql.replace(f"from access.{table} {name}", f"from {some.format(table)} {name}")
    combinations = some.format("combinations")
    held = f"(select * from access.also_held where combination_no in (select combination_no from {combinations}))"
    return sql.replace("join access.combinations c", f"join {combinations} c").replace(
        "join access.also_held a", f"join {held} a"
    )


def rows(con: duckdb.DuckDBPyConnection) -> int:
    """Return how many rows ``effective_access`` has at most, without making one of them."""
    row = con.execute(_COUNT, {"act": ACT}).fetchone()
    return int(row[0]) if row else 0


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    con.execute("drop table others")
    con.execute("drop table identity_holders")
