"""The command ``jobaudit``: verbs and options only; each verb is one call into the pipeline."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit import __version__, ending, pipeline
from audit.config import Settings, beside, capabilities, load, period
from audit.errors import ExitCode, UsageError
from audit.model import Severity, Window
from audit.model.approval import ApprovalDecision
from audit.terminal import Watch, visible

if TYPE_CHECKING:
    from audit.seal.keys import Signing

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


class PackFormat(StrEnum):
    """What a pack can hold beside its data."""

    HTML = "html"
    XLSX = "xlsx"
    RESULTS = "results"


Config = Annotated[Path, typer.Option("--config", "-c", help="The audit.toml.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Where runs and packs go. Default: store.output.")]
Since = Annotated[str | None, typer.Option(help="Start of the window: RFC 3339 or a date, UTC.")]
Until = Annotated[str | None, typer.Option(help="End of the window (excluded): RFC 3339 or a date, UTC.")]
Month = Annotated[str | None, typer.Option(help="A calendar month in UTC: YYYY-MM, or last.")]
FailOn = Annotated[Severity | None, typer.Option(help="Exit 1 where a failure weighs at least this.")]
_TOLD = 20
"""Lines of one check on the terminal."""
Formats = Annotated[
    list[PackFormat] | None, typer.Option("--format", help="html, xlsx, results; repeat for several. Default: all.")
]


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
    with _watch() as watch:
        made = pipeline.demo(output=output, pack=pack, options=wanted, progress=watch)
        _tell_collection(watch, made.collection)
        _finish(watch, made.rendered)
    raise typer.Exit(made.rendered.exit_code())


@app.command()
def run(
    pack: Annotated[str, typer.Argument(help="compliance (access-review, cost-review and change follow).")],
    config: Config = Path("audit.toml"),
    output: Output = None,
    since: Since = None,
    until: Until = None,
    month: Month = None,
    formats: Formats = None,
    fail_on: FailOn = None,
) -> None:
    """Collect and render: the whole way from Azure to a pack."""
    pipeline.check_pack(pack)
    settings = load(config)
    place = _output(settings, config, output)
    own, stated = _own(settings, config), beside(config, settings)
    key = own.key
    with _watch() as watch:
        collection = pipeline.collect(
            settings,
            output=place,
            window=_window(settings, since, until, month),
            controls=own.controls,
            key_file=own.key_file,
            stated=stated,
            progress=watch,
        )
        _tell_collection(watch, collection)
        rendered = pipeline.render(
            collection.run_id,
            pack=pack,
            output=place,
            controls=own.controls,
            capabilities=own.capabilities,
            templates=own.templates,
            formats=[each.value for each in formats or ()],
            key=key,
        )
        _finish(watch, rendered)
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
    own, stated = _own(settings, config), beside(config, settings)
    with _watch() as watch:
        made = pipeline.collect(
            settings,
            output=_output(settings, config, output),
            window=_window(settings, since, until, month),
            kinds=[name for name in re.split(r"[,\s]+", kinds) if name],
            controls=own.controls,
            key_file=own.key_file,
            stated=stated,
            progress=watch,
        )
        _tell_collection(watch, made)
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
    with _watch() as watch:
        made = pipeline.resume(
            settings,
            run_ref,
            output=_output(settings, config, output),
            key_file=_own(settings, config).key_file,
            progress=watch,
        )
        _tell_collection(watch, made)
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
    fail_on: FailOn = None,
) -> None:
    """Render a stored run into a pack, offline; with a window, of what history knows of that time."""
    settings = load(config) if config else Settings()
    own = _own(settings, config or Path())
    with _watch() as watch:
        rendered = pipeline.render(
            run_ref,
            pack=pack,
            output=_output(settings, config or Path("audit.toml"), output),
            controls=own.controls,
            capabilities=own.capabilities,
            templates=own.templates,
            formats=[each.value for each in formats or ()],
            window=_window(settings, since, until, month) if since or until or month else None,
            incidents=incident or (),
            key=own.key,
        )
        _finish(watch, rendered)
    raise typer.Exit(rendered.exit_code(fail_on))


@app.command()
def schedule(config: Config = Path("audit.toml"), output: Output = None) -> None:
    """Propose how often to collect what, so that Azure forgets nothing in between: a table, and lines for cron."""
    place = _output(load(config), config, output)
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


@app.command()
def sql(
    where: Annotated[str, typer.Argument(metavar="PACK_DIR", help="A pack's or a run's id or folder.")],
    select: Annotated[str, typer.Argument(help="One SELECT over the tables.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where runs and packs are.")] = Path("output"),
) -> None:
    """Ask a pack or a run a question in SQL; prints JSON lines."""
    rows = pipeline.query(where, select, output=output)
    columns = next(rows)
    for row in rows:
        typer.echo(visible(json.dumps(dict(zip(columns, row, strict=True)), default=str, ensure_ascii=False)))


@app.command()
def verify(
    pack: Annotated[str, typer.Argument(metavar="PACK_DIR", help="A pack's id or folder.")],
    key: Annotated[
        list[Path] | None, typer.Option("--key", help="A public key (PEM) that you trust; repeat for several.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="For seal.trusted_keys.")] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Make the tables again from the raw answers, and compare.")
    ] = False,
    output: Output = None,
) -> None:
    """Check a pack offline: is it what was sealed, by whom, and does it say the same everywhere? Exit code 4 if not."""
    settings = load(config) if config else Settings()
    trusted = pipeline.trusted_keys(settings.seal, (config or Path()).parent, key or ())
    place = _output(settings, config or Path("audit.toml"), output)
    report = pipeline.verify(pack, output=place, trusted=trusted, deep=deep)
    for number, check in enumerate(report.checks, 1):
        typer.echo(visible(f"{number:>2}. {check.result.replace('_', ' '):<11}  {check.title}"))
        for told in check.told[:_TOLD]:
            typer.echo(visible(f"{'':<17}{told}"))
        if len(check.told) > _TOLD:
            typer.echo(f"{'':<17}and {len(check.told) - _TOLD} more")
    typer.echo(visible(report.verdict))
    raise typer.Exit(ExitCode.OK if report.intact else ExitCode.INTEGRITY)


@app.command()
def approve(
    pack: Annotated[str, typer.Argument(metavar="PACK_DIR", help="A pack's id or folder.")],
    by: Annotated[str, typer.Option(help="Who: a login name, as the directory has it.")],
    comment: Annotated[str, typer.Option(help="Why; the conditions, where there are any.")],
    decision: Annotated[ApprovalDecision | None, typer.Option(help="What is decided.")] = None,
    role: Annotated[str, typer.Option(help="In which role.")] = "",
    ticket: Annotated[str, typer.Option(help="The ticket that asked for it.")] = "",
    withdraw: Annotated[int | None, typer.Option(min=1, help="Take back the approval of this number instead.")] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="The approver's private key (PEM): signs the record.")
    ] = None,
    passphrase_env: Annotated[str, typer.Option(help="The environment variable with its passphrase.")] = "",
    output: Output = None,
) -> None:
    """Record an approval of a pack, about the digest of its seal; prints the record's file."""
    signing = pipeline.approver_key(key, passphrase_env, dict(os.environ))
    place = output or Path("output")
    if withdraw is None:
        if decision is None:
            raise UsageError("--decision is missing", hint="approved, rejected or approved-with-conditions")
        made = pipeline.approve(
            pack, output=place, decision=decision, by=by, role=role, ticket=ticket, comment=comment, key=signing
        )
    else:
        if decision or role or ticket:
            raise UsageError(
                "--withdraw takes back an approval, it gives none", hint="leave out --decision, --role, --ticket"
            )
        made = pipeline.withdraw(pack, output=place, number=withdraw, by=by, comment=comment, key=signing)
    with _watch() as watch:
        watch.note(f"the pack is {made.state.word}" + "".join(f"; lacking {each}" for each in made.state.lacking))
        if signing is None:
            watch.note("NOT SIGNED: this record is asserted; anybody could have typed the name. --key signs it")
        for told in made.flagged:
            watch.note(f"NOT INDEPENDENT, recorded and flagged: {by} {told}")
        for told in made.not_shown:
            watch.note(f"independence not shown: {told}")
    typer.echo(made.path)


