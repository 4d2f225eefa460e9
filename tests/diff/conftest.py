"""Runs of one estate, collected and tabled once for all tests that compare them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import changed_estate
import duckdb
import pytest

from audit import diff
from audit.diff import Side
from audit.store import tables

Compare = Callable[..., AbstractContextManager[duckdb.DuckDBPyConnection]]


class Runs:
    """The output folder and every run's side; a run's tables lie in ``RUN.duckdb`` beside it."""

    def __init__(self, output: Path) -> None:
        self.output = output
        before = dict(os.environ)
        try:
            asyncio.run(changed_estate.collect(output))
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.sides: dict[str, Side] = {name: changed_estate.table(output, name) for name in changed_estate.RUNS}
        self.sides["strict"] = changed_estate.table(output, "old", {"max_executions_most": 1}, "strict")


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("diff"))


@contextlib.contextmanager
def attached(old: Path, new: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which two databases are ``old`` and ``new``; one file may be both."""
    with contextlib.closing(tables.connect()) as con:
        for name, path in (("old", old), ("new", new)):
            con.execute(f"attach '{path}' as {name} (read_only)")
        yield con


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
