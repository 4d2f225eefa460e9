"""An answer too large to be written out: the view gives the same rows, and the macro one job's."""

from __future__ import annotations

import duckdb
import pytest
from access_asking import connection
from access_estate import Estate
from access_estates import tenants
from access_loading import load
from access_one_job import estate
from hypothesis import HealthCheck, Phase, given, settings

from audit.derive import access
from audit.derive.access import effective

ROWS = "select * from {} order by all"


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return connection()


@settings(
    max_examples=3,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(tenant=tenants(6))
def test_the_view_gives_the_rows_of_the_table(con: duckdb.DuckDBPyConnection, tenant: Estate) -> None:
    load(con, tenant)
    access.create(con)
    written = con.execute(ROWS.format("effective_access")).fetchall()
    access.create(con, limit=-1)
    assert con.execute("select view_name from duckdb_views() where view_name = 'effective_access'").fetchall()
    assert con.execute(ROWS.format("effective_access")).fetchall() == written
    assert effective.rows(con) >= len(written)
    for (job_id,) in con.execute("select job_id from jobs").fetchall():
        own = con.execute("select * from effective_access_of(upper(?)) order by all", [job_id]).fetchall()
        assert own == [row for row in written if row[3] == job_id]


def test_what_is_not_counted_is_null_and_not_zero(con: duckdb.DuckDBPyConnection) -> None:
    load(con, estate({}))
    access.create(con, limit=-1)
    assert con.execute("select distinct active, denied from access_answers").fetchall() == [(None, None)]


def test_deriving_again_replaces_a_view_by_a_table(con: duckdb.DuckDBPyConnection) -> None:
    load(con, estate({}))
    access.create(con, limit=-1)
    access.create(con)
    assert con.execute("select count(*) from duckdb_tables() where table_name = 'effective_access'").fetchone() == (1,)
    assert con.execute("select count(*) from duckdb_schemas() where schema_name = 'access'").fetchone() == (0,)
