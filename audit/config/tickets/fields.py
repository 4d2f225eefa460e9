"""One ticket from its cells: each checked by itself, then against the others."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from audit.config import toml
from audit.model.ticket import Ticket

if TYPE_CHECKING:
    from audit.config.tickets.tables import Row
    from audit.errors import ConfigError

LONGEST = 400
"""Characters of a cell."""
LONGEST_TEXT = 4_000
"""Characters of risk, test and rollback."""
MOST_PEOPLE = 20
"""Approvers or implementers of one ticket."""
MOST_WILD = 4
"""Stars in one pattern: each more multiplies what there is to try."""

_TEXTS = ("risk", "test", "rollback")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_JOB = re.compile(r"(?i)/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.app/jobs/[^/]+")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}
_FIRST, _LAST = 2000, 2100


class _Cells:
    """The cells of one row; what is wrong with one is told with its place."""

    def __init__(self, row: Row, file: str) -> None:
        self._row, self._file = row, file

    def wrong(self, column: str, message: str, hint: str) -> ConfigError:
        return toml.wrong(self._file, f"row {self._row.number}, {column}", message, hint=hint)

    def several(self, column: str) -> tuple[str, ...]:
        given = self._row.cells.get(column, "")
        found = [self._clean(column, each) for each in (given.split("|") if isinstance(given, str) else given)]
        if len(found) > MOST_PEOPLE:
            raise self.wrong(column, f"{len(found)} names", f"{MOST_PEOPLE} are the most: name a group, or split it")
        return tuple(dict.fromkeys(each for each in found if each))

    def text(self, column: str) -> str:
        given = self._row.cells.get(column, "")
        return self._clean(column, given if isinstance(given, str) else " | ".join(given))

    def needed(self, column: str) -> str:
        found = self.text(column)
        if not found:
            raise self.wrong(column, "it is empty", "fill it in: a ticket without it can't be held against a change")
        return found

    def moment(self, column: str, *, end: bool = False, day: bool = False) -> datetime | None:
        """Return a time in UTC; ``day``: a day alone is taken too, its beginning or, with ``end``, its end."""
        given = self.text(column)
        if not given:
            return None
        alone = day and _DAY.fullmatch(given) is not None
        found = _moment(given, alone=alone, end=end) if alone or _TIME.fullmatch(given) else None
        if found is None:
            write = "write it with its zone, as 2026-11-01T22:00Z or 2026-11-01T23:00+01:00"
            told = f'"{given[:60]}" is not a time' + (" or a day" if day else "")
            raise self.wrong(column, told, write + (", or as a day, 2026-11-01" if day else ""))
        return found

    def _clean(self, column: str, text: str) -> str:
        """Return a cell in one normal form, so that spellings that look alike are the same; nothing unseen in it."""
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
        allowed = "\n\t" if column in _TEXTS else ""
        for sign in text:
            if unicodedata.category(sign) in _UNSEEN and sign not in allowed:
                told = f"it holds a sign that nobody sees (U+{ord(sign):04X})"
                raise self.wrong(column, told, "write it anew: such a sign makes two names look like one")
        most = LONGEST_TEXT if column in _TEXTS else LONGEST
        if len(text) > most:
            raise self.wrong(column, f"{len(text)} characters, {most} are the most", "say it shorter, or link to it")
        return text


def _moment(text: str, *, alone: bool, end: bool) -> datetime | None:
    """Return a moment in UTC, of a day ``alone`` its beginning or its end; None where there is no such moment."""
    try:
        if alone:
            found = datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=end)
        else:
            found = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if _FIRST <= found.year <= _LAST else None


def ticket(row: Row, file: str, path: str, now: datetime | None) -> Ticket:
    """Return the ticket that a row tells of; ``path`` stands in error messages. Raises ConfigError."""
    cells = _Cells(row, path)
    job, resource = _subject(cells)
    made = Ticket(
        ticket=cells.needed("ticket"),
        job=job,
        resource=resource,
        planned_from=_needed(cells, "planned_from"),
        planned_until=_needed(cells, "planned_until", end=True),
        requester=cells.needed("requester"),
        approver=cells.several("approver"),
        approved_at=cells.moment("approved_at"),
        implementer=cells.several("implementer"),
        emergency=_emergency(cells),
        reviewed_at=cells.moment("reviewed_at"),
        reviewed_by=cells.text("reviewed_by"),
        risk=cells.text("risk"),
        test=cells.text("test"),
        rollback=cells.text("rollback"),
        file=file,
        row=row.number,
    )
    _check(made, cells, now)
    return made


def _needed(cells: _Cells, column: str, *, end: bool = False) -> datetime:
    found = cells.moment(column, day=True, end=end)
    if found is None:
        raise cells.wrong(column, "it is empty", "say when the change may begin, and until when")
    return found


def _emergency(cells: _Cells) -> bool:
    given = cells.text("emergency")
    if given.lower() not in _YES:
        raise cells.wrong("emergency", f'"{given[:60]}" is neither yes nor no', "write yes, or no")
    return _YES[given.lower()]


def _subject(cells: _Cells) -> tuple[str, str]:
    job, resource = cells.text("job").rstrip("/"), cells.text("resource").rstrip("/")
    if bool(job) == bool(resource):
        both = "there is both a job and a resource" if job else "there is neither a job nor a resource"
        raise cells.wrong("job", both, "a row is for one of the two: give one, and a second row for the other")
    column, subject = ("job", job) if job else ("resource", resource)
    if job.startswith("/") and not (_JOB.fullmatch(job) and "*" not in job and "?" not in job):
        hint = "/subscriptions/…/resourceGroups/…/providers/Microsoft.App/jobs/NAME, or a name or a pattern of names"
        raise cells.wrong(column, "it is not the resource id of a job", hint)
    if resource.startswith("/") and not resource.lower().startswith("/subscriptions/"):
        raise cells.wrong(column, "it is not a resource id", "/subscriptions/…, or a name or a pattern of names")
    if not subject.startswith("/") and subject.count("/") > 1:
        raise cells.wrong(column, "it is neither an id nor a name", "write a name, group/name, or a whole resource id")
    if any(sign in subject for sign in "[]\\") or subject.count("*") > MOST_WILD:
        hint = f"* and ? are the wildcards; at most {MOST_WILD} stars"
        raise cells.wrong(column, "it is not a pattern that is known here", hint)
    return job, resource


def _check(made: Ticket, cells: _Cells, now: datetime | None) -> None:
    if made.planned_until <= made.planned_from:
        raise cells.wrong("planned_until", "it is not after planned_from", "swap the two, or check the day")
    if not made.implementer:
        raise cells.wrong("implementer", "it is empty", "name who is to make the change: a sign-in name or an id")
    for told, name, when in (
        (", ".join(made.approver), "approver", "approved_at"),
        (made.reviewed_by, "reviewed_by", "reviewed_at"),
    ):
        moment = getattr(made, when)
        if bool(told) != (moment is not None):
            lacking, there = (when, name) if told else (name, when)
            raise cells.wrong(lacking, f"it is empty, and {there} isn't", "give both, or neither")
        if now is not None and moment is not None and moment > now:
            raise cells.wrong(when, f"{moment:%Y-%m-%d %H:%M UTC} is yet to come", "check the year, and the zone")
