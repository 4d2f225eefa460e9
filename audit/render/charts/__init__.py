"""Charts, drawn on the server as SVG: the same rows give the same bytes, and no script is needed to read them.

Each drawing tells what it shows in words (``title`` and ``desc``), and stands beside its figures in a table. What was
not read is hatched and named, never drawn as zero; what is too much to draw is folded, and the chart says so.
"""

from __future__ import annotations

from audit.render.charts.columns import Limit, Series, columns
from audit.render.charts.durations import Taken, durations
from audit.render.charts.lanes import Lane, Mark, Run, lanes
from audit.render.charts.lines import Line, Point, Span, lines
from audit.render.charts.numbers import Chart
from audit.render.charts.tree import Node, tree

__all__ = [
    "Chart",
    "Lane",
    "Limit",
    "Line",
    "Mark",
    "Node",
    "Point",
    "Run",
    "Series",
    "Span",
    "Taken",
    "columns",
    "durations",
    "lanes",
    "lines",
    "tree",
]
