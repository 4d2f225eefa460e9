"""The kinds of pack, and what a pack's folder is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.model.window import Window


COMPLIANCE, ACCESS_REVIEW, COST_REVIEW, CHANGE = "compliance", "access-review", "cost-review", "change"
PACKS = (COMPLIANCE, ACCESS_REVIEW, COST_REVIEW, CHANGE)


def pack_name(pack: str, window: Window, run_id: str, *, slug: str = "", restored: bool = False) -> str:
    """Return the name of a run's pack: ``<pack>[-<slug>]-<window>-<run id>[-restored]``.

    ``slug`` sets it apart where a run has several of that kind; ``restored``: the run's folder was gone.
    """
    return "-".join(part for part in (pack, slug, window.label, run_id, "restored" if restored else "") if part)
