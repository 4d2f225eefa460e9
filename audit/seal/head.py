"""pack.json: what a pack calls itself and how it was made, under its seal like everything else."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from audit.errors import IntegrityError
from audit.model import Window
from audit.seal import tree
from audit.store import atomic

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "pack.json"
"""The kinds of packs; a folder's name begins with its own."""


class Signer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose key signs. What is signed says so itself; only a key that the reader trusts makes it true."""

    keyid: str
    """SHA-256 of the public key's DER SubjectPublicKeyInfo, hex."""
    public_key: str
    """PEM."""


class IncidentAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An incident view that was asked for, beside those that are chosen."""

    job: str
    since: datetime
    until: datetime


class PackHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """pack.json. Rendering the run again with this gives the same bytes."""

    name: str
    """The folder's name: a pack that bears another was renamed."""
    pack: str
    """compliance, access-review, cost-review or change."""
    slug: str = ""
    """What sets it apart from other packs of its kind and run: of a change pack its ticket and a digest; else empty."""
    run_id: str
    window: Window
    collected_for: Window | None
    """Where events come from history for ``window``: what the run itself was collected for."""
    restored_from: str
    """Where the run's folder was gone: the commit of history that tells it."""
    formats: tuple[str, ...]
    incidents: tuple[IncidentAsked, ...]
    templates_sha256: str
    """Digest over the user's own report templates; empty = the built-in ones."""
    tool_version: str
    """What rendered and sealed it; run.json says what collected."""
    signer: Signer | None
    """Null = nobody signed it."""
    timestamp_authority: str = ""
    """The address of the authority that timestamped it; empty = none was asked."""


def write(folder: Path, head: PackHead) -> None:
    """Write pack.json. Raises StoreError."""
    atomic.write(folder / HEAD, _encode(head))


def read(pack: Path) -> PackHead:
    """Read pack.json. Raises IntegrityError where it is missing or not as it was written."""
    content = tree.read(pack, HEAD)
    try:
        head = msgspec.json.decode(content, type=PackHead)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise IntegrityError(f"{HEAD} can't be read: {error}", where=str(pack / HEAD)) from None
    if _encode(head) != content:
        raise IntegrityError(f"{HEAD} is not as it was written", where=str(pack / HEAD))
    return head


def _encode(head: PackHead) -> bytes:
    return msgspec.json.format(msgspec.json.encode(head), indent=2) + b"\n"
