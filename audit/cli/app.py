"""The command and its groups of verbs, and the options that stand before any verb."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from audit import __version__, ending

app = typer.Typer(
    name="jobaudit",
    help="Audit evidence for Azure Container Apps event-driven jobs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
controls = typer.Typer(help="Look at the controls.", no_args_is_help=True, rich_markup_mode=None)
review = typer.Typer(help="Take in what came back of an access review.", no_args_is_help=True, rich_markup_mode=None)
sandbox = typer.Typer(help="The simulated Azure.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(controls, name="controls")
app.add_typer(review, name="review")
app.add_typer(sandbox, name="sandbox")


class LogFormat(StrEnum):
    """How progress is told on stderr."""

    TEXT = "text"
    JSON = "json"


def _version(value: bool) -> None:
    if value:
        typer.echo(f"jobaudit {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.")] = False,
    log_format: Annotated[LogFormat, typer.Option(help="Progress on stderr: text or json.")] = LogFormat.TEXT,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,  # noqa: ARG001
) -> None:
    """Audit evidence for Azure Container Apps event-driven jobs."""
    ending.Telling.debug, ending.Telling.log_format = debug, log_format.value
