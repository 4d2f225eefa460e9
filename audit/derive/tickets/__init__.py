"""``approved_changes`` and ``change_tickets``: what people approved, and which change each ticket answers for.

A ticket matches a change where it names what was changed, the change began in its planned window, and its implementer
made it. Whatever lacks one of the three is ``unmatched``, and says which ticket comes nearest and why it isn't the one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive import insert
from audit.derive.tickets import acts, apart, matching, nearest, people, places, words
from audit.derive.tickets.approved import ApprovedChange, approved

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

__all__ = ["ApprovedChange", "create"]

_TEMPORARY = (
    "ticket_acts",
    "ticket_callers",
    "ticket_names",
    "ticket_people",
    "ticket_places",
    "ticket_candidates",
    "ticket_matches",
    "ticket_makers",
    "ticket_neighbours",
)


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``approved_changes`` and ``change_tickets``; needs ``changes`` and ``population``.

    ``change_tickets`` has one row for each change of the window and job that it touches, and one for each ticket that
    no change belongs to. ``state``: ``matched``; ``unmatched``; ``not_expected`` (it set nothing, or Azure's platform
    did it by itself); ``not_compared`` (no approved changes were given); ``unused`` (a ticket without a change).
    """
    given = {"since": run.window.since, "until": run.window.until}
    insert.create(con, ApprovedChange, (insert.Made(each, run.started, "run.json") for each in approved(run)))
    con.execute(acts.ACTS, given)
    for sql in (
        *people.PEOPLE,
        *places.PLACES,
        matching.CANDIDATES,
        matching.MATCHES,
        apart.MAKERS,
        nearest.NEIGHBOURS,
    ):
        con.execute(sql)
    con.execute(words.CREATE, given | {"given": run.tickets is not None and bool(run.tickets.files)})
    for table in _TEMPORARY:
        con.execute(f"drop table {table}")
