"""Half-open stretches of time: which are known, and what lies between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple


class Stretch(NamedTuple):
    """From ``since`` (included) to ``until`` (excluded), and who knows it."""

    since: datetime
    until: datetime
    known_by: tuple[str, ...] = ()

    def within(self, since: datetime, until: datetime) -> Stretch | None:
        """Return the part of it that lies in a window, or None."""
        begin, end = max(self.since, since), min(self.until, until)
        return self._replace(since=begin, until=end) if begin < end else None


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return the stretches in order, those that touch or overlap as one, known by all who knew a part (each once)."""
    found: list[Stretch] = []
    for each in sorted(stretches, key=lambda stretch: (stretch.since, stretch.until)):
        if found and each.since <= found[-1].until:
            last = found[-1]
            known = tuple(dict.fromkeys((*last.known_by, *each.known_by)))
            found[-1] = Stretch(last.since, max(last.until, each.until), known)
        elif each.since < each.until:
            found.append(each)
    return found


def holes(known: Sequence[Stretch], since: datetime, until: datetime) -> list[Stretch]:
    """Return what a window has between stretches that :func:`joined` returned."""
    found = []
    for each in known:
        if each.until <= since:
            continue
        if each.since > since:
            found.append(Stretch(since, min(each.since, until)))
        since = max(since, each.until)
        if since >= until:
            break
    if since < until:
        found.append(Stretch(since, until))
    return [hole for hole in found if hole.since < hole.until]
