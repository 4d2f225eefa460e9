"""Runs of one estate, collected and tabled once for all tests that compare them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

import duckdb
import pytest
from comparing import Compare, Runs, attached

from audit import diff


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("diff"))


@pytest.fixture(scope="session")
def compare(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compare]:
    """Compare two runs by name; gives the connection with ``differences``, the same one whenever it is asked again."""
    folder = tmp_path_factory.mktemp("copies")
    made: dict[tuple[str, str], duckdb.DuckDBPyConnection] = {}
    with contextlib.ExitStack() as stack:

        def compared(old: str, new: str) -> duckdb.DuckDBPyConnection:
            second = runs.output / f"{new}.duckdb"
            if old == new:
                second = folder / second.name
                shutil.copyfile(runs.output / f"{new}.duckdb", second)
            con = stack.enter_context(attached(runs.output / f"{old}.duckdb", second))
            diff.compare(con, runs.sides[old], runs.sides[new])
            return con

        @contextlib.contextmanager
        def asked(old: str, new: str) -> Iterator[duckdb.DuckDBPyConnection]:
            if (old, new) not in made:
                made[old, new] = compared(old, new)
            made[old, new].begin()
            try:
                yield made[old, new]
            finally:
                made[old, new].rollback()

        yield asked
