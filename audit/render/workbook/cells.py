"""Values made safe for a cell: text stays text, what can't be shown is shown as a sign, nothing is cut silently.

Measured on openpyxl 3.1: a string that begins with ``=`` becomes a formula and ``#N/A`` an error value unless the
cell's type is forced; control characters raise; longer strings than the format allows are cut without a word.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal

from audit.render.text import visible

TEXT_LIMIT = 32_767
"""Characters a cell holds, counted as the format counts them: in UTF-16 units."""

CellValue = str | int | float | bool | Decimal | datetime | date | None

_FIRST_DATE = datetime(1900, 3, 1)  # noqa: DTZ001  cells know no zone; and Excel's calendar is wrong before it
_EXACT_DIGITS = 10**15
_NOT_XML = re.compile("[\ufffe\uffff]")
_ESCAPE_LOOKALIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def shown(text: str) -> str:
    """Return text in which everything invisible is shown by a sign, what XML can't carry included; line feeds stay."""
    seen = visible(text)
    return seen if seen.isascii() else _NOT_XML.sub(lambda match: f"[U+{ord(match[0]):04X}]", seen)


def fitted(text: str, whole: str) -> str:
    """Return visible text that a cell can hold; where it is cut, it says so and ``whole`` says where all of it is."""
    seen = shown(text)
    if _short(seen) or _units(escaped(seen)) <= TEXT_LIMIT:
        return seen
    mark = f"\n[cut: this cell shows the beginning of {len(text):,} characters. The whole text: {whole}]"
    room = TEXT_LIMIT - _units(mark)
    kept = seen.encode("utf-16-le")[: room * 2].decode("utf-16-le", errors="ignore")
    while (over := _units(escaped(kept)) - room) > 0:  # what is escaped takes more room
        kept = kept[:-over]
    return kept + mark


def _short(text: str) -> bool:
    """Tell at once that a text fits, whatever is in it: escapes, and letters of two units, double it at most."""
    return 4 * len(text) <= TEXT_LIMIT


def escaped(text: str) -> str:
    """Return text whose ``_x0041_`` look-alikes survive: the format would read them as one character."""
    return _ESCAPE_LOOKALIKE.sub("_x005F_", text) if "_x" in text else text


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def moment(value: datetime | date | None) -> datetime | date | str | None:
    """Return a time as a cell takes it: naive, in UTC. One before 1900 can't be a cell's date and becomes text."""
    if isinstance(value, datetime):
        naive = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return naive if naive >= _FIRST_DATE else f"{naive.isoformat()}Z"
    if isinstance(value, date) and value < _FIRST_DATE.date():
        return value.isoformat()
    return value


def number(value: float | Decimal | None) -> int | float | Decimal | str | None:
    """Return a number as a cell takes it; one with more digits than a cell keeps, or none at all, becomes text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return value if value.is_finite() and abs(value) < _EXACT_DIGITS else str(value)
    return value if math.isfinite(value) and abs(value) < _EXACT_DIGITS else str(value)
