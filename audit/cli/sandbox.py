"""The simulated Azure, served for trying things out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit import pipeline
from audit.cli.app import sandbox


@sandbox.command("serve")
def sandbox_serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 = any free port.")] = 0,
    jobs: Annotated[int, typer.Option(min=0, help="0 = the story of about 12 jobs.")] = 0,
    subscriptions: Annotated[int, typer.Option(min=1)] = 2,
    latency: Annotated[float, typer.Option(min=0, help="Milliseconds added to every answer.")] = 0.0,
    seed: Annotated[int, typer.Option()] = 7,
    faults: Annotated[list[str] | None, typer.Option(help="Preset faults; repeat for several.")] = None,
    config: Annotated[Path, typer.Option(help="Where to write an audit.toml that reaches it.")] = Path("sandbox.toml"),
) -> None:
    """Serve the simulated estate until Ctrl-C, and write an audit.toml that reaches it."""
    pipeline.serve(
        pipeline.SandboxOptions(
            port=port, jobs=jobs, subscriptions=subscriptions, latency_ms=latency, seed=seed, faults=tuple(faults or ())
        ),
        config=config,
        tell=lambda text: typer.echo(text, err=True),
    )
