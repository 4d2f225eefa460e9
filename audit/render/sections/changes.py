"""What changed: operations on the jobs and around them in the window, several events folded into one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.render.rows import Row, fetch, one

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run
    from audit.render.names import Names

CHANGES = "select * from report_changes"
_VERBS = {
    "write": "created or updated",
    "delete": "deleted",
    "start/action": "started",
    "stop/action": "stopped",
    "suspend/action": "suspended",
    "resume/action": "resumed",
    "listsecrets/action": "read the secrets of",
    "stop/execution/action": "stopped an execution of",
    "exec/action": "opened a console in",
    "assign/action": "assigned",
    "join/action": "joined",
}


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return how many events there are, how many are shown, and of which kinds the others are."""
    total = one(con, "select count(*) as n from activity_log")["n"]
    shown = one(con, "select coalesce(sum(events), 0)::bigint as n from report_changes")["n"]
    return {"events": total, "shown": shown, "noise": total - shown}


def told(row: Row, names: Names, run: Run) -> Row:
    """Add who, what and where in words, and whether it lies outside the window that was asked for."""
    operation = row["operation"] or ""
    target = names.scope(row["resource_id"] or "")
    return row | {
        "who": names.caller(row["caller"], row["caller_object_id"], row["app_id"]),
        "what": verb(operation),
        "target": target,
        "tone": tone(row["status"]),
        "outside": not run.window.since <= row["began"] < run.window.until,
    }


def verb(operation: str) -> str:
    """Return an operation's verb in words: ``created or updated`` for ``…/write``."""
    key = operation.lower()
    for ending in sorted(_VERBS, key=len, reverse=True):
        if key.endswith("/" + ending):
            return _VERBS[ending]
    return operation.rpartition("/")[2] or "did something to"


def tone(status: str | None) -> str:
    """Return how an outcome is marked: done, failed or open."""
    key = (status or "").lower()
    if key in ("succeeded", "success", "resolved"):
        return "done"
    return "failed" if key in ("failed", "failure", "canceled", "cancelled") else "open"


def relations(con: duckdb.DuckDBPyConnection, rows: list[Row]) -> dict[str, list[Row]]:
    """Return the jobs (at most five each) that the changes of one page touch, by fold."""
    if not rows:
        return {}
    sql = """
    select c.fold, c.relation, j.job_id, j.name,
           row_number() over (partition by c.fold order by (c.relation <> 'job'), j.position) as nth
    from report_change_jobs c join report_jobs j using (job_key)
    join report_changes r using (fold)
    where r.number between ? and ?
    qualify nth <= 5
    order by c.fold, nth
    """
    found: dict[str, list[Row]] = {}
    for row in fetch(con, sql, rows[0]["number"], rows[-1]["number"]):
        found.setdefault(row["fold"], []).append(row)
    return found
