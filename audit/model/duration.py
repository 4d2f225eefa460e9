"""ISO 8601 durations as Azure writes them: ``PT5M``, ``P1D``, ``P10675199DT2H48M5.4775807S`` (the longest it has)."""

from __future__ import annotations

import re

_PARTS = re.compile(
    r"P(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)(?:\.\d+)?S)?)?", re.IGNORECASE | re.ASCII
)
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def seconds(text: str) -> int:
    """Return a duration in whole seconds; a fraction is cut. Raises ValueError for what isn't one.

    Years and months have no length of their own and are refused.
    """
    found = _PARTS.fullmatch(text)
    if found is None or all(value is None for value in found.groupdict().values()):
        raise ValueError(f"Expected a duration such as PT5M, got {text!r}")
    return sum(int(value) * _SECONDS[unit] for unit, value in found.groupdict().items() if value is not None)
