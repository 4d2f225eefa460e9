"""A wheel installed elsewhere runs from any directory: it carries its controls, templates and the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (found,) = target.glob("jobaudit-*.whl")
    return found


def test_the_wheel_carries_what_the_program_reads(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "audit/_data/config/audit.toml",
        "audit/_data/config/jobs.toml",
        "audit/_data/config/prices.toml",
        "audit/_data/config/scalers.json",
        "audit/_data/config/controls/identity/JA-13-no-plain-secret.sql",
        "audit/_data/report_templates/index.html",
        "audit/_data/report_templates/style.css",
        "audit/sandbox/estate/roles.json",
    ):
        assert name in names, name
    assert not [name for name in names if name.startswith(("tests/", "output/", "bench/"))]


def test_an_installed_wheel_makes_the_demo_pack_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "audit", "demo", "--output", "made"],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert (elsewhere / ran.stdout.strip() / "index.html").is_file()
    where = subprocess.run(
        [sys.executable, "-P", "-c", "import audit; print(audit.__file__)"],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(site)), "the wheel's own code ran, not the checkout's"
