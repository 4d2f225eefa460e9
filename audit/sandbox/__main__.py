"""``python -m audit.sandbox``: serve until standard input ends or a signal comes.

The first line on standard output is JSON with ``config`` (an audit.toml), ``files`` (beside it), ``environment`` and
``endpoints``; the last one is the report.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

from audit.errors import JobauditError
from audit.sandbox.faults import PRESETS
from audit.sandbox.options import SandboxOptions
from audit.sandbox.server import Sandbox


def _options(arguments: list[str] | None) -> tuple[SandboxOptions, bool]:
    parser = argparse.ArgumentParser(prog="python -m audit.sandbox", description="a simulated Azure on loopback")
    parser.add_argument("--options", help="SandboxOptions as JSON; the other options are then ignored")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=0, help="0: the story; N: that many generated jobs")
    parser.add_argument("--subscriptions", type=int, default=2)
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--now", type=_moment, help="the moment at which the estate stands")
    parser.add_argument("--faults", action="append", default=[], choices=sorted(PRESETS))
    parser.add_argument("--credential", choices=("managed_identity", "client_secret"), default="managed_identity")
    given = parser.parse_args(arguments)
    if given.options is not None:
        return msgspec.json.decode(given.options, type=SandboxOptions), True
    named: dict[str, Any] = {"now": given.now} if given.now else {}
    options = SandboxOptions(
        seed=given.seed,
        jobs=given.jobs,
        subscriptions=given.subscriptions,
        latency_ms=given.latency,
        port=given.port,
        faults=tuple(given.faults),
        credential=given.credential,
        **named,
    )
    return options, not sys.stdin.isatty()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _serve(options: SandboxOptions, *, until_input_ends: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if until_input_ends:
        loop.add_reader(sys.stdin.fileno(), _read_on, stopped)
    async with Sandbox(options) as sandbox:
        _say(
            {
                "ready": True,
                "config": sandbox.config_toml(),
                "naming": sandbox.naming_toml(),
                "files": sandbox.files(),
                "environment": sandbox.environment(),
                "endpoints": sandbox.endpoints._asdict(),
            }
        )
        await stopped.wait()
        _say(sandbox.report())


def _read_on(stopped: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stopped.set()


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Serve; return the exit code."""
    try:
        options, until_input_ends = _options(arguments)
        asyncio.run(_serve(options, until_input_ends=until_input_ends))
    except JobauditError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"the sandbox can't listen: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
