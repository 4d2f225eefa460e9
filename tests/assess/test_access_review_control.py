"""JA-07 over what is known of earlier reviews: complete, by others, carried out; or not, and why."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from audit.assess import load
from audit.config import packaged

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
(CONTROL,) = (each for each in load([packaged("config") / "controls"]) if each.id == "JA-07")
JOB = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.App/jobs/orders"
COUNTS = ("entitlements", "decided", "owed", "own_access", "to_do", "done", "open", "overdue", "re_granted", "unknown")


def answer(review: dict[str, Any] | None, *, created: datetime | None = None) -> tuple[str, str]:
    with contextlib.closing(duckdb.connect()) as con:
        con.execute("set timezone = 'UTC'")
        counts = ", ".join(f"{name} BIGINT" for name in COUNTS)
        con.execute(f"""
            create table jobs (job_id VARCHAR, created_at TIMESTAMPTZ, raw_ref VARCHAR, in_scope BOOLEAN);
            create table parameters (control_id VARCHAR, job_id VARCHAR, name VARCHAR, value JSON);
            insert into parameters values ('JA-07', null, 'access_review_days_most', '35');
            create table job_reviews (
                row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR, job_id VARCHAR, review VARCHAR,
                run_started TIMESTAMPTZ, due TIMESTAMPTZ, records BIGINT, {counts}, unread VARCHAR, worst VARCHAR,
                silent_review VARCHAR, silent_due TIMESTAMPTZ, judged_at TIMESTAMPTZ)""")
        con.execute("insert into jobs values ($1, $2, 'raw/jobs', true)", [JOB, created or NOW - timedelta(days=300)])
        if review is not None:
            row = {
                "row_id": "r", "raw_ref": None, "job_id": JOB.upper(), "review": "access-review-2026-10",
                "run_started": NOW - timedelta(days=30), "due": NOW - timedelta(days=16), "records": 2,
                "entitlements": 5, "decided": 5, "judged_at": NOW,
            } | dict.fromkeys(COUNTS[2:], 0) | review  # fmt: skip
            columns = ", ".join(row)
            con.execute(f"insert into job_reviews ({columns}) values ({', '.join('?' * len(row))})", list(row.values()))
        ((job_id, subject, verdict, reason, raw_ref),) = con.execute(CONTROL.sql).fetchall()
    assert (job_id, subject) == (JOB, "access review")
    assert raw_ref
    return verdict, reason


@pytest.mark.parametrize(
    ("review", "verdict", "told"),
    [
        (None, "not_assessed", "no access review is recorded in this store"),
        ({}, "pass", "all 5 entitlements were decided"),
        ({"to_do": 2, "done": 1, "open": 1}, "pass", "1 of 2 to be revoked or changed are done, the others"),
        ({"decided": 3, "owed": 2}, "fail", "2 of 5 were not decided, which was due on 2026-10-16"),
        ({"decided": 3, "owed": 2, "due": NOW + timedelta(days=1)}, "not_assessed", "which is due on 2026-11-02"),
        (
            {"unread": "group members (forbidden)"},
            "not_assessed",
            "may not be all: group members (forbidden) could not",
        ),
        ({"unread": "principals (throttled)", "own_access": 1}, "fail", "1 decided by whoever holds the access"),
        ({"own_access": 1}, "fail", "1 decided by whoever holds the access"),
        ({"to_do": 1, "overdue": 1, "worst": "<b>Ben</b>"}, "fail", "1 overdue of 1 to be revoked or changed"),
        ({"to_do": 1, "re_granted": 1, "worst": "Ben"}, "fail", "1 granted again of 1"),
        ({"to_do": 1, "unknown": 1}, "not_assessed", "could not be looked for: the list was not read whole"),
        ({"to_do": 2, "unknown": 1, "overdue": 1, "worst": "Ben"}, "fail", "1 overdue"),
        ({"run_started": NOW - timedelta(days=36)}, "fail", "36 days before this collection; 35 are allowed"),
        ({"run_started": NOW - timedelta(days=35)}, "pass", "all 5"),
        ({"silent_review": "newer", "silent_due": NOW - timedelta(days=1)}, "fail", '"newer" was sent and nothing'),
        ({"silent_review": "newer", "silent_due": NOW + timedelta(days=1)}, "pass", "all 5"),
        ({"entitlements": 0, "decided": 0}, "not_assessed", "did not ask about this job"),
        (dict.fromkeys(COUNTS), "not_assessed", "is not written out"),
        (dict.fromkeys(COUNTS) | {"silent_review": "r", "silent_due": NOW - timedelta(days=1)}, "fail", "was sent"),
        ({"own_access": None}, "not_assessed", "the directory was not read"),
    ],
)
def test_a_review_counts_when_it_is_complete_and_carried_out(
    review: dict[str, Any] | None, verdict: str, told: str
) -> None:
    given, reason = answer(review)
    assert given == verdict
    assert told in reason


def test_a_job_younger_than_the_review_is_not_asked() -> None:
    verdict, reason = answer({"entitlements": 0, "decided": 0}, created=NOW - timedelta(days=2))
    assert verdict == "not_applicable"
    assert "younger than the last review" in reason
