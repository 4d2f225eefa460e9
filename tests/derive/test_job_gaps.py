from __future__ import annotations

import pytest
from run_tables import NOW, OTHER, SUB, RunTables, event, job, job_id

from audit.evidence.jobs import Job, JobIdentity, RuleSource
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


def test_a_kind_that_found_nothing_to_ask_about_says_whose_rows_it_lacked(tables: RunTables) -> None:
    tables.gap("jobs", f"/subscriptions/{SUB}")
    con = tables.derived()
    told = dict(con.execute("select kind, detail from coverage where outcome = 'gap' and place is null").fetchall())
    assert told["environments"] == "what to ask about is not known there: jobs could not be read (forbidden)"
    assert told["workspaces"] == (
        "what to ask about is not known there: diagnostic_settings had nothing to ask about either, "
        "and environments had nothing to ask about either, and jobs could not be read (forbidden)"
    )


def test_a_kind_whose_source_was_left_out_says_so(tables: RunTables) -> None:
    tables.add(job("orders"))
    tables.with_run(kinds=tuple(kind for kind in tables.run.kinds if kind != "jobs"))
    con = tables.derived()
    told = dict(con.execute("select kind, detail from coverage where outcome = 'gap' and scope = '/'").fetchall())
    assert told["jobs"] == "not collected in this run"
    assert told["environments"] == "what to ask about is not known there: jobs was not collected in this run"
    ((detail,),) = con.execute("select distinct detail from job_gaps where kind = 'diagnostic_settings'").fetchall()
    assert detail == "what to ask about is not known in full: jobs was not collected in this run"


SECRET = "it stands in the secret connection, whose value Azure never returns"


def _watches(owner: Job, scaler: str, source: str | None, **fields: str | None) -> RuleSource:
    return RuleSource(
        job_id=owner.job_id, rule_name="queue", scaler_type=scaler, source_type=source, entity_kind="queue", **fields
    )


def test_a_source_whose_address_is_in_a_secret_is_no_failed_read_and_is_lacking_all_the_same(
    tables: RunTables,
) -> None:
    hidden, broker, seen, clock = (job(name) for name in ("hidden", "broker", "seen", "clock"))
    tables.add(hidden, broker, seen, clock)
    tables.add(
        _watches(hidden, "azure-servicebus", "microsoft.servicebus/namespaces", unresolved=SECRET),
        _watches(broker, "rabbitmq", None, unresolved=SECRET),
        _watches(seen, "rabbitmq", "external", host="mq.example"),
        _watches(clock, "cpu", None, unresolved="how the scaler cpu names its event source isn't known here"),
    )
    con = tables.derived()
    told = con.execute(
        "select split_part(job_id, '/', 9), kind, reason, detail from job_gaps "
        "where kind in ('event_sources', 'metrics') order by all"
    ).fetchall()
    why = f"the address of the event source of rule queue can't be seen: {SECRET}"
    assert told == [
        ("broker", "event_sources", "unsupported", why),
        ("hidden", "event_sources", "unsupported", why),
        ("hidden", "metrics", "unsupported", why),
    ]
    gaps = con.execute("select kind from coverage where outcome = 'gap' and kind <> 'reconciliation'").fetchall()
    assert gaps == []


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
