"""Controls about what has happened say nothing about a proposal: it hasn't."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audit.store.history import EVENT_TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from audit.assess import Control

WORDS = "this is about what has happened; the proposal hasn't"
_DONE = re.compile(
    r"\b(approved_snapshots|approved_changes|change_tickets|earlier_packs|job_reviews|reviews|review_outcomes|"
    r"exceptions|verdicts)\b"
)
"""Tables of what people did or said: no evidence kind tells of them, so no ``needs`` names them."""

_MARK = """
update proposed_verdicts set verdict = 'not_assessed', reason = $words, waived = false, waiver_id = null
where control_id = $control and not list_contains($spared::VARCHAR[], subject)
"""


def mark(con: duckdb.DuckDBPyConnection, controls: Sequence[Control]) -> None:
    """Make the verdicts of such controls in ``proposed_verdicts`` not_assessed, saying so."""
    for control in controls:
        spared = _spared(control)
        if spared is not None:
            con.execute(_MARK, {"words": WORDS, "control": control.id, "spared": sorted(spared)})


def _spared(control: Control) -> frozenset[str] | None:
    """Return the subjects that don't rest on what happened, of a control that else does; None for any other."""
    if _DONE.search(control.sql):
        return frozenset()
    events = [kind for kind in control.header.needs if kind in EVENT_TABLES]
    if not events:
        return None
    return frozenset.intersection(*(frozenset(control.header.spares.get(kind, ())) for kind in events))
