"""Differences that no collection of the story shows: tables of one run, edited by hand, against the run itself."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from comparing import Runs, attached

from audit import diff
from audit.diff import things
from audit.errors import UsageError
from audit.model import Window
from audit.store import tables

Row = dict[str, Any]
Edited = Callable[..., contextlib.AbstractContextManager[duckdb.DuckDBPyConnection]]
JOB = "job_id like '%/orders-fulfil'"
HIDDEN, OTHER = "[redacted:0123456789abcdef]", "[redacted:fedcba9876543210]"


def rows(con: duckdb.DuckDBPyConnection, where: str = "true") -> list[Row]:
    return tables.rows(con, f"select * from differences where {where} order by number")


@pytest.fixture
def edited(runs: Runs, tmp_path: Path) -> Edited:
    """Compare a run with an edited copy of itself; ``before`` edits a copy that stands for the old one."""

    @contextlib.contextmanager
    def compared(
        *after: str, before: tuple[str, ...] = (), new: dict[str, Any] | None = None, missing: tuple[str, ...] = ()
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        for name, statements in (("old", before), ("new", after)):
            shutil.copyfile(runs.output / "old.duckdb", tmp_path / f"{name}.duckdb")
            with contextlib.closing(duckdb.connect(str(tmp_path / f"{name}.duckdb"))) as con:
                for statement in statements:
                    con.execute(statement)
        side = runs.sides["old"]
        other = diff.Side(run=msgspec.structs.replace(side.run, **(new or {})), missing=missing)
        with contextlib.closing(tables.connect()) as con:
            for name in ("old", "new"):
                con.execute(f"attach '{tmp_path / name}.duckdb' as {name}")
            diff.compare(con, side, other)
            yield con

    return compared


def hidden(value: str) -> str:
    return (
        f"update job_configuration set value = '{value}' where {JOB} and property = 'values/env/fulfil/LOG_LEVEL/value'"
    )


def test_hidden_values_under_one_key(edited: Edited) -> None:
    with edited(hidden(OTHER), before=(hidden(HIDDEN),)) as con:
        (row,) = rows(con)
        assert (row["kind"], row["before"], row["after"]) == ("changed", HIDDEN, OTHER)
    detected = HIDDEN.replace("]", ":azure-storage-key]")
    with edited(hidden(detected), before=(hidden(HIDDEN),)) as con:
        assert rows(con) == [], "which detector spoke is no part of the value"


def test_hidden_values_under_two_keys(edited: Edited) -> None:
    for old, new, kinds in (
        (HIDDEN, OTHER, ["unknown"]),
        (HIDDEN, HIDDEN, []),
        (f"a={HIDDEN}", f"b={OTHER}", ["changed"]),
        ("info", "debug", ["changed"]),
    ):
        with edited(hidden(new), before=(hidden(old),), new={"redaction_key_id": "another"}) as con:
            found = [row for row in rows(con) if row["property"] == "values/env/fulfil/LOG_LEVEL/value"]
            assert [row["kind"] for row in found] == kinds, (old, new)
            assert all(row["because"]["reason"] == "other_key" for row in found if row["kind"] == "unknown")


def test_one_thing_after_another(edited: Edited) -> None:
    with edited(
        "update diagnostic_settings set logs = to_json(list_reverse(logs::JSON[]))",
        f"update jobs set running_state = 'Suspended' where {JOB}",
        f"update verdicts set waived = true, waiver_id = 'EX-9' where {JOB} and control_id = 'JA-19'"
        " and subject = 'parallelism'",
        "update cost_totals set basis = 'estimate' where job_id like '%/orders-fulfil' and basis = 'actual'",
        "delete from controls where control_id = 'JA-16'",
        "delete from verdicts where control_id = 'JA-16'",
    ) as con:
        (state,) = rows(con, "area = 'jobs'")
        assert (state["property"], state["after"]) == ("running_state", "Suspended")
        assert rows(con, "area = 'configuration'") == [], "a list has no order"
        (waived,) = rows(con, "property = 'waived'")
        assert (waived["kind"], waived["before"], waived["after"]) == ("changed", "false", "EX-9")
        costs = {(row["key"][1], row["kind"]) for row in rows(con, "area = 'cost'")}
        assert costs == {("actual", "removed"), ("estimate", "added")}, "one is never held against the other"
        (control,) = rows(con, "area = 'baselines'")
        assert (control["key"], control["kind"]) == (["JA-16"], "removed")
        gone = rows(con, "area = 'verdicts' and property = 'verdict'")
        assert {(row["kind"], row["because"]["reason"]) for row in gone} == {("unknown", "not_run")}


LEFT = (
    "update jobs set in_scope = false, trigger_type = 'Manual' where job_id like '%/orders-fulfil'",
    "delete from population where job_id like '%/orders-fulfil'",
    "delete from job_configuration where job_id like '%/orders-fulfil'",
)


LISTED = [each for each in things.THINGS if each.evidence]
EMPTIED = [f'delete from "{each.table}"' for each in LISTED]


def test_an_empty_list_is_a_removal_only_where_it_was_read(edited: Edited, runs: Runs) -> None:
    with duckdb.connect(str(runs.output / "old.duckdb"), read_only=True) as con:
        were = {each.table: con.execute(f'select count(*) from "{each.table}"').fetchall()[0][0] for each in LISTED}
    assert sum(count > 0 for count in were.values()) > 18
    with edited("update coverage set outcome = 'gap', reason = 'forbidden' where place is null", *EMPTIED) as con:
        for each in LISTED:
            found = rows(con, f"table_name = '{each.table}'")
            assert [row["kind"] for row in found] == ["unknown"] * were[each.table], each.table
            assert {row["because"]["reason"] for row in found} <= {"forbidden"}
            assert {row["because"]["kind"] for row in found} <= {each.evidence}
    with edited(*EMPTIED) as con:
        for each in LISTED:
            found = rows(con, f"table_name = '{each.table}'")
            wanted = [] if each.on_request else ["removed"] * were[each.table]
            assert [row["kind"] for row in found] == wanted, each.table


def test_a_thing_whose_id_is_partly_unknown(edited: Edited, runs: Runs) -> None:
    with edited("update management_groups set group_id = null, name = null") as con:
        found = rows(con, "table_name = 'management_groups'")
        assert {row["kind"] for row in found} == {"added", "removed"}
        assert all(None not in row["key"] for row in found)


def test_a_job_that_left_the_scope(edited: Edited) -> None:
    with edited(*LEFT) as con:
        (row,) = rows(con, "area = 'jobs'")
        assert (row["kind"], row["property"], row["before"], row["after"]) == ("changed", "in_scope", "true", "false")
        assert row["note"] == "its trigger was Event and is Manual"
        assert rows(con, "table_name = 'job_configuration'") == []
    with edited(*LEFT, new={"tags": {"environment": "prod"}}) as con:
        (row,) = rows(con, "area = 'jobs'")
        assert (row["kind"], row["because"]["reason"]) == ("unknown", "out_of_scope")


def test_a_job_that_cannot_be_read_any_more(edited: Edited) -> None:
    with edited(
        f"update population set state = 'unreadable' where {JOB}",
        f"delete from jobs where {JOB}",
        f"delete from job_configuration where {JOB}",
    ) as con:
        (row,) = rows(con, "area = 'jobs'")
        assert (row["kind"], row["because"]["reason"]) == ("unknown", "malformed")
        assert rows(con, "area = 'configuration'") == []


def test_access_that_is_still_given_and_reaches_no_job(edited: Edited) -> None:
    with edited("delete from entitlements where kind = 'role' and role = 'Owner'") as con:
        found = rows(con, "area = 'access'")
        assert found
        assert {(row["kind"], row["note"]) for row in found} == {
            ("removed", "it is still given, and reaches no job any more")
        }
    with edited(
        "delete from entitlements where kind = 'role' and role = 'Owner'",
        "update access_answers set complete = false, reasons = '[\"a gap\"]' where capability = 'update_job'",
    ) as con:
        assert {(row["kind"], row["because"]["reason"]) for row in rows(con, "area = 'access'")} == {
            ("unknown", "not_complete")
        }


def test_a_capability_that_nobody_could_look_for(edited: Edited) -> None:
    fewer = "update entitlements set capabilities = '[\"read_job\"]' where role = 'Owner' and kind = 'role'"
    with edited(fewer) as con:
        assert {row["kind"] for row in rows(con, "property = 'capabilities'")} == {"changed"}
    with edited(fewer, "update access_answers set complete = false where capability = 'update_job'") as con:
        assert {row["kind"] for row in rows(con, "property = 'capabilities'")} == {"unknown"}


def test_windows_of_another_length_are_compared_by_the_day(edited: Edited, runs: Runs) -> None:
    window = runs.sides["old"].run.window
    longer = Window(since=window.since - timedelta(days=30), until=window.until)
    with edited("update cost_totals set amount = amount * 2", new={"window": longer}) as con:
        costs = rows(con, "area = 'cost'")
        assert costs
        assert {row["property"] for row in costs} == {"amount_a_day"}
        assert all("by the day: the windows have 31 and 61 days" in row["note"] for row in costs)
    shifted = Window(since=window.since - timedelta(days=30), until=window.until - timedelta(days=30))
    with edited("update cost_totals set amount = amount * 2", new={"window": shifted}) as con:
        assert all("the windows differ: " in row["note"] for row in rows(con, "area = 'cost'"))
        assert {row["property"] for row in rows(con, "area = 'cost'")} == {"amount"}


def test_a_cost_that_a_gap_makes_too_small(edited: Edited) -> None:
    with edited(
        f"update cost_totals set amount = 0 where {JOB}",
        "insert into job_gaps (row_id, job_id, kind, scope, reason, detail)"
        f" select 'x', job_id, 'costs', '/', 'throttled', '' from population where {JOB}",
    ) as con:
        costs = rows(con, "area = 'cost'")
        assert costs
        assert {(row["kind"], row["because"]["reason"]) for row in costs} == {("unknown", "throttled")}


def test_a_table_that_an_older_version_did_not_make(edited: Edited) -> None:
    with edited("drop table tags", missing=("tags",)) as con:
        (row,) = rows(con)
        assert (row["table_name"], row["kind"], row["because"]["reason"]) == ("tags", "unknown", "no_table")
    with pytest.raises(UsageError, match="it has no table population"), edited(missing=("population",)):
        pass


def test_a_verdict_for_want_of_evidence(edited: Edited) -> None:
    with edited(
        f"update verdicts set verdict = 'not_assessed', reason = 'lacking' where {JOB} and control_id = 'JA-20'"
        " and subject = 'retry limit'",
        f"delete from verdicts where {JOB} and control_id = 'JA-20' and subject = 'replica timeout'",
    ) as con:
        found = {row["key"][1]: row for row in rows(con)}
        assert {row["kind"] for row in found.values()} == {"unknown"}
        assert found["retry limit"]["after"] == "not_assessed"
        assert found["replica timeout"]["because"]["detail"] == "lacking", "the same gap may have hidden it"


def test_both_can_be_attached_for_reading_alone(runs: Runs) -> None:
    with attached(runs.output / "old.duckdb", runs.output / "new.duckdb") as con:
        diff.compare(con, runs.sides["old"], runs.sides["new"])
        left = con.execute(
            "select table_name from duckdb_tables() where database_name not in ('old', 'new') and not internal"
        ).fetchall()
        assert left == [("differences",)], "nothing else stays in the caller's connection"
