"""What a collection costs at scale, beside a floor measured in the same run: `make bench`.

The estate is served by the sandbox in a process of its own, so the figures are the collector's alone. The floor is bare
aiohttp reading the same number of answers over TLS from the same server and throwing them away.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import ssl
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from audit.collect import Silent
from audit.config import parse
from audit.pipeline import SandboxOptions, collect, render, role, window_of
from audit.sandbox import process


async def floor(config: str, path: str, requests: int, concurrency: int) -> float:
    """Return CPU milliseconds per request of bare aiohttp."""
    settings = parse(config)
    context = ssl.create_default_context(cafile=settings.cloud.ca_file)
    connector = aiohttp.TCPConnector(ssl=context, limit=concurrency)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        identity = f"{os.environ['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource={settings.cloud.audience}"
        async with session.get(identity, headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]}) as answer:
            token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        slots = asyncio.Semaphore(concurrency)

        async def one() -> None:
            async with slots, session.get(settings.cloud.resource_manager + path, headers=headers) as answer:
                await answer.read()

        await one()
        began = time.process_time()
        await asyncio.gather(*(one() for _ in range(requests)))
        return (time.process_time() - began) * 1000 / requests


def measure(options: SandboxOptions, output: Path) -> dict[str, Any]:
    """Collect and render once; return the figures."""
    with process.start(options) as sandbox:
        os.environ.update(sandbox.environment)
        settings = parse(sandbox.config)
        bare = asyncio.run(
            floor(
                sandbox.config,
                f"/subscriptions/{settings.scope.subscriptions[0]}?api-version=2022-12-01",
                requests=500,
                concurrency=settings.collect.concurrency,
            )
        )
        window = window_of(settings, options.now)
        made = collect(settings, output=output, window=window, progress=Silent())
    began, cpu = time.monotonic(), time.process_time()
    rendered = render(made.run_id, pack="compliance", output=output)
    stats, requests = made.stats, sum(made.stats.requests.values())
    size = sum(path.stat().st_size for path in rendered.path.rglob("*") if path.is_file())
    return {
        "jobs": options.jobs,
        "subscriptions": options.subscriptions,
        "latency_ms": options.latency_ms,
        "units": made.units,
        "gaps": made.gaps,
        "requests": requests,
        "requests_per_job": round(requests / options.jobs, 2),
        "cpu_ms_per_request": round(stats.cpu_seconds * 1000 / requests, 2),
        "cpu_ms_per_request_bare_aiohttp": round(bare, 2),
        "ratio_to_bare_aiohttp": round(stats.cpu_seconds * 1000 / requests / bare, 2),
        "collect_wall_s": stats.wall_seconds,
        "collect_cpu_s": stats.cpu_seconds,
        "collect_peak_rss_mib": stats.peak_rss_mib,
        "render_wall_s": round(time.monotonic() - began, 2),
        "render_cpu_s": round(time.process_time() - cpu, 2),
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "pack_files": sum(1 for path in rendered.path.rglob("*") if path.is_file()),
        "pack_mib": round(size / 2**20, 1),
        "requests_by_family": dict(stats.requests),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--subscriptions", type=int, default=20)
    parser.add_argument("--latency", type=float, default=40.0)
    given = parser.parse_args()
    options = SandboxOptions(
        jobs=given.jobs, subscriptions=given.subscriptions, latency_ms=given.latency, caller_role=role()
    )
    with tempfile.TemporaryDirectory(prefix="jobaudit-bench-") as folder:
        print(json.dumps(measure(options, Path(folder)), indent=2))


if __name__ == "__main__":
    main()
