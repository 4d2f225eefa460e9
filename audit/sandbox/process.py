"""The sandbox in a process of its own, for the demo: started, announced by one line of JSON, stopped, reported."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

import audit
from audit.errors import UsageError
from audit.sandbox.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.sandbox.options import SandboxOptions


_GRACE_S = 5.0


class SandboxHandle:
    """A running sandbox process.

    ``config`` is its audit.toml, which may stand alone; ``files`` lie beside it where ``naming`` is added to it;
    ``environment`` is what the collector's process needs.
    """

    def __init__(self, config: str, naming: str, files: dict[str, str], environment: dict[str, str]) -> None:
        self.config = config
        self.naming = naming
        self.files = files
        self.environment = environment
        self._final: dict[str, Any] | None = None

    def report(self) -> dict[str, Any]:
        """Return the counts so far, or the final ones after the process has stopped."""
        if self._final is not None:
            return self._final
        address = urlsplit(self.environment["IDENTITY_ENDPOINT"])
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        try:
            connection.request("GET", "/admin/report")
            found: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return found

    def finish(self, last_line: str) -> None:
        """Keep the report that the process printed last."""
        self._final = json.loads(last_line)


@contextmanager
def start(options: SandboxOptions) -> Iterator[SandboxHandle]:
    """Run a sandbox until the block ends. It also ends by itself when this process does.

    Raises UsageError for an unknown fault preset, and when the process doesn't come up, with what it said.
    """
    Faults(options.faults)
    package = Path(audit.__file__).resolve().parent.parent
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-P", "-m", "audit.sandbox", "--options", msgspec.json.encode(options).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(package), *_inherited_path()])},
            start_new_session=True,  # Ctrl-C is the collector's: the sandbox goes on until its input ends
        )
        handle: SandboxHandle | None = None
        try:
            handle = _ready(process, said)
            yield handle
        finally:
            _stop(process, handle)


def _ready(process: subprocess.Popen[str], said: IO[bytes]) -> SandboxHandle:
    ready = (process.stdout.readline() if process.stdout else "").strip()
    if ready:
        announced = json.loads(ready)
        return SandboxHandle(*(announced[each] for each in ("config", "naming", "files", "environment")))
    process.wait()
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    raise UsageError("the sandbox did not start", hint=lines[-1] if lines else "it said nothing")


def _inherited_path() -> list[str]:
    return [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]


def _stop(process: subprocess.Popen[str], handle: SandboxHandle | None) -> None:
    """Close its input, which ends it; be firm if that doesn't help."""
    try:
        said, _ = process.communicate(input="", timeout=_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return
    lines = said.strip().splitlines()
    if handle is not None and lines:
        handle.finish(lines[-1])
