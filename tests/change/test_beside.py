"""Which changes a comparison accounts for: writes that are told, writes that aren't, deployments, and all else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from run_of_a_change import RUN, changes

from audit.change.beside import unaccounted
from audit.change.closing_rows import Row
from audit.change.sides import Job

AT = datetime(2026, 11, 20, 6, tzinfo=UTC)
JOB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/j"
TIMEOUT = "properties.configuration.replicaTimeout"


def job(patch: dict[str, Any] | None = None, definition: dict[str, Any] | None = None) -> Job:
    return Job(
        job_id=JOB, since=AT - timedelta(days=1), observed_at=AT, raw_ref="raw/jobs/x", patch=patch or {},
        definition=definition, before={}, approved={}, applied={}, unread="", gone="",
    )  # fmt: skip


def row(outcome: str = "as approved", *, applied: str = "77") -> Row:
    return Row(
        observed_at=AT, raw_ref="raw/jobs/x", job_id=JOB, property="replica_timeout_s", before="60", approved="77",
        applied=applied, outcome=outcome,
    )  # fmt: skip


def told(con: duckdb.DuckDBPyConnection, rows: list[Row], about: Job | None = None) -> list[tuple[str, list[str]]]:
    return [(each.outcome, each.change_ids) for each in unaccounted(con, RUN, about or job(), rows)]


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return changes()


def add(con: duckdb.DuckDBPyConnection, change_id: str, **fields: Any) -> None:
    told = {
        "row_id": change_id, "change_id": change_id, "job_id": JOB, "at": AT, "observed_at": AT, "resource_id": JOB,
        "kind": "configuration", "relation": "job", "operation": "Microsoft.App/jobs/write", "before_after": "unknown",
        "changed_by": "ana", "changed_by_name": "ana", "raw_ref": "raw/activity_log/x", **fields,
    }  # fmt: skip
    names = ", ".join(f'"{name}"' for name in told)
    con.execute(f"insert into changes ({names}) values ({', '.join('?' * len(told))})", list(told.values()))


def test_a_write_that_is_told_sets_the_row(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "one", property=TIMEOUT, before="60", after="77", before_after="known")
    rows = [row()]
    assert told(con, rows) == []
    assert (rows[0].change_ids, rows[0].changed_by) == (["one"], ["ana"])


def test_the_only_write_that_is_not_told_made_what_nothing_else_explains(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "one")
    rows = [row()]
    assert told(con, rows) == []
    assert rows[0].change_ids == ["one"]


def test_of_several_such_writes_nobody_knows_which(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "one")
    add(con, "two")
    rows = [row()]
    assert told(con, rows) == [("unknown", ["one"]), ("unknown", ["two"])]
    assert rows[0].change_ids == ["one", "two"]


def test_a_write_that_nothing_needs_is_extra(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "one", property=TIMEOUT, before="60", after="77", before_after="known")
    add(con, "two")
    assert told(con, [row()]) == [("extra", ["two"])]
    assert told(con, [row("not applied", applied="60")])[-1] == ("extra", ["two"])


def test_a_deployment_is_the_write_that_it_made(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "one", property=TIMEOUT, before="60", after="77", before_after="known", correlation_id="c")
    add(con, "two", kind="deployment", relation="scope", resource_id="/subscriptions/s", correlation_id="c")
    assert told(con, [row()]) == []
    add(con, "three", kind="deployment", relation="scope", resource_id="/subscriptions/s", correlation_id="d")
    assert told(con, [row()]) == [("extra", ["three"])]


def test_what_set_nothing_and_what_was_before_is_left_out(con: duckdb.DuckDBPyConnection) -> None:
    add(con, "one", kind="start", before_after="nothing to tell")
    add(con, "two", before_after="nothing changed")
    add(con, "three", at=AT - timedelta(days=2))
    add(con, "four", property="properties.provisioningState", before="a", after="b", before_after="known")
    assert told(con, []) == []


def test_what_the_file_sets_beside_the_comparison_is_accounted_for(con: duckdb.DuckDBPyConnection) -> None:
    container = {"containers": [{"probes": [{"periodSeconds": 9}]}]}
    about = job({"properties": {"template": container}}, {"properties": {"template": container}})
    path = "properties.template.containers[0].probes[0].periodSeconds"
    add(con, "one", property=path, before=None, after="9", before_after="known")
    assert told(con, [], about) == []
    add(con, "two", property=path, before="9", after="8", before_after="known")
    assert told(con, [], about) == [("extra", ["two"])], "not what the file says"
    assert told(con, [], job({"tags": {}}, {"properties": {"template": container}})) == [
        ("extra", ["one"]), ("extra", ["two"])
    ], "the file leaves it as it was"  # fmt: skip


GAP = "insert into job_gaps values ('{job}', 'resource_changes', '/', 'throttled', null)"
HOLE = """
insert into continuity values ('activity_log', '/subscriptions/S', '2026-11-19 10:00Z', '2026-11-19 12:00Z', 'hole')
"""


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (GAP, "resource_changes at /: throttled"),
        (HOLE, "the Activity Log of 2026-11-19 10:00:00 UTC to 2026-11-19 12:00:00 UTC is lost"),
    ],
)
def test_what_was_not_read_is_unknown(con: duckdb.DuckDBPyConnection, sql: str, words: str) -> None:
    con.execute(sql.format(job=JOB))
    (found,) = unaccounted(con, RUN, job(), [])
    assert found.outcome == "unknown"
    assert words in str(found.because)
