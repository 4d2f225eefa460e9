"""What is done with a pack: ask it, verify it, approve it; and the keys for that."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from audit import pipeline
from audit.cli.app import app
from audit.cli.options import Output
from audit.cli.own import output_of
from audit.cli.telling import watching
from audit.config import Settings, load
from audit.errors import ExitCode, UsageError
from audit.model.approval import ApprovalDecision
from audit.terminal import visible

_TOLD = 20
"""Lines of one check on the terminal."""


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
    tsa_ca: Annotated[
        list[Path] | None,
        typer.Option("--tsa-ca", help="A root certificate (PEM) of a timestamp authority that you trust; repeatable."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="For seal.trusted_keys and seal.timestamp_roots.")
    ] = None,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep",
            help="Decode the raw answers and run the controls again, and compare.",
        ),
    ] = False,
    output: Output = None,
) -> None:
    """Check a pack offline: is it what was sealed, by whom, and does it say the same everywhere? Exit code 4 if not."""
    settings = load(config) if config else Settings()
    trusted = pipeline.trusted_keys(settings.seal, (config or Path()).parent, key or ())
    roots = pipeline.trusted_roots(settings.seal, (config or Path()).parent, tsa_ca or ())
    place = output_of(settings, config or Path("audit.toml"), output)
    report = pipeline.verify(pack, output=place, trusted=trusted, roots=roots, deep=deep)
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
    with watching() as watch:
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
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="The private key, NAME.pem; its public half is NAME.pub.pem.")
    ],
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
