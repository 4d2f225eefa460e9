"""The way back of an access review."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from audit import pipeline
from audit.cli.app import review
from audit.terminal import visible


@review.command("import")
def review_import(
    files: Annotated[list[Path], typer.Argument(metavar="FILE.xlsx …", help="Returned workbooks of one review.")],
    pack: Annotated[str, typer.Option(help="The pack's id or folder; default: the one that the workbooks name.")] = "",
    key: Annotated[Path | None, typer.Option("--key", help="Your own private key (PEM): signs the record.")] = None,
    passphrase_env: Annotated[str, typer.Option(help="The environment variable with its passphrase.")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where runs and packs are.")] = None,
) -> None:
    """Take in the decisions of returned workbooks, all or none; prints how the review stands."""
    signing = pipeline.approver_key(key, passphrase_env, dict(os.environ))
    made = pipeline.review_import(files, pack=pack, output=output, key=signing)
    for name in made.known:
        typer.echo(visible(f"{name} was imported before: no new record of it"), err=True)
    if made.record:
        typer.echo(f"recorded in {made.record}", err=True)
    _tell_review(made)


@review.command("status")
def review_status(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="An access-review pack's id or folder.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where runs and packs are.")] = None,
) -> None:
    """Print how a review stands: who owes what, what has to be done until when."""
    _tell_review(pipeline.review_status(pack, output=output))


def _tell_review(made: pipeline.Reviewed) -> None:
    for line in made.words:
        typer.echo(visible(line))
    raise typer.Exit(made.exit_code)
