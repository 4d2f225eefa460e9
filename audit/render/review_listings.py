"""The listings of an access review: who decides, what was to be revoked, what is new, gone, privileged, troubled."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from audit.render.listings import Listing
from audit.render.review import sent

if TYPE_CHECKING:
    import duckdb

    from audit.render.rows import Row

_BY_POSITION = "select row_number() over (order by position) as number, * from entitlements where {where}"
_REVIEWERS = """
select row_number() over (order by reviewer is not null, count(*) desc, reviewer) as number, reviewer,
       count(*) as entitlements, count(*) filter (where privileged) as privileged,
       count(*) filter (where privileged and standing) as standing,
       count(*) filter (where concern is not null) as troubled,
       count(*) filter (where since_last = 'new') as fresh, count(*) filter (where reviewer_conflict) as conflicts,
       min(reviewer_rule) as rule, count(distinct reviewer_rule) as rules
from entitlements group by reviewer
"""
_OUTCOMES = """
select row_number() over (order by case state when 're-granted' then 1 when 'overdue' then 2 when 'unknown' then 3
           when 'open' then 4 else 5 end, privileged desc, due, lower(principal), review, entitlement_id) as number, *
from review_outcomes
"""
_REMOVED = """
select row_number() over (order by privileged desc, lower(principal), entitlement_id) as number, *
from entitlement_removals
"""


def of_review(con: duckdb.DuckDBPyConnection) -> tuple[Listing, ...]:
    """Return the listings that an access review's front page begins, in their order there."""
    files: dict[str, list[str]] = defaultdict(list)
    for book in sent(con):
        files[book.reviewer].append(book.file)
    return (
        Listing(
            name="reviewers",
            title="Who decides",
            template="sections/reviewers.html",
            sql=_REVIEWERS,
            size=100,
            told=lambda rows: {"rows": [row | {"files": files[row["reviewer"] or ""]} for row in rows]},
        ),
        Listing(
            name="revocations",
            title="What became of earlier decisions",
            template="sections/revocations.html",
            sql=_OUTCOMES,
            size=200,
            told=lambda rows: {"rows": rows},
        ),
        _entitlements("new-access", "New since the last review", "since_last = 'new'"),
        _entitlements("changed-access", "Changed since the last review", "since_last = 'changed'"),
        Listing(
            name="removed-access",
            title="Gone since the last review",
            template="sections/removed_access.html",
            sql=_REMOVED,
            size=200,
            told=lambda rows: {"rows": rows},
        ),
        _entitlements("privileged", "Privileged and standing access", "privileged and standing"),
        _entitlements("troubled", "Orphaned, disabled and guest principals", "concern is not null"),
        _entitlements("entitlements", "Every entitlement", "true", size=250),
    )


def _entitlements(name: str, title: str, where: str, *, size: int = 100) -> Listing:
    return Listing(
        name=name,
        title=title,
        template="sections/entitlements.html",
        sql=_BY_POSITION.format(where=where),
        size=size,
        told=lambda rows: {"rows": [_told(row) for row in rows]},
    )


def _told(row: Row) -> Row:
    names = json.loads(row["job_names"])
    return row | {"job_names": names}
