"""JA-39 and 43: whether a job and what it holds are used, and what people recorded about it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from access_rows import IDENTITY, assigned, carries, group
from access_rows import TEAM as ASKED
from answered import tag
from cases import Answers, by_case, estate
from run_tables import NOW, OTHER, SUB, RunTables, job, rule, system_identity

from audit.evidence.executions import Execution
from audit.evidence.identities import Identity
from audit.evidence.jobs import Job, JobIdentity, JobRegistry, JobSecret, JobValue
from audit.evidence.subscriptions import Subscription
from audit.model import Json, Record
from audit.model.stated import JobEntry, Register

OLD = NOW - timedelta(days=400)
ORDERS = job("orders", created_at=OLD, modified_at=NOW - timedelta(days=9))
MINE, TEAM = f"p-{SUB}", f"team-{SUB}"
"""Principals, another in each case of an estate."""
EVIL = '"; drop\x1b[31m <b>' + "z" * 3000


def ago(days: float, number: int = 0) -> Execution:
    started = NOW - timedelta(days=days)
    return Execution(
        execution_id=f"{ORDERS.job_id}/executions/{days}-{number}", job_id=ORDERS.job_id, name=f"{days}-{number}",
        status="Succeeded", started=started,
    )  # fmt: skip


def changed(**fields: Any) -> Job:
    return Job(**{name: getattr(ORDERS, name) for name in ORDERS.__struct_fields__} | fields)


WORK: list[tuple[list[Record], str, str]] = [
    ([ORDERS, ago(1)], "pass", "started on 2026-10-31"),
    ([ORDERS, ago(89), ago(200)], "pass", "started on"),
    ([ORDERS, ago(91)], "fail", "none in the 90 days"),
    ([ORDERS], "fail", "no execution is known, none in the 90 days"),
    ([changed(created_at=NOW - timedelta(days=10))], "not_applicable", "less than 90 days before"),
    ([changed(created_at=None)], "fail", "no execution is known"),
    ([ORDERS, Execution(execution_id="e", job_id=ORDERS.job_id, name="e", status="Running", started=None)], "fail", ""),
]


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    tables = estate(tmp_path_factory.mktemp("work"), [rows for rows, _, _ in WORK])
    tables.derived().close()
    return tables


@pytest.fixture(scope="module")
def of_worked(worked: RunTables) -> dict[int, Answers]:
    return by_case(worked.assessed("JA-39"))


@pytest.mark.parametrize("case", range(len(WORK)))
def test_executions(of_worked: dict[int, Answers], case: int) -> None:
    _, verdict, told = WORK[case]
    got, reason = of_worked[case]["executions"]
    assert got == verdict, reason
    assert told in reason


def test_how_long_a_job_may_rest_is_policy(worked: RunTables) -> None:
    worked.with_run(settings={"stale_after_days": 120})
    assert by_case(worked.assessed("JA-39"))[2]["executions"][0] == "pass"


def test_a_list_that_was_cut_off_is_no_proof_that_nothing_ran(tables: RunTables) -> None:
    """A hundred executions before the window: what came before the oldest isn't known, so 90 days can't be shown."""
    tables.add(ORDERS, *(ago(31 + number / 100, number) for number in range(100)))
    rows = {row["subject"]: row for row in tables.verdicts("JA-39")}
    assert rows["executions"]["verdict"] == "pass"
    tables.with_run(settings={"stale_after_days": 7})
    rows = {row["subject"]: (row["verdict"], row["reason"]) for row in tables.assessed("JA-39")}
    assert rows["executions"][0] == "fail"
    tables.rows = [ORDERS, *(ago(32 + number / 100, number) for number in range(100))]
    tables.with_run(settings={"stale_after_days": 31})
    rows = {row["subject"]: (row["verdict"], row["reason"]) for row in tables.verdicts("JA-39")}
    assert rows["executions"][0] == "fail", "known since 33 days, which is more than 31"


CHANGES: list[tuple[Job, str, str]] = [
    (ORDERS, "pass", "last changed on 2026-10-23"),
    (changed(modified_at=OLD, modified_by=EVIL), "fail", "more than 365 days ago"),
    (changed(modified_at=None), "not_assessed", "did not say"),
]

GONE = JobIdentity(job_id=ORDERS.job_id, identity_id=IDENTITY, kind="user", principal_id=MINE)
SYSTEM = [
    system_identity(ORDERS),
    Identity(identity_id=ORDERS.job_id, kind="system", principal_id=MINE, job_id=ORDERS.job_id),
]

HELD = carries(ORDERS, principal=MINE)

IDENTITIES: list[tuple[list[Record], str, str]] = [
    ([], "not_applicable", "no identity"),
    ([*HELD], "fail", "is named by no rule, secret or image, and no role assignment gives it anything"),
    ([*HELD, rule(ORDERS, identity=IDENTITY.upper())], "pass", "named by scale rules"),
    ([*HELD, JobRegistry(job_id=ORDERS.job_id, server="x", identity=IDENTITY)], "pass", "named by images"),
    ([*HELD, JobSecret(job_id=ORDERS.job_id, name="s", identity=IDENTITY)], "pass", "named by secrets"),
    ([*HELD, assigned(MINE.upper(), "R")], "pass", "role assignments: 1"),
    ([*HELD, assigned(TEAM, "R"), *group(TEAM, "team", MINE)], "pass", "role assignments: 1"),
    ([*HELD, assigned("somebody", "R")], "fail", "gives it anything"),
    ([GONE], "fail", "no longer exists"),
    ([*SYSTEM], "fail", "the system-assigned identity is named by no rule"),
    ([*SYSTEM, rule(ORDERS, identity="System")], "pass", "the system-assigned identity, named by scale rules"),
    ([JobIdentity(job_id=ORDERS.job_id, identity_id=IDENTITY, kind="user"),
      Identity(identity_id=IDENTITY, kind="user", job_id=ORDERS.job_id)], "not_assessed", "is not told"),
    ([*carries(ORDERS, IDENTITY + EVIL.replace("/", ""), MINE)], "fail", "gives it anything"),
]  # fmt: skip


def named(name: str) -> JobSecret:
    return JobSecret(job_id=ORDERS.job_id, name=name)


def mentions(place: str, secret: str) -> JobValue:
    return JobValue(job_id=ORDERS.job_id, place=place, owner="worker", name="N", secret_ref=secret)


SECRETS: list[tuple[list[Record], str, str]] = [
    ([], "not_applicable", "no secret"),
    ([named("s")], "fail", 'nothing in the job refers to "s"'),
    ([named("s"), mentions("env", "S")], "pass", "secrets: 1"),
    ([named("s"), mentions("volume", "s")], "pass", "secrets: 1"),
    ([named("s"), rule(ORDERS, auth=Json([{"secretRef": "s", "triggerParameter": "x"}]))], "pass", "secrets: 1"),
    ([named("s"), JobRegistry(job_id=ORDERS.job_id, server="x", password_secret_ref="s")], "pass", "secrets: 1"),
    ([named("s"), named("t"), mentions("env", "s")], "fail", 'refers to "t"'),
    ([*(named(f"s{number}") for number in range(5))], "fail", ", and 2 more"),
    ([named(EVIL)], "fail", "nothing in the job refers"),
]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Answers]:
    given: list[list[Record]] = [[each] for each, _, _ in CHANGES]
    given += [[ORDERS, *rows] for rows, _, _ in (*IDENTITIES, *SECRETS)]
    return by_case(estate(tmp_path_factory.mktemp("held"), given).verdicts("JA-39"))


@pytest.mark.parametrize("case", range(len(CHANGES) + len(IDENTITIES) + len(SECRETS)))
def test_changes_identities_and_secrets(held: dict[int, Answers], case: int) -> None:
    aspects = [("changes", CHANGES), ("identities", IDENTITIES), ("secrets", SECRETS)]
    told = [(aspect, verdict, words) for aspect, cases in aspects for _, verdict, words in cases]  # type: ignore[attr-defined]
    aspect, verdict, words = told[case]
    got, reason = held[case][aspect]
    assert got == verdict, reason
    assert words in reason
    assert len(reason) < 600


@pytest.mark.parametrize(
    ("kind", "scope", "lost"),
    [
        ("jobs", f"/subscriptions/{SUB}", {"executions", "changes", "identities", "secrets"}),
        ("executions", ORDERS.job_id, {"executions"}),
        ("identities", IDENTITY, {"identities"}),
        ("role_assignments", f"/subscriptions/{SUB}", {"identities"}),
        ("group_members", f"/groups/{ASKED}", {"identities"}),
    ],
)
def test_a_gap_keeps_back_what_rests_on_it_and_nothing_else(
    tables: RunTables, kind: str, scope: str, lost: set[str]
) -> None:
    tables.add(
        ORDERS,
        ago(1),
        *HELD,
        rule(ORDERS, identity=IDENTITY),
        named("s"),
        mentions("env", "s"),
    )
    tables.add(assigned(ASKED, "R"), *group(ASKED, "team", MINE))
    tables.gap(kind, scope)
    rows = {row["subject"]: row["verdict"] for row in tables.verdicts("JA-39")}
    assert {subject for subject, verdict in rows.items() if verdict == "not_assessed"} == lost
    assert {verdict for subject, verdict in rows.items() if subject not in lost} <= {"pass"}


@pytest.mark.parametrize(
    ("kind", "scope"), [("role_assignments", f"/subscriptions/{OTHER}"), ("group_members", f"/groups/{ASKED}")]
)
def test_rights_elsewhere_that_were_not_read_leave_open_whether_an_identity_is_used(
    tables: RunTables, kind: str, scope: str
) -> None:
    """Neither is a gap of the job's: the subscription is another one, and the group holds nothing near the job."""
    tables.subscriptions = [SUB, OTHER]
    tables.add(ORDERS, ago(1), *HELD, assigned(ASKED, "R", f"/subscriptions/{OTHER}", subscription_id=OTHER))
    tables.add(*group(ASKED, "team"))
    tables.gap(kind, scope)
    rows = {row["subject"]: (row["verdict"], row["reason"]) for row in tables.verdicts("JA-39")}
    assert rows["identities"][0] == "not_assessed"
    assert "what it holds could not all be read (" in rows["identities"][1]
    assert scope.rpartition("/")[2] in rows["identities"][1]


