"""An access review in figures: what is asked, of whom, and what became of the review before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from audit.render.rows import Row, fetch, one

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

_FIGURES = """
select count(*) as entitlements, count(distinct lower(principal_id)) as principals,
       count(*) filter (where privileged and standing) as standing,
       count(*) filter (where since_last = 'new') as fresh, count(*) filter (where since_last = 'changed') as altered,
       count(distinct lower(principal_id)) filter (where concern = 'orphaned') as orphaned,
       count(distinct lower(principal_id)) filter (where concern = 'disabled') as disabled,
       count(distinct lower(principal_id)) filter (where concern = 'guest') as guests,
       count(*) filter (where not complete) as unknown_groups,
       count(distinct reviewer) as reviewers, count(*) filter (where reviewer is null) as unassigned,
       count(*) filter (where reviewer_conflict) as conflicts
from entitlements
"""
_STATES = ("done", "open", "overdue", "re-granted", "unknown")
_DIRECTORY = """
select coalesce(bool_and(outcome = 'collected'), false) as known from coverage where kind = 'principals'
"""
_OUTCOMES = "select state, count(*) as n from review_outcomes group by all"
_REMOVED = "select count(*) as n from entitlement_removals"
_INCOMPLETE = """
select count(*) filter (where not complete and (applicable or reasons::VARCHAR <> '[]')) as answers, count(*) as of
from access_answers
"""


def told(con: duckdb.DuckDBPyConnection, run: Run) -> Row:
    """Return the figures of the review, the last review (or None) and until when decisions are owed."""
    states = dict.fromkeys(_STATES, 0) | {row["state"]: row["n"] for row in fetch(con, _OUTCOMES)}
    last = fetch(con, "select * from reviews where last")
    return one(con, _FIGURES) | {
        "states": states,
        "outcomes": sum(states.values()),
        "late": states["overdue"] + states["re-granted"],
        "removed": one(con, _REMOVED)["n"],
        "incomplete": one(con, _INCOMPLETE),
        "directory": one(con, _DIRECTORY)["known"],
        "last": last[0] if last else None,
        "due": (run.finished or run.started) + timedelta(days=run.review.days_to_decide),
        "days_to_revoke": run.review.days_to_revoke,
    }
