"""Paths into a job's JSON, as Resource Graph writes them: ``properties.template.containers[0].image``.

Resource Graph doesn't quote names, and people's names (of tags, of a scaler's metadata) hold dots. A path that is made
here quotes a name that isn't plain: ``tags["cost.center"]``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

Step = str | int
"""A member's name, or an element's index from 0."""
NAMED_BY_PEOPLE = frozenset({"tags", "metadata", "userAssignedIdentities"})
"""Members whose own members people name: what follows them is one name, whatever it holds."""

_INDEX = re.compile(r"\[(\d{1,9})\]")
_QUOTED = re.compile(r"""\[("(?:[^"\\]|\\.)*"|'[^']*')\]""")
_PLAIN = re.compile(r"[^.\[]+")
_OF_IDENTITY = re.compile(r"(?P<name>.+?)(?P<rest>\.(?:principalId|clientId))?", re.IGNORECASE | re.DOTALL)


def written(steps: Iterable[Step]) -> str:
    """Return the path of these steps."""
    path = ""
    for step in steps:
        path = element(path, step) if isinstance(step, int) else member(path, step)
    return path


def member(path: str, name: str) -> str:
    """Return the path of a member of what ``path`` leads to; the document itself is the empty path."""
    if not (name.isascii() and name.isidentifier()):
        return f"{path}[{json.dumps(name)}]"
    return f"{path}.{name}" if path else name


def element(path: str, index: int) -> str:
    """Return the path of an element of the list that ``path`` leads to."""
    return f"{path}[{index}]"


def steps(path: str, document: Any) -> tuple[Step, ...] | None:
    """Return the steps of a path, each name as the document spells it where it has it; None for what is no path.

    Where a name could end at several dots, it is the longest that the document has.
    """
    found: list[Step] = []
    node, rest = document, path
    while rest:
        step, rest = _step(rest, node, found)
        if step is None:
            return None
        found.append(step)
        node = inside(node, step)
        if rest[:1] == ".":
            rest = rest[1:] or "."
    return tuple(found) or None


def inside(node: Any, step: Step) -> Any:
    """Return what is one step further in, or None."""
    if isinstance(step, int):
        return node[step] if isinstance(node, list) and step < len(node) else None
    return node.get(step) if isinstance(node, dict) else None


def at(document: Any, way: Iterable[Step]) -> Any:
    """Return what these steps lead to, or None."""
    for step in way:
        document = inside(document, step)
    return document


def _step(rest: str, node: Any, before: list[Step]) -> tuple[Step | None, str]:
    if index := _INDEX.match(rest):
        return int(index[1]), rest[index.end() :]
    if quoted := _QUOTED.match(rest):
        name = _unquoted(quoted[1])
        return (None if name is None else _spelled(name, node)), rest[quoted.end() :]
    for name in sorted(node, key=len, reverse=True) if isinstance(node, dict) else ():
        if rest[: len(name)].lower() == name.lower() and rest[len(name) : len(name) + 1] in ("", ".", "["):
            return name, rest[len(name) :]
    if before and before[-1] in NAMED_BY_PEOPLE:
        named = _OF_IDENTITY.fullmatch(rest) if before[-1] == "userAssignedIdentities" else None
        return (named["name"], named["rest"] or "") if named else (rest, "")
    plain = _PLAIN.match(rest)
    return (plain[0], rest[plain.end() :]) if plain else (None, "")


def _unquoted(text: str) -> str | None:
    if text[0] == "'":
        return text[1:-1]
    try:
        return str(json.loads(text))
    except ValueError:
        return None


def _spelled(name: str, node: Any) -> str:
    names = node if isinstance(node, dict) else ()
    return name if name in names else next((each for each in names if each.lower() == name.lower()), name)
