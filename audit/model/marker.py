"""What stands in stored evidence where a value was hidden: ``[redacted:<digest>]``, with the detector if one spoke."""

from __future__ import annotations

import re

MARKER = re.compile(r"\[redacted:(?P<digest>[0-9a-f]{16})(?::(?P<detector>[a-z0-9-]+))?\]")


def hidden(value: str | None) -> bool:
    """Tell whether a stored value was hidden, wholly or in part."""
    return value is not None and MARKER.search(value) is not None


def detector(value: str | None) -> str | None:
    """Return the name of the first detector that took a part of the value for a secret, or None."""
    found = (match["detector"] for match in MARKER.finditer(value or ""))
    return next((name for name in found if name), None)


_ANY = re.compile(r"\[redacted:[^\]]{0,80}\]?")
_BEGINNING = "[redacted:"


def marked(text: str) -> bool:
    """Tell whether a text holds a redaction mark or the beginning of one: such a text may never be applied."""
    return _BEGINNING in text


def unmarked(text: str) -> str:
    """Return text for people to read: what stands for a hidden value reads ``(hidden)``."""
    return _ANY.sub("(hidden)", text)
