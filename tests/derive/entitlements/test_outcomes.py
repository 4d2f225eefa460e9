"""What became of decisions: a revocation shows only where the list that held the access was read whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from run_tables import NOW, SUB, RunTables, job

from audit.derive import derive
from audit.derive.entitlements import by_job, earlier, outcomes
from audit.evidence.group_members import GroupEdge
from audit.evidence.role_assignments import RoleAssignment
from audit.evidence.role_definitions import RoleDefinition
from audit.model import GapReason, Json

OUTER, INNER, ELSE, BEN = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abcd")
JOB = job("orders")
REVIEW = "access-review-2026-10"


def assigned(group: str) -> RoleAssignment:
    scope = f"/subscriptions/{SUB}"
    return RoleAssignment(
        assignment_id=f"{scope}/providers/Microsoft.Authorization/roleAssignments/1", scope=scope, principal_id=group,
        principal_type="Group", role_definition_id=f"{scope}/r", role_guid="r", subscription_id=SUB,
    )  # fmt: skip


OWNER = RoleDefinition(
    role_definition_id=f"/subscriptions/{SUB}/r", role_guid="r", name="Owner", type="BuiltInRole",
    assignable_scopes=Json(["/"]),
    permissions=Json([{"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}]),
)  # fmt: skip


def told(tables: RunTables, *, decision: str = "revoke", **row: Any) -> dict[str, Any]:
    """Derive with a review that decided about Ben's membership, and return what the run says of it."""
    con = tables.store()
    earlier.create(con)
    began = NOW - timedelta(days=20)
    con.execute(
        "insert into history.review_issued by name select $1 as review, $2 as run_started, $2 as run_finished, "
        "$2 as due, 1 as entitlements, 1 as records, true as last", [REVIEW, began],
    )  # fmt: skip
    given = {
        "review": REVIEW, "entitlement_id": "E-1", "kind": "membership", "access": "active", "principal_id": BEN,
        "principal": "Ben", "role": "member", "scope": ELSE, "scope_words": "group",
        "via_ids": f'["{ELSE}/members/{BEN}"]', "capabilities": "[]", "jobs": 1, "reach_id": "R-1",
    } | row  # fmt: skip
    con.execute(
        f"insert into history.review_rows ({', '.join(given)}) values ({', '.join('?' * len(given))})",
        list(given.values()),
    )
    con.execute("insert into history.review_reach values (?, 'R-1', ?)", [REVIEW, JOB.job_id])
    con.execute(
        "insert into history.review_decisions values (?, ?, ?, 'because', 'ana', ?, ?)",
        [REVIEW, given["entitlement_id"], decision, began.date(), began],
    )
    derive(con, tables.run)
    con.close()
    (found,) = tables.query(
        "select o.state, o.detail, d.own_access from review_outcomes o join review_decisions d using (entitlement_id)"
    )
    return found


@pytest.mark.parametrize(
    "kind",
    ["", "role_assignments", "role_activations", "deny_assignments", "principals", "group_eligibility", "key_vaults"],
)
def test_a_group_that_nobody_asked_about_is_idle_only_where_all_that_names_groups_was_read(
    tables: RunTables, kind: str
) -> None:
    tables.add(JOB)
    if kind:
        tables.with_run(kinds=tuple(each for each in tables.run.kinds if each != kind))
    assert told(tables)["state"] == ("unknown" if kind else "done")


@pytest.mark.parametrize(("gap", "state"), [(False, "done"), (True, "unknown")])
def test_members_of_an_inner_group_are_read_with_the_outer_one(tables: RunTables, gap: bool, state: str) -> None:
    tables.add(JOB, assigned(OUTER), GroupEdge(group_id=OUTER, member_id=INNER, root_group_id=OUTER))
    if gap:
        tables.gap("group_members", f"/groups/{OUTER}", GapReason.PARTIAL_VISIBILITY)
    found = told(tables, scope=INNER)
    assert found["state"] == state
    if state == "done":
        assert "found gone by this collection" in found["detail"]


@pytest.mark.parametrize(("condition", "state"), [(None, "overdue"), ("@Resource[name] StringEquals 'x'", "done")])
def test_a_change_is_another_condition_or_end_and_not_other_jobs(
    tables: RunTables, condition: str | None, state: str
) -> None:
    """What a role gives changes with the jobs that are there: nobody has changed the role for that."""
    tables.add(JOB, assigned(BEN), OWNER)
    tables.with_run(finished=NOW)
    con = tables.derived()
    row = con.execute("select entitlement_id, scope, via_ids from entitlements").fetchone()
    con.close()
    assert row is not None
    found = told(
        tables, decision="change", entitlement_id=row[0], kind="role", scope=row[1], via_ids=row[2],
        capabilities='["read_job"]', condition=condition,
    )  # fmt: skip
    assert found["state"] == state


@pytest.mark.parametrize(("principal", "gap", "own"), [("Ben", False, False), ("Ben", True, None), ("ANA", True, True)])
def test_a_directory_that_was_not_read_makes_nobody_somebody_else(
    tables: RunTables, principal: str, gap: bool, own: bool | None
) -> None:
    tables.add(JOB)
    if gap:
        tables.with_run(kinds=tuple(each for each in tables.run.kinds if each != "principals"))
    assert told(tables, principal=principal)["own_access"] is own


