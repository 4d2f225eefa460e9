"""Runs of one estate with their tables, and a connection in which two of them are ``old`` and ``new``."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import compared_estate
import duckdb

from audit.diff import Side
from audit.store import tables

Compare = Callable[..., AbstractContextManager[duckdb.DuckDBPyConnection]]


class Runs:
    """The output folder and every run's side; a run's tables lie in ``RUN.duckdb`` beside it."""

    def __init__(self, output: Path) -> None:
        self.output = output
        before = dict(os.environ)
        try:
            asyncio.run(compared_estate.collect(output))
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.sides: dict[str, Side] = {name: compared_estate.table(output, name) for name in compared_estate.RUNS}
        self.sides["strict"] = compared_estate.table(output, "old", {"max_executions_most": 1}, "strict")


@contextlib.contextmanager
def attached(old: Path, new: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which two databases are ``old`` and ``new``; one file may be both."""
    with contextlib.closing(tables.connect()) as con:
        for name, path in (("old", old), ("new", new)):
            con.execute(f"attach '{path}' as {name} (read_only)")
        yield con
