"""SQL of the user's reads the run's tables and nothing else, for a limited time."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from own_control import JOBS, control, passing
from run_tables import RunTables, job

from audit.assess import load
from audit.assess.locked import Locked
from audit.errors import ConfigError


@pytest.fixture(scope="module")
def derived(tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    tables = RunTables(tmp_path_factory.mktemp("derived"))
    tables.add(job("orders"), job("nightly", in_scope=False))
    tables.derived().close()
    return tables


def failure(tables: RunTables, own: Path, timeout: float = 30.0) -> str:
    """Return why the control could not be run; nothing is concluded by it."""
    assert {row["verdict"] for row in tables.assessed("T-01", own=own, timeout=timeout)} == {"not_assessed"}
    (row,) = tables.query("select failure from controls")
    return str(row["failure"])


@pytest.mark.parametrize(
    "sql",
    [
        "copy jobs to '/tmp/stolen.csv'",
        "attach '/tmp/other.duckdb' as other",
        "pragma database_list",
        "set threads = 8",
        "insert into jobs select * from jobs",
        "update jobs set name = 'x'",
        "delete from coverage",
        "drop table coverage",
        "create temp table x as select 1",
        "install httpfs",
        "load httpfs",
        "call pragma_version()",
        "explain select 1",
        "export database '/tmp/stolen'",
        "checkpoint",
        "begin transaction",
        "prepare x as select 1",
        f"{passing()}; {passing()}",
        f"{passing()}; drop table coverage",
        "",
        "select select",
    ],
)
def test_only_one_select_is_a_control(tmp_path: Path, sql: str) -> None:
    own = control(tmp_path, sql)
    with pytest.raises(ConfigError) as caught:
        load([own])
    assert str(own / "T-01.sql") in caught.value.where


@pytest.mark.parametrize(
    "source",
    [
        "read_csv('/etc/passwd')",
        "read_text('/etc/passwd')",
        "read_blob('/etc/passwd')",
        "read_json('/etc/passwd')",
        "read_parquet('/etc/passwd')",
        "glob('/etc/*')",
        "'/etc/passwd'",
        "'https://example.com/x.csv'",
        "query('select * from read_text(''/etc/passwd'')')",
        "sqlite_scan('/tmp/x.db', 't')",
    ],
)
def test_files_and_network_are_out_of_reach(derived: RunTables, tmp_path: Path, source: str) -> None:
    own = control(
        tmp_path,
        f"select job_id, subject, 'pass' as verdict, (select count(*)::text from {source}) as reason from ({JOBS})",
    )
    told = failure(derived, own)
    assert told.startswith("the control could not be run (T-01.sql")
    assert "root:" not in told


def test_the_population_is_held_to_the_same(derived: RunTables, tmp_path: Path) -> None:
    own = control(
        tmp_path, passing(), subjects="select content as job_id, 'x' as subject from read_text('/etc/passwd')"
    )
    assert failure(derived, own).startswith("the control could not be run (T-01.sql, subjects, line 8, column 49): ")


def test_python_variables_are_out_of_reach(derived: RunTables, tmp_path: Path) -> None:
    of_python = duckdb.sql("select 1 as one")
    assert of_python.fetchall() == [(1,)]
    assert "of_python" in failure(derived, control(tmp_path, passing().replace("from (", "from of_python, (")))


def test_a_recursion_without_end_is_stopped(derived: RunTables, tmp_path: Path) -> None:
    sql = f"""with recursive r(n) as (select 1 union all select n + 1 from r)
        select job_id, subject, 'pass' as verdict, (select count(*)::text from r) as reason from ({JOBS})"""
    own = control(tmp_path, sql)
    assert "longer than 0.5 s" in failure(derived, own, timeout=0.5)


def test_an_answer_without_end_is_stopped(derived: RunTables, tmp_path: Path) -> None:
    endless = "select job_id, r.range::text as subject from range(100000000000) as r, jobs where not in_scope"
    own = control(tmp_path, passing(), subjects=endless)
    assert "longer than 1 s" in failure(derived, own, timeout=1.0)


def test_the_configuration_is_locked_in_every_statement(derived: RunTables) -> None:
    names = "'enable_external_access', 'lock_configuration', 'TimeZone'"
    sql = f"select name, value from duckdb_settings() where name in ({names})"
    with Locked(derived.database) as locked:
        found = dict(locked.select(sql, where="test", required=("name", "value")))
    assert found == {"enable_external_access": "false", "lock_configuration": "true", "TimeZone": "UTC"}


@pytest.mark.parametrize(
    "columns",
    [
        "job_id, subject, 'pass' as verdict",
        "job_id, subject, 'pass' as verdict, 'x' as reason, 1 as extra",
        "1 as job_id",
    ],
)
def test_other_columns_are_refused(derived: RunTables, tmp_path: Path, columns: str) -> None:
    told = failure(derived, control(tmp_path, f"select {columns} from ({JOBS})"))
    assert "gives the columns" in told
    assert "it has to give exactly job_id, subject, verdict, reason" in told


def test_an_error_in_the_sql_is_told_on_one_line(derived: RunTables, tmp_path: Path) -> None:
    told = failure(derived, control(tmp_path, passing().replace("'fine'", "no_such_column")))
    assert "no_such_column" in told
    assert "docs/tables.md" in told
    assert "\n" not in told


def test_a_statement_after_a_stopped_one_runs(derived: RunTables) -> None:
    endless = "with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) as n from r"
    with Locked(derived.database, timeout=0.3) as locked:
        with pytest.raises(ConfigError):
            list(locked.select(endless, where="test", required=("n",)))
        assert list(locked.select("select 1 as n", where="test", required=("n",))) == [(1,)]


def test_an_honest_control_still_works_under_the_lock(derived: RunTables, tmp_path: Path) -> None:
    rows = derived.assessed("T-01", own=control(tmp_path, passing()))
    assert [(row["subject"], row["verdict"]) for row in rows] == [("orders", "pass")]
