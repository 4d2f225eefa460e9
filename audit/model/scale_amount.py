"""What a scale rule's threshold says: KEDA takes numbers as text, and people write anything."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
ABSURD = 1e9
"""No queue has that many messages waiting for one execution."""


def amount(text: str | None) -> tuple[float | None, str | None]:
    """Return the number that a text says, and what stands against it; no number where it says none."""
    if text is None or not text.strip():
        return None, "blank"
    written = text.strip()
    if len(written) > 60 or not _NUMBER.fullmatch(written):  # noqa: PLR2004  longer than any number
        return None, "not a number"
    found = float(written)
    if not math.isfinite(found):
        return None, "too large for a number"
    if found <= 0:
        return found, "not above 0"
    if found > ABSURD:
        return found, "absurdly large"
    return found, None
