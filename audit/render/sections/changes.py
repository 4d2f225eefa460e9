"""What changed: what was done to the jobs and around them in the window, one row for each change of table ``changes``.

The job pages and the workbook read the same table, so that their counts agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.render.rows import Row, fetch, one
from audit.render.sections import tickets

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run
    from audit.render.names import Names, Who

CHANGES = "select * from report_changes"
OF_CHANGE = """
select row_number() over (order by "at", change_id) as number, * exclude (number) from report_changes
where change_id in (
    select c.change_id from changes c join change_jobs j on lower(j.job_id) = lower(c.job_id), change_request q
    where c."at" >= q.since and c."at" < q.until
)
"""
"""The changes that a change pack is about, in the order in which they were made."""
MOST_JOBS = 5
"""Jobs that one change names; the others are counted."""
SILENT = ("start", "stop", "secret_read", "suspension", "read")
"""Kinds of change that set nothing."""
AROUND = {
    "job": "the job itself",
    "environment": "its environment",
    "identity": "its identity",
    "event_source": "its event source",
    "entity": "its event source",
    "vault": "its vault",
    "registry": "its registry",
    "workspace": "its log workspace",
    "subnet": "its subnet",
    "scope": "a scope above it",
    "private_endpoint": "a private endpoint",
    "dns_zone": "a private DNS zone",
    "reaches": "what it reaches",
}
"""Relation → whose change it is."""
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
    """Return how many changes there are, on how many jobs, and how many Activity Log events they were folded from."""
    total = one(con, "select count(*) as n from activity_log")["n"]
    shown = one(con, "select count(*) as n, coalesce(sum(events), 0)::bigint as events from report_changes")
    jobs = one(con, "select count(distinct lower(job_id)) as n from changes")["n"]
    return {
        "changes": shown["n"],
        "jobs": jobs,
        "events": total,
        "shown": shown["events"],
        "noise": max(0, total - shown["events"]),
    }


def page(con: duckdb.DuckDBPyConnection, rows: list[Row], names: Names, run: Run) -> dict[str, Any]:
    """Return what one page of the listing shows: its changes, and the jobs that they touch by change."""
    properties, of_changes = _properties(con, rows), tickets.of_page(con, rows)
    return {
        "rows": [
            told(row, names, run)
            | {"properties": properties.get(row["change_id"], []), "ticket": of_changes.get(row["change_id"])}
            for row in rows
        ],
        "touched": _touched(con, rows),
    }


def told(row: Row, names: Names, run: Run) -> Row:
    """Add who, what and where in words, and whether it lies outside the window that was asked for."""
    return row | {
        "who": who(row, names),
        "what": verb(row["operation"] or "") if row["operation"] else "changed",
        "target": names.scope(row["resource_id"] or ""),
        "tone": tone(row["status"]) if row["status"] else "done",
        "outside": not run.window.since <= row["at"] < run.window.until,
        "silent": row["kind"] in SILENT,
    }


def who(row: Row, names: Names) -> Who:
    """Return who made a change: from the directory, else as table ``changes`` found."""
    found = names.caller(row["changed_by"])
    if not found.known and row["changed_by_name"]:
        found = found._replace(name=row["changed_by_name"], kind=(row["changed_by_type"] or "").lower())
    return found


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


def around(relation: str | None) -> str:
    """Return whose change it is, seen from a job."""
    return AROUND.get(relation or "", f"its {(relation or 'surroundings').replace('_', ' ')}")


def _of_page(con: duckdb.DuckDBPyConnection, sql: str, rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    if rows:
        for row in fetch(con, sql, [row["change_id"] for row in rows]):
            found.setdefault(row["change_id"], []).append(row)
    return found


def _touched(con: duckdb.DuckDBPyConnection, rows: list[Row]) -> dict[str, list[Row]]:
    """Return the jobs that the changes of one page touch, at most MOST_JOBS each."""
    sql = f"""
    with touched as (
        select r.change_id, j.job_id, j.name, j.position, min(c.relation) as relation
        from report_changes r join changes c using (change_id) join report_jobs j on j.job_key = lower(c.job_id)
        where r.change_id in (select unnest(?::VARCHAR[])) group by all
    )
    select *, row_number() over (partition by change_id order by (relation <> 'job'), position) as nth from touched
    qualify nth <= {MOST_JOBS}
    order by change_id, nth
    """
    found = _of_page(con, sql, rows)
    return {
        change: [row | {"around": "" if row["relation"] == "job" else around(row["relation"])} for row in jobs]
        for change, jobs in found.items()
    }


def _properties(con: duckdb.DuckDBPyConnection, rows: list[Row]) -> dict[str, list[Row]]:
    """Return the properties that the changes of one page are known to have set: the same for every job touched."""
    sql = """
    select distinct r.change_id, c.property, c.before, c.after, c.before_after
    from report_changes r join changes c using (change_id)
    where r.change_id in (select unnest(?::VARCHAR[])) and c.property is not null
    order by all
    """
    return _of_page(con, sql, rows)
