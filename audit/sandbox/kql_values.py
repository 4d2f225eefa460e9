"""Values of the Kusto query language: how they compare, and the functions over them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

_INSTANT = re.compile(r"(?P<whole>\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?)(\.(?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d:\d\d)?")
Row = dict[str, Any]
Value = Callable[[Row], Any]


def text(value: Any) -> str:
    """Return a value as ``tostring`` does."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def order(value: Any) -> tuple[int, Any]:
    """Return a sort key: nulls first, numbers as numbers, everything else as text."""
    if value is None:
        return (0, 0)
    if isinstance(value, datetime):
        return (1, value.timestamp())
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (1, value)
    return (2, text(value))


def instant(value: Any) -> datetime | None:
    """Return a text as a moment: seven fractional digits are one too many here; None for what isn't one."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    fraction = f".{match['fraction'][:6]:0<6}" if match["fraction"] else ""
    at = datetime.fromisoformat(f"{match['whole']}{fraction}{match['zone'] or ''}")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def floor(value: Any, step: timedelta) -> datetime | None:
    """Return the beginning of the interval of this length that a moment lies in; None for what isn't one."""
    at = value if isinstance(value, datetime) else instant(value)
    return None if at is None else at - (at - datetime(1, 1, 1, tzinfo=UTC)) % step


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "=~": lambda a, b: text(a).lower() == text(b).lower(),
    "!~": lambda a, b: text(a).lower() != text(b).lower(),
    "<": lambda a, b: order(a) < order(b),
    "<=": lambda a, b: order(a) <= order(b),
    ">": lambda a, b: order(a) > order(b),
    ">=": lambda a, b: order(a) >= order(b),
    "contains": lambda a, b: text(b).lower() in text(a).lower(),
    "!contains": lambda a, b: text(b).lower() not in text(a).lower(),
    "startswith": lambda a, b: text(a).lower().startswith(text(b).lower()),
    "endswith": lambda a, b: text(a).lower().endswith(text(b).lower()),
    "has": lambda a, b: re.search(rf"\b{re.escape(text(b))}\b", text(a), re.IGNORECASE) is not None,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "tolower": lambda a: text(a).lower(),
    "toupper": lambda a: text(a).upper(),
    "tostring": text,
    "toint": lambda a: None if a is None else int(a),
    "todatetime": lambda a: a if isinstance(a, datetime) else instant(a),
    "tobool": lambda a: text(a).lower() == "true",
    "isnull": lambda a: a is None,
    "isnotnull": lambda a: a is not None,
    "isempty": lambda a: text(a) == "",
    "isnotempty": lambda a: text(a) != "",
    "not": lambda a: not a,
    "coalesce": lambda *values: next((each for each in values if each not in (None, "")), values[-1]),
    "strcat": lambda *parts: "".join(map(text, parts)),
    "bin": floor,
    "array_length": lambda a: len(a) if isinstance(a, list) else None,
}


def compared(left: Value, operator: str, right: Value) -> Value:
    """Return a comparison; with a moment on the right, the left is taken for one, too."""
    compare = COMPARE[operator]

    def test(row: Row) -> bool:
        a, b = left(row), right(row)
        if not isinstance(b, datetime):
            return compare(a, b)
        at = a if isinstance(a, datetime) else instant(a)
        return at is not None and compare(at, b)

    return test


def either(left: Value, right: Value) -> Value:
    """Return ``left or right``."""
    return lambda row: bool(left(row)) or bool(right(row))


def both(left: Value, right: Value) -> Value:
    """Return ``left and right``."""
    return lambda row: bool(left(row)) and bool(right(row))


def member(left: Value, values: list[Value], operator: str) -> Value:
    """Return ``left in (values)``; the operator is ``in``, ``in~`` or ``!in~``."""
    if operator == "in":
        return lambda row: left(row) in [each(row) for each in values]
    wanted = operator == "in~"
    return lambda row: (text(left(row)).lower() in [text(each(row)).lower() for each in values]) is wanted


def reach(path: tuple[str | int, ...]) -> Value:
    """Return what lies at a path of keys and indexes; null where there is nothing."""

    def reached(row: Row) -> Any:
        node: Any = row
        for step in path:
            if isinstance(node, dict):
                node = node.get(step)
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                node = node[step]
            else:
                return None
        return node

    return reached
