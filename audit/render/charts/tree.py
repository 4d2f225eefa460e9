"""What hangs on what, as a tree from left to right: a box for each thing, dashed where a name led nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audit.render.charts.svg import Drawing, num, short

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_SIBLINGS = 6
"""Things of one relation that hang on one other; more are folded into one box that says how many."""
MOST_LEAVES = 44
"""Rows of the drawing; a bigger tree is folded harder."""
_BOX, _GAP, _ROW, _TALL = 168.0, 30.0, 43.0, 35.0
_BOLD = 0.9
"""Bold letters are wider: fewer of them fit."""


@dataclass(kw_only=True)
class Node:
    """One thing. ``label`` is its relation to what it hangs on; ``told`` says more to a pointer."""

    label: str
    name: str
    told: str = ""
    kind: str = ""
    resolved: bool = True
    branches: list[Node] = field(default_factory=list)
    folded: int = 0


def tree(name: str, title: str, root: Node, *, described: str) -> Markup:
    """Draw a tree; ``described`` is what it says in words. A folded box says how many it stands for."""
    siblings = MOST_SIBLINGS
    shown = _pruned(root, siblings)
    while _leaves(shown) > MOST_LEAVES and siblings > 1:
        siblings -= 1
        shown = _pruned(root, siblings)
    depth = _depth(shown)
    width = 2.0 + depth * _BOX + (depth - 1) * _GAP
    drawing = Drawing(name, max(width, 760.0), 4.0 + _leaves(shown) * _ROW)
    _place(drawing, shown, 0, 2.0)
    return drawing.finish(title, described)


def _pruned(node: Node, most: int) -> Node:
    """Return the node with at most ``most`` branches of each relation; the others are one box."""
    by_label: dict[str, list[Node]] = {}
    for branch in node.branches:
        by_label.setdefault(branch.label, []).append(branch)
    kept: list[Node] = []
    for label, branches in by_label.items():
        whole = len(branches) <= most
        kept += [_pruned(each, most) for each in (branches if whole else branches[: most - 1])]
        if not whole:
            rest = branches[most - 1 :]
            broken = sum(1 for each in rest if not each.resolved)
            told = f"{len(rest)} more" + (f", {broken} unresolved" if broken else "")
            kept.append(Node(label=label, name=told, told="listed in the table below", folded=len(rest)))
    return Node(label=node.label, name=node.name, told=node.told, kind=node.kind, resolved=node.resolved, branches=kept)


def _leaves(node: Node) -> int:
    return sum(map(_leaves, node.branches)) or 1


def _depth(node: Node) -> int:
    return 1 + max(map(_depth, node.branches), default=0)


def _place(drawing: Drawing, node: Node, level: int, top: float) -> float:
    """Draw a node and what hangs on it below ``top``; return the height of its middle."""
    left = 2.0 + level * (_BOX + _GAP)
    middles, at = [], top
    for branch in node.branches:
        middles.append(_place(drawing, branch, level + 1, at))
        at += _leaves(branch) * _ROW
    middle = (middles[0] + middles[-1]) / 2 if middles else top + _ROW / 2
    _join(drawing, left + _BOX, middle, middles)
    _box(drawing, node, left, middle - _TALL / 2, level)
    return middle


def _join(drawing: Drawing, left: float, middle: float, middles: Sequence[float]) -> None:
    half, right = left + _GAP / 2, left + _GAP
    for each in middles:
        drawing.add(f'<path class="edge" d="M{num(left)} {num(middle)}H{num(half)}V{num(each)}H{num(right)}"/>')


def _box(drawing: Drawing, node: Node, left: float, top: float, level: int) -> None:
    kind = "node root" if level == 0 else "node folded" if node.folded else "node" if node.resolved else "node lost"
    drawing.rect(left, top, _BOX, _TALL, f'rx="3" class="{kind}"', node.told or node.name)
    label = node.label if node.resolved else f"{node.label}, unresolved"
    drawing.words(left + 8, top + 13, short(label, _BOX - 14), "soft")
    drawing.words(left + 8, top + 27, short(node.name, (_BOX - 16) * _BOLD), "name")
