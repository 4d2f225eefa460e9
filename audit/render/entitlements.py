"""Effective access as people read it: one row per job, principal, assignment and group path, over its capabilities.

Made as temporary tables, a bounded number of rows at a time, whatever the size of ``effective_access``:

``report_capabilities``: numbered, privileged ones first. ``report_grants``: assignments and policies, with role and
condition. ``report_holders``: who holds what, the gravest first; ``can``, ``taken`` (by a denial) and ``under`` (a
condition) are bit strings over the capabilities' numbers, ``total`` counts a job's rows, those that were cut included.
``report_giving``: which grants give anything on which job.

Where ``effective_access`` is too large to be written out it is not read at all: the rows are then the grants as they
were given, before groups are unfolded and denials applied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.render.rows import fetch, one

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

ACT = "act_as_identity"
"""The capability that is a step to all that the job's identity can do."""
AT_ONCE = 1_000_000
"""Rows of ``effective_access`` that are grouped at a time."""
_JOBS_AT_ONCE = 200

TABLES = (
    "report_capabilities",
    "report_grants",
    "report_asked",
    "report_work",
    "report_chunk",
    "report_holders",
    "report_giving",
)

_CAPABILITIES = """
create or replace temp table report_capabilities as
select (row_number() over (order by not privileged, position) - 1)::INTEGER as number, capability, title, privileged,
       position as place
from capabilities
"""

_GRANTS = """
create or replace temp table report_grants as
with given as (
    select lower(assignment_id) as grant_key, min(assignment_id) as assignment_id, min(via_kind) as via_kind,
           min(scope) as scope, min(lower(regexp_extract(role_definition_id, '[^/]+$'))) as role_guid,
           min(raw_ref) as raw_ref, min(observed_at) as observed_at
    from access_grants group by all
),
told as (
    select lower(assignment_id) as grant_key, min_by(condition, row_id) as condition,
           min_by(created_on, row_id) as created_on, min_by(created_by, row_id) as created_by
    from role_assignments group by all
    union all
    select lower(eligibility_id), min_by(condition, row_id), min_by(created_on, row_id), null
    from role_eligibility group by all
),
roles as (
    select lower(role_guid) as role_key, min_by(name, row_id) as role, min_by(type, row_id) as role_type,
           min_by(raw_ref, row_id) as role_ref
    from role_definitions group by all
)
select (row_number() over (order by grant_key))::INTEGER as grant_no, g.*, r.role, r.role_type, r.role_ref, t.condition,
       t.created_on, t.created_by
from given g left join told t using (grant_key) left join roles r on r.role_key = g.role_guid
"""

# What each way asks of which resource; a holder's way asks the resource of the policy.
_ASKED = """
create or replace temp table report_asked as
select capability, way, each.seq, needs->each.seq::INTEGER->>'on' as relation,
       nullif(lower(needs->each.seq::INTEGER->>'type'), '') as type, json_array_length(needs) as needs
from access_ways, unnest(range(json_array_length(needs)::BIGINT)) as each (seq)
union all
select capability, way, 0,
       case holder when 'shared_access_policy' then 'entity' when 'access_policy' then 'vault' else 'registry' end,
       null, 1
from access_ways where holder is not null
"""

_WORK = """
create or replace temp table report_work as
select position, job_id, coalesce(sum(n) over (order by position rows unbounded preceding) - n, 0) as before
from ({jobs}) left join ({counts}) using (job_id)
"""
_COUNTS = "select job_id, count(*) as n from effective_access group by all"
_UNCOUNTED = f"select job_id, {AT_ONCE // _JOBS_AT_ONCE} as n from jobs"

_WRITTEN = """
select c.position, e.capability, e.principal_id, e.via_assignment_id, e.access, e.group_path::VARCHAR as group_path,
       e.membership, e.membership_expires, e.expires, e.denied, e.denied_by, e.conditional
from effective_access e join report_chunk c using (job_id) where e.steps = 1
"""
_UNFOLDED = """
select c.position, g.capability, g.principal_id, g.assignment_id as via_assignment_id, g.access,
       null::VARCHAR as group_path, null::VARCHAR as membership, null::TIMESTAMPTZ as membership_expires, g.expires,
       false as denied, null::VARCHAR as denied_by, bool_or(g.conditional) as conditional
from report_chunk c
join access_targets t using (job_id)
join report_asked a on a.relation = t.relation and (a.type is null or a.type = t.target_type)
join access_sets s using (set_id)
join access_grants g on g.capability = a.capability and g.way = a.way and g.seq = a.seq
    and lower(rtrim(g.scope, '/')) = rtrim(s.scope, '/')
group by c.position, g.capability, g.way, g.principal_id, g.assignment_id, g.access, g.expires, a.needs
having count(distinct a.seq) = a.needs
"""

