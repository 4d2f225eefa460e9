"""``job_gaps``: which job lacks which evidence. What ``not_assessed`` is computed from.

Three ways to lack it: a unit that the job rests on ended as a gap; such a unit was never read, though it should have
been; the run didn't collect the kind at all. An item that can't be decoded counts through its unit, which is a gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id
from audit.evidence import KINDS
from audit.model import Level

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

_GAPS = """
create or replace temp table gaps as
select kind, lower(rtrim(scope, '/')) as scope_key, scope, reason, detail, observed_at, raw_ref
from coverage where outcome = 'gap' and place is null
"""

_ENCLOSING = """
create or replace temp table enclosing as
select job_id, unnest([lower(job_id), lower(regexp_extract(job_id, '^(/[^/]+/[^/]+/[^/]+/[^/]+)', 1)),
                       lower(regexp_extract(job_id, '^(/[^/]+/[^/]+)', 1)), '']) as scope_key
from population
"""

_TABLE = """
create or replace table job_gaps (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR,
    job_id VARCHAR, kind VARCHAR, scope VARCHAR, reason VARCHAR, detail VARCHAR
)
"""

_INSERT = f"""
insert into job_gaps by name
select {row_id("job_gaps", "job_id", "kind", "scope", "reason", "detail")} as row_id, *
from ({{found}})
order by lower(job_id), kind, lower(scope), reason, detail
"""

_COLUMNS = "gaps.kind, gaps.scope, gaps.reason, gaps.detail, gaps.observed_at, gaps.raw_ref"

_BELOW = f"""
select distinct enclosing.job_id, {_COLUMNS}
from gaps join enclosing using (scope_key)
where list_contains($kinds::VARCHAR[], gaps.kind)
"""

_EVERYONE = f"""
select population.job_id, {_COLUMNS}
from gaps cross join population
where list_contains($kinds::VARCHAR[], gaps.kind)
"""

_AFFECTED = f"""
select distinct population.job_id, {_COLUMNS}
from gaps
join ({{affects}}) as affected on lower(rtrim(affected.scope, '/')) = gaps.scope_key
join population on lower(population.job_id) = lower(affected.job_id)
where list_contains($kinds::VARCHAR[], gaps.kind)
"""

_UNREAD_BELOW = """
select population.job_id, wanted.kind, population.job_id as scope, 'unavailable' as reason,
       'no read of this kind covers the job: the run ended before it' as detail, observed_at, raw_ref
from population cross join unnest($kinds::VARCHAR[]) as wanted (kind)
where (population.job_id, wanted.kind) not in (
    select enclosing.job_id, coverage.kind
    from enclosing join coverage on lower(rtrim(coverage.scope, '/')) = enclosing.scope_key
)
"""

_UNREAD_EVERYWHERE = """
select population.job_id, wanted.kind, '/' as scope, 'unavailable' as reason,
       'not read: the run ended before it' as detail, observed_at, raw_ref
from population cross join unnest($kinds::VARCHAR[]) as wanted (kind)
where wanted.kind not in (select kind from coverage)
"""

_UNREAD_AFFECTED = """
select distinct population.job_id, wanted.kind, affected.scope, 'unavailable' as reason,
       'not read: the run ended before it' as detail, population.observed_at, population.raw_ref
from ({affects}) as affected
cross join unnest($kinds::VARCHAR[]) as wanted (kind)
join population on lower(population.job_id) = lower(affected.job_id)
where lower(rtrim(affected.scope, '/')) not in (
    select lower(rtrim(scope, '/')) from coverage where list_contains($kinds::VARCHAR[], coverage.kind)
)
"""

_NOT_COLLECTED = """
select population.job_id, wanted.kind, '/' as scope, 'unavailable' as reason, 'not collected in this run' as detail,
       observed_at, raw_ref
from population cross join unnest($kinds::VARCHAR[]) as wanted (kind)
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``job_gaps``; needs ``population`` and a ``coverage`` that reconciliation has completed.

    ``raw_ref`` is the gap's own, or the job's where nothing was read.
    """
    con.execute(_TABLE)
    con.execute(_GAPS)
    con.execute(_ENCLOSING)
    asked = [kind for kind in KINDS if kind.name in run.kinds]
    tenant = [kind.name for kind in asked if kind.affects is None and kind.per is Level.TENANT]
    below = [kind.name for kind in asked if kind.affects is None and kind.per is not Level.TENANT]
    _insert(con, _NOT_COLLECTED, [kind.name for kind in KINDS if kind.name not in run.kinds])
    _insert(con, _EVERYONE, tenant)
    _insert(con, _UNREAD_EVERYWHERE, tenant)
    _insert(con, _BELOW, [*below, "reconciliation"])
    _insert(con, _UNREAD_BELOW, below)
    for kind in asked:
        if kind.affects is not None:
            _insert(con, _AFFECTED.format(affects=kind.affects), [kind.name])
            _insert(con, _UNREAD_AFFECTED.format(affects=kind.affects), [kind.name])
    con.execute("drop table enclosing")
    con.execute("drop table gaps")


def _insert(con: duckdb.DuckDBPyConnection, found: str, kinds: list[str]) -> None:
    con.execute(_INSERT.format(found=found), {"kinds": kinds})
