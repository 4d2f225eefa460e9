"""What makes a decision one: the word, who and when, a reason where one is owed, and nobody about themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from audit.approve.returned_problem import Problem, quoted
from audit.approve.returned_xml import address
from audit.model.review import Decision, Judged
from audit.render.review.form import DATE, DECISION, DECISIONS, NUMBERS, REASON, REVIEWER, WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.approve.returned import Filled
    from audit.approve.returned_xml import Cell
    from audit.approve.review_people import People

_WEST, _EAST = timedelta(hours=12), timedelta(hours=14)
"""How far from UTC a reviewer's own day may be."""
_DAYS, _DAYS_1904 = date(1899, 12, 30), date(1904, 1, 1)
_FURTHEST = 2_958_465
"""The last day that a cell can hold: 9999-12-31."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One entitlement, as far as a decision about it depends on it."""

    entitlement_id: str
    principal_id: str
    principal: str
    privileged: bool
    reviewer: str
    """To whom it was sent; empty = to nobody."""


@dataclass(kw_only=True)
class Judge:
    """Judges the rows of one returned workbook. ``at``: when the collection ended; ``now``: when it is imported."""

    file: str
    asked: Mapping[str, Asked]
    people: People
    at: datetime
    now: datetime
    since_1904: bool
    problems: list[Problem] = field(default_factory=list)
    _barred: dict[str, frozenset[str]] = field(default_factory=dict)

    def judged(self, row: Filled) -> Judged:
        """Return what a row says; what is wrong with it goes into ``problems``."""
        word = self._word(row)
        by, reason = " ".join(_text(row.decided_by).split()), _text(row.reason)
        if word is None:  # whoever fills a column down before deciding has decided nothing
            return Judged(entitlement_id=row.entitlement_id, reason=reason, decided_by=by)
        asked = self.asked[row.entitlement_id]
        if not reason.strip():
            self._owe_reason(row, word, asked)
        if not by:
            self._tell(row, REVIEWER, "nobody is named who decided", "write your name or sign-in name")
        elif asked.principal_id.lower() in self._barred_to(by):
            told = f"{quoted(by)} may not decide about {quoted(asked.principal)}: it is, or may be, their own access"
            remedy = "have somebody else decide this row; where two people share a name, write the sign-in name"
            self._tell(row, REVIEWER, told, remedy)
        return Judged(
            entitlement_id=row.entitlement_id,
            decision=word,
            reason=reason,
            decided_by=by,
            decided_on=self._day(row),
            by_another=bool(by) and bool(asked.reviewer) and not self.people.same(by, asked.reviewer),
        )

    def _word(self, row: Filled) -> Decision | None:
        if not _text(row.decision).strip():
            return None
        word = _text(row.decision).strip().casefold()
        if word in WORDS:
            return Decision(word)
        told = f"{quoted(_text(row.decision))} is no decision"
        self._tell(row, DECISION, told, f"write {', '.join(WORDS[:-1])} or {WORDS[-1]}, or leave it blank")
        return None

    def _owe_reason(self, row: Filled, word: Decision, asked: Asked) -> None:
        if word is not Decision.KEEP:
            self._tell(row, REASON, f"a {word} needs a reason", "say why, and what is to be different")
        elif asked.privileged:
            self._tell(row, REASON, "privileged access is kept without a reason", "say why it is still needed")

    def _barred_to(self, name: str) -> frozenset[str]:
        if name not in self._barred:
            self._barred[name] = self.people.barred(name)
        return self._barred[name]

    def _day(self, row: Filled) -> date | None:
        first, last = (self.at - _WEST).date(), (self.now + _EAST).date()
        remedy = f"write a day from {first} to {last}, as {first}"
        if row.decided_on is None:
            self._tell(row, DATE, "the day of the decision is missing", remedy)
            return None
        day = _date(row.decided_on, since_1904=self.since_1904)
        if day is None:
            self._tell(row, DATE, f"{quoted(row.decided_on.text)} is no date", remedy)
        elif day < first:
            self._tell(row, DATE, f"{day} lies before the access was collected", remedy)
        elif day > last:
            self._tell(row, DATE, f"{day} lies in the future", remedy)
        return day

    def _tell(self, row: Filled, column: str, told: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, f"{DECISIONS}!{address(row.row, NUMBERS[column])}", told, remedy))


def _text(cell: Cell | None) -> str:
    return cell.text if cell else ""


def _date(cell: Cell, *, since_1904: bool) -> date | None:
    """Return a day: a cell's number of days, which is how programs keep what was typed as a date, or ISO text."""
    if cell.kind == "number":
        try:
            days = float(cell.text)
        except ValueError:
            return None
        begin = _DAYS_1904 if since_1904 else _DAYS
        return begin + timedelta(days=int(days)) if 0 < days < _FURTHEST - 1_462 else None
    if cell.kind != "text":
        return None
    try:
        return datetime.fromisoformat(cell.text.strip()).date()
    except ValueError:
        return None
