"""The demo: the sandbox as another process, the collector as ever, a pack at the end. No Azure account is needed."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from audit.config import beside, load
from audit.errors import JobauditError
from audit.pipeline.collecting import Collection, collect, role, window_of
from audit.pipeline.rendering import Rendered, check_pack, render
from audit.sandbox import process

if TYPE_CHECKING:
    from audit.collect import Progress
    from audit.sandbox.options import SandboxOptions


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo made, and what the simulated Azure says about it."""

    collection: Collection
    rendered: Rendered
    violations: int
    """Write attempts that the sandbox saw; anything but 0 is a defect."""


def demo(*, output: Path, pack: str = "compliance", options: SandboxOptions, progress: Progress) -> Demo:
    """Serve a simulated estate, collect it over TLS with the real SDK, and render a pack."""
    check_pack(pack)
    granted = msgspec.structs.replace(options, caller_role=role())
    with (
        process.start(granted) as sandbox,
        _environment(sandbox.environment),
        tempfile.TemporaryDirectory(prefix="jobaudit-demo-") as folder,
    ):
        config = Path(folder) / "audit.toml"
        _lay(config, sandbox)
        settings = load(config)
        window = window_of(settings, options.now)
        stated = beside(config, settings)
        collection = collect(settings, output=output, window=window, stated=stated, progress=progress)
        violations = len(sandbox.report()["violations"])
    if violations:
        raise JobauditError(f"the collector tried to write {violations} times", hint="this is a defect: report it")
    rendered = render(collection.run_id, pack=pack, output=output)
    return Demo(collection=collection, rendered=rendered, violations=violations)


def _lay(config: Path, sandbox: process.SandboxHandle) -> list[Path]:
    """Write the sandbox's audit.toml and what lies beside it; a file that is there already stays, and is returned."""
    config.write_text(sandbox.config + sandbox.naming, encoding="utf-8")
    there = []
    for name, text in sandbox.files.items():
        path = config.parent / name
        if path.exists():
            there.append(path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return there


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables, as the platform does for a managed identity, and take them back."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def serve(options: SandboxOptions, *, config: Path, tell: Callable[[str], None]) -> None:
    """Serve the sandbox until it is interrupted; ``config`` is written so that a collection can reach it."""
    with process.start(msgspec.structs.replace(options, caller_role=role())) as sandbox:
        for path in _lay(config, sandbox):
            tell(f"{path} was there already and stays as it is")
        tell(f"serving; {config} reaches it, with these variables in the environment:")
        for name, value in sorted(sandbox.environment.items()):
            tell(f"export {name}={value}")
        threading.Event().wait()  # until Ctrl-C
