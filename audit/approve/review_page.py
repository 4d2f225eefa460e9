"""approvals/review.html: the state of a review as a page beside the sealed files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.approve.review_state import state
from audit.approve.review_words import verdict
from audit.config import packaged
from audit.render.templates import Templates
from audit.seal import sums
from audit.store import atomic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.approve.review_pack import ReviewPack
    from audit.model.review import ReviewRecord

PAGE = "review.html"


def write(pack: ReviewPack, records: Sequence[ReviewRecord]) -> None:
    """Write the page. ``records``: the pack's own. Raises StoreError."""
    folder = pack.path / sums.APPROVALS
    atomic.make_folder(folder)
    atomic.write(folder / PAGE, made(pack, records))


def made(pack: ReviewPack, records: Sequence[ReviewRecord]) -> bytes:
    """Return the page; from built-in templates alone, so that verifying can make it again."""
    loaded = Templates([packaged("report_templates")])
    loaded.add(run=pack.run)
    stands = state(pack, records)
    page = loaded.render("review.html", base="../", state=stands, records=records, verdict=verdict(stands))
    return page.encode("utf-8", "backslashreplace")
