"""Charts as documents: well-formed, bounded, the same every time, and never a zero where nothing was read."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_fixture import MARKUP, REVERSED, SCREEN, SCRIPT

from audit.render import charts
from audit.render.charts.axes import ceiling

SINCE = datetime(2026, 10, 23, 6, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=30)
DAYS = [date(2026, 10, 23) + timedelta(days=n) for n in range(30)]
HOSTILE = f"{SCRIPT}{MARKUP}{REVERSED}{SCREEN}"


def parsed(svg: Any) -> ET.Element:
    """Parse as XML: anything unescaped or unclosed fails."""
    return ET.fromstring(f"<x>{svg}</x>")[0]  # noqa: S314  our own text, and that it parses is what is tested


def executions(**more: Any) -> charts.Chart:
    series = [
        charts.Series(label="succeeded", tone="succeeded", values=[2.0] * 30),
        charts.Series(label="failed", tone="failed", values=[0.0] * 29 + [7.0]),
    ]
    return charts.columns("e", "Executions", DAYS, series, unit="executions", **more)


def test_a_chart_says_in_words_and_in_a_table_what_it_draws() -> None:
    chart = executions()
    svg = parsed(chart.svg)
    assert svg.attrib["role"] == "img"
    title, description = svg[0], svg[1]
    assert svg.attrib["aria-labelledby"].split() == [title.attrib["id"], description.attrib["id"]]
    assert "60 succeeded, 7 failed" in (description.text or "")
    assert "The highest column, 9, is 2026-11-21" in (description.text or "")
    rows = parsed(chart.table).findall("tbody/tr")
    assert len(rows) == 30
    assert [cell.text for cell in rows[-1]] == ["2026-11-21", "2", "7", "9"]


def test_what_was_not_read_is_hatched_and_never_zero() -> None:
    chart = charts.columns(
        "e", "Executions", DAYS, [charts.Series(label="succeeded", tone="succeeded", values=[0.0] * 30)],
        unit="executions", unread=[True] * 10 + [False] * 20,
    )  # fmt: skip
    hatched = [each for each in parsed(chart.svg).iter("rect") if each.attrib.get("fill") == "url(#e-unread)"]
    assert len(hatched) == 11, "ten days and the legend"
    rows = parsed(chart.table).findall("tbody/tr")
    assert len(rows) == 10
    assert {cell.text for row in rows for cell in row[1:]} == {"unknown"}
    assert "not read" in " ".join(chart.notes)


def test_parts_are_told_apart_without_colour() -> None:
    svg = parsed(executions().svg)
    patterns = {each.attrib["id"]: [part.tag for part in each] for each in svg.iter("pattern")}
    assert patterns == {"e-succeeded": ["rect"], "e-failed": ["rect", "path"]}


@pytest.mark.parametrize("days", [1, 62, 63, 90, 400])
def test_a_chart_is_bounded_and_says_what_it_folded(days: int) -> None:
    when = [date(2025, 1, 1) + timedelta(days=n) for n in range(days)]
    chart = charts.columns(
        "e", "t", when, [charts.Series(label="a", tone="succeeded", values=[1.0] * days)], unit="executions"
    )
    drawn = [each for each in parsed(chart.svg).iter("rect") if each.attrib.get("fill") == "url(#e-succeeded)"]
    assert len(drawn) <= 63
    assert (days > 62) == any("stands for" in note for note in chart.notes)
    assert f"{days} a" in (parsed(chart.svg)[1].text or ""), "folding loses nothing"


def test_a_limit_far_above_is_told_and_not_drawn() -> None:
    near = executions(limit=charts.Limit(label="budget", value=20.0))
    far = executions(limit=charts.Limit(label="budget", value=900.0))
    assert [each.attrib["class"] for each in parsed(near.svg).iter("path")].count("limit") == 2, "line and legend"
    assert "limit" not in [each.attrib.get("class") for each in parsed(far.svg).iter("path")]
    assert "far above the columns: budget, 900" in " ".join(far.notes)


def test_a_line_breaks_where_nothing_was_measured() -> None:
    hours = [hour for hour in range(0, 720, 6) if not 300 <= hour < 360]
    line = charts.Line(label="waiting", points=[(SINCE + timedelta(hours=n), 5.0) for n in hours])
    chart = charts.lines("d", "Depth", (SINCE, UNTIL), timedelta(hours=6), [line])
    drawn = [each for each in parsed(chart.svg).iter("path") if each.attrib.get("class") == "line-a"]
    assert len(drawn) == 3, "two parts and the legend"


def test_a_tree_is_bounded_dashes_what_is_unresolved_and_counts_what_it_folds() -> None:
    branches = [charts.Node(label="reaches", name=f"scope {n}", resolved=n != 40) for n in range(300)]
    root = charts.Node(label="job", name=HOSTILE, told=HOSTILE, branches=branches)
    root.branches.append(charts.Node(label="registry", name="acr", resolved=False))
    svg = parsed(charts.tree("c", "t", root, described="d"))
    boxes = [each.attrib.get("class") for each in svg.iter("rect")]
    assert len(boxes) == 8
    assert boxes.count("node lost") == 1
    words = [each.text for each in svg.iter("text")]
    assert "295 more, 1 unresolved" in words
    assert "registry, unresolved" in words


def test_lanes_are_bounded_and_say_what_they_counted() -> None:
    runs = [
        charts.Run(
            began=SINCE + timedelta(minutes=n), ended=SINCE + timedelta(minutes=n + 3), tone="failed", told=HOSTILE
        )
        for n in range(5000)
    ]
    marks = [charts.Mark(at=SINCE + timedelta(minutes=n), told=HOSTILE) for n in range(5000)]
    lane = charts.Lane(label="Executions", empty="", runs=runs)
    svg = charts.lanes(
        "s", "t", (SINCE, UNTIL), [lane, charts.Lane(label=HOSTILE, empty="", marks=marks)], described="d"
    )
    assert len(svg) < 40_000
    assert lane.notes == ["Executions: 5,000 are drawn as counts, up to 450 in one column."]
    assert "<script" not in svg
    assert parsed(svg).tag == "svg"


@settings(max_examples=60, deadline=None)
@given(st.floats(min_value=0, max_value=1e12), st.booleans())
def test_an_axis_reaches_its_highest_value_in_few_round_steps(value: float, whole: bool) -> None:
    top, step = ceiling(value, whole=whole)
    assert top >= value * (1 - 1e-9)
    assert 1 <= round(top / step) <= 5
    assert not whole or step == int(step)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_any_text_stays_text(words: str) -> None:
    root = charts.Node(label=words, name=words, told=words)
    for svg in (
        charts.tree("c", words, root, described=words),
        charts.columns("e", words, DAYS[:1], [charts.Series(label=words, tone="failed", values=[1.0])], unit=words).svg,
    ):
        assert {each.tag for each in parsed(svg).iter()} <= {
            "svg", "title", "desc", "rect", "text", "path", "defs", "pattern",
        }  # fmt: skip
