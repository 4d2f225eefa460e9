"""One report for all tests that only read it: made once, with everything beside it that a pack holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import report_fixture


class Made(NamedTuple):
    folder: Path
    stored: Any
    con: Any


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The report of the fixture's run, the run and its tables. Tests don't change them."""
    root = tmp_path_factory.mktemp("report")
    stored = report_fixture.store(root / "output")
    with report_fixture.tables(stored, root / "tables.duckdb") as con:
        yield Made(report_fixture.render(stored, con, root / "pack"), stored, con)
