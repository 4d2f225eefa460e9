"""Verifying what came back of an access review: its records are records of it, and its page says what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.approve import review_page, review_records
from audit.approve.review_pack import opened
from audit.render.text import plural
from audit.seal import sums, tree
from audit.seal.verify.checks import Check, failed, ok

if TYPE_CHECKING:
    from pathlib import Path

TITLE = "What came back of an access review is about this pack, and shown as it is"
_PAGE = f"{sums.APPROVALS}/{review_page.PAGE}"


def review(pack: Path) -> Check:
    """Check the records of a review and its page, which is made again from them."""
    kept = review_records.read(pack)
    there = _PAGE in tree.walk(pack).files
    if not kept:
        return failed(TITLE, f"{_PAGE} shows a review of which there is no record") if there else ok(TITLE, "no record")
    asked = opened(pack)
    told = []
    for record in (each.record for each in kept):
        name = f"the record of {record.imported_at:%Y-%m-%d %H:%M}"
        strange = [row.entitlement_id for row in record.judged if row.entitlement_id not in asked.entitlements]
        if strange:
            told.append(f"{name} decides about what the pack never asked: {strange[0]}")
        if (record.review, record.pack_sha256) != (asked.name, asked.sha256):
            told.append(f"{name} is of another review")
    if not there:
        told.append(f"{_PAGE} is missing")
    elif tree.read(pack, _PAGE) != review_page.made(asked, kept):
        told.append(f"{_PAGE} says something else than the records")
    return failed(TITLE, *told) if told else ok(TITLE, plural(len(kept), "record"))
