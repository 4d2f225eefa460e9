"""One collection of the demo's estate for all tests of proposals."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path
from typing import Any

import pytest
from proposed_estate import BEGAN, KINDS, Estate, chosen

from audit import assess
from audit.pipeline.tabling import derived
from audit.store import Store
from tests.conftest import collected, serving


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    output = tmp_path_factory.mktemp("proposed-on")
    resources = asyncio.run(_collected(output))
    store = Store(output)
    stored = store.open("run-1")
    made = Estate(output, stored, output / "now.duckdb", resources)
    derived(stored, made.database, history=store.history)
    assess.assess(made.database, made.run, chosen())
    return made


async def _collected(output: Path) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        async with serving() as sandbox:
            for name, value in sandbox.environment().items():
                patch.setenv(name, value)
            await collected(sandbox, output, kinds=KINDS, run_id="run-1", at=BEGAN)
            return copy.deepcopy(sandbox.estate.resources)
