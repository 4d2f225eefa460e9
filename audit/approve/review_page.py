"""approvals/review.html: the state of a review as a page beside the sealed files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.approve.review_words import verdict
from audit.render.templates import Templates
from audit.seal import sums
from audit.store import atomic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from audit.approve.review_pack import ReviewPack
    from audit.approve.review_state import ReviewState
    from audit.model.review import ReviewRecord

PAGE = "review.html"


def write(pack: ReviewPack, state: ReviewState, records: Sequence[ReviewRecord], templates: list[Path]) -> Path:
    """Write the page and return its path. Raises ConfigError (a template), StoreError."""
    loaded = Templates(templates)
    loaded.add(run=pack.run)
    counted = [each for each in records if each.pack_sha256 == pack.sha256]
    page = loaded.render("review.html", base="../", state=state, records=counted, verdict=verdict(state))
    path = pack.path / sums.APPROVALS / PAGE
    atomic.make_folder(path.parent)
    atomic.write(path, page.encode("utf-8", "backslashreplace"))
    return path
