"""approvals/: statements about a pack, one file each, only ever added to.

``NNNN-<kind>.json``: each names the digest of the pack that it is about and that of the record before it, so that none
can be changed, taken out or slipped in without the later ones telling. The last ones can be taken away unnoticed by the
chain itself: the page that is rendered beside them speaks against that, and whoever noted the last record's digest.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from audit.errors import IntegrityError, UsageError
from audit.seal import sums, tree
from audit.seal.head import Signer
from audit.store import atomic
from audit.store.lock import exclusive

if TYPE_CHECKING:
    from pathlib import Path

    from audit.seal.keys import Signing

_NAME = re.compile(r"(\d{4})-([a-z]+(?:-[a-z]+)*)\.json")
_KIND = re.compile(r"[a-z]+(?:-[a-z]+)*")
_MOST = 9999
_MOST_BYTES = 8 << 20
_HINT = "take the approvals folder from its source again; a record is never edited, a new one supersedes it"


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record as its file holds it; the order of the fields is the file's."""

    number: int
    kind: str
    subject_sha256: str
    previous: str | None
    recorded_at: datetime
    signer: Signer | None
    """Null = nobody signed: what the record says is asserted."""
    body: dict[str, Any]


class Record(_File, frozen=True, kw_only=True):
    """A record that was read: its place in the chain is right, and it is about this pack.

    ``recorded_at`` is what the clock of whoever wrote it said. ``signature`` isn't verified here: audit.approve.chain.
    """

    name: str
    """Its file in approvals/."""
    sha256: str
    """Of its bytes: what the next record names as its previous."""
    content: bytes
    """The bytes themselves: what a signature is over."""
    signature: bytes | None
    """NNNN-<kind>.json.sig, DER; null where the record was only asserted."""


_encoder = msgspec.json.Encoder(order="deterministic")


def append(
    pack: Path, kind: str, body: dict[str, Any], *, key: Signing | None = None, at: datetime | None = None
) -> Path:
    """Add a record about a pack as it is now, and return its file.

    ``kind``: lower-case words with hyphens. ``body``: what JSON can hold. ``at``: UTC, now by default. With a key, its
    signature lies beside the record: ``openssl dgst -sha256 -verify pub.pem -signature FILE.sig FILE`` checks it.
    Raises IntegrityError where the pack isn't as it was sealed or the chain is broken, UsageError, StoreError.
    """
    if _KIND.fullmatch(kind) is None:
        raise UsageError(f"{kind!r} can't name a kind of record", hint="use lower-case words with hyphens")
    folder = pack / sums.APPROVALS
    with exclusive(pack):
        sums.check(pack)
        atomic.make_folder(folder)
        earlier = read(pack)
        if len(earlier) >= _MOST:
            raise UsageError(f"the pack has {_MOST} records: there is no number for one more", where=str(folder))
        record = _File(
            number=len(earlier) + 1,
            kind=kind,
            subject_sha256=sums.digest(pack),
            previous=earlier[-1].sha256 if earlier else None,
            recorded_at=(at or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0),
            signer=Signer(keyid=key.keyid, public_key=key.public_pem) if key else None,
            body=body,
        )
        content = _encode(record)
        if len(content) > _MOST_BYTES:
            raise UsageError(f"a record holds {_MOST_BYTES >> 20} MiB at most", where=str(folder))
        for left in folder.glob(f"{record.number:04}-*.json.sig"):  # of a process that was killed before its record
            left.unlink()
        path = folder / f"{record.number:04}-{kind}.json"
        if key:
            atomic.write(path.with_name(f"{path.name}.sig"), key.sign(content))
        atomic.write(path, content)
    return path


def read(pack: Path) -> list[Record]:
    """Return a pack's records in order. None yet is an empty list.

    Raises IntegrityError where a record isn't as it was written, is missing, was slipped in, or is about another pack.
    """
    digest, found = sums.digest(pack), names(pack)
    records: list[Record] = []
    for name in found:
        records.append(_read(pack, name, records[-1] if records else None, digest))
    return records


def names(pack: Path) -> list[str]:
    """Return the names of the files that are records, in order. Raises IntegrityError where approvals is no folder."""
    folder = pack / sums.APPROVALS
    if folder.is_symlink() or not folder.is_dir():
        if folder.is_symlink() or folder.exists():
            raise IntegrityError("approvals is not a folder", where=str(folder), hint=_HINT)
        return []
    return sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _read(pack: Path, name: str, before: Record | None, digest: str) -> Record:
    path = pack / sums.APPROVALS / name
    if path.lstat().st_size > _MOST_BYTES:
        raise IntegrityError(f"a record holds {_MOST_BYTES >> 20} MiB at most", where=str(path), hint=_HINT)
    content = tree.read(pack, f"{sums.APPROVALS}/{name}")
    try:
        record = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"the record can't be read: {error}", where=str(path), hint=_HINT) from None
    if record.recorded_at.tzinfo is None or content != _encode(record):
        raise IntegrityError("the record is not as it was written", where=str(path), hint=_HINT)
    number = before.number + 1 if before else 1
    if name != f"{record.number:04}-{record.kind}.json" or record.number != number:
        told = f"the record calls itself {record.number} ({record.kind}), and number {number} is due here"
        raise IntegrityError(told, where=str(path), hint=_HINT)
    if record.previous != (before.sha256 if before else None):
        told = "the record before this one is not the one that it followed: one was changed, taken out or slipped in"
        raise IntegrityError(told, where=str(path), hint=_HINT)
    if record.subject_sha256 != digest:
        told = f"the record is about another pack: {record.subject_sha256} and not {digest}"
        raise IntegrityError(told, where=str(path), hint=_HINT)
    signed = path.with_name(f"{name}.sig")
    present = signed.is_symlink() or signed.exists()
    if (record.signer is not None) != present:
        told = "the record's signature is missing" if record.signer else "the record has a signature and names no key"
        raise IntegrityError(told, where=str(signed), hint=_HINT)
    return Record(
        **{field: getattr(record, field) for field in _File.__struct_fields__},
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        signature=tree.read(pack, f"{sums.APPROVALS}/{signed.name}") if present else None,
    )


def _encode(record: _File) -> bytes:
    return msgspec.json.format(_encoder.encode(record), indent=2) + b"\n"
