"""The period that evidence speaks of: half-open, aware, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """From ``since`` (included) to ``until`` (excluded), both aware UTC datetimes."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        """Refuse a window that is naive or empty."""
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise ValueError("a window's times carry their zone")
        if self.since >= self.until:
            raise ValueError("a window ends after it starts")

    @classmethod
    def last(cls, days: int, now: datetime) -> Window:
        """Return the window of ``days`` days that ends now."""
        return cls(since=now - timedelta(days=days), until=now)

    @classmethod
    def month(cls, year: int, month: int) -> Window:
        """Return a calendar month in UTC."""
        since = datetime(year, month, 1, tzinfo=UTC)
        return cls(since=since, until=(since + timedelta(days=32)).replace(day=1))

    @property
    def label(self) -> str:
        """The window in a folder's name: 2026-10, or 2026-10-23_2026-11-22."""
        if self == Window.month(self.since.year, self.since.month):
            return f"{self.since:%Y-%m}"
        return f"{self.since:%Y-%m-%d}_{self.until:%Y-%m-%d}"

    @property
    def exact_label(self) -> str:
        """As ``label``, and to the second: 2026-10-23T000000Z_2026-11-22T060000Z; a calendar month is one anyway."""
        if self == Window.month(self.since.year, self.since.month):
            return self.label
        since, until = (each.astimezone(UTC) for each in (self.since, self.until))
        return f"{since:%Y-%m-%dT%H%M%SZ}_{until:%Y-%m-%dT%H%M%SZ}"
