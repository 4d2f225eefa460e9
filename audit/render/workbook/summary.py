"""The first sheet: what this is, what was read, what was found, and what may be concluded from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
from openpyxl.cell import Cell

from audit.model import Run
from audit.render.text import visible
from audit.render.workbook import facts
from audit.render.workbook.figures import SEVERITIES, VERDICTS, Figures, figures
from audit.render.workbook.grid import Grid
from audit.render.workbook.pen import Pen, linked
from audit.render.workbook.setup import print_setup
from audit.render.workbook.stage import Staged
from audit.render.workbook.state import KindCoverage
from audit.render.workbook.style import BAND, BAND_TEXT, MUTED, PANEL, WORDS, Look

WIDTHS = dict(
    zip("ABCDEFGHIJKLM", (2, 25, 11, 11, 11, 11, 3, 25, 11, 11, 11, 11, 11), strict=True),
)
LEFT, RIGHT = "B:F", "H:M"

_LABEL = Look(ink=MUTED)
_TEXT = Look(wrap=True)
_SECTION = Look(size=12, bold=True, ink=BAND)
_HEAD = Look(bold=True, ink=MUTED, line=True, wrap=True, middle=True)
_COUNT_HEAD = Look(bold=True, ink=MUTED, line=True, right=True, wrap=True, middle=True)
_WORD = Look(line=True)
_COUNT = Look(line=True, format="#,##0", right=True)

MAY = (
    "What the sheets list is what Azure answered to the caller named above, at the times given. Every row leads to the "
    "stored answer.",
    "A verdict pass or fail held for its subject when it was observed, by the query in controls/, which anyone can run "
    "again on data/.",
    "A read that is collected with no rows is an absence that Azure confirmed.",
    "The population is whole where Reconciliation shows no unexplained difference and no gap.",
)
MAY_NOT = (
    "Nothing follows from a gap: what rests on it is not assessed, which is neither pass nor fail.",
    "Nothing is said of reads: the Activity Log never records them, and Azure keeps it for 90 days.",
    "Configuration is as it was when observed, not throughout the period.",
    "Frameworks are named as supported by a check. That is no statement of compliance with them.",
    "Nothing is said of what lies outside the scope and the period above.",
)


def write_summary(
    pen: Pen,
    con: duckdb.DuckDBPyConnection,
    run: Run,
    staged: Mapping[str, Staged],
    kinds: Mapping[str, KindCoverage],
) -> None:
    """Write the Summary on the pen's sheet. Every figure leads to its rows."""
    pen.sheet.sheet_properties.tabColor = BAND
    print_setup(pen.sheet, f"jobaudit run {run.run_id}")
    pen.sheet.print_title_rows = None
    grid = Grid(pen, WIDTHS)
    jobs = staged["Jobs"]
    counted = figures(con, None if jobs.missing else jobs.table)
    _title(grid, con, run)
    _tiles(grid, counted, staged, kinds)
    _panels(grid, _coverage(pen, staged, kinds), _verdicts(pen, counted, staged))
    _conclusions(grid)
    _contents(grid, staged)


def _title(grid: Grid, con: duckdb.DuckDBPyConnection, run: Run) -> None:
    pen = grid.pen
    band = Look(fill=BAND, ink=BAND_TEXT, size=22, bold=True, middle=True, indent=1)
    below = Look(fill=BAND, ink="D5DBE1", size=11, middle=True, indent=1)
    grid.put({"B:M": pen.text("Compliance evidence", band)}, 38)
    grid.put({"B:M": pen.text("Event-driven jobs of Azure Container Apps", below)}, 22)
    grid.put(height=8)
    tenant = run.caller.tenant_id if run.caller else "unknown"
    finished = f"{run.finished:%Y-%m-%d %H:%M} UTC" if run.finished else "not finished"
    pairs = (
        (("Period", facts.period(run)), ("Run", run.run_id)),
        (("Scope", facts.scope(run)), ("Caller", facts.caller(run))),
        (("Subscriptions", facts.subscriptions(con, run)), ("Tenant", tenant)),
        (("Collected", f"{run.started:%Y-%m-%d %H:%M} to {finished}"), ("Made by", f"jobaudit {run.tool_version}, cloud {run.cloud}")),
    )
    for (left, left_text), (right, right_text) in pairs:
        grid.put(
            {
                "B": pen.text(left, _LABEL),
                "C:F": pen.text(visible(left_text), _TEXT),
                "H": pen.text(right, _LABEL),
                "I:M": pen.text(visible(right_text), _TEXT),
            },
            grid.height(C_F=left_text, I_M=right_text),
        )
    grid.put(height=8)


