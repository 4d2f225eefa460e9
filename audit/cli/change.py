"""Options that a change pack takes beside the others, and what they ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit import pipeline
from audit.cli.own import window_of
from audit.config import period
from audit.errors import UsageError
from audit.model.change import ChangeAsked
from audit.model.packs import CHANGE

if TYPE_CHECKING:
    from audit.config import Settings
    from audit.model import Window

Job = Annotated[
    list[str] | None,
    typer.Option(help="change: the id or name of a job; repeat for more. Default: all that the change touched."),
]
Ticket = Annotated[str, typer.Option(help="change: the ticket that it was approved under.")]
Attach = Annotated[
    list[Path] | None,
    typer.Option(help="change: a file to seal into the pack, such as test evidence; repeat for more."),
]

Proposed = Annotated[
    list[Path] | None,
    typer.Option(
        help="change: a file that will be applied (YAML or JSON, as `az containerapp job update --yaml` takes it): the "
        "pack is for its approval, before anything is done; repeat for more."
    ),
]


def moments(since: str | None, until: str | None, month: str | None) -> tuple[datetime | None, datetime | None]:
    """Return from when until when the options say, None where they don't. Raises UsageError."""
    if not (since or until or month):
        return None, None
    found = period(since=since, until=until, month=month, days=1, now=datetime.now(UTC))
    return (found.since if since or month else None), (found.until if until or month else None)


def change_of(
    pack: str,
    jobs: list[str] | None,
    ticket: str,
    attach: list[Path] | None,
    proposed: list[Path] | None,
    when: tuple[datetime | None, datetime | None],
) -> pipeline.Change | None:
    """Return what a change pack is asked about; None for any other pack. Raises UsageError where options don't fit."""
    if pack != CHANGE:
        told = {"--job": jobs, "--ticket": ticket, "--attach": attach, "--proposed": proposed}
        given = [name for name, value in told.items() if value]
        if given:
            raise UsageError(
                f"{' and '.join(given)} go with the pack change, and this is {pack}",
                hint="jobaudit run change, or jobaudit render RUN --pack change",
            )
        return None
    since, until = when
    documents = pipeline.proposals(proposed or ())
    files = tuple(dict.fromkeys(each.sha256 for each in documents))
    asked = ChangeAsked(jobs=tuple(jobs or ()), ticket=ticket, since=since, until=until, proposed=files)
    return pipeline.Change(asked=asked, proposed=documents, attached=pipeline.attachments(attach or ()))


def collected_over(
    settings: Settings, since: str | None, until: str | None, month: str | None, change: pipeline.Change | None
) -> Window:
    """Return the window that a run collects: as the options say, and of a change what lies around it."""
    window = window_of(settings, since, until, month)
    return pipeline.change_window(change.asked, window, datetime.now(UTC)) if change else window
