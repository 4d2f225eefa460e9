"""Raw pages: zstd-compressed JSON Lines, one line per answer of Azure, one file per unit.

A unit's file appears by rename when the unit has ended. Until then its lines are held in memory, and beyond 256 KiB in
a ``.part`` file beside it: a killed run leaves no file that looks whole.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from audit.errors import IntegrityError
from audit.model import Page, Scope
from audit.store.atomic import create, refusals, write_all
from audit.store.layout import PART

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_HELD = 256 * 1024
_OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.compression_level: 3,
    zstd.CompressionParameter.checksum_flag: 1,
}


class _Line(msgspec.Struct, kw_only=True):
    scope: Scope
    method: str
    url: str
    api_version: str
    status: int
    request_id: str
    correlation_id: str
    received_at: datetime
    request_body: msgspec.Raw
    body: msgspec.Raw


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Line)
_NULL = msgspec.Raw(b"null")


def encode(page: Page) -> bytes:
    """Return a page as its line, newline included. The bodies must be JSON on one line."""
    line = _encoder.encode(
        _Line(
            scope=page.scope,
            method=page.method,
            url=page.url,
            api_version=page.api_version,
            status=page.status,
            request_id=page.request_id,
            correlation_id=page.correlation_id,
            received_at=page.received_at,
            request_body=_NULL if page.request_body is None else msgspec.Raw(page.request_body),
            body=msgspec.Raw(page.body),
        )
    )
    return line + b"\n"


def decode(line: bytes, number: int) -> Page:
    """Return the page of one line. Raises msgspec.DecodeError."""
    read = _decoder.decode(line)
    request_body = bytes(read.request_body)
    return Page(
        scope=read.scope,
        method=read.method,
        url=read.url,
        api_version=read.api_version,
        status=read.status,
        request_id=read.request_id,
        correlation_id=read.correlation_id,
        received_at=read.received_at,
        request_body=None if request_body == b"null" else request_body,
        body=bytes(read.body),
        line=number,
    )


class RawWriter:
    """The raw file of one unit that is being read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(f".{path.name}{PART}")
        self._compressor = zstd.ZstdCompressor(options=_OPTIONS)
        self._digest = hashlib.sha256()
        self._held: list[bytes] = []
        self._size = 0
        self._descriptor: int | None = None
        self.lines = 0

    def append(self, line: bytes) -> int:
        """Add a line and return its number, from 1."""
        self._held.append(line)
        self._size += len(line)
        if self._size >= _HELD:
            self._flush(self._compressor.CONTINUE)
        self.lines += 1
        return self.lines

    def finish(self) -> str:
        """Give the file its name and return the SHA-256 of its bytes. No lines: no file, and the answer is empty."""
        if not self.lines:
            with refusals(self.path.parent):
                self.path.unlink(missing_ok=True)
            return ""
        self._flush(self._compressor.FLUSH_FRAME)
        self._close()
        with refusals(self.path.parent):
            self._part.replace(self.path)
        return self._digest.hexdigest()

    def abort(self) -> None:
        """Leave nothing behind."""
        self._held.clear()
        if self._descriptor is not None:
            self._close()
            self._part.unlink(missing_ok=True)

    def _flush(self, mode: Literal[0, 1, 2]) -> None:
        data = self._compressor.compress(b"".join(self._held), mode)
        self._held.clear()
        self._size = 0
        self._digest.update(data)
        with refusals(self.path.parent):
            if self._descriptor is None:
                self._descriptor = create(self._part)
            write_all(self._descriptor, data)

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


def read(path: Path) -> Iterator[Page]:
    """Yield the pages of a raw file in order, streaming. Raises IntegrityError naming the file and the line."""
    number = 0
    try:
        with zstd.open(path, "rb") as file:
            for number, line in enumerate(io.BufferedReader(file), start=1):
                yield decode(line, number)
    except FileNotFoundError as error:
        raise damaged(path, "the file is missing") from error
    except (zstd.ZstdError, EOFError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise damaged(path, f"after line {number}: {error}") from error


def damaged(path: Path, detail: str) -> IntegrityError:
    """Return the error for a raw file that isn't as it was stored."""
    return IntegrityError(
        f"raw pages are damaged: {detail}",
        where=str(path),
        hint="restore the file from a copy of the run, or collect again",
    )
