"""The figures of a chart as a table, and the chart with them: what a template prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from audit.render.charts.svg import text

MOST_ROWS = 124
"""Rows of a chart's table; a chart never draws more places than that."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing and its figures. ``notes``: what was folded, and what was not read, in words."""

    title: str
    svg: Markup
    table: Markup
    notes: tuple[str, ...] = ()


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Return a table; the first column heads its rows, the others hold figures, set to the right."""
    first, *others = heads
    head = f'<th scope="col">{text(first)}</th>' + "".join(
        f'<th scope="col" class="num">{text(each)}</th>' for each in others
    )
    body = "".join(
        f'<tr><th scope="row" class="when">{text(row[0])}</th>'
        + "".join(f'<td class="num">{text(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return Markup(  # noqa: S704  every text in it went through text()
        f"<table><caption>{text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
