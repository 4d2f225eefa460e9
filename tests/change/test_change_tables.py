"""The tables of a change pack, over a few rows made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest

from audit.change import effects, findings, properties, request, risks
from audit.errors import UsageError
from audit.model import Run, RunState, Window
from audit.model.change import ChangeAsked
from audit.model.prices import Prices, Rates

SUB = "/subscriptions/s/resourceGroups/RG/providers/Microsoft.App/jobs/"
WINDOW = Window(since=datetime(2026, 11, 1, tzinfo=UTC), until=datetime(2026, 11, 21, tzinfo=UTC))
PRICES = Prices(
    currency="EUR",
    as_of=date(2026, 11, 1),
    source="-",
    default=Rates(vcpu_second_active=Decimal("0.00002"), gib_second_active=Decimal("0.000002")),
)
RUN = Run(
    run_id="r2", state=RunState.DONE, tool_version="-", cloud="-", endpoint="-", caller=None, window=WINDOW,
    subscriptions=(), expected_subscriptions=(), kinds=("jobs",), started=WINDOW.until, prices=PRICES,
)  # fmt: skip

_TABLES = """
create table population (observed_at TIMESTAMPTZ, raw_ref VARCHAR, job_id VARCHAR, name VARCHAR, state VARCHAR);
create table changes (
    change_id VARCHAR, job_id VARCHAR, resource_id VARCHAR, relation VARCHAR, kind VARCHAR, property VARCHAR,
    before VARCHAR, after VARCHAR, before_after VARCHAR, "at" TIMESTAMPTZ, ended_at TIMESTAMPTZ, status VARCHAR,
    raw_ref VARCHAR);
create table change_tickets (
    change_id VARCHAR, job_id VARCHAR, ticket VARCHAR, state VARCHAR, planned_from TIMESTAMPTZ,
    planned_until TIMESTAMPTZ, "at" TIMESTAMPTZ);
create table execution_history (execution_id VARCHAR, job_id VARCHAR, status VARCHAR, started TIMESTAMPTZ,
    duration_s DOUBLE);
create table cost_totals (job_id VARCHAR, basis VARCHAR, currency VARCHAR, told BOOLEAN);
create table job_costs (job_id VARCHAR, day DATE, amount DECIMAL(38,6), currency VARCHAR, basis VARCHAR, final BOOLEAN,
    raw_ref VARCHAR);
create table job_gaps (job_id VARCHAR, kind VARCHAR, reason VARCHAR, detail VARCHAR);
create table continuity (kind VARCHAR, scope VARCHAR, "from" TIMESTAMPTZ, "to" TIMESTAMPTZ, state VARCHAR,
    detail VARCHAR);
create table jobs (job_id VARCHAR, raw_ref VARCHAR, location VARCHAR, max_executions BIGINT, parallelism BIGINT,
    polling_interval_s BIGINT, replica_timeout_s BIGINT, replica_retry_limit BIGINT, environment_id VARCHAR,
    workload_profile VARCHAR, in_scope BOOLEAN);
create table environments (environment_id VARCHAR, workload_profiles VARCHAR);
create table environment_quotas (environment_id VARCHAR, name VARCHAR, quota DOUBLE, used DOUBLE);
create table containers (job_id VARCHAR, init BOOLEAN, image VARCHAR, cpu DOUBLE, memory_gib DOUBLE);
create table scale_rules (job_id VARCHAR);
create table verdicts (observed_at TIMESTAMPTZ, raw_ref VARCHAR, control_id VARCHAR, job_id VARCHAR, subject VARCHAR,
    verdict VARCHAR, severity VARCHAR, reason VARCHAR, waived BOOLEAN);
