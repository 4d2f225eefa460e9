"""The Summary's two tables: what was read, and what the controls answered. Every figure leads to its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.evidence import KINDS
from audit.render.text import visible
from audit.render.workbook.figures import SEVERITIES, VERDICTS, Figures
from audit.render.workbook.grid import height
from audit.render.workbook.pen import Pen, linked
from audit.render.workbook.style import BAND, MUTED, WORDS, Look, toned, with_

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.render.workbook.stage import Staged
    from audit.render.workbook.stream import Cell
    from audit.render.workbook.volume import Volume

LEFT, RIGHT = "B:F", "H:M"
LEFT_WIDTH = 69
"""Of the left panel, in characters."""
SECTION = Look(size=12, bold=True, ink=BAND)
HEAD = Look(bold=True, ink=MUTED, line=True, wrap=True, middle=True)
COUNT_HEAD = Look(bold=True, ink=MUTED, line=True, right=True, wrap=True, middle=True)
WORD = Look(line=True)
COUNT = Look(line=True, format="#,##0", right=True)

Row = tuple[dict[str, "Cell"], float]
"""(block of columns → cell, height in points)"""
_LINE, _SECTION_LINE, _HEAD_LINE = 15.0, 18.0, 18.0


def coverage(pen: Pen, volume: Volume) -> list[Row]:
    """Return coverage by evidence kind: the left panel."""
    staged = volume.staged
    shown = {item.sheet.kinds[0]: item for item in reversed(list(staged.values())) if item.sheet.kinds}
    heads = zip("CDEF", ("Reads", "Complete", "Gaps", "Rows"), strict=True)
    rows: list[Row] = [
        ({LEFT: pen.text("Coverage: what was read", SECTION)}, _SECTION_LINE),
        ({"B": pen.text("Evidence", HEAD), **{key: pen.text(head, COUNT_HEAD) for key, head in heads}}, _HEAD_LINE),
    ]
    for kind, entry in volume.kinds.items():
        gap = toned(COUNT, "gap", bold=True) if entry.gaps else COUNT
        sheet = (shown[kind].title(0), 1) if kind in shown else None
        places = staged["Coverage"]
        name = pen.text(visible(kind).replace("_", " ").capitalize(), linked(WORD))
        cells = {
            "B": pen.to_cell(name, places.find("kind", kind)),
            "C": pen.value(entry.total, COUNT),
            "D": pen.value(entry.collected, COUNT),
            "E": pen.to_cell(pen.value(entry.gaps, gap), places.find("outcome", f"{kind}|gap")),
            "F": pen.to_cell(pen.value(entry.rows, linked(COUNT) if sheet else COUNT), sheet),
        }
        rows.append((cells, _LINE))
    if left_out := [kind.name for kind in KINDS if kind.name not in volume.run.kinds]:
        told = f"Not part of this run, so that checks which need it are not assessed: {', '.join(left_out)}"
        rows.append(
            ({LEFT: pen.text(told, toned(with_(WORD, wrap=True), "gap", bold=False))}, height([(told, LEFT_WIDTH)]))
        )
    totals = {"C": "total", "D": "collected", "E": "gaps", "F": "rows"}
    bold = with_(COUNT, bold=True)
    sums = {key: pen.value(sum(getattr(e, name) for e in volume.kinds.values()), bold) for key, name in totals.items()}
    rows.append(({"B": pen.text("All evidence", with_(WORD, bold=True)), **sums}, _LINE))
    return rows


def verdicts(pen: Pen, counted: Figures, findings: Staged) -> list[Row]:
    """Return verdicts by severity and by area: the right panel."""
    if not counted.assessed:
        return [
            ({RIGHT: pen.text("Verdicts", SECTION)}, _SECTION_LINE),
            ({RIGHT: pen.text("No control was applied: nothing is assessed.", Look())}, _LINE),
        ]
    rows = [({RIGHT: pen.text("Verdicts by severity", SECTION)}, _SECTION_LINE), _heads(pen, "Severity")]
    for severity in SEVERITIES:
        counts = {verdict: counted.by_severity.get((verdict, severity), 0) for verdict in VERDICTS}
        rows.append(_counts(pen, severity, counts, findings, {v: ("figure", f"{v}|{severity}") for v in VERDICTS}))
    totals = {verdict: counted.verdicts(verdict) for verdict in VERDICTS}
    rows.append(_counts(pen, "all", totals, findings, {v: ("verdict", v) for v in VERDICTS}, bold=True))
    rows += [({}, _LINE), ({RIGHT: pen.text("Verdicts by area", SECTION)}, _SECTION_LINE), _heads(pen, "Area")]
    for area, counts in counted.by_area.items():
        rows.append(_counts(pen, area, counts, findings, {v: ("area", f"{area}|{v}") for v in VERDICTS}))
    if counted.waived:
        told = f"{counted.waived:,} of the failures are waived: they stay failures."
        rows.append(({RIGHT: pen.text(told, Look(ink=MUTED))}, _LINE))
    return rows


def _heads(pen: Pen, label: str) -> Row:
    heads = zip("IJKLM", ("Fail", "Not assessed", "Pass", "Not applicable", "Total"), strict=True)
    return {"H": pen.text(label, HEAD), **{key: pen.text(head, COUNT_HEAD) for key, head in heads}}, _HEAD_LINE


def _counts(
    pen: Pen,
    label: str,
    counts: Mapping[str, int],
    findings: Staged,
    anchors: Mapping[str, tuple[str, str]],
    *,
    bold: bool = False,
) -> Row:
    """Return one line of counts by verdict, each leading to the first of its findings."""
    plain = with_(COUNT, bold=bold)
    cells = {"H": pen.text(visible(label).capitalize(), with_(WORD, bold=bold))}
    for key, verdict in zip("IJKL", VERDICTS, strict=True):
        count = counts.get(verdict, 0)
        if not count:
            cells[key] = pen.value(0, with_(plain, ink=MUTED))
            continue
        look = toned(plain, verdict, bold=True) if WORDS[verdict][1] else plain
        cells[key] = pen.to_cell(pen.value(count, with_(look, underline=True)), findings.find(*anchors[verdict]))
    cells["M"] = pen.value(sum(counts.get(verdict, 0) for verdict in VERDICTS), plain)
    return cells, _LINE