def _tiles(grid: Grid, counted: Figures, staged: Mapping[str, Staged], kinds: Mapping[str, KindCoverage]) -> None:
    pen = grid.pen
    jobs, findings, coverage = staged["Jobs"], staged["Findings"], staged["Coverage"]
    states = counted.jobs
    gaps = sum(entry.gaps for entry in kinds.values())
    failed, open_ = counted.verdicts("fail"), counted.verdicts("not_assessed")
    verdict_or_none = None if not counted.assessed else 0
    tiles = (
        ("B", states and states.get("in_scope", 0), "event-driven jobs in scope", "", jobs.find("state", "in_scope")),
        ("C:D", states and states.get("deleted", 0), "deleted in the period", "", jobs.find("state", "deleted")),
        ("E:F", states and states.get("out_of_scope", 0), "jobs of other triggers", "", jobs.find("state", "out_of_scope")),
        ("H", gaps, "gaps in coverage", "gap" if gaps else "pass", coverage.place(1) if gaps else ("Coverage", 1)),
        ("I:J", failed if verdict_or_none == 0 else None, "failed checks", "fail" if failed else "", findings.find("verdict", "fail")),
        ("K:M", open_ if verdict_or_none == 0 else None, "checks not assessed", "not_assessed" if open_ else "", findings.find("verdict", "not_assessed")),
    )
    big = {
        key: pen.to_cell(
            pen.value("unknown" if figure is None else figure, _big(word)),
            place,
        )
        for key, figure, _, word, place in tiles
    }
    grid.put(dict(big), 36)
    small = Look(ink=MUTED, fill=PANEL, centre=True, size=9)
    grid.put({key: pen.text(label, small) for key, _, label, _, _ in tiles}, 18)
    grid.put(height=12)


def _big(word: str) -> Look:
    return Look(size=20, bold=True, ink=WORDS[word][0] if word else BAND, fill=PANEL, centre=True, middle=True, format="#,##0")


Rows = list[dict[str, Cell | list[Cell]]]


def _coverage(pen: Pen, staged: Mapping[str, Staged], kinds: Mapping[str, KindCoverage]) -> Rows:
    """Coverage by evidence kind: the left panel."""
    coverage = staged["Coverage"]
    sheets = {item.sheet.kinds[0]: item for item in reversed(staged.values()) if item.sheet.kinds}  # type: ignore[call-overload]
    rows: Rows = [
        {LEFT: pen.text("Coverage: what was read", _SECTION)},
        {
            "B": pen.text("Evidence", _HEAD),
            **{key: pen.text(head, _COUNT_HEAD) for key, head in zip("CDEF", ("Reads", "Complete", "Gaps", "Rows"), strict=True)},
        },
    ]
    for kind, entry in kinds.items():
        shown = sheets.get(kind)
        gap = Look(line=True, format="#,##0", right=True, bold=True, ink=WORDS["gap"][0], fill=WORDS["gap"][1])
        name = kind.replace("_", " ").capitalize()
        rows.append(
            {
                "B": pen.to_cell(pen.text(name, linked(_WORD)), coverage.find("kind", kind)),
                "C": pen.value(entry.total, _COUNT),
                "D": pen.value(entry.collected, _COUNT),
                "E": pen.to_cell(pen.value(entry.gaps, gap if entry.gaps else _COUNT), coverage.find("outcome", f"{kind}|gap")),
                "F": pen.to_cell(pen.value(entry.rows, linked(_COUNT) if shown else _COUNT), (shown.title(0), 1) if shown else None),
            },
        )
    total = Look(**{**_COUNT.__dict__, "bold": True})
    rows.append(
        {
            "B": pen.text("All evidence", Look(bold=True, line=True)),
            "C": pen.value(sum(entry.total for entry in kinds.values()), total),
            "D": pen.value(sum(entry.collected for entry in kinds.values()), total),
            "E": pen.value(sum(entry.gaps for entry in kinds.values()), total),
            "F": pen.value(sum(entry.rows for entry in kinds.values()), total),
        },
    )
    return rows


