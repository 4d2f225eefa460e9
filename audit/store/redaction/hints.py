"""A first look, cheaper than the rules and wider than all of them: most of what Azure sends ends here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_NAMES = "= % \" ' :// jdbc: -- key: Key: KEY: oken: OKEN: pass Pass PASS pwd Pwd PWD"
_OF_FORMATS = (
    r"~ earer EARER asic ASIC LS0t PRIV PuTTY eyJ \+A[SBMERC] ACDb AIoT AZEG AzCa APIM AzSe AzFu ACLD AISK JQQJ9 "
    r"aws AWS Aws github_pat gh[a-z]+_ gl[a-z]+[-_] GR1348941 xox xapp XOX rk_ sk_ sk- whsec npm_ pypi- AIza GOCSPX "
    r"ya29 hv[sbr][.] dapi dckr hf_ do[opr]_ sq0 A3T AKIA ASIA ABIA ACCA AKC AC[a-z0-9]{32} SK[a-z0-9]{32} SG[.] "
    r"T3Blbk -us[0-9]"
)
_LONG = 44
_LONG_ONES = (
    re.compile(r"[a-z2-7]{52}"),
    re.compile(r"\.[A-Za-z0-9_-]{6}\."),
    re.compile(r":[A-Za-z0-9_-]{35}"),
)


def _by_first(hints: Sequence[str]) -> re.Pattern[str]:
    """Join hints by their first character: only then can the engine skip to the next place where one may begin."""
    rest: dict[str, list[str]] = {}
    for hint in hints:
        first = re.escape(hint[:1]) if hint[:1] != "\\" else hint[:2]
        rest.setdefault(first, []).append(hint[2:] if hint[:1] == "\\" else hint[1:])
    return re.compile("|".join(f"{first}(?:{'|'.join(ends)})" for first, ends in rest.items()))


_HINT = _by_first([*_OF_NAMES.split(), *_OF_FORMATS.split()])


def may_hold_secret(text: str) -> bool:
    """Tell whether any rule for text could find something."""
    if _HINT.search(text) is not None:
        return True
    return len(text) >= _LONG and any(hint.search(text) is not None for hint in _LONG_ONES)
