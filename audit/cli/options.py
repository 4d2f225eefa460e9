"""Options that several verbs share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audit.model import Severity


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
Formats = Annotated[
    list[PackFormat] | None, typer.Option("--format", help="html, xlsx, results; repeat for several. Default: all.")
]
