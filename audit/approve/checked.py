"""Verifying what people said: the chain, the signatures, and that page and sheet say what the records say."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from audit.approve import page, review_people
from audit.approve.chain import verified
from audit.approve.state import state_of
from audit.seal import sums, tree
from audit.seal.verify.checks import Check, failed, ok
from audit.seal.verify.packed import Packed

if TYPE_CHECKING:
    from pathlib import Path

TITLE = "What people said about the pack is an unbroken chain about this pack, and shown as it is"
_OURS = re.compile(r"approvals/(\d{4}-[a-z]+(-[a-z]+)*\.json(\.sig)?|index\.html|sign-off\.xlsx|review\.html)")


def approvals(pack: Path) -> Check:
    """Check approvals/. It isn't under the seal, so everything in it has to follow from its records."""
    packed = Packed(pack)
    found = verified(pack)
    state = state_of(found, packed.run.approval, review_people.of(pack).one)
    there = {name for name in tree.walk(pack).files if name.startswith(f"{sums.APPROVALS}/")}
    told = [
        f"{name} is nothing that belongs there" for name in sorted(there, key=os.fsencode) if not _OURS.fullmatch(name)
    ]
    signed = {f"{sums.APPROVALS}/{each.name}.sig" for each in found if each.signer}
    told += [f"{name} signs nothing" for name in sorted(there) if name.endswith(".sig") and name not in signed]
    for name, content in page.made(packed.run, packed.about.name, sums.digest(pack), state).items():
        place = f"{sums.APPROVALS}/{name}"
        if place not in there:
            told.append(f"{place} is missing")
        elif tree.read(pack, place) != content:
            told.append(f"{place} says something else than the records")
    if told:
        return failed(TITLE, *told)
    return ok(TITLE, f"{len(found)} records; {state.word}{''.join(f'; lacking {each}' for each in state.lacking)}")
