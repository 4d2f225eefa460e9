"""What differs between two runs or packs."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from audit import pipeline
from audit.cli.app import app
from audit.cli.options import Output
from audit.cli.own import Own, output_of
from audit.config import Settings, load
from audit.terminal import visible


class DiffFormat(StrEnum):
    """How differences are told."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A pack's or a run's id or folder, or latest.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Likewise: what it is compared with.")],
    told: Annotated[DiffFormat, typer.Option("--format", help="text, json or html.")] = DiffFormat.TEXT,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Write it there, not on stdout.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Of text: at most so many differences of an area.")] = 50,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="For your own controls and templates.")] = None,
    output: Output = None,
) -> None:
    """Tell what differs between two runs or packs; what a gap may explain is unknown, and then the exit code is 3."""
    settings = load(config) if config else Settings()
    own = Own(settings, config or Path())
    with pipeline.diff(
        old,
        new,
        output=output_of(settings, config or Path("audit.toml"), output),
        controls=own.controls,
        capabilities=own.capabilities,
    ) as compared:

        def write(file: BinaryIO) -> None:
            if told is DiffFormat.JSON:
                compared.write_json(file)
            elif told is DiffFormat.HTML:
                compared.write_html(file, own.templates)
            else:
                told_lines = compared.lines(limit)
                file.writelines(f"{visible(line)}\n".encode("utf-8", "backslashreplace") for line in told_lines)

        if to is None:
            write(sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            pipeline.save(to, write)
            typer.echo(to)
        code = compared.exit_code
    raise typer.Exit(code)
