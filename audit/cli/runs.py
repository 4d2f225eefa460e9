"""From Azure to a pack: demo, run, collect, resume, render, schedule."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from audit import pipeline
from audit.cli.app import app
from audit.cli.change import Attach, Job, Proposed, Ticket, change_of, collected_over, moments
from audit.cli.options import Config, FailOn, Formats, Month, Output, Since, Until
from audit.cli.own import Own, output_of, window_of
from audit.cli.telling import finish, tell_collection, watching
from audit.config import Settings, beside, load
from audit.errors import ExitCode
from audit.terminal import visible


@app.command()
def demo(
    pack: Annotated[str, typer.Option(help="Which pack.")] = "compliance",
    output: Annotated[Path, typer.Option("--output", "-o", help="Where runs and packs go.")] = Path("output"),
    jobs: Annotated[int, typer.Option(min=0, help="0 = the story of about 12 jobs; N = that many generated ones.")] = 0,
    subscriptions: Annotated[int, typer.Option(min=1, help="With --jobs: over how many subscriptions.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed is the same estate.")] = 7,
    latency: Annotated[float, typer.Option(min=0, help="Milliseconds added to every answer of the sandbox.")] = 0.0,
    faults: Annotated[
        list[str] | None, typer.Option(help="Faults that the sandbox injects; see `sandbox serve`.")
    ] = None,
) -> None:
    """Serve a simulated estate, collect it as if it were Azure, and render a pack. Needs no Azure account."""
    wanted = pipeline.SandboxOptions(
        jobs=jobs, subscriptions=subscriptions, seed=seed, latency_ms=latency, faults=tuple(faults or ())
    )
    with watching() as watch:
        made = pipeline.demo(output=output, pack=pack, options=wanted, progress=watch)
        tell_collection(watch, made.collection)
        finish(watch, made.rendered)
    raise typer.Exit(made.rendered.exit_code())


@app.command()
def run(
    pack: Annotated[str, typer.Argument(help="compliance, access-review or change (cost-review follows).")],
    config: Config = Path("audit.toml"),
    output: Output = None,
    since: Since = None,
    until: Until = None,
    month: Month = None,
    formats: Formats = None,
    job: Job = None,
    ticket: Ticket = "",
    attach: Attach = None,
    proposed: Proposed = None,
    fail_on: FailOn = None,
) -> None:
    """Collect and render: the whole way from Azure to a pack.

    Of a change pack, --since and --until (or --month) say when the change was made; what is collected reaches from a
    week before it until now.
    """
    pipeline.check_pack(pack)
    change = change_of(pack, job, ticket, attach, proposed, moments(since, until, month))
    settings = load(config)
    place = output_of(settings, config, output)
    own, stated = Own(settings, config), beside(config, settings)
    key, stamp = own.key, own.stamp
    with watching() as watch:
        collection = pipeline.collect(
            settings,
            output=place,
            window=collected_over(settings, since, until, month, change),
            controls=own.controls,
            key_file=own.key_file,
            stated=stated,
            progress=watch,
        )
        tell_collection(watch, collection)
        rendered = pipeline.render(
            collection.run_id,
            pack=pack,
            output=place,
            controls=own.controls,
            capabilities=own.capabilities,
            templates=own.templates,
            formats=[each.value for each in formats or ()],
            change=change,
            key=key,
            stamp=stamp,
        )
        finish(watch, rendered)
    raise typer.Exit(rendered.exit_code(fail_on))


@app.command()
def collect(
    config: Config = Path("audit.toml"),
    output: Output = None,
    since: Since = None,
    until: Until = None,
    month: Month = None,
    kinds: Annotated[str, typer.Option(help="Evidence kinds, separated by commas; empty = all.")] = "",
) -> None:
    """Collect only; prints the run's folder."""
    settings = load(config)
    own, stated = Own(settings, config), beside(config, settings)
    with watching() as watch:
        made = pipeline.collect(
            settings,
            output=output_of(settings, config, output),
            window=window_of(settings, since, until, month),
            kinds=[name for name in re.split(r"[,\s]+", kinds) if name],
            controls=own.controls,
            key_file=own.key_file,
            stated=stated,
            progress=watch,
        )
        tell_collection(watch, made)
    typer.echo(made.path)
    raise typer.Exit(ExitCode.INCOMPLETE if made.gaps else ExitCode.OK)


