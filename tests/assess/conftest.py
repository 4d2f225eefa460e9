from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "derive"))  # the builder of tables is shared

from run_tables import RunTables


@pytest.fixture
def tables(tmp_path: Path) -> RunTables:
    return RunTables(tmp_path)
