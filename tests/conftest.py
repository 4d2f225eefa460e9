"""What every test may ask for: a running sandbox, settings that reach it, and a collection of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from audit import evidence
from audit.azure import connect
from audit.collect import Silent
from audit.collect import collect as collect_units
from audit.config import Settings, parse
from audit.model import Run, RunState, Window
from audit.model.role import least_privilege
from audit.sandbox import Sandbox
from audit.sandbox.options import SandboxOptions
from audit.store import RunWriter, Store

NOW = datetime.now(UTC).replace(hour=6, minute=0, second=0, microsecond=0) - timedelta(days=1)
"""Yesterday morning: Azure's retention counts from the real clock, so a fixed date would run out of it."""


def needs(program: str) -> pytest.MarkDecorator:
    """Skip, loudly, where a program is missing; in CI its absence is a failure."""
    missing = shutil.which(program) is None
    if missing and os.environ.get("CI"):
        pytest.fail(f"{program} is missing, and CI must not skip the tests that need it", pytrace=False)
    return pytest.mark.skipif(missing, reason=f"NOT TESTED: {program} is not installed")


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder with recorded Azure answers."""
    folder = os.environ.get("JOBAUDIT_RECORDED")
    if not folder:
        pytest.skip("NOT TESTED: JOBAUDIT_RECORDED names no folder with recorded Azure answers")
    path = Path(folder)
    assert path.is_dir(), f"JOBAUDIT_RECORDED={folder} is not a folder"
    return path


def role() -> dict[str, Any]:
    """The generated least-privilege role: what every test's collector holds, so the tests prove it is enough."""
    return least_privilege(evidence.KINDS)


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Sandbox]:
    """Serve a sandbox whose collector holds the least-privilege role, unless another is given."""
    async with Sandbox(SandboxOptions(**{"now": NOW, "caller_role": role(), **options})) as sandbox:
        yield sandbox


def settings_for(sandbox: Sandbox, **scope: Any) -> Settings:
    """Settings that reach a sandbox; keywords replace fields of [scope]."""
    settings = parse(sandbox.config_toml())
    return msgspec.structs.replace(settings, scope=msgspec.structs.replace(settings.scope, **scope))


async def collected(
    sandbox: Sandbox,
    output: Path,
    *,
    kinds: tuple[str, ...] = (),
    settings: Settings | None = None,
    window: Window | None = None,
    wait: float = 5.0,
    resume: str | None = None,
    progress: Any = None,
    before: Callable[[], None] | None = None,
    run_id: str = "test-run",
    at: datetime = NOW,
) -> Run:
    """Collect from a sandbox through exactly the code that reaches Azure; return the closed run."""
    from audit.pipeline.collecting import begin, closure

    settings = settings or settings_for(sandbox)
    settings = msgspec.structs.replace(settings, collect=msgspec.structs.replace(settings.collect, wait_seconds=wait))
    chosen = closure(kinds)
    window = window or Window.last(30, at)
    store = Store(output)
    async with connect(settings.cloud, settings.credential) as azure:
        run = msgspec.structs.replace(begin(settings, azure, window, chosen), run_id=run_id, started=at)
        writer: RunWriter = store.resume(resume) if resume else store.create(run)
        if before:
            before()
        state = RunState.INTERRUPTED
        with writer:
            try:
                await collect_units(
                    azure, writer, chosen, settings=settings, window=window, progress=progress or Silent()
                )
                state = RunState.DONE
            finally:
                writer.close(msgspec.structs.replace(writer.run, state=state, finished=at))
    return writer.run


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """A sandbox with the story estate."""
    async with serving() as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        yield served