def test_rights_outside_the_scope_of_the_run_leave_open_whether_an_identity_is_used(tables: RunTables) -> None:
    tables.add(ORDERS, ago(1), *HELD, Subscription(subscription_id=OTHER, name="other"))
    rows = {row["subject"]: (row["verdict"], row["reason"]) for row in tables.verdicts("JA-39")}
    assert rows["identities"][0] == "not_assessed"
    assert f"role_assignments at /subscriptions/{OTHER}: outside the run's scope" in rows["identities"][1]


def stated(tables: RunTables, days: int = 10, **topics: Any) -> None:
    entry = JobEntry(name="orders", stated_by="Ben", stated_on=(NOW - timedelta(days=days)).date(), **topics)
    tables.with_run(register=Register(file="jobs.toml", sha256="", entries=(entry,)))


def recorded(tables: RunTables) -> dict[str, tuple[str, str]]:
    rows = tables.verdicts("JA-43")
    assert all(row["raw_ref"] for row in rows)
    return {row["subject"]: (row["verdict"], row["reason"]) for row in rows}


def test_what_is_recorded(tables: RunTables) -> None:
    tables.add(ORDERS)
    stated(tables, runbook="https://wiki.example/r", expected_behaviour="One order each.", escalation="tbd")
    rows = recorded(tables)
    assert {subject: verdict for subject, (verdict, _) in rows.items()} == {
        "runbook": "pass", "expected behaviour": "pass", "escalation": "fail",
    }  # fmt: skip
    assert rows["expected behaviour"][1].endswith("(stated by Ben on 2026-10-22, jobs.toml: jobs[0] (name = orders))")
    assert "says nothing" in rows["escalation"][1]


