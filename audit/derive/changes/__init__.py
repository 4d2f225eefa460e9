"""``changes``: one row per real change, property and job that it touches, with before and after where Azure tells.

Three sources tell of one change: the Activity Log (several events each: who, when, from where, did it succeed),
Resource Graph's ``resourcechanges`` (the properties, before and after; fourteen days), and deployments (which template
wrote it). They are joined on the correlation id and the resource. What only Resource Graph saw (``changedBy: System``)
is a change of its own; what only the Activity Log saw has ``before_after`` ``unknown``: nothing is guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.changes import acts, seen, touched, words

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

__all__ = ["create"]

_TEMPORARY = (
    "change_events",
    "change_acts",
    "change_deployments",
    "change_seen",
    "change_around",
    "change_touched",
)


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``changes``; needs ``population`` and ``dependencies``.

    A change has one row for each job that it touches and each property that is known to have changed; one without
    known properties has one row per job. ``relation`` says why it is the job's: ``job``, a relation of
    ``dependencies``, or ``scope`` (its resource group or subscription). ``before_after``: ``known``, ``unknown`` (Azure
    doesn't tell), ``cut by Azure`` (the value was too long), ``nothing changed`` (it failed), ``nothing to tell`` (a
    start, a read of secrets).
    """
    given = {"since": run.window.since, "until": run.window.until}
    for sql in acts.FOLD:
        con.execute(sql)
    con.execute(acts.ADD_DEPLOYMENTS, given)
    con.execute(seen.SEEN, given)
    for sql in (seen.ADD_UNTOLD, *touched.TOUCHED, words.CREATE):
        con.execute(sql)
    for table in _TEMPORARY:
        con.execute(f"drop table {table}")
