"""What a sheet's rows, or their absence, mean: told from coverage, so that a failed read never looks like nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audit.render.text import plural
from audit.render.workbook.sheet import EVERY_KIND
from audit.render.workbook.stage import Staged, exists

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run


@dataclass(kw_only=True)
class KindCoverage:
    """The coverage rows of one evidence kind, counted."""

    collected: int = 0
    gaps: int = 0
    malformed: int = 0
    """Items, in units that are gaps, which couldn't be decoded."""
    rows: int = 0
    pages: int = 0
    requests: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Every unit of the kind."""
        return self.collected + self.gaps


@dataclass(frozen=True)
class State:
    """A sentence for the head of a sheet. ``word``: the tone it is shown in, a word of ``style.WORDS`` or empty."""

    text: str
    word: str = ""


def coverage_by_kind(con: duckdb.DuckDBPyConnection) -> dict[str, KindCoverage]:
    """Count the table ``coverage`` by evidence kind, kinds in order of their names."""
    kinds: dict[str, KindCoverage] = {}
    if not exists(con, "coverage"):
        return kinds
    counted = con.execute(
        "select kind, outcome, coalesce(reason, ''), place is not null, count(*), coalesce(sum(rows), 0)::bigint, "
        "coalesce(sum(pages), 0)::bigint, coalesce(sum(requests), 0)::bigint from coverage group by all order by all",
    ).fetchall()
    for kind, outcome, reason, item, count, rows, pages, requests in counted:
        entry = kinds.setdefault(kind, KindCoverage())
        entry.rows += rows
        entry.pages += pages
        entry.requests += requests
        if item:
            entry.malformed += count
        elif outcome == "gap":
            entry.gaps += count
            entry.reasons[reason] = entry.reasons.get(reason, 0) + count
        else:
            entry.collected += count
    return kinds


def state_of(staged: Staged, run: Run, kinds: dict[str, KindCoverage]) -> State:
    """Say what the rows of a sheet, or none, stand for."""
    if staged.missing:
        return State(f"Not collected: this run has no {' and no '.join(staged.missing)}. It was not read.", "gap")
    sheet = staged.sheet
    if not sheet.kinds:
        return State(plural(staged.rows, "row"))
    named = tuple(kinds) if sheet.kinds == EVERY_KIND else sheet.kinds
    entries = [kinds.get(kind, KindCoverage()) for kind in named]
    gaps, total = sum(entry.gaps for entry in entries), sum(entry.total for entry in entries)
    read = f"{total - gaps:,} of {plural(total, 'read')} complete"
    if gaps:
        see = "" if sheet.kinds == EVERY_KIND else " See Coverage."
        reasons = sum((Counter(entry.reasons) for entry in entries), Counter[str]())
        why = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
        if staged.rows:
            return State(f"Incomplete: {plural(staged.rows, 'row')}, {read}. Gaps: {why}.{see}", "gap")
        return State(f"Not collected: gap ({why}). An empty sheet is no absence here.{see}", "gap")
    if staged.rows:
        return State(f"{plural(staged.rows, 'row')}, {read}." if total else plural(staged.rows, "row"))
    return _empty(staged, run, entries[0].total if entries else 0, read)


def _empty(staged: Staged, run: Run, total: int, read: str) -> State:
    kind = staged.sheet.kinds[0]
    if total:
        meaning = staged.sheet.nothing or "Azure confirmed that there is nothing."
        return State(f"No rows: collected and empty ({read}). {meaning}")
    if kind in (*run.kinds, *EVERY_KIND):
        return State(f"No rows: nothing in the scope called for {_told(kind)}, so nothing was asked.")
    return State(f"Not collected: {kind} was not part of this run.", "gap")


def _told(kind: str) -> str:
    return "evidence" if kind in EVERY_KIND else kind
