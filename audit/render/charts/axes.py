"""Axes: round numbers for amounts, round times for time, and where a value lies between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from audit.render.charts.svg import Drawing, num

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 10080, 20160, 43200, 129600, 525600)
)
_DAY = timedelta(days=1)
_LEAST = 1e-9
"""Less is nothing: no money and no message is as small."""


def day(at: date) -> str:
    """Return ``22 Nov``: no locale takes part."""
    return f"{at.day} {MONTHS[at.month - 1]}"


def clock(at: datetime) -> str:
    """Return ``22 Nov 06:00``, or the day alone at midnight."""
    return day(at) if (at.hour, at.minute) == (0, 0) else f"{day(at)} {at:%H:%M}"


def ceiling(value: float, steps: int = 4, *, whole: bool = False) -> tuple[float, float]:
    """Return (top of the axis, step between its lines), round, at least ``value``. ``whole``: things are counted."""
    if value < _LEAST or not math.isfinite(value):
        return 1.0, 1.0
    raw = value / steps
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * (1 - 1e-9))
    if whole:
        step = max(1.0, math.ceil(step))
    return max(1, math.ceil(value / step - 1e-9)) * step, step


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The room in which a chart draws, in units of the drawing."""

    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """Where zero lies."""
        return self.top + self.height

    @property
    def right(self) -> float:
        """Where time ends."""
        return self.left + self.width

    def up(self, value: float, top: float) -> float:
        """Return how high a value lies."""
        return self.bottom - self.height * min(value, top) / top


@dataclass(frozen=True, kw_only=True)
class TimeAxis:
    """Time from left to right."""

    frame: Frame
    since: datetime
    until: datetime

    def at(self, moment: datetime) -> float:
        """Return where a moment lies; one outside the window lies at its edge."""
        x = self.frame.left + (moment - self.since).total_seconds() * self._scale
        return min(self.frame.right, max(self.frame.left, x))

    @cached_property
    def _scale(self) -> float:
        return self.frame.width / (self.until - self.since).total_seconds()

    def ticks(self, most: int = 9) -> list[datetime]:
        """Return round moments of the window, ``most`` at most."""
        span = self.until - self.since
        step = next((each for each in _STEPS if span / each <= most), _STEPS[-1])
        start = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday: weeks begin with it
        first = start + -((start - self.since) // step) * step
        found: list[datetime] = []
        while first <= self.until and len(found) <= most:
            if first >= self.since:
                found.append(first)
            first += step
        return found

    def draw(self, drawing: Drawing, *, grid: bool = False, most: int = 9) -> None:
        """Draw the axis below the frame."""
        frame = self.frame
        drawing.line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")
        ticks = self.ticks(most)
        fine = len(ticks) > 1 and ticks[1] - ticks[0] < _DAY
        before = None
        for tick in ticks:
            x = self.at(tick)
            drawing.line(x, frame.top if grid else frame.bottom, x, frame.bottom + 4, "grid" if grid else "axis")
            told = day(tick) if not fine else (clock(tick) if tick.date() != before else f"{tick:%H:%M}")
            before = tick.date()
            drawing.words(min(max(x, frame.left + 12), frame.right - 14), frame.bottom + 16, told, "", "middle")


def amounts(drawing: Drawing, frame: Frame, top: float, step: float, told: Sequence[str], *, right: bool) -> None:
    """Draw the lines and figures of an amount's axis; ``told``: a figure for every step, from zero."""
    for index, label in enumerate(told):
        y = frame.up(index * step, top)
        if not right:
            drawing.add(f'<path class="grid" d="M{num(frame.left)} {num(y)}H{num(frame.right)}"/>')
        x = frame.right + 6 if right else frame.left - 6
        drawing.words(x, y + 3.5, label, "", "" if right else "end")


def steps(top: float, step: float) -> list[float]:
    """Return the values of an axis' lines, from zero to its top."""
    return [index * step for index in range(round(top / step) + 1)]
