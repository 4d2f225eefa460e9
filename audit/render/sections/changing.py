"""The change itself: what an approver has to know first, in figures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.render.rows import Row, fetch, one

if TYPE_CHECKING:
    import duckdb

_PROPERTIES = """
select count(*) as all, count(*) filter (where kind = 'unknown') as unknown,
       count(*) filter (where area = 'access') as access from change_properties
"""
_MADE = """
with made as (
    select distinct c.change_id, c.kind, c.status, c.before_after from changes c
    join change_jobs j on lower(j.job_id) = lower(c.job_id), change_request q
    where c."at" >= q.since and c."at" < q.until
),
held as (
    select t.change_id, bool_or(t.state = 'matched') as matched, bool_or(t.state = 'not_expected') as spared,
           bool_or(t.state = 'not_compared') as untold, bool_or(t.undecided) as undecided,
           bool_and(t.approved_before) filter (where t.state = 'matched') as before,
           bool_or(t.approved_by_implementer) as own
    from change_tickets t where t.change_id is not null group by all
)
select count(distinct m.change_id) as all,
       count(distinct m.change_id) filter (where coalesce(h.matched, false)) as matched,
       count(distinct m.change_id) filter (where not coalesce(h.matched, false) and not coalesce(h.spared, false)
           and not coalesce(h.untold, false) and not coalesce(h.undecided, false) and h.change_id is not null)
           as unmatched,
       count(distinct m.change_id) filter (where coalesce(h.untold, false)) as untold,
       count(distinct m.change_id) filter (where coalesce(h.undecided, false) and not coalesce(h.matched, false))
           as undecided,
       count(distinct m.change_id) filter (where h.before = false) as late,
       count(distinct m.change_id) filter (where h.own) as own
from made m left join held h using (change_id)
"""
_FINDINGS = "select state, count(*) as n, count(*) filter (where waived) as waived from change_findings group by all"
_RUNS = """
select phase, sum(executions) as executions, sum(failed) as failed, sum(unknown) as unknown,
       bool_or(because is not null) as unsure
from change_effects group by all
"""
_TICKETS = """
select a.ticket, min(a.requester) as requester, min(a.approvers) as approvers, min(a.approved_at) as approved_at,
       bool_or(a.emergency) as emergency, min(a.planned_from) as planned_from, max(a.planned_until) as planned_until,
       min(a.risk) as risk, min(a.test) as test, min(a.rollback) as rollback, min(a.source) as source
from approved_changes a, change_request q where a.ticket = q.ticket group by all
"""
_CLOSING = "select outcome, count(*) as n from change_closing group by all"
_WAYS = """
select count(*) as all, count(*) filter (where complete) as complete, count(*) filter (where complete is null) as none
from rollbacks
"""
_WAITING = """
select w.job_id, j.name, w.rule_name, w.entity, w.measured, w.unresolved, w.depth_last, w.depth_most, w.active_messages,
       w.dead_letters, w.metrics_ref, w.entity_ref
from source_work w join change_jobs j on lower(j.job_id) = lower(w.job_id) order by lower(w.job_id), w.rule_name
"""
_STATES = ("opened", "open", "still open", "closed", "gone", "not known")


def told(con: duckdb.DuckDBPyConnection) -> Row:
    """Return what was asked, the jobs, the ticket (None: nobody gave one of that number), and the figures."""
    tickets = fetch(con, _TICKETS)
    request = one(con, "select * from change_request")
    return {
        "request": request | {"asked_jobs": json.loads(request["asked_jobs"])},
        "jobs": fetch(con, "select * from change_jobs order by lower(job_id)"),
        "ticket": _ticket(tickets[0]) if tickets else None,
        "tickets_given": bool(one(con, "select count(*) as n from approved_changes")["n"]),
        "properties": one(con, _PROPERTIES),
        "made": one(con, _MADE),
        "findings": dict.fromkeys(_STATES, 0) | {row["state"]: row["n"] for row in fetch(con, _FINDINGS)},
        "closing": {row["outcome"]: row["n"] for row in fetch(con, _CLOSING)},
        "ways": one(con, _WAYS),
        "waiting": fetch(con, _WAITING),
        "attachments": fetch(con, "select name, sha256, bytes from change_attachments order by name"),
        "runs": {row["phase"]: row for row in fetch(con, _RUNS)},
    }


def _ticket(row: Row) -> dict[str, Any]:
    return row | {"approvers": json.loads(row["approvers"] or "[]")}


def contents(change: Row, listed: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return the contents without what this change has no section for: a proposal was made by nobody yet."""
    request = change["request"]
    closed = request["planned_pack"] or request["planned_note"]
    without = {"change-made", "closing"} if request["proposal"] else {"proposals"} | (set() if closed else {"closing"})
    return tuple(each for each in listed if each[0] not in without)
