"""The kinds of pack, and what a pack's folder is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.model.window import Window


COMPLIANCE, ACCESS_REVIEW, COST_REVIEW, CHANGE = "compliance", "access-review", "cost-review", "change"
PACKS = (COMPLIANCE, ACCESS_REVIEW, COST_REVIEW, CHANGE)


def pack_name(
    pack: str, window: Window, run_id: str, *, slug: str = "", restored: bool = False, asked: bool = False
) -> str:
    """Return the name of a run's pack: ``<pack>[-<slug>]-<window>-<run id>[-restored]``.

    ``slug`` sets it apart where a run has several of that kind; ``restored``: the run's folder was gone; ``asked``: the
    window is another than the run's own, so that the name tells it to the second: two of one day are two packs.
    """
    label = window.exact_label if asked else window.label
    return "-".join(part for part in (pack, slug, label, run_id, "restored" if restored else "") if part)
