"""The timestamp: who besides the operator says when the pack was sealed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audit.errors import IntegrityError
from audit.seal import head, sums, timestamp, tree
from audit.seal.verify.checks import Check, failed, lacking, ok

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

STAMPED = "A timestamp authority confirms when it was sealed"


class Timed(NamedTuple):
    """The check, null where there is nothing to check, and the time that a trusted authority asserts, in words."""

    check: Check | None
    time: str = ""


def stamp(pack: Path, roots: Sequence[Certificate]) -> Timed:
    """Check the timestamp offline, against the roots that the reader trusts. Raises IntegrityError."""
    about = head.read(pack)
    there = (pack / sums.TIMESTAMP).is_symlink() or (pack / sums.TIMESTAMP).exists()
    if not about.timestamp_authority:
        if there:
            return Timed(failed(STAMPED, f"{sums.TIMESTAMP} is there, and the pack was sealed without one"))
        return Timed(lacking(STAMPED, "the pack was sealed without a timestamp") if roots else None)
    answer, what = tree.read(pack, sums.TIMESTAMP), timestamp.stamped(about)
    if not timestamp.present():
        why = "reading it needs a package that is not installed: pip install 'jobaudit[timestamp]'"
        return Timed(lacking(STAMPED, why))
    try:
        found = timestamp.read(answer, tree.read(pack, what))
        told = f"{found.at:%Y-%m-%d %H:%M:%S} UTC, as {found.by} says of {what}"
        if not roots:
            return Timed(lacking(STAMPED, told, "whether it is theirs, --tsa-ca with their root certificate tells"))
        timestamp.verify(answer, tree.read(pack, what), roots)
    except IntegrityError as error:
        return Timed(failed(STAMPED, error.message))
    return Timed(ok(STAMPED, told), f"sealed before {found.at:%Y-%m-%d %H:%M:%S} UTC, asserted by {found.by}")
