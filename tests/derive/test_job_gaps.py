from __future__ import annotations

import pytest
from run_tables import NOW, OTHER, SUB, RunTables, event, job, job_id

from audit.evidence.jobs import JobIdentity
from audit.model import Gap, GapReason, MalformedItem, Scope, UnitRecord
from audit.store import coverage


def _gaps(tables: RunTables) -> set[tuple[str, str, str]]:
    con = tables.derived()
    rows = con.execute("select split_part(job_id, '/', 9), kind, reason from job_gaps").fetchall()
    return {row for row in rows if row[1] != "reconciliation"}


def test_no_gap_no_row(tables: RunTables) -> None:
    tables.add(job("orders"))
    assert _gaps(tables) == set()


def test_a_subscriptions_gap_touches_its_jobs_and_no_others(tables: RunTables) -> None:
    tables.subscriptions = [SUB, OTHER]
    tables.add(job("orders"), job("billing", subscription=OTHER), job("nightly", in_scope=False))
    tables.gap("locks", f"/subscriptions/{SUB}")
    assert _gaps(tables) == {("orders", "locks", "forbidden")}


def test_scopes_are_compared_without_case_and_by_segment(tables: RunTables) -> None:
    tables.subscriptions = ["ABCD", "abcd-1"]
    tables.add(job("orders", subscription="abcd"), job("billing", subscription="ABCD-1"))
    tables.gap("activity_log", "/subscriptions/ABCD")
    assert _gaps(tables) == {("orders", "activity_log", "forbidden")}


def test_a_tenant_gap_touches_every_job_and_those_deleted(tables: RunTables) -> None:
    tables.add(job("orders"), event(job_id("imports"), "Microsoft.App/jobs/delete"))
    tables.gap("graph_jobs", "/", GapReason.THROTTLED)
    assert _gaps(tables) == {("orders", "graph_jobs", "throttled"), ("imports", "graph_jobs", "throttled")}


def test_a_resources_gap_touches_the_jobs_that_rest_on_it(tables: RunTables) -> None:
    shared = (
        f"/subscriptions/{SUB}/resourceGroups/rg-id/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shared"
    )
    owners = [job("orders"), job("billing"), job("imports")]
    tables.add(*owners)
    tables.add(*(JobIdentity(job_id=each.job_id, identity_id=shared, kind="user") for each in owners[:2]))
    tables.gap("identities", shared)
    assert _gaps(tables) == {("orders", "identities", "forbidden"), ("billing", "identities", "forbidden")}


def test_a_kind_that_was_not_asked_for_is_a_gap_of_everyone(tables: RunTables) -> None:
    tables.with_run(kinds=tuple(kind for kind in tables.run.kinds if kind != "budgets"))
    tables.add(job("orders"))
    con = tables.derived()
    assert con.execute("select kind, detail from job_gaps where kind = 'budgets'").fetchall() == [
        ("budgets", "not collected in this run")
    ]


@pytest.mark.parametrize("kind", ["tags", "budgets", "graph_jobs", "diagnostic_settings"])
def test_a_unit_that_was_never_read_is_a_gap(tables: RunTables, kind: str) -> None:
    tables.leave_unread(kind)
    tables.add(job("orders"))
    assert ("orders", kind, "unavailable") in _gaps(tables)


def test_a_malformed_item_counts_through_its_unit(tables: RunTables) -> None:
    tables.subscriptions = [SUB, OTHER]
    tables.add(job("orders"), job("billing", subscription=OTHER))
    unit = UnitRecord(
        kind="tags",
        scope=Scope(id=f"/subscriptions/{SUB}"),
        unit="u",
        outcome=Gap(reason=GapReason.MALFORMED, detail="1 of the items", rows=3, pages=1),
        requests=1,
        started=NOW,
        finished=NOW,
        malformed=(
            MalformedItem(scope="$.value[3]", detail="$.value[3].tags: Expected `str`", raw_ref="raw/tags/u#1"),
        ),
    )
    tables.gap("tags", f"/subscriptions/{SUB}", GapReason.MALFORMED, "1 of the items")
    con = tables.store()
    malformed = [row for row, _ in coverage.rows([unit])][1]
    con.execute(
        "insert into coverage (kind, scope, outcome, reason, place) values (?, ?, 'gap', 'malformed', ?)",
        [malformed.kind, malformed.scope, malformed.place],
    )
    from audit.derive import derive

    derive(con, tables.run)
    rows = con.execute("select split_part(job_id, '/', 9), reason from job_gaps where kind = 'tags'").fetchall()
    assert rows == [("orders", "malformed")]
    states = con.execute("select count_b from reconciliation where source_b = 'arm_resources' order by all").fetchall()
    assert states == [(0,), (None,)], "only the unit's own subscription has the gap"
