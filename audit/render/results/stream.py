"""JSON written piece by piece: plain ASCII, whatever the text, and never more than one row in memory."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from audit.store import atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_ENCODER = msgspec.json.Encoder()
_BEYOND = re.compile("[^\x00-\x7f]+")


@contextmanager
def created(path: Path) -> Iterator[BinaryIO]:
    """Open a new file for its owner alone. Raises StoreError where it can't be written."""
    with atomic.refusals(path.parent), open(atomic.create(path), "wb") as file:  # noqa: PTH123  a descriptor: 0600
        yield file


def encoded(value: Any) -> bytes:
    """Return a value as JSON in printable ASCII.

    A terminal, an editor and a log show it as it is: what would act on them (an escape, a change of direction) is
    written by number, and a parser still gets the very text back.
    """
    data = _ENCODER.encode(value)
    if not data.isascii():  # in JSON only text can hold such a letter
        data = _BEYOND.sub(lambda letters: json.dumps(letters[0])[1:-1], data.decode()).encode()
    return data.replace(b"\x7f", b"\\u007f")  # the one that JSON doesn't make anybody escape; only text can hold it


def members(file: BinaryIO, values: dict[str, Any]) -> None:
    """Write members of an object that is open, each with a comma after it."""
    file.writelines(b"%s: %s,\n" % (encoded(name), encoded(value)) for name, value in values.items())


def array(file: BinaryIO, rows: Iterable[Any]) -> None:
    """Write an array, one row a line."""
    before = b"[\n"
    for row in rows:
        file.write(before + encoded(row))
        before = b",\n"
    file.write(b"[]" if before == b"[\n" else b"\n]")
