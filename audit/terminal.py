"""What a person sees while it runs: progress and messages on stderr, the result alone on stdout."""

from __future__ import annotations

import json
import sys
import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from audit.model import EvidenceKind, Gap, UnitRecord


def visible(text: str) -> str:
    """Return hostile text with its control characters shown instead of obeyed."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


class Watch:
    """Collection progress: bars on a terminal, a line per gap elsewhere, JSON lines for machines."""

    def __init__(self, *, log_format: str = "text", quiet: bool = False) -> None:
        self._json = log_format == "json"
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._units = 0
        self._gaps = 0

    def __enter__(self) -> Self:
        """Start the bars where there is a terminal to draw them on."""
        if not self._json and not self._quiet and self._console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description:<22}"),
                BarColumn(bar_width=28),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bars away."""
        if self._bars is not None:
            self._bars.stop()

    def planned(self, kind: EvidenceKind, units: int) -> None:
        """``units`` more units of a kind will be read."""
        if self._bars is not None:
            self._tasks[kind.name] = self._bars.add_task(kind.name, total=units)
        self._log("planned", kind=kind.name, units=units)

    def ended(self, record: UnitRecord) -> None:
        """One unit ended."""
        self._units += 1
        if self._bars is not None and record.kind in self._tasks:
            self._bars.advance(self._tasks[record.kind])
        if isinstance(record.outcome, Gap):
            self._gaps += 1
            gap = record.outcome
            self._log("gap", kind=record.kind, scope=record.scope.id, reason=str(gap.reason), detail=gap.detail)
            if not self._json:
                self.note(f"gap: {record.kind} at {record.scope.id}: {gap.reason}: {gap.detail}")

    def note(self, text: str) -> None:
        """Print a line on stderr."""
        if self._json:
            self._log("note", text=text)
        elif not self._quiet:
            self._console.print(Text(visible(text)), soft_wrap=True)

    def error(self, text: str) -> None:
        """Print what went wrong and what to do."""
        if self._json:
            self._log("error", text=text)
        else:
            self._console.print(
                Text("error: ", style="bold red").append(visible(text), style="default"), soft_wrap=True
            )

    def _log(self, event: str, **facts: Any) -> None:
        if self._json:
            sys.stderr.write(json.dumps({"time": round(time.time(), 3), "event": event, **facts}) + "\n")
