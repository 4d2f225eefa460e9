"""Verify: a pack is checked offline; and the keys that it is checked with are made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audit.approve import checked as checked_approvals
from audit.approve import review_checked
from audit.pipeline.naming import pack_folder
from audit.seal import keys
from audit.seal.verify import Report
from audit.seal.verify import verify as checked

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from audit.seal.keys import PublicKey


def verify(
    pack_ref: str,
    *,
    output: Path,
    trusted: Sequence[PublicKey] = (),
    roots: Sequence[Certificate] = (),
    deep: bool = False,
) -> Report:
    """Check a pack, named by its id or path.

    ``trusted``: whose signature makes it authentic. ``roots``: of the timestamp authorities that are trusted. ``deep``:
    make its tables again from its raw answers, and its verdicts from its controls, and compare.

    Raises UsageError where there is no such folder, IntegrityError where it is no sealed pack.
    """
    return checked(
        pack_folder(pack_ref, output),
        trusted=trusted,
        roots=roots,
        deep=deep,
        further=[
            (checked_approvals.TITLE, checked_approvals.approvals),
            (review_checked.TITLE, review_checked.review),
        ],
    )


def keygen(path: Path, passphrase: str = "") -> PublicKey:
    """Make a key pair and return the public half, as :func:`audit.seal.keys.generate`."""
    return keys.generate(path, passphrase)
