"""How values read on a page: times in UTC, numbers, names, and hostile text made visible instead of acted on."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

_KIB = 1024
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]",
)


def _shown(match: re.Match[str]) -> str:
    return f"[U+{ord(match[0]):04X}]"


def visible(value: Any) -> str:
    """Return text in which control, direction-changing and zero-width characters are shown by number.

    Escape becomes ``[U+001B]``, a right-to-left override ``[U+202E]``: nothing can reorder or hide what is read.
    """
    text = str(value)
    return text if text.isprintable() or text.replace("\n", "").isprintable() else _INVISIBLE.sub(_shown, text)


def utc(value: datetime | date | None) -> str:
    """Return ``2026-11-22 06:00 UTC``, or the date alone for a date."""
    if value is None:
        return "unknown"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{value:%Y-%m-%d}"


def utc_seconds(value: datetime | None) -> str:
    """Return a time to the second, for requests and events."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if value else "unknown"


def number(value: float | Decimal | None) -> str:
    """Return a number with thousands set apart by commas, without a needless fraction."""
    if value is None:
        return "unknown"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.2f}"


def money(value: Decimal | float | None, currency: str | None) -> str:
    """Return an amount with two decimals and its currency's code."""
    if value is None:
        return "unknown"
    return f"{value:,.2f} {visible(currency) if currency else '(currency unknown)'}"


def plural(count: int, one: str, many: str = "") -> str:
    """Return ``1 job``, ``3 jobs``: the number and the noun that goes with it."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(value: float) -> str:
    """Return bytes in the unit that reads best."""
    if value < _KIB:
        return f"{int(value)} B"
    for unit in ("KiB", "MiB"):
        value /= _KIB
        if value < _KIB:
            return f"{value:,.1f} {unit}"
    return f"{value / _KIB:,.1f} GiB"


def seconds(value: int | None) -> str:
    """Return a duration in words: ``30 s``, ``5 min``, ``2 h 30 min``."""
    if value is None:
        return "unknown"
    hours, rest = divmod(int(value), 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (left, "s")) if n]
    return " ".join(parts) or "0 s"


def listing(values: list[str], joint: str = "and") -> str:
    """Return ``a, b and c``."""
    if len(values) < 2:  # noqa: PLR2004  a pair is where a joint begins
        return "".join(values)
    return f"{', '.join(values[:-1])} {joint} {values[-1]}"


def shortened(value: Any, most: int = 600) -> str:
    """Return text of at most ``most`` letters; where it is cut, it says how long it was."""
    told = str(value)
    return told if len(told) <= most else f"{told[:most]}… [{len(told):,} characters, all of them in data/]"
