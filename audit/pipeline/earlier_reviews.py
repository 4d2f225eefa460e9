"""Earlier access reviews: into the schema ``history`` before a run is derived, and what the run proves out again.

A run sees the reviews of runs that began before it, and what came back until it ended: so it renders the same for ever.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from audit.derive.access.answers import EVERYWHERE
from audit.derive.entitlements import earlier
from audit.errors import IntegrityError
from audit.model.review import IssuedReview, ProvenOutcome, ReviewProof
from audit.store import reviews as kept
from audit.store.tables import literal

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from audit.model import Run
    from audit.model.review import ReviewRecord
    from audit.store import Reviews

REMEMBERED = timedelta(days=400)
"""How far back decisions are followed: a year, and what a late review adds. The last review counts however old."""

_ROWS = """
insert into history.review_rows by name
select $review as review, entitlement_id, kind, access, principal_id, principal, role, scope, scope_words, via_ids,
       condition, expires, privileged, capabilities, jobs, reviewer, reach_id
from read_parquet({file}) where {wanted}
"""
_REACH = """
insert into history.review_reach by name
select $review as review, reach_id, job_id from read_parquet({file})
where reach_id in (select reach_id from history.review_rows where review = $review)
"""
_SUBJECTS = """
insert into history.review_subjects by name
select $review as review, reviewer, principal_id from read_parquet({file})
"""
_GAPS = """
insert into history.review_gaps by name
select distinct $review as review, job_id, kind, reason from read_parquet({file})
where kind = 'principals' or kind in (select unnest($kinds::VARCHAR[]))
"""
# An earlier version kept a review without them: nobody knows what it could not read.
_GAPS_UNKNOWN = """
insert into history.review_gaps by name
select distinct review, job_id, 'what its run lacked' as kind, 'not kept' as reason
from history.review_reach where review = $review
"""
_TO_DO = """entitlement_id in (
    select entitlement_id from history.review_decisions where review = $review and decision in ('revoke', 'change'))"""


def load(con: duckdb.DuckDBPyConnection, run: Run, reviews: Reviews) -> None:
    """Fill the tables of :mod:`audit.derive.entitlements.earlier`. Raises IntegrityError.

    Of the last review every row comes, of those before only what had to be revoked or changed.
    """
    earlier.create(con)
    now = run.finished or run.started
    sent: dict[str, IssuedReview] = {}
    came: dict[str, list[ReviewRecord]] = {}
    for name, renderings in _renderings(reviews.issued(before=run.started)).items():
        sent[name], came[name] = _meant(renderings, reviews.records(name, until=now))
    last = next((name for name in reversed(sent) if came[name]), next(reversed(sent), None))
    for name, issued in sent.items():
        if name != last and issued.run_started <= now - REMEMBERED:
            continue
        _issued(con, issued, came[name], last=name == last)
        _decisions(con, name, came[name])
        files = reviews.rows_of(issued)
        for table, sql in (("entitlements", _ROWS), ("entitlement_reach", _REACH), ("reviewer_subjects", _SUBJECTS)):
            wanted = "true" if name == last else _TO_DO
            con.execute(sql.format(file=literal(str(files[table])), wanted=wanted), {"review": name})
        if "job_gaps" in files:
            con.execute(_GAPS.format(file=literal(str(files["job_gaps"]))), {"review": name, "kinds": list(EVERYWHERE)})
        else:
            con.execute(_GAPS_UNKNOWN, {"review": name})
        _proofs(con, name, reviews.proofs(name, before=run.started))


def _renderings(issued: list[IssuedReview]) -> dict[str, list[IssuedReview]]:
    """Return every rendering of each review, the reviews oldest first."""
    found: dict[str, list[IssuedReview]] = {}
    for each in issued:
        found.setdefault(each.review, []).append(each)
    return found


def _meant(renderings: list[IssuedReview], came: list[ReviewRecord]) -> tuple[IssuedReview, list[ReviewRecord]]:
    """Return the rendering that counts, and what came back of it: the one that was answered last, else the first.

    So one that is made later, of which nothing had come back by then, changes nothing about a run. Raises
    IntegrityError where an answer is about none of them.
    """
    if not came:
        return renderings[0], []
    wanted = came[-1].rows_sha256
    for each in renderings:
        if each.rows_sha256 == wanted:
            return each, [record for record in came if record.rows_sha256 == wanted]
    raise IntegrityError(
        f"what came back of {came[-1].review} is kept, and what it asked is gone",
        where="output/history/reviews",
        hint="restore output/history/reviews from a copy",
    )


def _issued(con: duckdb.DuckDBPyConnection, issued: IssuedReview, came: list[ReviewRecord], *, last: bool) -> None:
    con.execute(
        "insert into history.review_issued values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        [
            issued.review, issued.run_id, issued.run_started, issued.run_finished, issued.since, issued.until,
            issued.rows, issued.due, came[-1].pack_sha256 if came else None, len(came), last,
        ],
    )  # fmt: skip


def _decisions(con: duckdb.DuckDBPyConnection, review: str, came: list[ReviewRecord]) -> None:
    """Keep the newest word about each entitlement; a row that came back blank takes no decision back."""
    said = {
        judged.entitlement_id: {
            "entitlement_id": judged.entitlement_id,
            "decision": str(judged.decision),
            "reason": judged.reason,
            "decided_by": judged.decided_by,
            "decided_on": judged.decided_on,
            "imported_at": record.imported_at,
        }
        for record in came
        for judged in record.judged
        if judged.decision is not None
    }
    con.execute(
        """
        insert into history.review_decisions
        select $review, row.* from (select unnest(from_json($rows, '[{"entitlement_id": "VARCHAR",
            "decision": "VARCHAR", "reason": "VARCHAR", "decided_by": "VARCHAR", "decided_on": "DATE",
            "imported_at": "TIMESTAMPTZ"}]')) as row)
        """,
        {"review": review, "rows": msgspec.json.encode(list(said.values())).decode()},
    )


def _proofs(con: duckdb.DuckDBPyConnection, review: str, proofs: list[ReviewProof]) -> None:
    rows = [
        msgspec.to_builtins(each) | {"run_id": proof.run_id, "run_started": proof.run_started}
        for proof in proofs
        for each in proof.outcomes
    ]
    con.execute(
        """
        insert into history.review_proofs
        select $review, row.* from (select unnest(from_json($rows, '[{"entitlement_id": "VARCHAR", "state": "VARCHAR",
            "at": "TIMESTAMPTZ", "by": "VARCHAR", "run_id": "VARCHAR", "run_started": "TIMESTAMPTZ"}]')) as row)
        """,
        {"review": review, "rows": msgspec.json.encode(rows).decode()},
    )


def prove(con: duckdb.DuckDBPyConnection, run: Run, reviews: Reviews) -> None:
    """Keep which revocations a run shows to be done: what is there again afterwards was granted again."""
    found: dict[str, list[ProvenOutcome]] = {}
    for review, entitlement_id, state, at, by in con.execute(
        'select review, entitlement_id, state, "at", "by" from review_outcomes where state = \'done\' order by all'
    ).fetchall():
        found.setdefault(review, []).append(ProvenOutcome(entitlement_id=entitlement_id, state=state, at=at, by=by))
    for review, outcomes in found.items():
        reviews.prove(review, ReviewProof(run_id=run.run_id, run_started=run.started, outcomes=tuple(outcomes)))


def issue(con: duckdb.DuckDBPyConnection, run: Run, reviews: Reviews, review: str) -> None:
    """Keep what a rendered access-review pack asks, so that a later run can follow it."""
    row = con.execute("select count(*) from entitlements").fetchone()
    reviews.issue(
        con,
        IssuedReview(
            review=review,
            run_id=run.run_id,
            run_started=run.started,
            run_finished=run.finished or run.started,
            since=run.window.since,
            until=run.window.until,
            rows=int(row[0]) if row else 0,
            rows_sha256=kept.digest(con),
            due=due(run),
        ),
    )


def due(run: Run) -> datetime:
    """Return until when decisions are owed."""
    return (run.finished or run.started) + timedelta(days=run.review.days_to_decide)
