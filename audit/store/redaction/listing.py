"""Pages of lists: Azure repeats itself from item to item, so a member of an item is redacted once and remembered."""

from __future__ import annotations

import re

import msgspec

from audit.store.redaction.document import DocumentRedactor, members_in
from audit.store.redaction.members import Place, place

_REMEMBERED = 16 * 1024 * 1024
_REMEMBERED_LENGTH = 4096
_PASSING = re.compile(
    rb'"(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:[\d.]{2,10}Z?)"|-?\d{1,9}|true|false|null'
)
"""What is new in every item and harmless by its shape: identifiers, times, numbers."""


class ListRedactor:
    """Redacts pages whose ``value`` is an array of objects; leaves others to the document's own rules."""

    def __init__(self, document: DocumentRedactor) -> None:
        self._document = document
        self._page = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self._items = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
        self._encoder = msgspec.json.Encoder()
        self._known: dict[str, dict[bytes, tuple[bytes | None, int]]] = {}
        self._size = 0

    def body(self, body: bytes) -> bytes:
        """Return a JSON document redacted, byte for byte as received where it holds no secret."""
        try:
            page = self._page.decode(body)
            items = self._items.decode(page["value"])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
            return self._document.body(body)
        rest = {name: value for name, value in page.items() if name != "value"}
        seen, changed = 1, False
        for members in (rest, *items):
            seen += len(members)
            for name, raw in members.items():
                was = bytes(raw)
                known = self._known.get(name)
                if known is None:
                    if name == "value" or self._document.hides(name):
                        return self._document.body(body)
                    known = self._known[name] = {}
                found = known.get(was)
                redacted, count = found if found is not None else self._member(name, was)
                seen += count
                if redacted is not None:
                    members[name] = msgspec.Raw(redacted)
                    changed = True
        if not changed and seen == members_in(body):
            return body
        return self._encoder.encode({name: items if name == "value" else rest[name] for name in page})

    def _member(self, name: str, was: bytes) -> tuple[bytes | None, int]:
        """Return what stands in the place of a member's value, None where it stays, and the members seen in it."""
        if place(name) is Place.PLAIN and _PASSING.fullmatch(was):
            return None, 0
        redacted, count = self._document.member(name, was)
        answer = (None if redacted is was else redacted), count
        if len(was) <= _REMEMBERED_LENGTH:
            self._size += len(was) + len(redacted)
            if self._size > _REMEMBERED:
                for known in self._known.values():
                    known.clear()
                self._size = 0
            self._known[name][was] = answer
        return answer
