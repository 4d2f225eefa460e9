"""A returned workbook as an archive: nothing of it is unpacked before its size, its names and its parts are known.

Excel and LibreOffice keep these bounds by far; what breaks one was not made by them, or carries what no answer needs.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zipfile
import zlib
from contextlib import contextmanager
from io import BytesIO
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_FILE = 64 << 20
"""Bytes of the file itself."""
MOST_PARTS = 1_000
MOST_UNPACKED = 256 << 20
"""Bytes of all parts together."""
MOST_DIRECTORY = 1 << 20
"""Bytes of the list of parts: read before any of them is."""
RATIO, SMALL = 200, 1 << 20
"""How many times a part larger than SMALL may be what it is packed."""

_END, _END64 = b"PK\x05\x06", b"PK\x06\x07"
_END_SIZE, _COMMENT, _LOCATOR = 22, 65_535, 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = 0x1
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError)
_AGAIN = "open the workbook that was sent, fill it in, and save it as .xlsx with Excel or LibreOffice"

_ACTIVE = (
    (re.compile(r"vbaproject|vbadata", re.IGNORECASE), "macros", "save it as .xlsx (not .xlsm), which leaves them out"),
    (re.compile(r"(^|/)macrosheets/", re.IGNORECASE), "a sheet of macros", "remove it"),
    (re.compile(r"(^|/)externallinks/", re.IGNORECASE), "links to other workbooks", "break them: Data, Edit Links"),
    (re.compile(r"(^|/)(embeddings|activex|oleobjects)/", re.IGNORECASE), "an embedded object", "remove it"),
    (re.compile(r"(^|/)(connections|querytables)(/|\.xml$)", re.IGNORECASE), "a connection to data", "remove it"),
    # What a person said there would be lost without a word.
    (re.compile(r"(^|/)(threaded)?comments", re.IGNORECASE), "comments", "move what matters into Reason, delete them"),
    (re.compile(r"(^|/)media/", re.IGNORECASE), "a picture", "remove it"),
)


class Unreadable(Exception):
    """A returned workbook that can't be read: where in it, what is wrong, and what to do."""

    def __init__(self, told: str, *, place: str = "", remedy: str = _AGAIN) -> None:
        super().__init__(told)
        self.told, self.place, self.remedy = told, place, remedy


class Archive:
    """An archive that keeps the bounds."""

    def __init__(self, file: zipfile.ZipFile, sha256: str) -> None:
        self._file = file
        self.sha256 = sha256
        self.names = frozenset(file.namelist())

    def has(self, name: str) -> bool:
        """Tell whether there is a part of this name."""
        return name in self.names

    @contextmanager
    def part(self, name: str) -> Iterator[IO[bytes]]:
        """Open a part. It gives as many bytes as it said, at most. Raises Unreadable."""
        if name not in self.names:
            raise Unreadable(f"the part {name} is missing")
        try:
            stream = self._file.open(name)
        except (*_DAMAGED, NotImplementedError, ValueError, RuntimeError) as error:
            raise Unreadable(f"the part {name} is damaged: {error}") from error
        try:
            with stream:
                yield stream
        except _DAMAGED as error:
            raise Unreadable(f"the part {name} is damaged: {error}") from error


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a returned file. Raises Unreadable where it isn't a workbook, breaks a bound, or holds what acts."""
    try:
        if path.exists() and not path.is_file():
            raise Unreadable("this is not a file", remedy="name the returned workbook itself")
        with path.open("rb") as file:
            content = file.read(MOST_FILE + 1)  # once: what is checked is what is read, and what the digest is of
        _precede(content)
        with _listed(content) as archive:
            _check(archive.infolist())
            yield Archive(archive, hashlib.sha256(content).hexdigest())
    except OSError as error:
        raise Unreadable(f"the file can't be read: {error.strerror or error}", remedy="see that it is there") from error


def _precede(content: bytes) -> None:
    """Refuse by size and by the list of parts, before anybody reads that list."""
    if len(content) > MOST_FILE:
        raise Unreadable(f"the file is larger than {MOST_FILE >> 20} MiB, which no filled-in workbook is")
    if content.startswith(_OLE):
        raise Unreadable("the file is encrypted, or an old .xls", remedy="remove the password and save it as .xlsx")
    tail = content[-(_END_SIZE + _COMMENT + _LOCATOR) :]
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise Unreadable("this is no workbook (.xlsx), or a damaged one")
    (directory,) = struct.unpack_from("<L", tail, at + 12)
    if directory > MOST_DIRECTORY or _END64 in tail:
        raise Unreadable("the file lists more parts than a workbook has")


def _listed(content: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(BytesIO(content))
    except (*_DAMAGED, NotImplementedError, ValueError, struct.error) as error:
        raise Unreadable(f"this is no workbook (.xlsx), or a damaged one: {error}") from error


def _check(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_PARTS:
        raise Unreadable(f"the file has {len(entries):,} parts; a workbook has {MOST_PARTS:,} at most")
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise Unreadable(f"the file unpacks to more than {MOST_UNPACKED >> 20} MiB")
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        if name.casefold() in seen or name.startswith(("/", "\\")) or "\\" in name or ".." in name.split("/"):
            raise Unreadable(f"a part has a name that no workbook has: {name!r}")
        seen.add(name.casefold())
        if entry.flag_bits & _ENCRYPTED:
            raise Unreadable("the file is encrypted", remedy="remove the password and save it as .xlsx")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable(f"the part {name} is packed in a way that no workbook is")
        if entry.file_size > SMALL and entry.file_size > RATIO * entry.compress_size:
            raise Unreadable(f"the part {name} unpacks to more than {RATIO} times its size")
        for pattern, what, remedy in _ACTIVE:
            if pattern.search(name):
                raise Unreadable(f"the file holds {what} ({name})", remedy=f"{remedy}, then save it again")
