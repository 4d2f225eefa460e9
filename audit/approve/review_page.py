"""approvals/review.html: the state of a review as a page beside the sealed files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.approve.review_state import state
from audit.approve.review_words import trust, verdict
from audit.config import packaged
from audit.render.templates import Templates
from audit.seal import sums
from audit.store import atomic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.approve.review_pack import ReviewPack
    from audit.approve.review_records import Kept

PAGE = "review.html"


def write(pack: ReviewPack, kept: Sequence[Kept]) -> None:
    """Write the page of the pack's own records. Raises StoreError."""
    folder = pack.path / sums.APPROVALS
    atomic.make_folder(folder)
    atomic.write(folder / PAGE, made(pack, kept))


def made(pack: ReviewPack, kept: Sequence[Kept]) -> bytes:
    """Return the page; from built-in templates alone, so that verifying can make it again."""
    loaded = Templates([packaged("report_templates")])
    loaded.add(run=pack.run)
    records = [each.record for each in kept]
    stands = state(pack, records, signed=[each.keyid for each in kept if each.keyid])
    words = {"verdict": verdict(stands), "trust": trust(stands)}
    page = loaded.render("review.html", base="../", state=stands, records=records, **words)
    return page.encode("utf-8", "backslashreplace")
