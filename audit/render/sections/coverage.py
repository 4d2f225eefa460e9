"""Coverage: what was read to its end, what wasn't and why, and whether the sources agree. It stands first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.evidence import KINDS
from audit.model import Scope
from audit.render.rows import Row, fetch

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run
    from audit.render.names import Names
    from audit.render.raw_pages import RawViews

_BY_KIND = """
select kind, count(*) filter (where place is null) as units,
       count(*) filter (where place is null and outcome = 'collected') as collected,
       count(*) filter (where place is null and outcome = 'gap') as gaps,
       count(*) filter (where place is not null) as malformed,
       sum(pages)::bigint as pages, sum("rows") filter (where place is null)::bigint as "rows",
       sum(requests)::bigint as requests
from coverage group by kind
"""

GAPS = """
with affected as (
    select kind, lower(rtrim(scope, '/')) as scope_key, reason, count(distinct job_id) as jobs,
           list(distinct job_id order by job_id)[:5] as some
    from job_gaps group by all
)
select row_number() over (order by (c.place is not null), c.kind, lower(c.scope), c.place, c.detail, c.row_id)
       as number, c.*, coalesce(a.jobs, 0) as jobs, coalesce(a.some, []) as some
from coverage c
left join affected a on a.kind = c.kind and a.scope_key = lower(rtrim(c.scope, '/')) and a.reason = c.reason
where c.outcome = 'gap'
"""

RECONCILIATION = """
select row_number() over (order by (explained is not true) desc, lower(subscription_id), source_a, source_b)
       as number, *
from reconciliation
"""

UNITS = """
select row_number() over (order by (outcome <> 'gap'), lower(scope), place nulls first, row_id) as number, *
from coverage where kind = '{kind}'
"""

REASONS = {
    "forbidden": "the caller may not read it",
    "partial_visibility": "the caller can't see the whole scope, so rows may be missing without a word",
    "throttled": "Azure asked to wait for longer than the limit",
    "truncated": "reading stopped before the last page; the rows were not kept",
    "unavailable": "the service did not answer, answered with an error, or was not asked about that time",
    "malformed": "an item could not be understood; the others were kept",
    "beyond_retention": "the period starts before what Azure still keeps",
    "unsupported": "this cloud or resource doesn't offer it",
}
_SOURCES = {
    "arm_jobs": "Jobs listed by ARM",
    "resource_graph": "Jobs in Resource Graph",
    "arm_resources": "Tagged jobs in ARM's resources list",
    "activity_log": "Jobs named by the Activity Log",
    "expected_subscriptions": "Subscriptions the owner expects",
    "subscriptions": "Subscriptions read",
}


def by_kind(con: duckdb.DuckDBPyConnection, run: Run) -> list[Row]:
    """Return one row per kind in the order of collection; a kind that was asked for and has no unit has zeros."""
    found = {row["kind"]: row for row in fetch(con, _BY_KIND)}
    titles = {kind.name: kind.title for kind in KINDS}
    titles |= {"reconciliation": "Reconciliation of sources", "controls": "Controls that could not be run"}
    order = [name for name in titles if name in found or name in run.kinds]
    order += sorted(name for name in found if name not in titles)
    nothing = dict.fromkeys(("units", "collected", "gaps", "malformed", "pages", "rows", "requests"), 0)
    return [nothing | {"kind": name} | found.get(name, {}) | {"title": titles.get(name, name)} for name in order]


def kinds_left_out(run: Run) -> list[str]:
    """Return the kinds that the run did not collect at all."""
    return [kind.name for kind in KINDS if kind.name not in run.kinds]


def left_out(run: Run) -> list[str]:
    """Return the titles of the kinds that the run did not collect at all."""
    return [kind.title for kind in KINDS if kind.name not in run.kinds]


def place(row: Row, names: Names, views: RawViews) -> Row:
    """Add how a unit's scope reads, why it is a gap, and the raw pages it kept."""
    where = names.scope(row["scope"])
    pages = list(views.lines(row["kind"], Scope(id=row["scope"]).unit)) if row["place"] is None else []
    why = (
        "the control is at fault, not the evidence"
        if row["kind"] == "controls"
        else REASONS.get(row["reason"] or "", "")
    )
    return row | {"where": where, "why": why, "views": pages}


def side(row: Row, names: Names) -> Row:
    """Add the words for a reconciliation row."""
    listed: dict[str, Any] = {name: json.loads(row[name] or "[]") for name in ("only_a", "only_b")}
    return (
        row
        | listed
        | {
            "subscription": names.subscription(row["subscription_id"]),
            "a": _SOURCES.get(row["source_a"], row["source_a"]),
            "b": _SOURCES.get(row["source_b"], row["source_b"]),
        }
    )