_HOLDERS = """
with grouped as (
    select position, principal_id, via_assignment_id, access, group_path, membership, membership_expires, expires,
           bitstring_agg(k.number, 0, {last}) filter (where not denied) as can,
           bitstring_agg(k.number, 0, {last}) filter (where denied) as refused,
           bitstring_agg(k.number, 0, {last}) filter (where conditional and not denied) as under,
           min(denied_by) filter (where denied) as denied_by,
           count(distinct denied_by) filter (where denied) as denials,
           bool_or(k.privileged and not denied) as privileged
    from ({rows}) join report_capabilities k using (capability)
    group by all
),
ranked as (
    select s.*, g.grant_no, p.concern, lower(coalesce(p.display_name, p.user_principal_name, s.principal_id)) as name,
           case when s.can is null then s.refused else s.refused & ~s.can end as taken,
           case when s.privileged and s.access = 'active' then 0 when s.privileged then 1
                when s.can is not null and s.access = 'active' then 2 when s.can is not null then 3 else 4 end as rank
    from grouped s join report_grants g on g.grant_key = lower(s.via_assignment_id)
    left join access_principals p on p.principal_id = s.principal_id
)
select position, (row_number() over reading)::INTEGER as number, (count(*) over (partition by position))::INTEGER
       as total, rank, principal_id, grant_no, access, group_path, membership, membership_expires, expires, can, taken,
       under, denied_by, denials::INTEGER as denials, privileged, concern
from ranked
window reading as (partition by position order by rank, concern is null, name, lower(principal_id),
                   bit_count(coalesce(can, taken)) desc, grant_no, group_path nulls first, access, expires nulls first,
                   membership_expires nulls first, can, taken)
"""


def written(con: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether ``effective_access`` is written out; else it is a view, which is asked for job by job."""
    return not one(con, "select count(*) as n from duckdb_views() where view_name = 'effective_access'")["n"]


def capabilities(con: duckdb.DuckDBPyConnection) -> int:
    """Make ``report_capabilities`` and ``report_grants``; return how many capabilities there are."""
    con.execute(_CAPABILITIES)
    con.execute(_GRANTS)
    con.execute(_ASKED)
    return int(one(con, "select count(*) as n from report_capabilities")["n"])


def chunks(con: duckdb.DuckDBPyConnection, jobs: str) -> Iterator[None]:
    """Fill ``report_chunk`` (position, job_id) with some jobs at a time; ``jobs``: SQL that gives all of them."""
    con.execute(_WORK.format(jobs=jobs, counts=_COUNTS if written(con) else _UNCOUNTED))
    for part in fetch(con, f"select distinct before // {AT_ONCE} as part from report_work order by part"):
        con.execute(
            "create or replace temp table report_chunk as "
            f"select position, job_id from report_work where before // {AT_ONCE} = ? order by position",
            [part["part"]],
        )
        yield


class Holders:
    """``report_holders`` and ``report_giving`` in the making: call :meth:`add` for each chunk.

    ``of_job``: rows kept of one job; ``of_all``: of all together. The gravest are kept.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, *, of_job: int = 0, of_all: int = 0) -> None:
        self._con = con
        count = capabilities(con)
        self._rows = _WRITTEN if written(con) else _UNFOLDED
        self._sql = _HOLDERS.format(last=max(0, count - 1), rows=self._rows)
        self._within = f"where number <= {of_job}" if of_job else ""
        self._most = of_all
        self.total = 0
        """Rows that there are, those that were cut included."""
        con.execute("create or replace temp table report_chunk (position BIGINT, job_id VARCHAR)")
        con.execute(f"create or replace temp table report_holders as from ({self._sql})")
        con.execute("create or replace temp table report_giving (position BIGINT, grant_no INTEGER)")

    def add(self) -> None:
        """Add the rows of the jobs in ``report_chunk``."""
        self._con.execute(f"create or replace temp table report_found as from ({self._sql})")
        self._con.execute(f"insert into report_holders from report_found {self._within}")
        self._con.execute("insert into report_giving select distinct position, grant_no from report_found")
        self.total += int(one(self._con, "select count(*) as n from report_found")["n"])
        self._con.execute("drop table report_found")
        if self._most:
            self._con.execute(
                "create or replace temp table report_holders as "
                f"from report_holders order by rank, position, number limit {self._most}"
            )
