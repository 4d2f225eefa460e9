"""What sheet Effective access is read from: who holds what on which job, made before the sheets and dropped after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.render import entitlements
from audit.render.workbook.stage import exists

if TYPE_CHECKING:
    import duckdb

MOST = 200_000
"""Rows of the sheet; the gravest are kept, and its head says how many there are."""
NEEDED = (
    "jobs",
    "capabilities",
    "access_ways",
    "access_principals",
    "access_grants",
    "access_targets",
    "access_sets",
    "effective_access",
    "role_assignments",
    "role_eligibility",
    "role_definitions",
)

_JOBS = "select row_number() over (order by lower(name), lower(job_id)) as position, job_id from jobs where in_scope"

# Bits and paths in words, each once.
_SAID = """
create or replace temp table report_said as
select bits, string_agg(k.title, ', ' order by k.number) as titles
from (select can as bits from report_holders union select taken from report_holders union select under
      from report_holders) cross join report_capabilities k
where bits is not null and get_bit(bits, k.number) = 1
group by bits
"""
_PATHS = """
create or replace temp table report_paths as
with hops as (
    select group_path, unnest(group_path::VARCHAR[]) as group_id, generate_subscripts(group_path::VARCHAR[], 1) as hop
    from (select distinct group_path from report_holders where group_path is not null)
)
select group_path, string_agg(coalesce(p.display_name, h.group_id), ' > ' order by hop) as groups
from hops h left join (select lower(principal_id) as key, min(display_name) as display_name from access_principals
                       group by all) p on p.key = lower(h.group_id)
group by group_path
"""
_REMARK = "create or replace temp table report_remark as select ?::VARCHAR as text"
_MADE = (*entitlements.TABLES, "report_said", "report_paths", "report_remark")


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Make them; nothing where the run has no effective access."""
    if not all(exists(con, name) for name in NEEDED):
        return
    found = entitlements.Holders(con, of_all=MOST)
    for _ in entitlements.chunks(con, _JOBS):
        found.add()
    con.execute(_SAID)
    con.execute(_PATHS)
    con.execute(_REMARK, [_remark(found.total, written=entitlements.written(con))])


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop them."""
    for name in _MADE:
        con.execute(f"drop table if exists {name}")


def _remark(total: int, *, written: bool) -> str | None:
    said = []
    if not written:
        said.append(
            "The access of this estate is too large to be written out: the rows are assignments and policies as they "
            "were given, before groups are unfolded, denials applied and settings checked. jobaudit sql RUN "
            "\"from effective_access_of('JOB ID')\" gives one job's."
        )
    if total > MOST:
        where = "data/effective_access.parquet" if written else "data/access_grants.parquet"
        said.append(f"The gravest {MOST:,} of {total:,} rows, standing privileged access first; all: {where}.")
    return " ".join(said) or None
