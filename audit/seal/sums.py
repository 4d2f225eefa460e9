"""SHA256SUMS: the digest of every file of a pack, as GNU sha256sum writes and checks it.

The digest of this one file is the digest of the pack: signatures, the attestation and approvals speak of it.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

from audit.errors import IntegrityError
from audit.seal import tree
from audit.store import atomic

if TYPE_CHECKING:
    from pathlib import Path

SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"
TIMESTAMP = "SHA256SUMS.tsr"
ATTESTATION = "attestation.dsse.json"
APPROVALS = "approvals"
BESIDE = (SUMS, SIGNATURE, TIMESTAMP, ATTESTATION)
"""What speaks of the seal and so can't be under it; neither is anything in APPROVALS."""

_LINE = re.compile(rb"(\\?)([0-9a-f]{64})  ([^\n]+)")
_WRITTEN = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_READ = {b"\\\\": b"\\", b"\\n": b"\n", b"\\r": b"\r"}
_SHOWN = 5


def sealed(name: str) -> bool:
    """Tell whether a file of a pack, named from the pack, is under the seal."""
    return name not in BESIDE and not name.startswith(f"{APPROVALS}/")


def write(pack: Path) -> str:
    """Write SHA256SUMS over every file of a pack and return its digest; sorted by the names' bytes, so always alike.

    Raises IntegrityError where something in the pack is neither a file nor a folder, StoreError.
    """
    found = tree.walk(pack)
    if found.odd:
        raise IntegrityError(f"a pack holds files only, but {found.odd[0]!r} is none", where=str(pack))
    text = b"".join(_line(name, _sha256(pack, name)) for name in found.files if sealed(name))
    atomic.write(pack / SUMS, text)
    return hashlib.sha256(text).hexdigest()


def digest(pack: Path) -> str:
    """Return the digest of a pack, that of its SHA256SUMS in lower-case hex. Raises IntegrityError without one."""
    return hashlib.sha256(tree.read(pack, SUMS)).hexdigest()


def listed(pack: Path) -> dict[str, str]:
    """Return the digests that SHA256SUMS lists, by name. Raises IntegrityError naming the line that isn't ours.

    Only what :func:`write` writes is taken: a name that leads out of the pack, stands twice or out of order is refused.
    """
    lines = tree.read(pack, SUMS).split(b"\n")
    if lines.pop() != b"" or not lines:
        raise _wrong(pack, len(lines) + 1, "it doesn't end with its line")
    found: dict[str, str] = {}
    before = b""
    for number, line in enumerate(lines, start=1):
        matched = _LINE.fullmatch(line)
        raw = _unescaped(matched[3]) if matched and matched[1] else matched[3] if matched else b""
        name = os.fsdecode(raw)
        if matched is None or _line(name, matched[2].decode()) != line + b"\n":
            raise _wrong(pack, number, "it is not a digest and a name")
        if name.startswith("/") or {"", ".", ".."} & set(name.split("/")) or not sealed(name):
            raise _wrong(pack, number, f"{name!r} can't name a sealed file of the pack")
        if raw <= before:
            raise _wrong(pack, number, f"{name!r} stands twice or out of order")
        before, found[name] = raw, matched[2].decode()
    return found


def differences(pack: Path) -> list[str]:
    """Return how the files of a pack differ from SHA256SUMS, a sentence each in order of the names; empty = not at all.

    Missing, changed and added files, folders that hold nothing, and what is no file. Raises IntegrityError where
    SHA256SUMS itself can't be read.
    """
    wanted, found = listed(pack), tree.walk(pack)
    there = frozenset(found.files)
    told = [(name, "is not a file: it was not opened") for name in found.odd]
    told += [(name, "is an empty folder, which no pack has") for name in found.empty if name != APPROVALS]
    told += [(name, "is missing") for name in wanted if name not in there]
    for name in found.files:
        if not sealed(name):
            continue
        if name not in wanted:
            told.append((name, "was added: the seal doesn't list it"))
        elif _sha256(pack, name) != wanted[name]:
            told.append((name, "was changed: its digest is not the sealed one"))
    return [f"{name} {what}" for name, what in sorted(told, key=lambda each: os.fsencode(each[0]))]


def unchanged(pack: Path, name: str) -> bool:
    """Tell whether one file is as SHA256SUMS lists it. Raises IntegrityError where that can't be read."""
    wanted = listed(pack).get(name)
    path = pack / name
    return wanted is not None and path.is_file() and not path.is_symlink() and _sha256(pack, name) == wanted


def check(pack: Path) -> None:
    """Raise IntegrityError where the files of a pack aren't exactly those of its SHA256SUMS."""
    told = differences(pack)
    if told:
        more = f"\n  and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        raise IntegrityError(
            f"the pack is not as it was sealed: {len(told)} of its files\n  " + "\n  ".join(told[:_SHOWN]) + more,
            where=str(pack),
            hint="take the pack from its source again; `jobaudit verify` tells everything that differs",
        )


def _line(name: str, sha256: str) -> bytes:
    escaped = "".join(_WRITTEN.get(char, char) for char in name)
    mark = "\\" if escaped != name else ""
    return f"{mark}{sha256}  ".encode() + os.fsencode(escaped) + b"\n"


def _unescaped(name: bytes) -> bytes:
    return re.sub(rb"\\[\\nr]", lambda found: _READ[found[0]], name)


def _sha256(pack: Path, name: str) -> str:
    descriptor = os.open(pack / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _wrong(pack: Path, line: int, why: str) -> IntegrityError:
    return IntegrityError(
        f"line {line} of {SUMS} is not as a seal writes it: {why}",
        where=str(pack / SUMS),
        hint="take the pack from its source again, or render the run again",
    )
