"""What differs between runs of one estate: what changed is told, what wasn't read is unknown, and nothing else is."""

from __future__ import annotations

from typing import Any

import compared_estate
import duckdb
import pytest
from compared_estate import CONFIGURED, FRESH, GONE
from comparing import Compare, Runs, attached

from audit import diff
from audit.diff.settle import canonical
from audit.store import tables

Row = dict[str, Any]


def told(con: duckdb.DuckDBPyConnection, where: str = "true") -> list[Row]:
    return tables.rows(con, f"select * from differences where {where} order by number")


def test_a_run_has_no_difference_from_itself(compare: Compare) -> None:
    for name in ("old", "blind"):
        with compare(name, name) as con:
            assert told(con) == []
            assert diff.counts(con)["jobs"] == {"added": 0, "removed": 0, "changed": 0, "unknown": 0}


def test_casing_of_ids_is_no_difference(runs: Runs, tmp_path: Any) -> None:
    shouted = tmp_path / "shouted.duckdb"
    shouted.write_bytes((runs.output / "old.duckdb").read_bytes())
    con = duckdb.connect(str(shouted))
    texts = con.execute(
        "select table_name, column_name from duckdb_columns() where data_type = 'VARCHAR' and not internal"
        " and column_name not in ('row_id', 'raw_ref', 'detail', 'reason')"
    ).fetchall()
    changed = 0
    for table, column in texts:
        found = con.execute(
            f'update "{table}" set "{column}" = upper("{column}")'
            f" where \"{column}\" like '/subscriptions/%' returning 1"
        ).fetchall()
        changed += len(found)
    con.close()
    assert changed > 500
    with attached(runs.output / "old.duckdb", shouted) as both:
        diff.compare(both, runs.sides["old"], runs.sides["old"])
        assert told(both) == []


def test_jobs_that_came_and_went(compare: Compare) -> None:
    with compare("old", "new") as con:
        gone, fresh = sorted(told(con, "area = 'jobs'"), key=lambda row: row["kind"], reverse=True)
        assert (gone["kind"], gone["before"], gone["after"]) == ("removed", "present", "deleted")
        assert gone["job_id"].endswith(f"/{GONE}")
        assert "deleted at " in gone["note"]
        assert None not in (gone["old_ref"], gone["new_ref"])
        assert (fresh["kind"], fresh["because"]) == ("added", None)
        assert fresh["key"] == [fresh["job_id"]]
        assert fresh["job_id"].endswith(f"/{FRESH}")
        assert {row["job_id"] for row in told(con, "area = 'configuration' and job_id is not null")} == {
            row["job_id"] for row in told(con, f"job_id like '%/{CONFIGURED}' and area = 'configuration'")
        }, "what a job is set to goes with it"


def test_configuration_that_changed(compare: Compare) -> None:
    with compare("old", "new") as con:
        assert diff.counts(con)["configuration"]["unknown"] == 0
        settings = {row["property"]: row for row in told(con, "table_name = 'job_configuration'")}
        assert settings.keys() == {"containers/invoices/image", "replica_timeout_s"}
        assert (settings["replica_timeout_s"]["before"], settings["replica_timeout_s"]["after"]) == ("1800", "4242")
        tags = {(row["key"][1], row["kind"], row["after"]) for row in told(con, "table_name = 'tags'")}
        assert tags == {("fresh", "added", None), ("owner", "changed", "nobody")}
        (logs,) = told(con, "table_name = 'diagnostic_settings'")
        assert (logs["kind"], logs["because"], logs["new_ref"]) == ("removed", None, None)
        budgets = told(con, "table_name = 'budgets'")
        assert {row["property"] for row in budgets} == {"amount"}
        assert all(float(row["after"]) == float(row["before"]) + 1 for row in budgets)


def test_access_that_was_given_and_taken_away(compare: Compare) -> None:
    with compare("old", "new") as con:
        removed, added = sorted(told(con, "area = 'access'"), key=lambda row: row["kind"], reverse=True)
        assert (removed["kind"], added["kind"]) == ("removed", "added")
        assert "Container Apps Jobs Reader for" in removed["before"]
        assert "Owner for" in added["after"]
        assert removed["key"][0].startswith("E-")


def test_verdicts_that_changed(compare: Compare) -> None:
    with compare("old", "new") as con:
        rows = {(row["key"][0], row["kind"], row["before"], row["after"]) for row in told(
            con, f"area = 'verdicts' and job_id like '%/{CONFIGURED}'")}  # fmt: skip
        assert rows == {("JA-16", "changed", "pass", "fail")}
        assert {row["note"] for row in told(con, f"area = 'verdicts' and job_id like '%/{GONE}'")} == {
            "the job was removed"
        }


