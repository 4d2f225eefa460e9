"""Who has access: role assignments that reach the jobs, as they were given; what they add up to is in ``holding``."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from audit.render.rows import Row, one

if TYPE_CHECKING:
    import duckdb

    from audit.render.names import Names

_GIVEN = """
given as (
    select * from role_assignments
    qualify row_number() over (partition by lower(assignment_id) order by row_id) = 1
),
roles as (
    select lower(role_guid) as role_key, name as role, type as role_type, raw_ref as role_ref from role_definitions
)
"""

ASSIGNMENTS = f"""
with {_GIVEN},
reached as (
    select assignment_key, count(*) as jobs, min(b.job_id) as a_job
    from report_access join report_jobs b using (job_key) group by all
)
select row_number() over (order by
           case when rtrim(g.scope, '/') = '' then 0
                when g.scope ilike '/providers/microsoft.management/%' then 1
                else 1 + len(string_split(trim(g.scope, '/'), '/')) end,
           lower(g.scope), lower(coalesce(r.role, g.role_guid)), lower(g.principal_id), lower(g.assignment_id))
       as number, g.*, r.role, r.role_type, r.role_ref, reached.jobs, reached.a_job
from given g
join reached on reached.assignment_key = lower(g.assignment_id)
left join roles r on r.role_key = lower(g.role_guid)
"""

OF_JOBS = f"""
with {_GIVEN}
select a.job_key, g.*, r.role, r.role_type, r.role_ref
from report_access a
join report_jobs b using (job_key)
join given g on lower(g.assignment_id) = a.assignment_key
left join roles r on r.role_key = lower(g.role_guid)
where b.position between ? and ?
order by a.job_key, len(string_split(trim(g.scope, '/'), '/')) desc, lower(g.scope),
         lower(coalesce(r.role, g.role_guid)), lower(g.principal_id), lower(g.assignment_id)
"""

OF_IDENTITIES = f"""
with {_GIVEN},
own as (
    select distinct lower(i.job_id) as job_key, i.identity_id, lower(i.principal_id) as principal_key
    from job_identities i join report_jobs b on b.job_key = lower(i.job_id)
    where i.principal_id is not null and b.position between ? and ?
)
select own.job_key, own.identity_id, g.*, r.role, r.role_type, r.role_ref
from own
join given g on lower(g.principal_id) = own.principal_key
left join roles r on r.role_key = lower(g.role_guid)
order by own.job_key, lower(own.identity_id), lower(g.scope), lower(coalesce(r.role, g.role_guid)),
         lower(g.assignment_id)
"""


def told(row: Row, names: Names) -> Row:
    """Add who and where in words."""
    return row | {
        "who": names.principal(row["principal_id"], row["principal_type"]),
        "where": names.scope(row["scope"]),
        "by": names.principal(row["created_by"]),
    }


def by_scope(rows: list[Row]) -> list[dict[str, Any]]:
    """Return one page's assignments under the scopes they were given at."""
    found = groupby(rows, key=lambda row: row["scope"].lower().rstrip("/"))
    return [{"where": (members := list(group))[0]["where"], "jobs": members[0]["jobs"], "a_job": members[0]["a_job"],
             "scope": members[0]["scope"], "rows": members} for _, group in found]  # fmt: skip


def counts(con: duckdb.DuckDBPyConnection, table: str) -> Row:
    """Return how many assignments reach the jobs, of how many principals, and what is odd about those."""
    return one(
        con,
        f"""
        select count(*) as assignments, count(distinct lower(a.principal_id)) as principals,
               count(distinct lower(a.principal_id)) filter (where p.resolved is false) as orphaned,
               count(distinct lower(a.principal_id)) filter (where lower(p.user_type) = 'guest') as guests,
               count(distinct lower(a.principal_id)) filter (where p.enabled is false) as disabled,
               count(distinct lower(a.principal_id)) filter (where p.principal_id is null) as unresolved,
               count(*) filter (where lower(a.principal_type) like '%group') as groups
        from {table} a left join principals p on lower(p.principal_id) = lower(a.principal_id)
        """,
    )
