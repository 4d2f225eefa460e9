"""Which ticket a change belongs to, in words: table ``change_tickets``, told beside each change and by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.render.rows import Row, fetch, one
from audit.render.text import utc

if TYPE_CHECKING:
    import duckdb

UNUSED = """
select row_number() over (order by planned_from desc, lower(ticket), row_id) as number, *
from change_tickets where state = 'unused'
"""
"""Tickets that no change belongs to."""

# One ticket beside a change that touches many jobs: what answers for it wins over what doesn't.
_BEST = """
qualify row_number() over (
    partition by t.change_id
    order by list_position(['matched', 'unmatched', 'not_compared', 'not_expected'], t.state),
             t.relation <> 'job', t.row_id) = 1
"""
_OF_CHANGES = f"""
select t.* from change_tickets t join report_changes r using (change_id)
where r.change_id in (select unnest(?::VARCHAR[])) {_BEST}
"""
# A change counts once, as it is shown: what can't be told is neither with a ticket nor without.
_STATES = f"""
select case when state <> 'matched' and undecided then 'undecided' else state end as state, count(*) as n
from (select t.* from change_tickets t where t.change_id is not null {_BEST}) group by 1
"""
_WORDS = {
    "unmatched": ("bad", "no ticket"),
    "not_compared": ("open", "not compared"),
    "not_expected": ("none", "none needed"),
    "unused": ("none", "no change"),
}


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return how many tickets were given, from which files, and how many changes are of which state."""
    found = fetch(con, _STATES)
    states = {row["state"]: row["n"] for row in found}
    given = one(con, "select count(*) as n, count(distinct ticket) as tickets from approved_changes")
    files = fetch(
        con, "select distinct regexp_replace(source, ': row [0-9]+$', '') as file from approved_changes order by 1"
    )
    return {"given": given["n"], "numbers": given["tickets"], "files": [row["file"] for row in files], "states": states}


def of_page(con: duckdb.DuckDBPyConnection, rows: list[Row]) -> dict[str, Row]:
    """Return the ticket of each change of one page of the listing, in words."""
    if not rows:
        return {}
    found = fetch(con, _OF_CHANGES, [row["change_id"] for row in rows])
    return {row["change_id"]: told(row) for row in found}


def told(row: Row) -> Row:
    """Add how a change stands to its ticket: ``tone`` and ``word``, and ``lines`` of who approved and reviewed it."""
    if row["state"] != "matched":
        tone, word = _WORDS[row["state"]]
        if row["undecided"]:
            tone, word = "open", "can't be told"
        return row | {"tone": tone, "word": word, "lines": []}
    wrong = _wrong(row)
    unknown = _unknown(row)
    tone = "warn" if wrong else "open" if unknown else "none" if row["emergency"] else "good"
    return row | {"tone": tone, "word": row["ticket"], "lines": [*_approval(row), *wrong, *unknown]}


def _approval(row: Row) -> list[str]:
    lines = []
    if row["approved_at"]:
        lines.append(f"approved by {row['approvers']} at {utc(row['approved_at'])}")
    if row["emergency"]:
        lines.append("an emergency")
    if row["reviewed_at"]:
        lines.append(f"reviewed by {row['reviewed_by']} at {utc(row['reviewed_at'])}")
    return lines


def _unknown(row: Row) -> list[str]:
    """Return what the evidence doesn't tell: who made it bears no name that could be compared."""
    found = []
    if row["approved_at"] and row["approved_by_implementer"] is None:
        found.append("whether who made it approved it can't be told")
    if row["reviewed_at"] and row["reviewed_by_implementer"] is None:
        found.append("whether who made it reviewed it can't be told")
    return found


def _wrong(row: Row) -> list[str]:
    found = []
    if not row["approved_at"] and not row["emergency"]:
        found.append("nobody has approved it")
    if row["approved_before"] is False and not row["emergency"]:
        found.append("approved after it began")
    if row["approved_by_implementer"]:
        found.append("approved by who made it")
    if row["approved_by_requester_alone"]:
        found.append("approved by its requester alone")
    if row["emergency"] and not row["reviewed_at"]:
        found.append("not reviewed afterwards")
    if row["reviewed_by_implementer"]:
        found.append("reviewed by who made it")
    return found
