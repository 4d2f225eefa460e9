"""The style sheet of a page: written small, and only the rules that something on the page can follow."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s+")
_AROUND = re.compile(r"\s*([{};,>])\s*")
_RULE = re.compile(r"([^{}]+)\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_CLASS = re.compile(r"\.([A-Za-z_][\w-]*)")
_TYPE = re.compile(r"(?:^|[\s>~+])([A-Za-z][A-Za-z0-9]*)")
_VARIABLE = re.compile(r"--([\w-]+):[^;}]*;?")
_ASKED = re.compile(r"var\(--([\w-]+)")
_OPAQUE = ("(", "[", "\\")
"""In a selector with one of them, names can't be told by their looks: its rule is kept."""


def small(style: str) -> str:
    """Return a style sheet without comments and needless space."""
    return _AROUND.sub(r"\1", _SPACE.sub(" ", _COMMENT.sub("", style))).strip()


def used(style: str, said: AbstractSet[str]) -> str:
    """Return the rules of a small style sheet that can apply where only the words ``said`` name elements and classes.

    A rule in doubt is kept. Variables that no rule asks for are left out.
    """
    kept = _rules(style, said)
    asked = set(_ASKED.findall(kept))
    return _VARIABLE.sub(lambda found: found[0] if found[1] in asked else "", kept)


def _rules(style: str, said: AbstractSet[str]) -> str:
    kept = []
    for head, body in _RULE.findall(style):
        if head.startswith("@"):
            inside = _rules(body, said) if "{" in body else body
            if inside:
                kept.append(f"{head}{{{inside}}}")
            continue
        doubtful = "{" in body or any(mark in head for mark in _OPAQUE)
        selectors = [head] if doubtful else [each for each in head.split(",") if _can_apply(each, said)]
        if selectors:
            kept.append(f"{','.join(selectors)}{{{body}}}")
    return "".join(kept)


def _can_apply(selector: str, said: AbstractSet[str]) -> bool:
    return {*_CLASS.findall(selector), *_TYPE.findall(selector)} <= said
