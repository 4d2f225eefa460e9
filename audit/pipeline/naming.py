"""Which run is meant: an id, a folder, or ``latest``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import evidence
from audit.errors import UsageError
from audit.model import RunState

if TYPE_CHECKING:
    from pathlib import Path

    from audit.store import Store

LATEST = "latest"
"""The newest run that was collected to its end and has every kind of evidence."""


def named(store: Store, run_ref: str, output: Path) -> str:
    """Return the run below ``output`` that is meant, ``latest`` as an id. Raises UsageError where none is whole."""
    if run_ref != LATEST:
        return run_ref
    everything, met = {kind.name for kind in evidence.KINDS}, 0
    for stored in store.newest():
        met += 1
        if stored.run.state is RunState.DONE and everything <= set(stored.run.kinds):
            return stored.run.run_id
    why = f"none of the {met} runs there was collected to its end with every kind" if met else "no run has ended there"
    raise UsageError(
        f'there is no "{LATEST}" run: {why}',
        where=str(output),
        hint="collect everything first: jobaudit collect --config audit.toml",
    )