AT = datetime(2026, 11, 1, tzinfo=UTC)


def counted(
    *, reviews: list[tuple[str, int, int, bool]], reached: bool = True, gaps: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """Return the row of ``job_reviews``; a review is (name, begun so many days ago, records, last)."""
    con = duckdb.connect()
    earlier.create(con)
    con.execute(f"""
        create table population (job_id VARCHAR, state VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR);
        insert into population values ('{JOB.job_id}', 'present', null, 'raw');
        create table coverage (kind VARCHAR, outcome VARCHAR);
        create table review_outcomes (review VARCHAR, entitlement_id VARCHAR, state VARCHAR, principal VARCHAR,
            role VARCHAR, scope_words VARCHAR, detail VARCHAR, raw_ref VARCHAR)""")
    for name, ago, records, last in reviews:
        began = AT - timedelta(days=ago)
        con.execute(
            "insert into history.review_issued by name select $1 as review, $2 as run_started, $2 as run_finished, "
            "$3 as due, 1 as entitlements, $4 as records, $5 as last",
            [name, began, began + timedelta(days=14), records, last],
        )
        if last:
            con.execute("insert into history.review_rows by name select $1 as review, 'E-1' as entitlement_id, "
                        "'R-1' as reach_id, 1 as jobs", [name])  # fmt: skip
            if reached:
                con.execute("insert into history.review_reach values (?, 'R-1', ?)", [name, JOB.job_id])
    for review, kind in gaps:
        con.execute("insert into history.review_gaps values (?, ?, ?, 'forbidden')", [review, JOB.job_id.upper(), kind])
    con.execute(outcomes._REVIEWS)
    con.execute(outcomes._DECISIONS)
    by_job.create(con, AT)
    cursor = con.execute("select * from job_reviews")
    names = [column[0] for column in cursor.description or ()]
    (row,) = cursor.fetchall()
    con.close()
    return dict(zip(names, row, strict=True))


def test_of_several_silent_reviews_the_one_that_was_due_first_is_told() -> None:
    row = counted(reviews=[("old", 90, 1, True), ("silent", 60, 0, False), ("silent-too", 2, 0, False)])
    assert (row["silent_review"], row["silent_due"]) == ("silent", AT - timedelta(days=46))


def test_what_the_last_review_could_not_read_is_told() -> None:
    gaps = [("last", "principals"), ("last", "group_members"), ("last", "principals"), ("old", "role_assignments")]
    row = counted(reviews=[("old", 90, 1, False), ("last", 30, 1, True)], gaps=gaps)
    assert row["unread"] == "group members (forbidden), principals (forbidden)"
    assert counted(reviews=[("last", 30, 1, True)], gaps=gaps[3:])["unread"] is None


def test_where_no_review_ever_came_back_all_of_them_are_silent() -> None:
    row = counted(reviews=[("first", 60, 0, False), ("second", 2, 0, True)])
    assert (row["review"], row["silent_review"], row["silent_due"]) == ("second", "first", AT - timedelta(days=46))


def test_a_review_that_came_back_ends_the_silence_of_those_before() -> None:
    row = counted(reviews=[("first", 60, 0, False), ("second", 30, 1, True)])
    assert row["silent_review"] is None


@pytest.mark.parametrize(("reached", "count"), [(True, 1), (False, None)])
def test_a_reach_that_is_not_written_out_is_unknown(reached: bool, count: int | None) -> None:
    row = counted(reviews=[("last", 30, 1, True)], reached=reached)
    assert row["entitlements"] == row["owed"] == count
    assert row["to_do"] == (0 if reached else None)


def test_a_word_of_the_newest_decision_is_its_own(tables: RunTables) -> None:
    """The newest decision gives no reason: that of the one before isn't its."""
    tables.add(JOB, assigned(BEN), OWNER)
    con = tables.derived()
    (held,) = con.execute("select entitlement_id from entitlements").fetchall()
    earlier.create(con)
    for name, day, reason in (("old", 40, "she left"), ("new", 10, None)):
        began = NOW - timedelta(days=day)
        con.execute(
            "insert into history.review_issued by name select $1 as review, $2 as run_started, $2 as run_finished, "
            "$2 as due, 1 as entitlements, 1 as records, $1 = 'new' as last", [name, began],
        )  # fmt: skip
        con.execute(
            "insert into history.review_rows by name select $1 as review, $2 as entitlement_id, 'role' as kind, "
            "'/' as scope, '[]' as via_ids, '[]' as capabilities, 1 as jobs, 'R-1' as reach_id", [name, held[0]],
        )  # fmt: skip
        con.execute(
            "insert into history.review_decisions values (?, ?, 'keep', ?, 'ana', ?, ?)",
            [name, held[0], reason, began.date(), began],
        )
    derive(con, tables.run)
    con.close()
    (row,) = tables.query("select previous_decision, previous_reason, previous_review from entitlements")
    assert row == {"previous_decision": "keep", "previous_reason": None, "previous_review": "new"}
