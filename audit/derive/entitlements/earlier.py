"""Earlier reviews as the schema ``history`` holds them: what was asked, what was decided, what was proven of it.

Whoever opens a run loads them (see ``audit.pipeline.earlier_reviews``); without them everything here finds no review.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

TABLES = {
    "review_issued": "review VARCHAR, run_id VARCHAR, run_started TIMESTAMPTZ, run_finished TIMESTAMPTZ, "
    "since TIMESTAMPTZ, until TIMESTAMPTZ, entitlements BIGINT, due TIMESTAMPTZ, pack_sha256 VARCHAR, records BIGINT, "
    "last BOOLEAN",
    "review_rows": "review VARCHAR, entitlement_id VARCHAR, kind VARCHAR, access VARCHAR, principal_id VARCHAR, "
    "principal VARCHAR, role VARCHAR, scope VARCHAR, scope_words VARCHAR, via_ids JSON, condition VARCHAR, "
    "expires TIMESTAMPTZ, privileged BOOLEAN, capabilities JSON, jobs BIGINT, reviewer VARCHAR, "
    "reach_id VARCHAR",
    "review_reach": "review VARCHAR, reach_id VARCHAR, job_id VARCHAR",
    "review_gaps": "review VARCHAR, job_id VARCHAR, kind VARCHAR, reason VARCHAR",
    "review_decisions": "review VARCHAR, entitlement_id VARCHAR, decision VARCHAR, reason VARCHAR, decided_by VARCHAR, "
    "decided_on DATE, imported_at TIMESTAMPTZ",
    "review_subjects": "review VARCHAR, reviewer VARCHAR, principal_id VARCHAR",
    "review_proofs": 'review VARCHAR, entitlement_id VARCHAR, state VARCHAR, "at" TIMESTAMPTZ, "by" VARCHAR, '
    "run_id VARCHAR, run_started TIMESTAMPTZ",
}
"""Table → its columns: what :mod:`audit.pipeline.earlier_reviews` fills."""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create each table of earlier reviews that isn't there."""
    con.execute("create schema if not exists history")
    for name, columns in TABLES.items():
        con.execute(f"create table if not exists history.{name} ({columns})")
