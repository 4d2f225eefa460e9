"""How long executions took, day by day: the middle one and the slow ones, against the limit that would stop them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from audit.render.charts.axes import Frame, TimeAxis, amounts
from audit.render.charts.numbers import Chart, table
from audit.render.charts.svg import LETTER, Drawing, num
from audit.render.text import number, seconds

_WIDTH, _HEIGHT = 760.0, 206.0
_STEPS = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What the executions that ended on one day, or on the days from it on, took; seconds."""

    day: date
    p50: float
    p95: float
    most: float
    count: int


def durations(
    name: str, title: str, window: tuple[datetime, datetime], taken: Sequence[Taken], timeout_s: int | None
) -> Chart:
    """Draw the middle (p50) and the slow (p95) executions of each day. ``timeout_s``: a replica is stopped then."""
    highest = max([each.p95 for each in taken] + ([float(timeout_s)] if timeout_s else []), default=1.0)
    step = float(next((each for each in _STEPS if highest / each <= 5), _STEPS[-1]))  # noqa: PLR2004  lines of the axis
    count = max(1, int(-(-highest // step)))
    top = step * count
    marks = [seconds(int(step * index)) for index in range(count + 1)]
    drawing = Drawing(name, _WIDTH, _HEIGHT)
    left = 12 + LETTER * max(map(len, marks))
    frame = Frame(left=left, top=30, width=_WIDTH - left - 8, height=_HEIGHT - 54)
    axis = TimeAxis(frame=frame, since=window[0], until=window[1])
    amounts(drawing, frame, top, step, marks, right=False)
    legend = [("dot-a", "half took less (p50)"), ("dot-b", "19 of 20 took less (p95)")]
    if timeout_s:
        y = frame.up(timeout_s, top)
        drawing.line(frame.left, y, frame.right, y, "limit")
        legend.append(("limit", f"replica timeout {seconds(timeout_s)}"))
    for each in taken:
        x = axis.at(datetime(each.day.year, each.day.month, each.day.day, tzinfo=UTC) + timedelta(hours=12))
        low, high = frame.up(each.p50, top), frame.up(each.p95, top)
        told = f"{each.day}: p50 {_told(each.p50)}, p95 {_told(each.p95)}, of {each.count}"
        drawing.line(x, low, x, high, "reach")
        drawing.add(
            f'<circle class="dot-b" cx="{num(x)}" cy="{num(high)}" r="3.5"/>'
            f'<circle class="dot-a" cx="{num(x)}" cy="{num(low)}" r="3"><title>{told}</title></circle>'
        )
    axis.draw(drawing)
    drawing.legend(frame.left, 13, legend)
    rows = [[str(each.day), number(each.count), _told(each.p50), _told(each.p95), _told(each.most)] for each in taken]
    return Chart(
        title=title,
        svg=drawing.finish(title, _described(taken, timeout_s)),
        table=table(f"{title}: the figures", ["Day", "Executions", "p50", "p95", "Longest"], rows),
    )


def _told(value: float) -> str:
    return seconds(round(value)) if value >= 1 else f"{value:.1f} s"


def _described(taken: Sequence[Taken], timeout_s: int | None) -> str:
    if not taken:
        return "No execution that ended is known."
    slow = max(taken, key=lambda each: each.p95)
    against = f"; the replica timeout is {seconds(timeout_s)}" if timeout_s else "; no replica timeout is set"
    return f"The slowest day is {slow.day}, with a p95 of {_told(slow.p95)}{against}."
