"""Several kinds of happenings on one time axis, a lane each: what an incident looks like from every side at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from audit.render.charts.axes import Frame, TimeAxis, ceiling, clock
from audit.render.charts.svg import Drawing, num, short, text
from audit.render.text import number

if TYPE_CHECKING:
    from markupsafe import Markup

    from audit.render.charts.lines import Point, Span

MOST_MARKS = 160
"""Marks in one lane; more are drawn as how many there were in each part of the window."""
_WIDTH, _LABEL = 860.0, 138.0
_MARK_ROW, _RUN_ROWS, _RUN_ROW = 30.0, 6, 9.0
_NEAR, _TIPS = 14.0, 6
_SHAPES = {
    "change": "M0 -6L6 0L0 6L-6 0Z",
    "access": "M0 -6L6 5H-6Z",
    "network": "M-5 -5H5V5H-5Z",
    "log": "M-1.5 -6H1.5V6H-1.5Z",
    "alert": "M0 6L6 -5H-6Z",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """An execution: from when to when, and how it ended (a tone)."""

    began: datetime
    ended: datetime
    tone: str
    told: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something at one moment. ``bad``: it failed, or it warns."""

    at: datetime
    told: str
    bad: bool = False


@dataclass(kw_only=True)
class Lane:
    """One lane. It holds measurements, executions, marks or spans; ``empty`` says what it means that it has none."""

    label: str
    empty: str
    points: Sequence[Point] = ()
    width: timedelta = timedelta(hours=1)
    runs: Sequence[Run] = ()
    marks: Sequence[Mark] = ()
    shape: str = "change"
    spans: Sequence[tuple[datetime, datetime, str]] = ()
    unread: Sequence[Span] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def height(self) -> float:
        """Return how much room the lane takes."""
        if self.points:
            return 52.0
        if self.runs and len(self.runs) <= MOST_MARKS:
            return 12.0 + _RUN_ROW * _rows(self.runs)
        return 46.0 if self.runs else _MARK_ROW


def lanes(
    name: str, title: str, window: Span, drawn: Sequence[Lane], *, described: str, bands: Sequence[Span] = ()
) -> Markup:
    """Draw lanes under each other. ``bands``: times marked through all lanes, because several things changed there."""
    height = sum(each.height for each in drawn)
    drawing = Drawing(name, _WIDTH, height + 30)
    whole = Frame(left=_LABEL, top=4, width=_WIDTH - _LABEL - 10, height=height)
    axis = TimeAxis(frame=whole, since=window[0], until=window[1])
    for since, until in bands:
        left, right = axis.at(since), axis.at(until)
        wide = max(right - left, 5.0)
        drawing.rect(left - 2.5, whole.top, wide + 2.5, height, 'class="band"', "several things changed here")
    axis.draw(drawing, grid=True, most=8)
    top = whole.top
    for lane in drawn:
        _lane(drawing, axis, lane, top)
        top += lane.height
        drawing.line(4, top, _WIDTH - 10, top, "axis" if lane is drawn[-1] else "grid")
    return drawing.finish(title, described)


def _lane(drawing: Drawing, axis: TimeAxis, lane: Lane, top: float) -> None:
    middle = top + lane.height / 2
    drawing.words(4, middle + (0 if lane.points else 4), short(lane.label, _LABEL - 10), "name")
    for since, until in lane.unread:
        left = axis.at(since)
        drawing.rect(
            left, top + 1, max(1.0, axis.at(until) - left), lane.height - 2, drawing.fill("unread"), "not read"
        )
    if not (lane.points or lane.runs or lane.marks or lane.spans):
        drawing.words(axis.frame.left + 6, middle + 4, lane.empty, "soft")
    if lane.points:
        _measured(drawing, axis, lane, top)
    if lane.runs:
        _runs(drawing, axis, lane, top)
    for since, until, told in lane.spans:
        left = axis.at(since)
        wide = max(4.0, axis.at(until) - left)
        drawing.rect(left, middle - 6, wide, 12, drawing.fill("failed"), told)
    _marks(drawing, axis, lane, middle)