@app.command()
def keygen(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The private key; FILE.pub.pem is its public half.")],
    passphrase_env: Annotated[
        str, typer.Option(help="Encrypt it with the passphrase in this environment variable.")
    ] = "",
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Ask for a passphrase and encrypt it.")] = False,
) -> None:
    """Make a key pair for signing packs and approvals: ECDSA P-256, readable by you alone. Never overwrites."""
    passphrase = ""
    if passphrase_env:
        passphrase = os.environ.get(passphrase_env, "")
    elif encrypt:
        passphrase = typer.prompt("passphrase", hide_input=True, confirmation_prompt=True, err=True)
    if not passphrase and (passphrase_env or encrypt):
        raise UsageError("the passphrase is empty, so the key would not be encrypted", where=passphrase_env)
    made = pipeline.keygen(path, passphrase)
    typer.echo(made.keyid)


@app.command()
def doctor(config: Config = Path("audit.toml")) -> None:
    """Check the configuration and what lies beside it, the sign-in and the caller's permissions."""
    good, settings = True, load(config)
    beside(config, settings)
    for finding in pipeline.examine(settings):
        good = good and finding.good
        typer.echo(visible(f"{'ok     ' if finding.good else 'LACKING'}  {finding.what}"))
        if finding.hint:
            typer.echo(f"         {finding.hint}")
    raise typer.Exit(ExitCode.OK if good else ExitCode.INCOMPLETE)


