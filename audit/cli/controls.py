"""Controls: list them, show one, try them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit import pipeline
from audit.cli.app import controls
from audit.cli.options import Output
from audit.cli.own import Own, output_of
from audit.config import Settings, load
from audit.errors import ExitCode, UsageError
from audit.terminal import visible


@controls.command("list")
def controls_list(config: Annotated[Path | None, typer.Option("--config", "-c")] = None) -> None:
    """List every control: id, severity, area, title."""
    for each in pipeline.controls_in(Own(load(config), config).controls if config else ()):
        typer.echo(f"{each.id:<8} {each.header.severity:<9} {each.header.area:<14} {each.header.title}")


@controls.command("show")
def controls_show(control_id: str, config: Annotated[Path | None, typer.Option("--config", "-c")] = None) -> None:
    """Print one control as it is: what it checks, why, and its SQL."""
    loaded = pipeline.controls_in(Own(load(config), config).controls if config else ())
    for each in loaded:
        if each.id.lower() == control_id.lower():
            typer.echo(visible(each.text))
            return
    raise UsageError(f'there is no control "{control_id}"', hint="controls: " + ", ".join(each.id for each in loaded))


@controls.command("test")
def controls_test(
    run_ref: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id or folder; with --fixture, a control's .sql file.")
    ],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="For your own controls.")] = None,
    output: Output = None,
    fixture: Annotated[
        Path | None, typer.Option(help="A folder of small tables and expected verdicts, or one TOML or JSON file.")
    ] = None,
) -> None:
    """Run every control over a stored run, or one over a fixture; prints how they answer, or what is wrong."""
    if fixture is not None:
        raise typer.Exit(_tried(Path(run_ref), fixture))
    settings = load(config) if config else Settings()
    place = output_of(settings, config or Path("audit.toml"), output)
    own = Own(settings, config or Path())
    for name, verdict, count in pipeline.trial(
        run_ref, output=place, controls=own.controls, capabilities=own.capabilities
    ):
        typer.echo(f"{name:<8} {verdict:<14} {count:>7}")


def _tried(control: Path, fixture: Path) -> ExitCode:
    """Run a control over a fixture and tell what differs from what is expected: 1 where anything does."""
    tried = pipeline.try_out(control, fixture)
    right, wrong = tried.comparison
    typer.echo(visible(f"{tried.control_id} over {fixture}: {right} as expected, {len(wrong)} not"))
    for line in wrong:
        typer.echo(visible(f"  {line}"))
    return ExitCode.FINDINGS if wrong else ExitCode.OK
