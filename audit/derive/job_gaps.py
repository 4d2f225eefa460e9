"""``job_gaps``: which job lacks which evidence. What ``not_assessed`` is computed from.

Ways to lack it: a unit that the job rests on ended as a gap; such a unit was never read, though it should have been;
it wasn't even known, because what names it couldn't be read or seen (an event source whose address stands in a secret
is no failed read, and no control may pass on it); the run didn't collect the kind at all. An item
that can't be decoded counts through its unit, which is a gap.
"""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from audit.derive.rows import row_id
from audit.derive.unread import NOTHING_KNOWN, WHY, asks_about_rows
from audit.evidence import KINDS
from audit.model import EvidenceKind, Level

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

OF_SOURCES = ("event_sources", "metrics", "networks", "private_dns", "private_endpoints")
"""Kinds that tell of a job's event source and of what stands around it."""

_GAPS = """
create or replace temp table gaps as
select kind, lower(rtrim(scope, '/')) as scope_key, scope, reason, detail, observed_at, raw_ref, "rows"
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

# What a job's evidence of one kind leads to is unknown where that kind kept no row, or not the job's own.
_UNKNOWN = f"""
select distinct lacking.job_id, wanted.kind, lacking.scope, 'unavailable' as reason,
       '{NOTHING_KNOWN} in full: ' || {WHY.format("lacking")} as detail, lacking.observed_at, lacking.raw_ref
from job_gaps as lacking cross join unnest($kinds::VARCHAR[]) as wanted (kind)
where list_contains($after::VARCHAR[], lacking.kind)
  and (lower(lacking.job_id) not in (select lower(job_id) from jobs)
       or (lacking.kind, lower(rtrim(lacking.scope, '/'))) not in (
           select kind, scope_key from gaps where "rows" > 0))
  and (lacking.job_id, wanted.kind) not in (select job_id, kind from job_gaps)
"""

_UNRESOLVED = """
select distinct population.job_id, unresolved.kind, unresolved.scope, 'partial_visibility' as reason, unresolved.detail,
       unresolved.observed_at, unresolved.raw_ref
from unresolved join population on lower(population.job_id) = lower(unresolved.job_id)
where list_contains($kinds::VARCHAR[], unresolved.kind)
"""

# An address that the job keeps in a secret, say: no read of ours failed, and yet nothing of the source can be seen.
_UNSEEN = """
select distinct population.job_id, wanted.kind, population.job_id as scope, 'unsupported' as reason,
       'the address of the event source of rule ' || rule.rule_name || ' can''t be seen: ' || rule.unresolved as detail,
       rule.observed_at, rule.raw_ref
from rule_sources as rule
join population on lower(population.job_id) = lower(rule.job_id)
cross join unnest($kinds::VARCHAR[]) as wanted (kind)
where rule.unresolved is not null and rule.host is null and coalesce(rule.source_type, '') <> 'none'
  and lower(rule.scaler_type) not in ('cron', 'cpu', 'memory')
  and (wanted.kind <> 'metrics' or rule.source_type in ('microsoft.servicebus/namespaces',
       'microsoft.eventhub/namespaces', 'microsoft.storage/storageaccounts'))
"""

_NOT_COLLECTED = """
select population.job_id, wanted.kind, '/' as scope, 'unavailable' as reason, 'not collected in this run' as detail,
       observed_at, raw_ref
from population cross join unnest($kinds::VARCHAR[]) as wanted (kind)
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``job_gaps``; needs ``population``, ``unresolved`` and a ``coverage`` that is complete.

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
    gapped = {name for (name,) in con.execute("select distinct kind from gaps").fetchall()}
    for kind in asked:
        if kind.affects is not None:
            if kind.name in gapped:
                _insert(con, _AFFECTED.format(affects=kind.affects), [kind.name])
            _insert(con, _UNREAD_AFFECTED.format(affects=kind.affects), [kind.name])
    lacking = {name for (name,) in con.execute("select distinct kind from job_gaps").fetchall()}
    for kind in _in_order([kind for kind in asked if kind.affects is not None and asks_about_rows(kind)]):
        if not lacking.isdisjoint(kind.after):
            _insert(con, _UNKNOWN, [kind.name], after=list(kind.after), collected=list(run.kinds))
            lacking.add(kind.name)
    _insert(con, _UNRESOLVED, [kind.name for kind in asked])
    _insert(con, _UNSEEN, [kind.name for kind in asked if kind.name in OF_SOURCES])
    con.execute("drop table enclosing")
    con.execute("drop table gaps")


def _in_order(kinds: list[EvidenceKind]) -> list[EvidenceKind]:
    """Return the kinds so that each comes after those that it asks about."""
    named = {kind.name: kind for kind in kinds}
    order = TopologicalSorter({kind.name: [each for each in kind.after if each in named] for kind in kinds})
    return [named[name] for name in order.static_order()]


def _insert(con: duckdb.DuckDBPyConnection, found: str, kinds: list[str], **given: object) -> None:
    con.execute(_INSERT.format(found=found), {"kinds": kinds, **given})
