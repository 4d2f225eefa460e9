"""What several files of command tests ask for: the demo, a sandbox, a copy to damage."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from commanding import jobaudit

from audit.sandbox import SandboxOptions, process
from tests.conftest import NOW, role


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, jobaudit("demo", "--output", "out", cwd=folder)


@pytest.fixture(scope="session")
def served() -> Iterator[process.SandboxHandle]:
    with process.start(SandboxOptions(now=NOW, caller_role=role())) as handle:
        yield handle


@pytest.fixture
def copied(demo: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path) -> Path:
    """A copy of the demo's output to damage; returns its run folder."""
    shutil.copytree(demo[0] / "out", tmp_path / "output")
    (run,) = (tmp_path / "output" / "runs").iterdir()
    return run