def test_what_cannot_be_seen_says_nothing(tables: RunTables) -> None:
    tables.add(ORDERS)
    stated(tables, expected_behaviour="\u00a0\u200b\n", escalation="\u00a0TBD\u200b")
    rows = recorded(tables)
    assert {rows["expected behaviour"][0], rows["escalation"][0]} == {"fail"}
    assert "says nothing" in rows["escalation"][1]


@pytest.mark.parametrize(
    ("runbook", "tags", "days", "verdict", "told"),
    [
        ("ask Ana", None, 10, "fail", "is no web address"),
        ("https://wiki.example/" + EVIL, None, 10, "fail", "is no web address"),
        ("https://wiki.example/r", None, 366, "fail", "stated 366 days ago, more than 365"),
        ("https://wiki.example/r", None, 365, "pass", "wiki.example"),
        ("", None, 10, "fail", "nobody stated it in jobs.toml, and no tag names it"),
        ("", "https://wiki.example/t", 10, "pass", "the tag RunBook names"),
        ("", "javascript:alert(1)", 10, "fail", "the tag RunBook is no web address"),
        ("", EVIL, 10, "fail", "is no web address"),
        ("ask Ana", "https://wiki.example/t", 10, "pass", "the tag RunBook names"),
        ("https://wiki.example/r", "nothing", 10, "pass", "stated by Ben"),
    ],
)
def test_runbook(tables: RunTables, *, runbook: str, tags: str | None, days: int, verdict: str, told: str) -> None:
    tables.add(ORDERS)
    if tags is not None:
        tables.add(tag(f"/subscriptions/{SUB}/resourceGroups/RG-orders", "RunBook", tags, "resource_group"))
    stated(tables, days, runbook=runbook)
    got, reason = recorded(tables)["runbook"]
    assert got == verdict, reason
    assert told in reason
    assert len(reason) < 600