"""


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute("set timezone = 'UTC'")
        made.execute(_TABLES)
        for name in ("a", "b"):
            made.execute("insert into population values (?, 'raw', ?, ?, 'present')", [at(21), SUB + name, name])
        yield made


def change(con: duckdb.DuckDBPyConnection, number: str, when: datetime, **told: object) -> None:
    row = {
        "job": SUB + "a", "thing": SUB + "a", "relation": "job", "kind": "configuration", "property": None,
        "before": None, "after": None, "known": "known", "status": "Succeeded",
    } | told  # fmt: skip
    con.execute(
        "insert into changes values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'raw')",
        [number, row["job"], row["thing"], row["relation"], row["kind"], row["property"], row["before"], row["after"],
         row["known"], when, when, row["status"]],
    )  # fmt: skip


def asked(con: duckdb.DuckDBPyConnection, **told: object) -> None:
    wanted = ChangeAsked(**told)  # type: ignore[arg-type]
    before = request.Before(note="none")
    request.create(con, RUN, wanted, time=request.time_of(con, RUN, wanted), before=before)


def test_jobs_are_named_in_any_casing_and_by_name(con: duckdb.DuckDBPyConnection) -> None:
    asked(con, jobs=(SUB.upper() + "A", "B"))
    assert con.execute("select name from change_jobs order by all").fetchall() == [("a",), ("b",)]


def test_a_name_of_two_jobs_is_refused_with_their_ids(con: duckdb.DuckDBPyConnection) -> None:
    other = SUB.replace("RG", "OTHER") + "a"
    con.execute("insert into population values (?, 'raw', ?, 'a', 'present')", [at(21), other])
    with pytest.raises(UsageError, match="2 jobs") as refused:
        asked(con, jobs=("a",))
    assert other in str(refused.value)


def test_without_a_job_all_that_were_touched_are_meant_but_not_by_a_scope_above(con: duckdb.DuckDBPyConnection) -> None:
    change(con, "1", at(10))
    change(con, "2", at(10), job=SUB + "b", relation="scope", kind="access")
    asked(con)
    assert con.execute("select name from change_jobs").fetchall() == [("a",)]
    con.execute("delete from changes where relation = 'job'")
    with pytest.raises(UsageError, match="no change"):
        asked(con)


def test_a_ticket_tells_the_time_and_the_jobs(con: duckdb.DuckDBPyConnection) -> None:
    change(con, "1", at(10))
    change(con, "2", at(12), job=SUB + "b")
    con.execute(
        "insert into change_tickets values ('1', ?, 'T', 'matched', ?, ?, ?)", [SUB + "a", at(9), at(11), at(10)]
    )
    asked(con, ticket="T")
    assert con.execute("select name from change_jobs").fetchall() == [("a",)]
    assert con.execute("select since, until from change_request").fetchone() == (at(9), at(11))


def test_a_time_that_the_run_cannot_know_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match="within the window"):
        asked(con, jobs=("a",), since=datetime(2026, 10, 1, tzinfo=UTC))


def test_without_a_picture_from_before_the_first_value_meets_the_last(con: duckdb.DuckDBPyConnection) -> None:
    path = "properties.configuration.eventTriggerConfig.scale.maxExecutions"
    change(con, "1", at(10), property=path, before="1", after="9")
    change(con, "2", at(11), property=path, before="9", after="5")
    change(con, "3", at(10), property="tags.x", before="1", after="2")
    change(con, "4", at(11), property="tags.x", before="2", after="1")
    change(con, "5", at(12), known="unknown")
    change(con, "6", at(12), property="tags.y", before="1", after="2", status="Failed")
    asked(con, jobs=("a",))
    properties.create(con, compared=False)
    told = con.execute("select area, property, kind, before, after, candidates from change_properties order by all")
    assert told.fetchall() == [
        ("job", "every property", "unknown", None, None, 1),
        ("scale", path, "changed", "1", "5", 2),
    ]


def test_stretches_before_and_after_are_as_long_as_each_other(con: duckdb.DuckDBPyConnection) -> None:
    change(con, "1", at(15))
    change(con, "2", at(16))
    for number, (when, status) in enumerate(
        [(at(9), "Failed"), (at(12), "Succeeded"), (at(15, 12), "Failed"), (at(17), None)]
    ):
        con.execute("insert into execution_history values (?, ?, ?, ?, 10)", [str(number), SUB + "A", status, when])
    con.execute("insert into cost_totals values (?, 'actual', 'EUR', true)", [SUB + "a"])
    for day in range(8, 21):
        con.execute("insert into job_costs values (?, ?, 1, 'EUR', 'actual', false, 'raw')", [SUB + "a", at(day)])
    con.execute("insert into continuity values ('executions', ?, ?, ?, 'hole', 'lost')", [SUB + "a", at(17), at(18)])
    asked(con, jobs=("a",))
    effects.create(con, RUN)
    told = con.execute(
        "select phase, since, until, executions, failed, unknown, amount, cost_days, because from change_effects"
        " order by place"
    )
    assert told.fetchall() == [
        ("before", at(10), at(15), 1, 0, 0, Decimal(5), 5, None),
        ("during", at(15), at(16), 1, 1, 0, Decimal(1), 1, None),
        ("after", at(16), at(21), 1, 0, 1, Decimal(5), 5, "executions: lost"),
    ]


def test_a_job_that_nobody_changed_has_no_time_after(con: duckdb.DuckDBPyConnection) -> None:
    asked(con, jobs=("b",), until=at(20))
    effects.create(con, RUN)
    assert con.execute("select phase from change_effects").fetchall() == [("before",)]


def test_findings_open_close_and_stay(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create table earlier as from verdicts")
    pairs = [("pass", "fail"), ("fail", "pass"), ("fail", "fail"), ("not_assessed", "fail"), (None, "fail"),
             ("fail", None), ("fail", "not_assessed"), ("pass", "pass")]  # fmt: skip
    for number, (before, after) in enumerate(pairs):
        for table, verdict in (("earlier", before), ("verdicts", after)):
            if verdict:
                row = [at(20), "raw", "JA-01", SUB + "a", f"s{number}", verdict, "high", "why", False]
                con.execute(f"insert into {table} values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    asked(con, jobs=("a",))
    findings.create(con, old="earlier")
    states = [state for (state,) in con.execute("select state from change_findings order by subject").fetchall()]
    assert states == ["opened", "closed", "still open", "open", "opened", "gone", "not known"]
    findings.create(con, old=None)
    assert set(con.execute("select state from change_findings").fetchall()) == {("open",), ("not known",)}


@pytest.fixture
def sides(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    for side, most, every, cpu in (("old", 10, 30, 0.5), ("new", 100, 10, 1.0)):
        con.execute(f"create schema {side}")
        for table in ("jobs", "containers", "scale_rules", "environments", "environment_quotas", "job_gaps"):
            con.execute(f"create table {side}.{table} as from {table}")
        con.execute(
            f"insert into {side}.jobs values (?, 'raw', 'x', ?, 1, ?, 60, 1, '/e/env', null, true)",
            [SUB + "a", most, every],
        )
        con.execute(f"insert into {side}.containers values (?, false, 'r/i:1', ?, 1.0)", [SUB + "a", cpu])
        con.execute(f"insert into {side}.scale_rules values (?)", [SUB + "a"])
    asked(con, jobs=("a",))
    return con


def test_risks_are_reckoned_from_the_settings(sides: duckdb.DuckDBPyConnection) -> None:
    risks.create(sides, RUN, old="old", new="new")
    told = {row[0]: row[1:] for row in sides.execute("select risk, weight, before, after from change_risks").fetchall()}
    assert told == {
        "load against quota": ("open", "5.00 vCPU", None),
        "load at most": ("warn", "10 replicas, 5.00 vCPU, 10.00 GiB", "100 replicas, 100.00 vCPU, 100.00 GiB"),
        "a day at full load": ("warn", "10.37 EUR", "190.08 EUR"),
        "a replica for an hour": ("warn", "0.0432 EUR", "0.0792 EUR"),
        "questions to the event source": ("warn", "2,880 a day", "8,640 a day"),
        "image by tag": ("warn", "r/i:1", "r/i:1"),
    }


def test_what_is_not_set_is_no_figure(sides: duckdb.DuckDBPyConnection) -> None:
    sides.execute("update new.jobs set max_executions = null, polling_interval_s = null, replica_retry_limit = null")
    risks.create(sides, RUN, old="old", new="new")
    told = sides.execute("select risk, after from change_risks where weight = 'open' order by all").fetchall()
    assert told == [
        ("load against quota", None), ("load at most", None), ("longest execution", None),
        ("questions to the event source", None),
    ]  # fmt: skip
    assert sides.execute("select 1 from change_risks where risk = 'a day at full load'").fetchall() == []