def _verdicts(pen: Pen, counted: Figures, staged: Mapping[str, Staged]) -> Rows:
    """Verdicts by severity, then by area: the right panel."""
    if not counted.assessed:
        return [{RIGHT: pen.text("Verdicts", _SECTION)}, {RIGHT: pen.text("Not assessed: no control was applied.", _TEXT)}]
    findings = staged["Findings"]
    by_severity = {severity: {said: count for (said, s), count in counted.by_severity.items() if s == severity} for severity in SEVERITIES}
    rows: Rows = [{RIGHT: pen.text("Verdicts by severity", _SECTION)}, _verdict_head(pen, "Severity")]
    rows += [_verdict_row(pen, severity, counts, findings, "figure", "{1}|{0}") for severity, counts in by_severity.items()]
    totals = {verdict: counted.verdicts(verdict) for verdict in VERDICTS}
    rows.append(_verdict_row(pen, "all", totals, findings, "verdict", "{1}", bold=True))
    rows += [{}, {RIGHT: pen.text("Verdicts by area", _SECTION)}, _verdict_head(pen, "Area")]
    rows += [_verdict_row(pen, area, counts, findings, "area", "{0}|{1}") for area, counts in counted.by_area.items()]
    if counted.waived:
        rows.append({RIGHT: pen.text(f"{counted.waived:,} of the failures are waived: they stay failures.", Look(ink=MUTED))})
    return rows


def _verdict_head(pen: Pen, label: str) -> dict[str, Cell | list[Cell]]:
    heads = ("Fail", "Not assessed", "Pass", "Not applicable", "Total")
    return {"H": pen.text(label, _HEAD), **{key: pen.text(head, _COUNT_HEAD) for key, head in zip("IJKLM", heads, strict=True)}}


def _verdict_row(
    pen: Pen,
    label: str,
    counts: Mapping[str, int],
    findings: Staged,
    anchor: str,
    pattern: str,
    *,
    bold: bool = False,
) -> dict[str, Cell | list[Cell]]:
    row: dict[str, Cell | list[Cell]] = {"H": pen.text(visible(label).capitalize(), Look(line=True, bold=bold))}
    for key, verdict in zip("IJKL", VERDICTS, strict=True):
        count = counts.get(verdict, 0)
        ink, fill = WORDS[verdict] if count and verdict in ("fail", "not_assessed") else (MUTED if not count else Look().ink, "")
        look = Look(line=True, format="#,##0", right=True, bold=bold or bool(fill), ink=ink, fill=fill, underline=bool(count))
        row[key] = pen.to_cell(pen.value(count, look), findings.find(anchor, pattern.format(label, verdict)) if count else None)
    row["M"] = pen.value(sum(counts.get(verdict, 0) for verdict in VERDICTS), Look(line=True, format="#,##0", right=True, bold=bold))
    return row


def _panels(grid: Grid, left: Rows, right: Rows) -> None:
    for index in range(max(len(left), len(right))):
        cells = {**(left[index] if index < len(left) else {}), **(right[index] if index < len(right) else {})}
        grid.put(cells, 30 if index == 1 else 18 if index == 0 else None)
    grid.put(height=12)


def _conclusions(grid: Grid) -> None:
    pen = grid.pen
    grid.put(
        {LEFT: pen.text("What a reader may conclude", _SECTION), RIGHT: pen.text("What a reader may not conclude", _SECTION)},
        18,
    )
    for index in range(max(len(MAY), len(MAY_NOT))):
        left = f"•  {MAY[index]}" if index < len(MAY) else ""
        right = f"•  {MAY_NOT[index]}" if index < len(MAY_NOT) else ""
        grid.put(
            {LEFT: pen.text(left, _TEXT), RIGHT: pen.text(right, _TEXT)},
            grid.height(B_F=left, H_M=right),
        )
    grid.put(height=12)


def _contents(grid: Grid, staged: Mapping[str, Staged]) -> None:
    pen = grid.pen
    grid.put({"B:M": pen.text("Sheets", _SECTION)}, 18)
    grid.put({"B": pen.text("Sheet", _HEAD), "C": pen.text("Rows", _COUNT_HEAD), "D:M": pen.text("What it holds", Look(bold=True, ink=MUTED, line=True, indent=1, middle=True))}, 18)
    listed: Sequence[tuple[str, int | None, str]] = [
        *((item.sheet.title, None if item.missing else item.rows, item.sheet.note) for item in staged.values() if item.sheet.title != "Raw files"),
        ("Provenance", None, "How the evidence was made: run, caller, scope, software, baselines, effort."),
        ("Raw files", staged["Raw files"].rows, staged["Raw files"].sheet.note),
        ("Columns", None, "What every column of every sheet means."),
    ]
    for title, rows, note in listed:
        grid.put(
            {
                "B": pen.to_cell(pen.text(title, linked(_WORD)), (title, 1)),
                "C": pen.value(rows, _COUNT),
                "D:M": pen.text(note, Look(line=True, wrap=True, indent=1)),
            },
            grid.height(D_M=note),
        )
