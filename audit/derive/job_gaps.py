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

    from audit.model import EvidenceKind, Run

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

_BELOW = """
select distinct enclosing.job_id, gaps.kind, gaps.scope, gaps.reason, gaps.detail, gaps.observed_at, gaps.raw_ref
from gaps join enclosing using (scope_key)
where gaps.kind = $kind
"""

_EVERYONE = """
select population.job_id, gaps.kind, gaps.scope, gaps.reason, gaps.detail, gaps.observed_at, gaps.raw_ref
from gaps cross join population
where gaps.kind = $kind
"""

_AFFECTED = """
select distinct population.job_id, gaps.kind, gaps.scope, gaps.reason, gaps.detail, gaps.observed_at, gaps.raw_ref
from gaps
join ({affects}) as affected on lower(rtrim(affected.scope, '/')) = gaps.scope_key
join population on lower(population.job_id) = lower(affected.job_id)
where gaps.kind = $kind
"""

_UNREAD_BELOW = """
select job_id, $kind as kind, job_id as scope, 'unavailable' as reason,
       'no read of this kind covers the job: the run ended before it' as detail, observed_at, raw_ref
from population
where job_id not in (
    select enclosing.job_id from enclosing
    join coverage on lower(rtrim(coverage.scope, '/')) = enclosing.scope_key and coverage.kind = $kind
)
"""

_UNREAD_AFFECTED = """
select distinct population.job_id, $kind as kind, affected.scope, 'unavailable' as reason,
       'not read: the run ended before it' as detail, population.observed_at, population.raw_ref
from ({affects}) as affected
join population on lower(population.job_id) = lower(affected.job_id)
where lower(rtrim(affected.scope, '/')) not in (
    select lower(rtrim(scope, '/')) from coverage where kind = $kind
)
"""

_UNREAD_EVERYWHERE = """
select job_id, $kind as kind, '/' as scope, 'unavailable' as reason, 'not read: the run ended before it' as detail,
       observed_at, raw_ref
from population
where not exists (select 1 from coverage where kind = $kind)
"""

_NOT_COLLECTED = """
select job_id, $kind as kind, '/' as scope, 'unavailable' as reason, 'not collected in this run' as detail,
       observed_at, raw_ref
from population
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``job_gaps``; needs ``population`` and a ``coverage`` that reconciliation has completed.

    ``raw_ref`` is the gap's own, or the job's where nothing was read.
    """
    con.execute(_TABLE)
    con.execute(_GAPS)
    con.execute(_ENCLOSING)
    asked = set(run.kinds)
    for kind in KINDS:
        if kind.name not in asked:
            _insert(con, _NOT_COLLECTED, kind.name)
        else:
            for found in _found(kind):
                _insert(con, found, kind.name)
    _insert(con, _BELOW, "reconciliation")
    con.execute("drop table enclosing")
    con.execute("drop table gaps")


def _found(kind: EvidenceKind) -> tuple[str, ...]:
    if kind.affects is not None:
        return _AFFECTED.format(affects=kind.affects), _UNREAD_AFFECTED.format(affects=kind.affects)
    if kind.per is Level.TENANT:
        return _EVERYONE, _UNREAD_EVERYWHERE
    return _BELOW, _UNREAD_BELOW


def _insert(con: duckdb.DuckDBPyConnection, found: str, kind: str) -> None:
    con.execute(_INSERT.format(found=found), {"kind": kind})
