"""Stacked columns by day: executions by how they ended, cost by what it was spent on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from audit.render.charts.axes import Frame, amounts, ceiling, day, steps
from audit.render.charts.numbers import Chart, table
from audit.render.charts.svg import LETTER, Drawing, num
from audit.render.text import number

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_COLUMNS = 62
"""More days than that are folded: a column then stands for several."""
_WIDTH, _HEIGHT = 760.0, 216.0


@dataclass(frozen=True, kw_only=True)
class Series:
    """One part of every column. ``tone`` is one of ``svg.TONES``."""

    label: str
    tone: str
    values: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A line across the columns: what they are held against."""

    label: str
    value: float


@dataclass(frozen=True, kw_only=True)
class _Stacks:
    """What is drawn: columns folded, parts that never occur left out."""

    days: Sequence[date]
    series: Sequence[Series]
    blind: Sequence[bool]
    folded: int
    """Days that a column stands for."""
    unit: str
    tell: Callable[[float], str]

    @property
    def totals(self) -> list[float]:
        """Return the height of every column."""
        return [sum(values) for values in zip(*(each.values for each in self.series), strict=True)] or [0.0] * len(
            self.days
        )

    def label(self, index: int) -> str:
        """Return which day, or days, a column is."""
        at = self.days[index]
        return f"{at}" if self.folded == 1 else f"{at} to {at + timedelta(days=self.folded - 1)}"


def columns(
    name: str,
    title: str,
    days: Sequence[date],
    series: Sequence[Series],
    *,
    unit: str,
    unread: Sequence[bool] = (),
    limit: Limit | None = None,
    tell: Callable[[float], str] = number,
) -> Chart:
    """Draw a column for each day. ``unread``: the days whose evidence was not read; they are hatched, never zero.

    ``limit`` is drawn where it fits within four times the highest column, else it is told in words.
    """
    stacks = _stacked(days, series, unread, unit, tell)
    highest = max(stacks.totals, default=0.0)
    shown = limit if limit and highest and limit.value <= highest * 4 else None
    top, step = ceiling(max(highest, shown.value if shown else 0.0), whole=tell is number)
    marks = [tell(value) for value in steps(top, step)]
    drawing = Drawing(name, _WIDTH, _HEIGHT)
    left = 12 + LETTER * max(map(len, marks))
    frame = Frame(left=left, top=30, width=_WIDTH - left - 8, height=_HEIGHT - 54)
    amounts(drawing, frame, top, step, marks, right=False)
    _draw(drawing, frame, stacks, top)
    entries = [(each.tone, each.label) for each in stacks.series]
    if any(stacks.blind):
        entries.append(("unread", "not read"))
    if shown:
        y = frame.up(shown.value, top)
        drawing.line(frame.left, y, frame.right, y, "limit")
        entries.append(("limit", shown.label))
    drawing.legend(frame.left, 13, entries)
    return Chart(
        title=title,
        svg=drawing.finish(title, _described(stacks, limit)),
        table=_figures(title, stacks),
        notes=_notes(stacks, limit if limit and not shown else None),
    )


def _stacked(
    days: Sequence[date], series: Sequence[Series], unread: Sequence[bool], unit: str, tell: Callable[[float], str]
) -> _Stacks:
    size = max(1, -(-len(days) // MOST_COLUMNS))
    starts = range(0, len(days), size)
    blind = unread or [False] * len(days)
    return _Stacks(
        days=[days[at] for at in starts],
        series=[
            Series(label=each.label, tone=each.tone, values=[sum(each.values[at : at + size]) for at in starts])
            for each in series
            if any(each.values)
        ],
        blind=[any(blind[at : at + size]) for at in starts],
        folded=size,
        unit=unit,
        tell=tell,
    )


def _draw(drawing: Drawing, frame: Frame, stacks: _Stacks, top: float) -> None:
    slot = frame.width / max(1, len(stacks.days))
    room = min(slot * 0.78, 34.0)
    for index in range(len(stacks.days)):
        left, told = frame.left + slot * index, stacks.label(index)
        if stacks.blind[index]:
            drawing.rect(left, frame.top, slot, frame.height, drawing.fill("unread"), f"{told}: not read")
        below = frame.bottom
        for each in stacks.series:
            value = each.values[index]
            if value > 0:
                height = max(frame.height * value / top, 1.5)  # what is there is seen
                below -= height
                said = f"{told}: {stacks.tell(value)} {stacks.unit} {each.label}"
                drawing.rect(left + (slot - room) / 2, below, room, height, drawing.fill(each.tone), said)
    drawing.line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")
    every = max(1, -(-44 // max(1, int(slot))))
    for index in range(0, len(stacks.days), every):
        x = frame.left + slot * (index + 0.5)
        drawing.add(f'<path class="axis" d="M{num(x)} {num(frame.bottom)}v4"/>')
        drawing.words(x, frame.bottom + 16, day(stacks.days[index]), "", "middle")


def _described(stacks: _Stacks, limit: Limit | None) -> str:
    totals, tell = stacks.totals, stacks.tell
    if not stacks.days:
        return "There is no day to show."
    parts = [f"{tell(sum(each.values))} {each.label}" for each in stacks.series]
    words = [f"{stacks.unit.capitalize()} from {stacks.days[0]} to {stacks.days[-1]}: {', '.join(parts) or 'none'}."]
    if any(totals):
        most = max(range(len(totals)), key=lambda index: totals[index])
        words.append(f"The highest column, {tell(totals[most])}, is {stacks.label(most)}.")
    if any(stacks.blind):
        words.append(f"{sum(stacks.blind)} of {len(totals)} columns were not read, or not all of them.")
    if limit:
        words.append(f"{limit.label}: {tell(limit.value)}.")
    return " ".join(words)


def _figures(title: str, stacks: _Stacks) -> Markup:
    heads = ["Day" if stacks.folded == 1 else "Days", *(each.label.capitalize() for each in stacks.series), "All"]
    rows = []
    for index, total in enumerate(stacks.totals):
        blind = stacks.blind[index]
        if total or blind:
            values = [*(each.values[index] for each in stacks.series), total]
            told = ["unknown" if blind and not value else stacks.tell(value) for value in values]
            rows.append([stacks.label(index) + (" (not all was read)" if blind else ""), *told])
    return table(f"{title}: the figures; days that are left out have none", heads, rows)


def _notes(stacks: _Stacks, beyond: Limit | None) -> tuple[str, ...]:
    notes = []
    if stacks.folded > 1:
        notes.append(f"Each column stands for {stacks.folded} days.")
    if any(stacks.blind):
        notes.append("Hatched days were not read, or not wholly: nothing drawn there is no zero.")
    if beyond:
        notes.append(f"Not drawn, because it lies far above the columns: {beyond.label}, {stacks.tell(beyond.value)}.")
    return tuple(notes)
