"""What an environment may run at once, beside what a job and the others there may ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator

import duckdb
import pytest

from audit.change import loads, room

JOB, ENV = "/subscriptions/s/x/jobs/a", "/subscriptions/s/x/managedEnvironments/env"
CORES = "ManagedEnvironmentConsumptionCores"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute(
            """
            create schema now;
            create table now.jobs (job_id VARCHAR, raw_ref VARCHAR, location VARCHAR, max_executions BIGINT,
                parallelism BIGINT, polling_interval_s BIGINT, replica_timeout_s BIGINT, replica_retry_limit BIGINT,
                environment_id VARCHAR, workload_profile VARCHAR, in_scope BOOLEAN);
            create table now.containers (job_id VARCHAR, init BOOLEAN, image VARCHAR, cpu DOUBLE, memory_gib DOUBLE);
            create table now.scale_rules (job_id VARCHAR);
            create table now.environments (environment_id VARCHAR, workload_profiles JSON);
            create table now.environment_quotas (environment_id VARCHAR, name VARCHAR, quota DOUBLE, used DOUBLE);
            create table now.job_gaps (job_id VARCHAR, kind VARCHAR, reason VARCHAR, detail VARCHAR);
            create table change_jobs (job_id VARCHAR);
            """
        )
        made.execute("insert into change_jobs values (?)", [JOB])
        yield made


def job(con: duckdb.DuckDBPyConnection, name: str, most: int | None, *, profile: str | None = None) -> None:
    job_id = JOB[:-1] + name
    con.execute(
        "insert into now.jobs values (?, 'raw', 'x', ?, 2, 30, 60, 1, ?, ?, true)", [job_id, most, ENV.upper(), profile]
    )
    con.execute("insert into now.containers values (?, false, 'i', 1.5, 3)", [job_id])


def environment(con: duckdb.DuckDBPyConnection, profiles: object, **quotas: float) -> None:
    told = None if profiles is None else json.dumps(profiles)
    con.execute("insert into now.environments values (?, ?)", [ENV, told])
    for name, quota in quotas.items():
        con.execute("insert into now.environment_quotas values (?, ?, ?, 7.5)", [ENV, name, quota])


def told(con: duckdb.DuckDBPyConnection) -> room.Room:
    (load,) = loads.read(con, "now")
    return room.of(con, "now", load)


@pytest.mark.parametrize("profiles", [None, [], [{"name": "consumption", "workloadProfileType": "Consumption"}]])
def test_on_consumption_it_is_the_quota_and_the_others_there_count(con: duckdb.DuckDBPyConnection, profiles) -> None:
    environment(con, profiles, **{CORES: 100, "ManagedEnvironmentGeneralPurposeCores": 9})
    job(con, "a", 10)
    job(con, "b", 20, profile="Consumption")
    job(con, "c", None)
    job(con, "d", 500, profile="big")
    found = told(con)
    assert (found.cores, found.others) == (100, 60)
    assert "7.5 were in use" in found.words
    assert "2 other event-driven jobs there may ask for 60 more at most, not counting 1" in found.words


@pytest.mark.parametrize(("nodes", "quota", "cores"), [(3, 100, 24), (30, 100, 100), (None, 100, None)])
def test_on_a_dedicated_profile_it_is_its_nodes_within_the_quota(
    con: duckdb.DuckDBPyConnection, nodes: int | None, quota: int, cores: int | None
) -> None:
    profile = {"name": "Big", "workloadProfileType": "E8", "maximumCount": nodes}
    environment(con, [profile], ManagedEnvironmentMemoryOptimizedCores=quota)
    job(con, "a", 10, profile="big")
    assert told(con).cores == cores


def test_what_is_not_known_is_no_room(con: duckdb.DuckDBPyConnection) -> None:
    job(con, "a", 10)
    con.execute("insert into now.job_gaps values (?, 'environments', 'forbidden', 'who are you')", [JOB])
    assert told(con) == (None, 0, "environments could not be read: forbidden (who are you)")
    environment(con, None)
    assert told(con) == (None, 0, f"Azure lists no quota {CORES}")
    con.execute("insert into now.job_gaps values (?, 'environment_quotas', 'throttled', null)", [JOB])
    assert told(con) == (None, 0, "environment quotas could not be read: throttled")


@pytest.mark.parametrize("listed", [[{"name": "gpu", "workloadProfileType": "NC24-A100"}], [{"name": "other"}], [3]])
def test_a_profile_that_no_quota_is_known_for_is_named(con: duckdb.DuckDBPyConnection, listed: list[object]) -> None:
    environment(con, listed, **{CORES: 100})
    job(con, "a", 10, profile="gpu")
    found = told(con)
    assert found.cores is None
    assert "gpu" in found.words