@app.command()
def role() -> None:
    """Print the collector's least-privilege role, made from the evidence kinds, for `az role definition create`."""
    typer.echo(json.dumps(pipeline.role(), indent=2))


@controls.command("list")
def controls_list(config: Annotated[Path | None, typer.Option("--config", "-c")] = None) -> None:
    """List every control: id, severity, area, title."""
    for each in pipeline.controls_in(_own(load(config), config).controls if config else ()):
        typer.echo(f"{each.id:<8} {each.header.severity:<9} {each.header.area:<14} {each.header.title}")


@controls.command("show")
def controls_show(control_id: str, config: Annotated[Path | None, typer.Option("--config", "-c")] = None) -> None:
    """Print one control as it is: what it checks, why, and its SQL."""
    loaded = pipeline.controls_in(_own(load(config), config).controls if config else ())
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
    place = _output(settings, config or Path("audit.toml"), output)
    own = _own(settings, config or Path())
    for name, verdict, count in pipeline.trial(
        run_ref, output=place, controls=own.controls, capabilities=own.capabilities
    ):
        typer.echo(f"{name:<8} {verdict:<14} {count:>7}")


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


def _tell_review(made: pipeline.Reviewed) -> None:
    for line in made.words:
        typer.echo(visible(line))
    raise typer.Exit(made.exit_code)


def _tried(control: Path, fixture: Path) -> ExitCode:
    """Run a control over a fixture and tell what differs from what is expected: 1 where anything does."""
    tried = pipeline.try_out(control, fixture)
    right, wrong = tried.comparison
    typer.echo(visible(f"{tried.control_id} over {fixture}: {right} as expected, {len(wrong)} not"))
    for line in wrong:
        typer.echo(visible(f"  {line}"))
    return ExitCode.FINDINGS if wrong else ExitCode.OK


class _Own:
    """The user's own files, their paths taken from audit.toml's folder."""

    def __init__(self, settings: Settings, config: Path) -> None:
        base, store = config.parent, settings.store
        self.controls = [base / name for name in store.controls]
        self.templates = [base / name for name in store.templates]
        self._seal, self._base = settings.seal, base
        self.key_file = base / store.redaction_key_file if store.redaction_key_file else None
        named = store.capabilities
        self.capabilities = capabilities.overlaid(capabilities.read(base / named)) if named else None

    @property
    def key(self) -> Signing | None:
        """What packs are signed with: asked for before anything is collected, so a wrong passphrase costs little."""
        return pipeline.signing_key(self._seal, self._base, dict(os.environ))


def _own(settings: Settings, config: Path) -> _Own:
    return _Own(settings, config)


def _output(settings: Settings, config: Path, given: Path | None) -> Path:
    return given if given is not None else config.parent / settings.store.output


def _window(settings: Settings, since: str | None, until: str | None, month: str | None) -> Window:
    return period(since=since, until=until, month=month, days=settings.window.days, now=datetime.now(UTC))


@contextlib.contextmanager
def _watch() -> Iterator[Watch]:
    with Watch(log_format=ending.Telling.log_format) as watch:
        yield watch


def _tell_collection(watch: Watch, made: pipeline.Collection) -> None:
    stats = made.stats
    watch.note(
        f"collected {made.units} units ({made.gaps} gaps) with {sum(stats.requests.values())} requests in "
        f"{stats.wall_seconds:.1f} s; CPU {stats.cpu_seconds:.1f} s, peak memory {stats.peak_rss_mib:.0f} MiB"
    )


def _finish(watch: Watch, rendered: pipeline.Rendered) -> None:
    worst = f", the heaviest {rendered.worst}" if rendered.worst else ""
    waived = f", {rendered.waived} more waived" if rendered.waived else ""
    watch.note(
        f"{rendered.jobs} jobs, {rendered.failures} failures{worst}{waived}, {rendered.gaps} gaps in the evidence"
    )
    if rendered.left_out:
        named = ", ".join(rendered.left_out)
        watch.note(f"not collected in this run, so that controls which need it are not_assessed: {named}")
    if rendered.gone:
        named = " and ".join(rendered.gone)
        watch.note(f"the earlier pack of this name had {named}, which --format leaves out: without it, all are made")
    for told in rendered.broken:
        watch.note(f"a control could not be run: its verdicts are not_assessed; {told}")
    if not rendered.signer:
        watch.note(
            "NOT SIGNED: anybody could have made this pack; `jobaudit keygen` and [seal] in audit.toml sign packs"
        )
    if rendered.not_kept:
        watch.note(f"the verdicts are not in history yet ({rendered.not_kept}): rendering the run again adds them")
    typer.echo(rendered.path)


def main() -> None:
    """Run a command: what jobaudit and ``python -m audit`` call."""
    ending.run(app)