def test_without_a_register_nothing_is_recorded_and_topics_are_policy(tables: RunTables) -> None:
    tables.add(ORDERS)
    assert {verdict for verdict, _ in recorded(tables).values()} == {"fail"}
    tables.with_run(settings={"required_statements": ["Owner", "owner", "run_book"]})
    rows = {row["subject"]: (row["verdict"], row["reason"]) for row in tables.assessed("JA-43")}
    assert rows.keys() == {"owner", "run book"}
    assert rows["owner"][0] == "fail"
    assert rows["run book"][0] == "not_assessed"
    assert "which jobs.toml has no word for" in rows["run book"][1]
    tables.with_run(settings={"required_statements": []})
    (row,) = tables.assessed("JA-43")
    assert row["verdict"] == "not_applicable"


def test_a_gap_of_the_tags_keeps_back_the_runbook_alone(tables: RunTables) -> None:
    tables.add(ORDERS)
    stated(tables, runbook="https://wiki.example/r", expected_behaviour="x y", escalation="Ben")
    tables.gap("tags", f"/subscriptions/{SUB}")
    verdicts = {subject: verdict for subject, (verdict, _) in recorded(tables).items()}
    assert verdicts == {"runbook": "not_assessed", "expected behaviour": "pass", "escalation": "pass"}


def test_of_several_limits_the_one_that_says_something_counts(tables: RunTables) -> None:
    tables.add(ORDERS)
    stated(tables, known_limits=("tbd", "20 at once"))
    tables.with_run(settings={"required_statements": ["known_limit"]})
    verdict, reason = recorded(tables)["known limit"]
    assert verdict == "pass"
    assert "20 at once" in reason
    assert date(2026, 10, 22).isoformat() in reason
