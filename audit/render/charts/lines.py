"""Lines over time, with columns on a second axis: how much work waited, and how often something was started for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from audit.render.charts.axes import Frame, TimeAxis, amounts, ceiling, clock, steps
from audit.render.charts.numbers import MOST_ROWS, Chart, table
from audit.render.charts.svg import LETTER, Drawing, num
from audit.render.text import number, seconds

if TYPE_CHECKING:
    from markupsafe import Markup

Point = tuple[datetime, float]
Span = tuple[datetime, datetime]
_WIDTH, _HEIGHT = 760.0, 226.0
LINES = ("line-a", "line-b", "line-c")
"""Classes of lines, told apart by dashes as well as by colour."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is measured over time; each point stands for ``width`` from its moment on. A point that lacks is a break."""

    label: str
    points: Sequence[Point]
    folded: int = 0
    """How many measurements the points were made of."""


def lines(
    name: str,
    title: str,
    window: Span,
    width: timedelta,
    measured: Sequence[Line],
    *,
    counted: Line | None = None,
    unread: Sequence[Span] = (),
    how: str = "largest",
) -> Chart:
    """Draw lines against the left axis and ``counted`` as columns against the right one.

    ``unread``: the spans in which ``counted`` is not known; they are hatched. ``how`` says what a point is of the
    measurements that it stands for.
    """
    drawing = Drawing(name, _WIDTH, _HEIGHT)
    top, step = ceiling(max((value for each in measured for _, value in each.points), default=0.0))
    most = max((value for _, value in counted.points), default=0.0) if counted else 0.0
    many, stride = ceiling(most, whole=True)
    marks = [number(value) for value in steps(top, step)]
    counts = [number(value) for value in steps(many, stride)] if counted else []
    left = 12 + LETTER * max(map(len, marks))
    right = 12 + LETTER * max(map(len, counts)) if counts else 8
    frame = Frame(left=left, top=30, width=_WIDTH - left - right, height=_HEIGHT - 54)
    axis = TimeAxis(frame=frame, since=window[0], until=window[1])
    amounts(drawing, frame, top, step, marks, right=False)
    for since, until in unread:
        drawing.rect(
            axis.at(since), frame.top, axis.at(until) - axis.at(since), frame.height, drawing.fill("unread"), "not read"
        )
    legend = []
    if counted and counted.points:
        amounts(drawing, frame, many, stride, counts, right=True)
        bar = max(1.5, frame.width * (width / (window[1] - window[0])) * 0.7)
        for at, value in counted.points:
            if value:
                y = frame.up(value, many)
                drawing.rect(axis.at(at), y, bar, frame.bottom - y, 'class="bar"')
        legend.append(("bar-key", f"{counted.label} (right)"))
    for kind, each in zip(LINES, measured, strict=False):
        for part in _unbroken(each.points, width):
            _draw(drawing, axis, _corners(axis, part, top, width), kind)
        if each.points:
            legend.append((kind, f"{each.label} (left)" if counted else each.label))
    if unread:
        legend.append(("unread", "not read"))
    axis.draw(drawing)
    drawing.legend(frame.left, 13, legend)
    return Chart(
        title=title,
        svg=drawing.finish(title, _described(measured, counted, how)),
        table=_figures(title, measured, counted, width),
        notes=_notes(measured, unread, width, how),
    )


def _corners(axis: TimeAxis, part: Sequence[Point], top: float, width: timedelta) -> list[tuple[float, float]]:
    """Return measurements that follow on each other as steps."""
    corners: list[tuple[float, float]] = []
    for index, (at, value) in enumerate(part):
        if index and part[index - 1][1] == value:
            continue  # the step goes on
        y = axis.frame.up(value, top)
        x = axis.at(at)
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    corners.append((axis.at(part[-1][0] + width), corners[-1][1]))
    return corners


def _draw(drawing: Drawing, axis: TimeAxis, corners: Sequence[tuple[float, float]], kind: str) -> None:
    """Draw a line, the first one with the ground below it filled."""
    if kind == LINES[0]:
        shape = "L".join(f"{num(x)} {num(y)}" for x, y in corners)
        ends = f"V{num(axis.frame.bottom)}H{num(corners[0][0])}Z"
        drawing.add(f'<path class="area" d="M{shape}{ends}"/>')
    drawing.path(corners, kind)


def _unbroken(points: Sequence[Point], width: timedelta) -> Iterator[list[Point]]:
    part: list[Point] = []
    for point in points:
        if part and point[0] - part[-1][0] > width * 1.5:
            yield part
            part = []
        part.append(point)
    if part:
        yield part


def _described(measured: Sequence[Line], counted: Line | None, how: str) -> str:
    words = []
    for each in measured:
        if each.points:
            at, value = max(each.points, key=lambda point: point[1])
            words.append(f"{each.label}: highest {number(value)} at {clock(at)}, last {number(each.points[-1][1])}.")
        else:
            words.append(f"{each.label}: no measurement.")
    if counted:
        words.append(f"{counted.label}: {number(sum(value for _, value in counted.points))} in all.")
    return " ".join(words) + f" Each point is the {how} of its measurements."


def _figures(title: str, measured: Sequence[Line], counted: Line | None, width: timedelta) -> Markup:
    found: dict[datetime, dict[int, float]] = {}
    shown = [*measured, *([counted] if counted else [])]
    for index, each in enumerate(shown):
        for at, value in each.points:
            found.setdefault(at, {})[index] = value
    places = sorted(found)
    every = -(-len(places) // (MOST_ROWS // 2))
    heads = [f"From (each {seconds(int(width.total_seconds()))}, UTC)", *(each.label.capitalize() for each in shown)]
    rows = []
    for first in range(0, len(places), max(1, every)):
        group = places[first : first + every]
        cells = []
        for index, each in enumerate(shown):
            values = [found[at][index] for at in group if index in found[at]]
            total = sum(values) if each is counted else max(values, default=0.0)
            cells.append(number(total) if values else ("0" if each is counted else "no measurement"))
        rows.append([f"{group[0]:%Y-%m-%d %H:%M}", *cells])
    more = f"; each row stands for {every} points" if every > 1 else ""
    return table(f"{title}: the figures{more}", heads, rows)


def _notes(measured: Sequence[Line], unread: Sequence[Span], width: timedelta, how: str) -> tuple[str, ...]:
    notes = []
    raw, shown = sum(each.folded for each in measured), sum(len(each.points) for each in measured)
    if raw > shown:
        told = seconds(int(width.total_seconds()))
        notes.append(f"{number(raw)} measurements are drawn as {number(shown)} points: the {how} of each {told}.")
    if unread:
        notes.append("Hatched times were not read: that nothing is drawn there doesn't say that nothing ran.")
    return tuple(notes)