@app.command()
def resume(
    run_ref: Annotated[str, typer.Argument(metavar="RUN", help="A run's id or folder.")],
    config: Config = Path("audit.toml"),
    output: Output = None,
) -> None:
    """Collect only what a run lacks: what never ended, and its gaps."""
    settings = load(config)
    with watching() as watch:
        made = pipeline.resume(
            settings,
            run_ref,
            output=output_of(settings, config, output),
            key_file=Own(settings, config).key_file,
            progress=watch,
        )
        tell_collection(watch, made)
    typer.echo(made.path)
    raise typer.Exit(ExitCode.INCOMPLETE if made.gaps else ExitCode.OK)


@app.command()
def render(
    run_ref: Annotated[str, typer.Argument(metavar="RUN", help="A run's id or folder, or latest.")],
    pack: Annotated[str, typer.Option(help="Which pack.")] = "compliance",
    config: Annotated[Path | None, typer.Option("--config", "-c", help="For your own controls and templates.")] = None,
    output: Output = None,
    since: Since = None,
    until: Until = None,
    month: Month = None,
    formats: Formats = None,
    incident: Annotated[
        list[str] | None,
        typer.Option(help="JOB=SINCE/UNTIL: an incident view of this time too; repeat for more.", metavar="…"),
    ] = None,
    job: Job = None,
    ticket: Ticket = "",
    attach: Attach = None,
    proposed: Proposed = None,
    fail_on: FailOn = None,
) -> None:
    """Render a stored run into a pack, offline; with a window, of what history knows of that time.

    Where --until isn't given the window ends as the run's own does.
    Of a change pack, --since and --until (or --month) say when the change was made, within the run's window.
    """
    change = change_of(pack, job, ticket, attach, proposed, moments(since, until, month))
    settings = load(config) if config else Settings()
    own, place = Own(settings, config or Path()), output_of(settings, config or Path("audit.toml"), output)
    if since and not until and not change:
        until = pipeline.end_of(run_ref, place).isoformat()
    with watching() as watch:
        rendered = pipeline.render(
            run_ref,
            pack=pack,
            output=place,
            controls=own.controls,
            capabilities=own.capabilities,
            templates=own.templates,
            formats=[each.value for each in formats or ()],
            window=window_of(settings, since, until, month) if not change and (since or until or month) else None,
            incidents=incident or (),
            change=change,
            key=own.key,
            stamp=own.stamp,
        )
        finish(watch, rendered)
    raise typer.Exit(rendered.exit_code(fail_on))


@app.command()
def schedule(config: Config = Path("audit.toml"), output: Output = None) -> None:
    """Propose how often to collect what, so that Azure forgets nothing in between: a table, and lines for cron."""
    place = output_of(load(config), config, output)
    made = pipeline.schedule(output=place, config=config, elsewhere=output is not None)
    if made.run_id:
        typer.echo(f"From run {made.run_id} and history; what was observed may double before anything is lost.")
    else:
        typer.echo("Nothing was collected here yet, so these are cautious defaults; ask again after the first run.")
    for each in made.proposals:
        rate = "" if each.observed_per_day is None else f"{each.observed_per_day:.1f}"
        typer.echo(visible(f"{each.kind:<17} {each.words:<17} {rate:>8}  {each.reason}"))
        if each.scope != "/":
            typer.echo(visible(f"{'':<44}  asked for by {each.scope}"))
    typer.echo("")
    for line in made.cron:
        typer.echo(visible(line))