def _measured(drawing: Drawing, axis: TimeAxis, lane: Lane, top: float) -> None:
    most = max(value for _, value in lane.points)
    highest, _ = ceiling(most)
    frame = Frame(left=axis.frame.left, top=top + 6, width=axis.frame.width, height=lane.height - 10)
    drawing.words(4, top + lane.height / 2 + 14, f"up to {number(most)}", "soft")
    for at, value in lane.points:
        y = frame.up(value, highest)
        left = axis.at(at)
        if value:
            wide = max(1.0, axis.at(at + lane.width) - left)
            drawing.rect(left, y, wide, frame.bottom - y, 'class="bar"')


def _rows(runs: Sequence[Run]) -> int:
    return max(row for _, row in _packed(runs)) + 1


def _packed(runs: Sequence[Run]) -> list[tuple[Run, int]]:
    """Return each run with the row it stands in: the first that is free, the last where none is."""
    free: list[datetime] = []
    placed = []
    for run in sorted(runs, key=lambda each: (each.began, each.ended, each.told)):
        row = next((index for index, until in enumerate(free) if until <= run.began), len(free))
        row = min(row, _RUN_ROWS - 1)
        if row == len(free):
            free.append(run.ended)
        free[row] = max(free[row], run.ended)
        placed.append((run, row))
    return placed


def _runs(drawing: Drawing, axis: TimeAxis, lane: Lane, top: float) -> None:
    if len(lane.runs) > MOST_MARKS:
        _counted(drawing, axis, lane, top)
        return
    for run, row in _packed(lane.runs):
        left = axis.at(run.began)
        wide = max(3.0, axis.at(run.ended) - left)
        drawing.rect(left, top + 6 + row * _RUN_ROW, wide, _RUN_ROW - 2, drawing.fill(run.tone), run.told)


def _counted(drawing: Drawing, axis: TimeAxis, lane: Lane, top: float) -> None:
    """Draw how many executions began in each part of the window, failed ones apart."""
    parts = 96
    wide = (axis.until - axis.since) / parts
    counts: dict[int, dict[str, int]] = {}
    for run in lane.runs:
        place = min(parts - 1, max(0, int((run.began - axis.since) / wide)))
        found = counts.setdefault(place, {})
        found[run.tone] = found.get(run.tone, 0) + 1
    most = max(sum(each.values()) for each in counts.values())
    room = lane.height - 10
    for place, found in sorted(counts.items()):
        at = axis.since + wide * place
        below = top + lane.height - 4
        for tone in sorted(found, reverse=True):
            height = room * found[tone] / most
            below -= height
            told = f"{clock(at)}: {found[tone]} {tone}"
            drawing.rect(axis.at(at), below, axis.frame.width / parts - 1, height, drawing.fill(tone), told)
    lane.notes.append(f"{lane.label}: {number(len(lane.runs))} are drawn as counts, up to {most} in one column.")


def _marks(drawing: Drawing, axis: TimeAxis, lane: Lane, middle: float) -> None:
    """Draw a shape for each moment; those that would lie on each other are one, as wide as they reach."""
    near: list[list[Mark]] = []
    for mark in sorted(lane.marks, key=lambda each: (each.at, each.told)):
        if near and axis.at(mark.at) - axis.at(near[-1][-1].at) < _NEAR:
            near[-1].append(mark)
        else:
            near.append([mark])
    for found in near:
        left, right = axis.at(found[0].at), axis.at(found[-1].at)
        told = "; ".join(f"{clock(each.at)} {each.told}" for each in found[:_TIPS])
        more = f"; and {len(found) - _TIPS} more" if len(found) > _TIPS else ""
        kind = "sign bad-sign" if any(each.bad for each in found) else "sign"
        if right - left > _NEAR:
            drawing.rect(left - 2, middle - 5, right - left + 4, 10, f'class="{kind}" rx="2"', told + more)
        else:
            drawing.add(
                f'<path class="{kind}" transform="translate({num((left + right) / 2)} {num(middle)})" '
                f'd="{_SHAPES[lane.shape]}"><title>{text(told + more)}</title></path>'
            )
        if len(found) > 1:
            drawing.words(right + 9, middle + 4, len(found), "soft")
