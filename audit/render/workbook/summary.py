"""The first sheet: what this is, what was read, what was found, and what may be concluded from it."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from openpyxl.worksheet.pagebreak import Break

from audit.render.sections.provenance import WITHOUT_RAW
from audit.render.text import visible
from audit.render.workbook import facts, panels
from audit.render.workbook.figures import Figures, figures
from audit.render.workbook.grid import Grid
from audit.render.workbook.panels import COUNT, COUNT_HEAD, HEAD, LEFT, RIGHT, SECTION, WORD
from audit.render.workbook.pen import linked
from audit.render.workbook.setup import print_setup
from audit.render.workbook.style import BAND, BAND_TEXT, MUTED, PANEL, WORDS, Look, toned, with_

if TYPE_CHECKING:
    from audit.render.workbook.volume import Volume

WIDTHS = dict(zip("ABCDEFGHIJKLM", (2, 25, 11, 11, 11, 11, 3, 24, 9, 13, 9, 14, 10), strict=True))
_LABEL, _TEXT = Look(ink=MUTED), Look(wrap=True)

MAY = (
    "The sheets list what Azure answered to the caller named above, at the times given; rows lead to these answers.",
    "A pass or fail held for its subject when observed, by the query in controls/, which can be run again on data/.",
    "A read that is complete and has no rows is an absence that Azure confirmed.",
    "The population is whole where Reconciliation shows no unexplained difference and Coverage no gap.",
)
MAY_NOT = (
    "Nothing follows from a gap: what rests on it is not assessed, which is neither pass nor fail.",
    "Nothing is said of reads: the Activity Log never records them, and Azure keeps it for 90 days.",
    "Configuration is as it was when observed, not throughout the period.",
    "Frameworks are named as supported by a check. That is no statement of compliance with them.",
    "Nothing is said of what lies outside the scope and the period above.",
)


def write_summary(volume: Volume) -> None:
    """Write the sheet Summary. Every figure leads to its rows."""
    pen = volume.pen("Summary")
    pen.sheet.sheet_properties.tabColor = BAND
    print_setup(pen.sheet, volume.footer)
    grid = Grid(pen, WIDTHS)
    jobs = volume.staged["Jobs"]
    counted = figures(volume.con, None if jobs.missing else jobs.table)
    _title(grid, volume)
    _tiles(grid, volume, counted)
    left, right = panels.coverage(pen, volume), panels.verdicts(pen, counted, volume.staged["Findings"])
    for (cells, height), (more, taller) in zip_longest(left, right, fillvalue=({}, 0.0)):
        grid.put(cells | more, max(height, taller))
    grid.put(height=12)
    _conclusions(grid)
    _contents(grid, volume)


def _title(grid: Grid, volume: Volume) -> None:
    pen, run = grid.pen, volume.run
    band = Look(fill=BAND, ink=BAND_TEXT, size=22, bold=True, middle=True, indent=1)
    below = Look(fill=BAND, ink="D5DBE1", size=11, middle=True, indent=1)
    grid.put({"B:M": pen.text(volume.title, band)}, 38)
    grid.put({"B:M": pen.text("Event-driven jobs of Azure Container Apps", below)}, 22)
    grid.put(height=8)
    left = (
        ("Period", facts.period(run)),
        ("Scope", facts.scope(run)),
        ("Subscriptions", facts.subscriptions(volume.con, run)),
        ("Collected", facts.collected(run)),
    )
    right = (
        ("Run", run.run_id),
        ("Caller", facts.caller(volume.con, run)),
        ("Tenant", run.caller.tenant_id if run.caller else "unknown"),
        ("Made by", f"jobaudit {run.tool_version}, cloud {run.cloud}"),
    )
    for (label, text), (label_right, text_right) in zip(left, right, strict=True):
        grid.put(
            {
                "B": pen.text(label, _LABEL),
                "C:F": pen.text(visible(text), _TEXT),
                "H": pen.text(label_right, _LABEL),
                "I:M": pen.text(visible(text_right), _TEXT),
            },
            grid.height(C_F=text, I_M=text_right),
        )
    if run.restored_from:
        told = f"Restored from history, without raw answers. {WITHOUT_RAW}"
        grid.put({"B:M": pen.text(told, toned(_TEXT, "gap", bold=False))}, grid.height(B_M=told))
    grid.put(height=8)


def _tiles(grid: Grid, volume: Volume, counted: Figures) -> None:
    """Write the six chief figures, large, each leading to its rows."""
    pen, staged = grid.pen, volume.staged
    jobs, findings, coverage = staged["Jobs"], staged["Findings"], staged["Coverage"]
    gaps = sum(entry.gaps for entry in volume.kinds.values())
    failed, open_ = (counted.verdicts(word) if counted.assessed else None for word in ("fail", "not_assessed"))
    tiles = (
        ("B", counted.state("in_scope"), "event-driven jobs in scope", "", jobs.find("state", "in_scope")),
        ("C:D", counted.state("deleted"), "deleted in the period", "", jobs.find("state", "deleted")),
        ("E:F", counted.state("out_of_scope"), "jobs of other triggers", "", jobs.find("state", "out_of_scope")),
        ("H", gaps, "gaps in coverage", "gap" if gaps else "pass", coverage.place(1)),
        ("I:J", failed, "failed checks", "fail" if failed else "", findings.find("verdict", "fail")),
        ("K:M", open_, "checks not assessed", "gap" if open_ else "", findings.find("verdict", "not_assessed")),
    )
    figure_cells, label_cells = {}, {}
    for key, figure, label, word, place in tiles:
        ink = WORDS[word][0] if word else BAND
        look = Look(size=20, bold=True, ink=ink, fill=PANEL, centre=True, middle=True, format="#,##0")
        figure_cells[key] = pen.to_cell(pen.value("unknown" if figure is None else figure, look), place)
        label_cells[key] = pen.text(label, Look(ink=MUTED, fill=PANEL, centre=True, size=9))
    grid.put(figure_cells, 36)
    grid.put(label_cells, 18)
    grid.put(height=12)


def _conclusions(grid: Grid) -> None:
    """Say what follows from the evidence and what doesn't; on paper, at the head of the second page."""
    pen = grid.pen
    pen.sheet.row_breaks.append(Break(id=grid.row))
    heads = {LEFT: "What a reader may conclude", RIGHT: "What a reader may not conclude"}
    grid.put({key: pen.text(head, SECTION) for key, head in heads.items()}, 18)
    for may, may_not in zip_longest(MAY, MAY_NOT):
        left, right = (f"•  {text}" if text else "" for text in (may, may_not))
        grid.put({LEFT: pen.text(left, _TEXT), RIGHT: pen.text(right, _TEXT)}, grid.height(B_F=left, H_M=right))
    grid.put(height=12)


def _contents(grid: Grid, volume: Volume) -> None:
    """List the sheets of the book, in its order."""
    pen = grid.pen
    grid.put({"B:M": pen.text("Sheets", SECTION)}, 18)
    holds = with_(HEAD, indent=1, wrap=False)
    heads = {"B": pen.text("Sheet", HEAD), "C": pen.text("Rows", COUNT_HEAD), "D:M": pen.text("What it holds", holds)}
    grid.put(heads, 18)
    *tables, last = [
        (item.sheet.title, None if item.missing else item.rows, item.sheet.note.partition(". ")[0].rstrip(".") + ".")
        for item in volume.staged.values()
    ]
    provenance = ("Provenance", None, "How the evidence was made: run, caller, scope, software, baselines, effort.")
    columns = ("Columns", None, "What every column of every sheet means.")
    for title, rows, note in (*tables, provenance, last, columns):
        cells = {
            "B": pen.to_cell(pen.text(title, linked(WORD)), (title, 1)),
            "C": pen.value(rows, COUNT),
            "D:M": pen.text(note, Look(line=True, wrap=True, indent=1)),
        }
        grid.put(cells, grid.height(D_M=note))
