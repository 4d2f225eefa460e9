"""The records of a pack with their signatures checked: what may be built upon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.approve import records
from audit.errors import IntegrityError
from audit.seal import keys, sums

if TYPE_CHECKING:
    from pathlib import Path

    from audit.approve.records import Record


def verified(pack: Path) -> list[Record]:
    """Return a pack's records in order, each with the signature of the key that it names, or with none.

    Raises IntegrityError where the chain is broken, a record is about another pack, or a signature isn't that key's.
    """
    found = records.read(pack)
    for record in found:
        if record.signer is None:
            continue
        key = keys.public_text(record.signer.public_key)
        good = key is not None and key.keyid == record.signer.keyid
        if key is None or not good or record.signature is None or not key.made(record.signature, record.content):
            raise IntegrityError(
                f"the signature is not that of key {record.signer.keyid[:16]}… over this record",
                where=str(pack / sums.APPROVALS / record.name),
                hint="take the approvals folder from its source again, or ask whoever signed",
            )
    return found
