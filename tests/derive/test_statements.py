"""What people state, job by job: who prevails, what fits nothing, what is attached."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from run_tables import NOW, RunTables, event, job, job_id

from audit.derive import statements
from audit.model.stated import (
    Attachment,
    Idempotence,
    JobEntry,
    Objective,
    PerformedTest,
    Register,
    ScalerSupport,
)

DAY = date(2026, 10, 1)


def entry(**fields: Any) -> JobEntry:
    return JobEntry(**{"stated_by": "Ana", "stated_on": DAY} | fields)


def stated(tables: RunTables, *entries: JobEntry, attachments: tuple[Attachment, ...] = ()) -> None:
    tables.with_run(register=Register(file="jobs.toml", sha256="s", entries=entries, attachments=attachments))


def rows(tables: RunTables, sql: str) -> list[tuple[Any, ...]]:
    """Derive nothing but these two tables over the jobs in scope: making all takes a second."""
    con = tables.store()
    con.execute("create or replace table population as select job_id, name, resource_group from jobs where in_scope")
    statements.create(con, tables.run)
    return con.execute(sql).fetchall()


def test_without_a_register_nothing_is_stated(tables: RunTables) -> None:
    tables.add(job("orders"))
    assert rows(tables, "select * from statements") == []
    assert rows(tables, "select * from attachments") == []


def test_the_id_prevails_over_the_name_and_that_over_patterns_topic_by_topic(tables: RunTables) -> None:
    tables.add(job("orders-a"), job("orders-b"))
    stated(
        tables,
        entry(name="orders-*", owner="pattern", runbook="pattern", escalation="pattern"),
        entry(name="*", owner="any", known_limits=("any",)),
        entry(name="Orders-A", owner="name", runbook="name"),
        entry(id=job_id("orders-a").upper(), owner="id"),
    )
    found = rows(
        tables,
        "select name, topic, text, overrides from statements join population using (job_id) order by all",
    )
    assert [row[:3] for row in found] == [
        ("orders-a", "escalation", "pattern"),
        ("orders-a", "known_limit", "any"),
        ("orders-a", "owner", "id"),
        ("orders-a", "runbook", "name"),
        ("orders-b", "escalation", "pattern"),
        ("orders-b", "known_limit", "any"),
        ("orders-b", "owner", "pattern"),
        ("orders-b", "runbook", "pattern"),
    ]
    overridden = {row[:2]: json.loads(row[3]) for row in found if row[3]}
    assert overridden["orders-a", "owner"] == [
        "jobs.toml: jobs[2] (name = Orders-A)",
        "jobs.toml: jobs[0] (name = orders-*)",
        "jobs.toml: jobs[1] (name = *)",
    ]
    assert overridden["orders-b", "owner"] == ["jobs.toml: jobs[1] (name = *)"]


def test_a_pattern_may_name_the_resource_group(tables: RunTables) -> None:
    tables.add(job("work", group="rg-a"), job("work", group="RG-B"))
    stated(tables, entry(name="rg-b/*", owner="b"))
    assert rows(tables, "select job_id, text from statements") == [(job_id("work", group="RG-B"), "b")]


def test_an_entry_that_fits_no_job_is_told(tables: RunTables) -> None:
    tables.add(job("orders"), job("manual", trigger_type="Manual", in_scope=False))
    stated(tables, entry(name="order", owner="x"), entry(id=job_id("gone"), owner="y"), entry(name="manual", owner="z"))
    assert rows(tables, "select job_id, topic, source from statements order by source") == [
        (None, "unmatched", "jobs.toml: jobs[0] (name = order)"),
        (None, "unmatched", "jobs.toml: jobs[1] (id of gone)"),
        (None, "unmatched", "jobs.toml: jobs[2] (name = manual)"),
    ]


def test_a_deleted_job_keeps_what_was_stated_of_it(tables: RunTables) -> None:
    tables.add(event(job_id("imports"), "Microsoft.App/jobs/delete"))
    stated(tables, entry(name="imports", owner="Ana's team"))
    assert tables.derived().execute("select topic, text from statements").fetchall() == [("owner", "Ana's team")]


def test_every_topic_has_its_words_and_its_parts(tables: RunTables) -> None:
    tables.add(job("orders"))
    stated(
        tables,
        entry(
            name="orders", owner="o", expected_behaviour="b", escalation="e", runbook="r",
            event_source="/subscriptions/x", known_limits=("l1", "l2"), first_response=("f1",), downstream=("d1",),
            objective=Objective(seconds=300, percentile=99.5, note="agreed"),
            idempotence=Idempotence(attested_by="Ben", attested_on=DAY, how="a key"),
            scaler_support=ScalerSupport(verified_by="Ben", verified_on=DAY, verified_for="queues"),
            tests=(PerformedTest(what="load", when=DAY, by="Cem", evidence="sha256:" + "0" * 64),),
        ),
    )  # fmt: skip
    found = rows(tables, "select topic, position, text, detail, stated_by, stated_on, raw_ref from statements")
    assert {row[4:] for row in found} == {("Ana", DAY, "run.json")}
    texts = {row[:2]: row[2] for row in found}
    assert set(texts) == {
        ("owner", 0), ("expected_behaviour", 0), ("escalation", 0), ("runbook", 0), ("event_source", 0),
        ("known_limit", 0), ("known_limit", 1), ("first_response", 0), ("downstream", 0), ("objective", 0),
        ("idempotence", 0), ("scaler_support", 0), ("test", 0),
    }  # fmt: skip
    assert texts["objective", 0] == "99.5 % of the messages start within 300 s: agreed"
    assert texts["test", 0] == "load (Cem, 2026-10-01)"
    parts = {row[0]: json.loads(row[3]) for row in found if row[3]}
    assert parts["objective"] == {"seconds": 300, "percentile": 99.5, "note": "agreed"}
    assert parts["test"]["evidence"].startswith("sha256:")
    assert parts["idempotence"]["attested_on"] == "2026-10-01"


def test_attachments_of_all_entries_add_up_each_once(tables: RunTables) -> None:
    tables.add(job("orders"), job("bills"))
    files = tuple(
        Attachment(path=path, name=path.rpartition("/")[2], sha256="a" * 64, bytes=3)
        for path in ("./a.txt", "a.txt", "x/b.pdf")
    )
    stated(
        tables,
        entry(id=job_id("orders"), attachments=("a.txt",)),
        entry(name="*", attachments=("./a.txt", "x/b.pdf")),
        entry(name="gone", attachments=("x/b.pdf",)),
        attachments=files,
    )
    found = rows(
        tables,
        "select split_part(job_id, '/', 9), name, path, source from attachments order by 1 nulls last, 2",
    )
    assert found == [
        ("bills", "a.txt", "attachments/a.txt", "jobs.toml: jobs[1] (name = *)"),
        ("bills", "b.pdf", "attachments/b.pdf", "jobs.toml: jobs[1] (name = *)"),
        ("orders", "a.txt", "attachments/a.txt", "jobs.toml: jobs[0] (id of orders)"),
        ("orders", "b.pdf", "attachments/b.pdf", "jobs.toml: jobs[1] (name = *)"),
        (None, "b.pdf", "attachments/b.pdf", "jobs.toml: jobs[2] (name = gone)"),
    ]


def test_rows_are_unique_and_deriving_again_changes_nothing(tables: RunTables) -> None:
    from audit.derive import derive

    tables.add(job("orders"), job("Orders-2"))
    stated(tables, entry(name="orders*", known_limits=("same", "same")), entry(name="[", owner="odd"))
    con = tables.derived()
    before = con.execute("select * from statements order by row_id").fetchall()
    assert len({row[0] for row in before}) == len(before) == 5
    assert {row[1] for row in before} == {NOW}
    derive(con, tables.run)
    assert con.execute("select * from statements order by row_id").fetchall() == before
