"""The several ways in which Azure spells one moment."""

from __future__ import annotations

from datetime import UTC, datetime

_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)


def bare(moment: datetime) -> str:
    """Return seven fractional digits and no zone: ``systemData`` of Container Apps."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}{_seventh(moment)}"


def zulu(moment: datetime) -> str:
    """Return seven fractional digits and ``Z``: role assignments and the Activity Log."""
    return bare(moment) + "Z"


def offset(moment: datetime) -> str:
    """Return whole seconds and ``+00:00``: the resource list and executions."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}+00:00"


def day(moment: datetime) -> str:
    """Return midnight of a day: budgets."""
    return f"{moment:%Y-%m-%d}T00:00:00Z"


def ticks(moment: datetime) -> int:
    """Return .NET ticks (100 ns since year 1): the end of an event's id."""
    elapsed = moment - _YEAR_ONE
    return (elapsed.days * 86_400 + elapsed.seconds) * 10_000_000 + elapsed.microseconds * 10 + _seventh(moment)


def _seventh(moment: datetime) -> int:
    return moment.microsecond % 9 + 1 if moment.microsecond else 0
