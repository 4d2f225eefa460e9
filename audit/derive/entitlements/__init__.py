"""Entitlements: what was given to whom and reaches a job; who decides about it; and what became of earlier decisions.

::

    assignments, policies, memberships ──► given_entitlements          everything that was given   (given)
    access factors ──► source_reach ──► entitlements, entitlement_reach what it reaches             (sources, rows)
    [review], tags ──► reviewer, reviewer_subjects                      who decides                 (reviewers)
    earlier reviews ──► since_last, previous_*, entitlement_removals    what is new since           (since)
    decisions ──► reviews, review_decisions, review_outcomes            whether it was done         (outcomes)
    all of them ──► job_reviews                                         job by job                  (by_job)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.entitlements import by_job, given, outcomes, reviewers, rows, since, sources

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

__all__ = ["create"]


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create the tables. Needs effective access with its ``reach``, ``changes`` and ``tags``.

    Earlier reviews are in the schema ``history`` where there are any.
    """
    given.create(con)
    sources.create(con, run.review.owner_tag)
    rows.create(con)
    reviewers.create(con, run.review)
    outcomes.create(con, run)
    by_job.create(con, run.finished or run.started)
    since.create(con)
    sources.drop(con)
    given.drop(con)
