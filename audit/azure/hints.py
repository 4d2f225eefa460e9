"""What Azure's headers say about rate limits: how many requests are left, and how long to wait.

None of these headers can be relied on to be there; `x-ms-ratelimit-remaining-subscription-reads` often isn't.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMAINING = (
    "x-ms-ratelimit-remaining-",
    "x-ms-user-quota-remaining",
    "x-ms-ratelimit-microsoft.costmanagement-qpu-remaining",
)
_LIMIT_USED = "x-ms-throttle-limit-percentage"
_QUOTA_RESETS = "x-ms-user-quota-resets-after"
_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")
_COST_RETRY = re.compile(r"x-ms-ratelimit-microsoft\.[a-z.]+-[a-z-]*retry-after")
_CLOCK = re.compile(r"(?:(\d+)\.)?(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def remaining(headers: Mapping[str, str]) -> int | None:
    """Return the smallest count of requests left that the headers name, or None.

    Counts are plain numbers, ``Microsoft.X/Group;123,Microsoft.X/Other;9``, or ``QueriesPerHour:577,QueriesPerMin:59``.
    """
    least: int | None = None
    for name, value in headers.items():
        if name.lower().startswith(_REMAINING):
            for part in value.split(","):
                number = part.replace(":", ";").rpartition(";")[2].strip()
                if number.isdecimal() and (least is None or int(number) < least):
                    least = int(number)
    return least


def limit_used(headers: Mapping[str, str]) -> float | None:
    """Return the share of its limit that Graph says is used up, or None: it speaks from 0.8 on, and up to 1.8.

    https://learn.microsoft.com/graph/throttling-limits#response-headers
    """
    found = (_number(value, 1) for name, value in headers.items() if name.lower() == _LIMIT_USED)
    return next(found, None)


def retry_after(headers: Mapping[str, str], *, quota_only: bool = False) -> float | None:
    """Return the longest wait, in seconds, that the headers ask for, or None.

    Understood: Retry-After (seconds or a date), its millisecond forms, the quota's reset time (hh:mm:ss), and the
    several retry-after headers of Cost Management, of which the largest counts.
    """
    waits = []
    for name, value in headers.items():
        lower = name.lower()
        if lower == _QUOTA_RESETS:
            waits.append(_clock(value))
        elif quota_only:
            continue
        elif lower == "retry-after":
            waits.append(_seconds(value))
        elif lower in _MILLISECONDS:
            waits.append(_number(value, 1000))
        elif _COST_RETRY.fullmatch(lower):
            waits.append(_number(value, 1))
    known = [wait for wait in waits if wait is not None]
    return max(known) if known else None


def _number(value: str, divisor: float) -> float | None:
    text = value.strip()
    return float(text) / divisor if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text, re.ASCII) else None


def _seconds(value: str) -> float | None:
    number = _number(value, 1)
    if number is not None:
        return number
    try:
        when = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _clock(value: str) -> float | None:
    match = _CLOCK.fullmatch(value.strip())
    if match is None:
        return _number(value, 1)
    days, hours, minutes, seconds = match.groups()
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)
