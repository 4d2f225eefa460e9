"""The records of a review among those of its pack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from audit.approve import records
from audit.approve.chain import verified
from audit.errors import IntegrityError, UsageError
from audit.model.review import Judged, ReviewRecord
from audit.seal import sums

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from audit.seal.keys import Signing

KIND = "review"
"""The kind of the records in approvals/."""
_MOST_BODY = 4 << 20
"""Bytes of a record without its layout: half of what the chain of records takes."""


class Kept(NamedTuple):
    """A record of a review in its pack. ``keyid``: of the key that signed it; empty = nobody did."""

    record: ReviewRecord
    keyid: str


def read(pack: Path) -> list[Kept]:
    """Return what the pack's records tell of its review, in order.

    Raises IntegrityError where one isn't as it was written, or a signature isn't that of the key it names.
    """
    found = []
    for each in verified(pack):
        if each.kind == KIND:
            try:
                taken = msgspec.convert(each.body, ReviewRecord)
                found.append(Kept(taken, each.signer.keyid if each.signer else ""))
            except msgspec.ValidationError as error:
                raise IntegrityError(
                    f"this is no record of a review: {error}", where=str(pack / sums.APPROVALS / each.name)
                ) from error
    return found


def append(pack: Path, record: ReviewRecord, *, key: Signing | None = None, at: datetime | None = None) -> Path:
    """Add a record to the pack's and return its file. Raises as :func:`body` and :func:`records.append`."""
    return records.append(pack, KIND, body(record), key=key, at=at)


def body(record: ReviewRecord) -> dict[str, Any]:
    """Return a record as a pack keeps it: a blank row is no more than its name. Raises UsageError: it is too long."""
    told: dict[str, Any] = msgspec.to_builtins(record)
    blank = msgspec.to_builtins(Judged(entitlement_id=""))
    told["judged"] = [{key: value for key, value in each.items() if value != blank[key]} for each in told["judged"]]
    if len(msgspec.json.encode(told)) > _MOST_BODY:
        raise UsageError(
            f"{len(record.files)} workbooks with {len(record.judged):,} rows are more than one record holds",
            hint="import fewer workbooks at a time; where it is one alone, shorten its longest reasons",
        )
    return told
