"""Before anything is collected: whether it will work, and the role that it needs."""

from __future__ import annotations

import json
import os
from itertools import chain
from pathlib import Path

import typer

from audit import pipeline
from audit.cli.app import app
from audit.cli.options import Config
from audit.config import beside, load
from audit.errors import ExitCode
from audit.terminal import visible


@app.command()
def doctor(config: Config = Path("audit.toml")) -> None:
    """Check the configuration and what lies beside it, the sign-in, the caller's permissions and what seals packs."""
    good, settings = True, load(config)
    beside(config, settings)
    for finding in chain(pipeline.examine(settings), pipeline.examine_seal(settings, config.parent, os.environ)):
        good = good and finding.good
        typer.echo(visible(f"{'ok     ' if finding.good else 'LACKING'}  {finding.what}"))
        if finding.hint:
            typer.echo(f"         {finding.hint}")
    raise typer.Exit(ExitCode.OK if good else ExitCode.INCOMPLETE)


@app.command()
def role() -> None:
    """Print the collector's least-privilege role, made from the evidence kinds, for `az role definition create`."""
    typer.echo(json.dumps(pipeline.role(), indent=2))
