"""Exceptions against verdicts: which failure each one waives, and which of them don't hold, or aren't needed, any more.

A waiver never turns a verdict into another: the failure stays, with the waiver's id beside it. Everything is judged as
of the end of the run, never of the day on which somebody renders it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from audit.assess.tables import ExceptionRow
from audit.errors import ConfigError
from audit.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.assess.answers import Placed
    from audit.assess.estate import Estate
    from audit.assess.header import Control
    from audit.assess.policy import ExceptionDays
    from audit.model import Run
    from audit.model.waiver import Exceptions, Waiver

SOURCE = "run.json"
"""Where the run keeps the exceptions: the raw_ref of their rows."""


class _State(NamedTuple):
    """What is to be said of one exception."""

    word: str
    used: bool | None
    detail: str


class _Found(NamedTuple):
    """What was found of the failure that an exception is about."""

    used: bool | None
    """Whether there is one to waive; None = it can't be told."""
    told: str
    broken: bool = False
    """The exception is about nothing that there is."""


def moment(run: Run) -> datetime:
    """Return the time as of which exceptions are judged: when the run had read everything."""
    return run.finished or run.window.until


class Waivers:
    """The exceptions of a run, laid over verdicts as the controls give them.

    Give every control's rows to :meth:`over`; then :meth:`rows` tells what became of each exception.
    """

    def __init__(self, run: Run, controls: Sequence[Control], estate: Estate, days: ExceptionDays) -> None:
        self._entries = run.exceptions.entries if run.exceptions else ()
        self.at = moment(run)
        self._at = self.at.astimezone(UTC).date()
        self._controls = {control.id.lower(): control for control in controls}
        self._estate = estate
        self._broken = {each.id: wrong[1] for each in self._entries if (wrong := self._wrong(each, days))}
        self._by_check = {(each.control.lower(), each.job.lower(), each.subject): each for each in self._entries}
        self._jobs = {key[:2] for key in self._by_check}
        self._said: dict[tuple[str, str], dict[str, str]] = {}

    def over(self, rows: Iterable[Placed]) -> Iterator[Placed]:
        """Yield verdicts, the failures that an exception in force is about marked as waived."""
        for placed in rows:
            row = placed[0]
            place = row.control_id.lower(), (row.job_id or "").lower()
            if place not in self._jobs:
                yield placed
                continue
            self._said.setdefault(place, {})[row.subject] = row.verdict
            waiver = self._by_check.get((*place, row.subject))
            if waiver is not None and row.verdict == Verdict.FAIL and self._holds(waiver):
                row = msgspec.structs.replace(row, waived=True, waiver_id=waiver.id)
            yield row, *placed[1:]

    def rows(self) -> Iterator[ExceptionRow]:
        """Yield a row for each exception, by id."""
        for each in sorted(self._entries, key=lambda entry: (entry.id.lower(), entry.id)):
            control = self._controls.get(each.control.lower())
            state = self._state(each)
            yield ExceptionRow(
                id=each.id,
                control_id=control.id if control else each.control,
                job_id=each.job,
                subject=each.subject,
                severity=str(control.header.severity) if control else None,
                category=each.category,
                justification=each.justification,
                compensating_control=each.compensating_control,
                requester=each.requester,
                approver=each.approver,
                approved_on=each.approved_on,
                ticket=each.ticket,
                expires=each.expires,
                state=state.word,
                used=state.used,
                detail=state.detail,
            )

    def _wrong(self, waiver: Waiver, days: ExceptionDays) -> tuple[str, str] | None:
        if waiver.approved_on > self._at:
            return "approved_on", f"it was approved on {waiver.approved_on}, after the run"
        return _wrong(waiver, self._controls, days)

    def _holds(self, waiver: Waiver) -> bool:
        return waiver.id not in self._broken and waiver.expires >= self._at

    def _state(self, waiver: Waiver) -> _State:
        if told := self._broken.get(waiver.id):
            return _State("broken", False, f"{told}; it waives nothing")
        used, told, broken = self._found(waiver)
        if broken:
            return _State("broken", False, told)
        if waiver.expires < self._at:
            again = ", and the failure counts again" if used else ""
            return _State("expired", False, f"{_ago(waiver.expires, self._at)}; {told}{again}")
        if used is False:
            return _State("unused", False, told)
        return _State("in_force", used, f"{told}, and the failure is waived" if used else told)

    def _found(self, waiver: Waiver) -> _Found:
        key = waiver.job.lower()
        job = self._estate.jobs.get(key)
        if job is None:
            return self._nowhere(key)
        if job.deleted:
            return _Found(False, f"the job was {job.deleted}")
        return self._answered(waiver, key)

    def _nowhere(self, key: str) -> _Found:
        if key in self._estate.known:
            return _Found(None, "the job is out of this run's scope, so it was not judged")
        if not self._estate.listed(key):
            return _Found(None, "this run did not read the jobs there, so it was not judged")
        return _Found(False, "there is no such job where this run read all jobs; it waives nothing", broken=True)

    def _answered(self, waiver: Waiver, key: str) -> _Found:
        said = self._said.get((waiver.control.lower(), key), {})
        verdict = said.get(waiver.subject)
        if verdict == Verdict.FAIL:
            return _Found(True, "the check fails")
        if verdict == Verdict.NOT_ASSESSED or (verdict is None and Verdict.NOT_ASSESSED in said.values()):
            return _Found(None, "the check could not be assessed, so nobody knows whether it is needed")
        if verdict is None and set(said.values()) != {Verdict.NOT_APPLICABLE.value}:
            told = f"the control answers for no such subject; {_subjects(waiver.subject, said)}"
            return _Found(False, told, broken=True)
        return _Found(False, "the check passes" if verdict == Verdict.PASS else "the check does not apply to the job")


def check_exceptions(controls: Sequence[Control], days: ExceptionDays, exceptions: Exceptions | None) -> None:
    """Hold a file of exceptions against the controls. Raises ConfigError for one that no run could use."""
    if exceptions is None:
        return
    known = {control.id.lower(): control for control in controls}
    for index, each in enumerate(exceptions.entries):
        if wrong := _wrong(each, known, days):
            key, told = wrong
            raise ConfigError(
                f"the exception {each.id}: {told}", where=f"{exceptions.file}: exceptions[{index}].{key}",
                hint="name a control that `jobaudit controls list` lists, and end it within policy.exception_days_most",
            )  # fmt: skip


def _wrong(waiver: Waiver, controls: Mapping[str, Control], days: ExceptionDays) -> tuple[str, str] | None:
    """Return the key that is wrong about an exception, whatever the verdicts, and why; None = nothing is."""
    control = controls.get(waiver.control.lower())
    if control is None:
        near = difflib.get_close_matches(waiver.control.upper(), [each.id for each in controls.values()], n=1)
        return "control", f"there is no control {waiver.control}" + (f"; {near[0]} is near" if near else "")
    if control.header.last:
        return "control", f"{control.id} judges what others answered, so nothing can be excused from it"
    most, asked = days.of(control.header.severity), (waiver.expires - waiver.approved_on).days
    if asked > most:
        return "expires", f"it holds for {asked} days, and {most} are the most for a {control.header.severity} control"
    return None


def _ago(expires: date, at: date) -> str:
    days = (at - expires).days
    return f"it expired on {expires}, {days} {'day' if days == 1 else 'days'} before the run"


def _subjects(subject: str, said: dict[str, str]) -> str:
    near = difflib.get_close_matches(subject, sorted(said), n=1, cutoff=0.5)
    if near:
        return f'"{near[0]}" is near; it waives nothing'
    return "it waives nothing"
