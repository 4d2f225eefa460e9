"""What the reading costs: requests, retries and bytes of the run, and the wait budget of each unit."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_WAIT = 120.0
"""Seconds that one unit may wait for throttling and retries altogether."""


@dataclass
class Meter:
    """The counters of a whole run. ``requests``: by API family, every attempt counted; bytes as they came."""

    requests: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    throttled: int = 0
    bytes_received: int = 0


@dataclass
class UnitMeter:
    """One unit's requests, and how many of its ``wait`` seconds it has spent on pauses and retries."""

    wait: float = DEFAULT_WAIT
    requests: int = 0
    waited: float = 0.0

    @property
    def left(self) -> float:
        """Seconds that the unit may still wait."""
        return max(0.0, self.wait - self.waited)


_current: ContextVar[UnitMeter | None] = ContextVar("jobaudit_unit", default=None)


def current_unit() -> UnitMeter:
    """Return the unit in whose context this runs; outside any unit, a fresh one with the default wait."""
    return _current.get() or UnitMeter()


@contextmanager
def unit_meter(wait: float) -> Iterator[UnitMeter]:
    """Make everything that is read inside (by this task and those it starts) count for one unit."""
    meter = UnitMeter(wait=wait)
    token = _current.set(meter)
    try:
        yield meter
    finally:
        _current.reset(token)
