from __future__ import annotations

from pathlib import Path

import pytest
from run_tables import RunTables


@pytest.fixture
def tables(tmp_path: Path) -> RunTables:
    return RunTables(tmp_path)
