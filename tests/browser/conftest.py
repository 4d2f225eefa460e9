"""Debian's Chromium, driven by playwright, looking at the report as a reader does: from files, without a network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "render"))
import dossier_fixture
import report_fixture

CHROMIUM = Path(os.environ.get("JOBAUDIT_CHROMIUM", "/usr/bin/chromium"))


@pytest.fixture(scope="module")  # its event loop must be gone before an asyncio test of this process
def browser() -> Iterator[Any]:
    """A running browser. Without one the tests are skipped, loudly; in CI that is a failure."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{CHROMIUM} is missing, and CI must not skip the browser tests", pytrace=False)
        pytest.skip(f"NOT TESTED: {CHROMIUM} is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        yield started
        started.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the fixture's run, hostile text and gaps included."""
    root = tmp_path_factory.mktemp("browser")
    stored = report_fixture.store(root / "output")
    with report_fixture.tables(stored, root / "tables.duckdb") as con:
        dossier_fixture.fill(con)
        return report_fixture.render(stored, con, root / "pack")
