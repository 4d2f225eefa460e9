"""The command run as a script runs it, and how a refusal looks."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from audit.sandbox import process


def jobaudit(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audit", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def reaching(handle: process.SandboxHandle, folder: Path) -> Path:
    config = folder / "audit.toml"
    config.write_text(handle.config)
    return config


def refused(ran: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert ran.returncode == code, ran.stderr
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    assert "what to do" in ran.stderr
    assert len(ran.stderr.splitlines()) < 12, "one screen"
    for word in words:
        assert word in ran.stderr


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