def test_cost_that_changed(compare: Compare) -> None:
    with compare("old", "new") as con:
        (row,) = told(con, f"area = 'cost' and job_id like '%/{CONFIGURED}'")
        assert row["key"][1:] == ["actual", "EUR"]
        assert float(row["after"]) > 1.5 * float(row["before"])
        assert row["note"] == "neither is final"


def test_a_baseline_that_changed_stands_beside_the_verdict(compare: Compare) -> None:
    with compare("old", "strict") as con:
        (baseline,) = told(con, "area = 'baselines' and kind = 'changed'")
        assert baseline["key"] == ["JA-19", "max_executions_most"]
        verdicts = told(con, "area = 'verdicts'")
        assert verdicts
        assert {row["key"][0] for row in verdicts} == {"JA-19"}
        assert {(row["kind"], row["before"], row["after"]) for row in verdicts} == {("changed", "pass", "fail")}
        assert all(row["note"] == "the baseline changed: max_executions_most was 100 and is 1" for row in verdicts), (
            verdicts
        )
        assert {row["area"] for row in told(con)} == {"baselines", "verdicts"}


@pytest.mark.parametrize("blind", ["less", "one", "roles", "jobs"])
def test_what_was_not_read_is_never_added_or_removed(compare: Compare, blind: str) -> None:
    """The estate is the same: whatever differs is the doing of what was asked and what failed."""
    for old, new, lacking in (("old", blind, "new"), (blind, "old", "old")):
        with compare(old, new) as con:
            rows = told(con, "area not in ('coverage', 'baselines')")
            assert rows
            assert {row["kind"] for row in rows} == {"unknown"}, [row for row in rows if row["kind"] != "unknown"][:3]
            assert all(row["because"]["side"] == lacking and row["because"]["reason"] for row in rows)
            assert {row["kind"] for row in told(con, "area = 'baselines'")} <= {"unknown"}


def test_a_list_that_was_refused_is_named(compare: Compare) -> None:
    with compare("old", "roles") as con:
        gaps = {(row["because"]["kind"], row["because"]["reason"]) for row in told(
            con, "table_name = 'entitlements' and before like '%Owner for%'")}  # fmt: skip
        assert gaps == {("role_assignments", "forbidden")}
        became = {row["key"][0] for row in told(con, "area = 'coverage' and after like 'forbidden%'")}
        assert became == {"role_assignments"}
    with compare("roles", "old") as con:
        assert {row["before"][:10] for row in told(con, "area = 'coverage' and key[1] = 'role_assignments'")} == {
            "forbidden:"
        }
        assert {row["kind"] for row in told(con, "area = 'coverage' and key[1] = 'role_assignments'")} == {"removed"}
    with compare("old", "jobs") as con:
        rows = told(con, "table_name = 'population'")
        assert len(rows) == 10
        assert {row["because"]["reason"] for row in rows} == {"forbidden"}


def test_what_lies_outside_of_the_scope_is_named(compare: Compare) -> None:
    with compare("old", "one") as con:
        rows = told(con, "table_name = 'population'")
        assert rows
        assert {row["because"]["reason"] for row in rows} == {"out_of_scope"}
        assert {row["because"]["reason"] for row in told(con, "table_name = 'tags'")} == {"out_of_scope"}


def test_what_changed_is_told_beside_what_is_unknown(compare: Compare) -> None:
    with compare("old", "blind") as con:
        kinds = {row["kind"] for row in told(con, "table_name = 'diagnostic_settings'")}
        assert kinds == {"unknown"}
        assert len(told(con, "table_name = 'job_configuration'")) == 2
        assert {row["kind"] for row in told(con, "table_name = 'tags'")} == {"added", "changed"}


def test_the_order_is_the_same_each_time(runs: Runs, compare: Compare) -> None:
    with compare("old", "roles") as con:
        first = told(con)
    with attached(runs.output / "old.duckdb", runs.output / "roles.duckdb") as con:
        diff.compare(con, runs.sides["old"], runs.sides["roles"])
        assert told(con) == first
        diff.compare(con, runs.sides["old"], runs.sides["roles"])
        assert told(con) == first, "it can be made again"
    assert [row["number"] for row in first] == list(range(1, len(first) + 1))


def test_json_is_compared_by_what_it_says() -> None:
    assert canonical('[{"b": 1, "a": "/SUB/x"}, 2]') == canonical('[2, {"a": "/sub/X/", "b": 1}]')
    assert canonical('[{"a": 1, "b": 2}, {"a": 3, "b": 4}]') != canonical('[{"a": 1, "b": 4}, {"a": 3, "b": 2}]')
    assert canonical('{"a": "Text"}') != canonical('{"a": "text"}')


def test_the_estate_is_what_the_tests_say(runs: Runs) -> None:
    assert set(runs.sides) == {*compared_estate.RUNS, "strict"}
