"""The engine against an evaluator that works out one case at a time, over random estates."""

from __future__ import annotations

import os
from collections import Counter
from itertools import pairwise
from typing import Any

import duckdb
import pytest
from access_asking import connection
from access_estate import Estate
from access_estates import tenants
from access_loading import load
from access_truth import rows
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from audit.config import capabilities
from audit.derive import access

EXAMPLES = int(os.environ.get("JOBAUDIT_EXAMPLES", "30"))
"""Each of up to eight estates, well over a hundred together; set it for as many others."""


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return connection()


@settings(
    max_examples=EXAMPLES,
    derandomize="JOBAUDIT_EXAMPLES" not in os.environ,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # to shrink a whole estate takes too long for a suite
    suppress_health_check=list(HealthCheck),
)
@given(estate=tenants(8), seed=st.integers(0, 1000))
def test_the_engine_and_the_evaluator_agree(con: duckdb.DuckDBPyConnection, estate: Estate, seed: int) -> None:
    load(con, estate, seed)
    access.create(con)
    found, truth = told(con), expected(estate)
    assert not list(found - truth)[:5], "the engine says what isn't so"
    assert not list(truth - found)[:5], "the engine doesn't say what is so"
    hops_are_real(con, estate)


def hops_are_real(con: duckdb.DuckDBPyConnection, estate: Estate) -> None:
    """Every path leads from the grantee to the holder by memberships that there are."""
    edges = {(each.group, each.member) for each in estate.memberships}
    given = {each.id.lower(): each.principal for each in estate.assignments}
    for via, path, who in con.execute("""
        select distinct lower(via_assignment_id), lower(group_path::VARCHAR)::VARCHAR[], lower(principal_id)
        from effective_access where group_path is not null
    """).fetchall():
        assert given.get(via, path[0]) == path[0]
        assert set(pairwise([*path, who])) <= edges


def expected(estate: Estate) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            row.job, row.capability, row.way, row.target, row.hold.principal, row.hold.eligible, row.hold.via,
            row.hold.path, row.hold.denied, row.hold.conditional, row.hold.ends, row.steps, row.identity,
        )
        for row in rows(estate, capabilities.shipped())
    )  # fmt: skip


def told(con: duckdb.DuckDBPyConnection) -> Counter[tuple[Any, ...]]:
    return Counter(
        con.execute("""
            select lower(job_id), capability, coalesce(through_way, way), lower(target_id), lower(principal_id),
                access = 'eligible', lower(via_assignment_id), coalesce(json_array_length(group_path), 0), denied,
                conditional, expires, steps, lower(through_identity)
            from effective_access
        """).fetchall()
    )
