"""The period that a command line or audit.toml asks for: a calendar month, two moments, or so many days back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from audit.errors import UsageError
from audit.model import Window

LAST = "last"
"""The calendar month before this one."""


def period(*, since: str | None, until: str | None, month: str | None, days: int, now: datetime) -> Window:
    """Return the window asked for, cut off at ``now``: the rest hasn't happened. Times without a zone are UTC.

    ``month``: YYYY-MM, or ``last``: the one before the month of ``now``. ``days`` counts back where no start is given.
    Raises UsageError for what isn't a time, ends before it starts, or lies in the future.
    """
    now = now.replace(microsecond=0)
    if month is not None:
        if since or until:
            raise UsageError("--month goes without --since and --until", hint="give one or the other")
        window = _month(month, now)
    else:
        end = _moment("--until", until) if until else now
        start = _moment("--since", since) if since else end - timedelta(days=days)
        if start >= end:
            raise UsageError(f"the window ends ({end}) before it starts ({start})", hint="swap --since and --until")
        window = Window(since=start, until=end)
    if window.since >= now:
        raise UsageError("the window lies in the future", hint="evidence is collected of what has happened")
    return Window(since=window.since, until=min(window.until, now))


def _month(text: str, now: datetime) -> Window:
    if text == LAST:
        before = now.astimezone(UTC).replace(day=1) - timedelta(days=1)
        return Window.month(before.year, before.month)
    found = re.fullmatch(r"((?:19|20)\d\d)-(0[1-9]|1[0-2])", text)
    if not found:
        raise UsageError(f'--month is "{text}", YYYY-MM or {LAST} was expected', hint="for example 2026-10")
    return Window.month(int(found[1]), int(found[2]))


def _moment(option: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f'{option} is "{text}", an RFC 3339 time or a date was expected', hint="2026-10-01 or 2026-10-01T06:00:00Z"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
