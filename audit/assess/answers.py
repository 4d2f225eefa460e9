"""One control over one estate: the whole population of subjects, an answer for each, and evidence before verdicts.

A control that can't be run, or that doesn't answer once for each subject of a job, concludes nothing about the jobs
concerned: they are ``not_assessed``, saying so. What is wrong with one control or one job never costs the others.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from audit.assess.estate import WHOLE
from audit.assess.statement import SqlError
from audit.assess.tables import VerdictRow
from audit.errors import ConfigError, EngineError
from audit.model import Verdict
from audit.model.baseline import in_force

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from audit.assess.estate import Estate, Job, Lack
    from audit.assess.header import Control
    from audit.assess.locked import Locked

MOST_SUBJECTS = 5_000_000
"""More subjects than this is a join without a condition, not an estate."""
_TOLD = 3
"""How many gaps a reason spells out before it counts the rest."""
_LONGEST = 600
"""Characters of an error that a reason repeats."""
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
LONGEST_REASON = 1_200
"""Characters of a control's reason that are kept."""
_WORDS = frozenset(Verdict)

Placed = tuple[VerdictRow, datetime, str]


class Judged(NamedTuple):
    """Jobs that one set of baselines holds for: the control is run once for each set, and answers for these only."""

    job_id: str
    """One of the jobs, whose baselines are meant; empty = those that hold where nothing else does."""
    holds: Callable[[str], bool]
    """Tells whether a job, by its key, is one of them."""

    @property
    def within(self) -> str:
        """Return the common table expression by which the control sees these baselines."""
        job = "null" if not self.job_id else "'" + self.job_id.replace("'", "''") + "'"
        return f"parameters as ({in_force('main.parameters', job)})"


EVERY_JOB = Judged("", lambda _: True)
"""One set of baselines for all."""


class Answer(NamedTuple):
    """What the SELECT said about one subject."""

    verdict: str
    reason: str
    raw_ref: str | None


class Answers(NamedTuple):
    """A control's verdicts, sorted by job and subject, and what its population was."""

    rows: list[Placed]
    subjects_total: int
    note: str
    failure: str
    """What kept the control from answering; empty where it answered for every job."""
    unanswered: dict[str, str]
    """The jobs that it couldn't answer for, by id, each with the reason."""


class _Said:
    """What a control asks about and answers, by job key and subject; ``broken``: the jobs that it gets wrong."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self.subjects: set[tuple[str, str]] = set()
        self.answers: dict[tuple[str, str], Answer] = {}
        self.broken: dict[str, str] = {}

    def breaks(self, key: str, what: str) -> None:
        """Keep the first thing that is wrong about a job."""
        self.broken.setdefault(key, f"the control could not answer for this job: {what}")

    def fails(self, told: str) -> None:
        """Conclude nothing about any job."""
        self.subjects.clear()
        self.answers.clear()
        self.broken = {key: told for key, job in self._estate.jobs.items() if not job.deleted}


def answer(
    control: Control,
    estate: Estate,
    locked: Locked,
    *,
    judged: Sequence[Judged] = (EVERY_JOB,),
    unsettled: Collection[str] = (),
) -> Answers:
    """Run one control. What is wrong with it is told in ``failure`` and in the verdicts; nothing is raised.

    ``judged``: the sets of baselines and whom each is for. ``unsettled``: keys of jobs of which nobody knows which
    baselines are theirs, for their tags weren't read.
    """
    said, failure, told = _Said(estate), "", ""
    try:
        for each in judged:
            _subjects(control, estate, locked, said, each)
            _answers(control, estate, locked, said, each)
    except (ConfigError, EngineError) as error:
        part = ", subjects" if ": subjects" in error.where else ""
        place = f", {error.place}" if isinstance(error, SqlError) and error.place else ""
        told = f"the control could not be run ({control.file}{part}{place}): {error.message[:_LONGEST]}"
        failure = f"{told}; {error.hint}"
        said.fails(told)
    by_job: dict[str, dict[str, Answer | None]] = {}
    for key, subject in sorted(said.subjects):
        by_job.setdefault(key, {})[subject] = said.answers.get((key, subject))
    rows: list[Placed] = []
    for key in estate.jobs:
        open_ = estate.lacks(("tags",), key) if key in unsettled else []
        rows.extend(_job(control, estate, key, by_job.get(key, {}), said.broken.get(key, ""), open_))
    if not estate.jobs:
        rows.append(_nobody(control, estate, told))
    rows.extend(_whole(control, estate, by_job.get(WHOLE, {}), said.broken.get(WHOLE, "")))
    unanswered = {estate.jobs[key].job_id: said.broken[key] for key in sorted(said.broken) if key != WHOLE}
    if unanswered and not failure:
        name, why = next(iter(unanswered.items()))
        failure = f"no answer for {len(unanswered)} of {len(estate.jobs)} jobs, such as {name}: {why}"
    failure = failure or said.broken.get(WHOLE, "")
    return Answers(
        rows,
        len(said.subjects),
        failure or _note(control, estate, len(said.subjects), len(by_job.keys() - {WHOLE})),
        failure,
        unanswered,
    )


def _subjects(control: Control, estate: Estate, locked: Locked, said: _Said, judged: Judged) -> None:
    where = f"{control.path}: subjects"
    found = locked.select(
        control.header.subjects,
        where=where,
        required=("job_id", "subject"),
        at=control.subjects_at,
        within=judged.within,
    )
    for job_id, subject in found:
        key = _key(control, estate, job_id, subject, where)
        if key is None or not judged.holds(key):
            continue
        if (key, subject) in said.subjects:
            said.breaks(key, f'its population lists the subject "{subject}" twice')
        said.subjects.add((key, subject))
        if len(said.subjects) > MOST_SUBJECTS:
            raise ConfigError(
                f"more than {MOST_SUBJECTS:,} subjects", where=where, hint="look for a join without a condition"
            )


def bounded(reason: str) -> str:
    """Return a reason as text on one line: it repeats what Azure and people say, of any length and with anything in it.

    Control characters and ends of lines stand as a blank; beyond LONGEST_REASON characters the rest is counted.
    """
    line = _BREAKS.sub(" ", reason).strip()
    more = len(line) - LONGEST_REASON
    return line if more <= 0 else f"{line[:LONGEST_REASON]}… ({more:,} characters more)"


def _answers(control: Control, estate: Estate, locked: Locked, said: _Said, judged: Judged) -> None:
    where = str(control.path)
    required = ("job_id", "subject", "verdict", "reason")
    for job_id, subject, verdict, reason, raw_ref in locked.select(
        control.sql, where=where, required=required, optional=("raw_ref",), at=control.at, within=judged.within
    ):
        key = _key(control, estate, job_id, subject, where)
        if key is None or not judged.holds(key):
            continue
        if (key, subject) not in said.subjects:
            if key == WHOLE:
                told = f'it answers about the whole estate for "{subject}", which its population does not list'
                raise _broken(control, where, f"{told}; null is no job")
            said.breaks(key, f'it answers for "{subject}", which its population does not list')
            continue
        if (key, subject) in said.answers:
            said.breaks(key, f'it answers twice for the subject "{subject}"')
        elif not isinstance(verdict, str) or verdict not in _WORDS:
            said.breaks(key, f'it answers "{verdict}" for "{subject}": not one of {", ".join(Verdict)}')
        elif not isinstance(reason, str) or not (told := bounded(reason)):
            said.breaks(key, f'it gives no reason for "{subject}"')
        else:
            said.answers[key, subject] = Answer(verdict, told, raw_ref if isinstance(raw_ref, str) else None)
    for key, subject in sorted(each for each in said.subjects - said.answers.keys() if judged.holds(each[0])):
        said.breaks(key, f'it gives no answer for the subject "{subject}"')


def _key(control: Control, estate: Estate, job_id: object, subject: object, where: str) -> str | None:
    """Return the job's key, WHOLE where the job is null, None for a job that isn't assessed: out of scope, deleted."""
    if not isinstance(subject, str) or not subject or not isinstance(job_id, str | None):
        raise _broken(control, where, f"job_id and subject are text: it gives {job_id!r} and {subject!r}")
    if job_id is None:
        return WHOLE
    key = job_id.lower()
    if key not in estate.known:
        raise _broken(control, where, f'it names the job "{job_id}", which is not in the table jobs')
    job = estate.jobs.get(key)
    return key if job is not None and not job.deleted else None


def _job(  # noqa: PLR0917  all that may keep a job from its verdicts
    control: Control, estate: Estate, key: str, found: dict[str, Answer | None], broken: str, unread: list[Lack]
) -> list[Placed]:
    """Return a job's verdicts: the control's own, unless the job, the control or the evidence keeps it from any."""
    job, told = estate.jobs[key], broken
    if job.deleted:
        found, told = {}, f"{job.deleted}; its configuration was not collected"
    elif not told and unread:
        told = "which baseline holds goes by tags, and evidence is missing: " + _listed([str(lack) for lack in unread])
    answers = {}
    for subject, given in (found or {job.name: None}).items():
        lacks = estate.lacks(_rests_on(control, subject if found else None), key)
        if told or lacks:
            answers[subject] = _lacking(control, given, told, lacks)
        elif given is not None:
            answers[subject] = given
    answers = answers or {job.name: Answer(Verdict.NOT_APPLICABLE.value, control.header.empty, None)}
    return [_row(control, job, subject, given) for subject, given in answers.items()]


def _rests_on(control: Control, subject: str | None) -> tuple[str, ...]:
    """Return the kinds that a subject rests on; all of them where there is no subject to tell."""
    header = control.header
    return tuple(kind for kind in header.needs if subject is None or subject not in header.spares.get(kind, ()))


def _lacking(control: Control, given: Answer | None, told: str, lacks: list[Lack]) -> Answer:
    """Return what is concluded without the evidence: nothing, but a failure that what was read shows."""
    missing = _listed([str(lack) for lack in lacks])
    firm = given is not None and given.verdict == Verdict.FAIL.value
    if given and firm and not told and all(lack.kind in control.header.fails_despite for lack in lacks):
        return given._replace(reason=f"{given.reason}; other evidence is missing: {missing}")
    why = told or f"evidence is missing: {missing}"
    return Answer(Verdict.NOT_ASSESSED.value, why, given.raw_ref if given else None)


def _whole(control: Control, estate: Estate, found: dict[str, Answer | None], broken: str) -> list[Placed]:
    """Return the verdicts about the whole estate, where a control has any."""
    lacks = estate.lacks(control.header.needs, WHOLE)
    at, ref = estate.fallback
    rows = []
    for subject, given in found.items():
        said = given if given and not broken and not lacks else _lacking(control, given, broken, lacks)
        rows.append((_verdict(control, None, subject, said), at, said.raw_ref or ref))
    return rows


def _row(control: Control, job: Job, subject: str, given: Answer) -> Placed:
    return _verdict(control, job.job_id, subject, given), job.observed_at, given.raw_ref or job.raw_ref


def _verdict(control: Control, job_id: str | None, subject: str, given: Answer) -> VerdictRow:
    return VerdictRow(
        control_id=control.id,
        job_id=job_id,
        subject=subject,
        verdict=given.verdict,
        severity=str(control.header.severity),
        reason=given.reason,
    )


def _nobody(control: Control, estate: Estate, failure: str) -> Placed:
    reason = failure or "no event-driven job is in scope, so nothing could be assessed"
    if estate.unlisted:
        reason = f"no event-driven job is known, and jobs could not be listed at {_listed(list(estate.unlisted))}"
        reason += f"; {failure}" if failure else ""
    row = VerdictRow(
        control_id=control.id,
        job_id=None,
        subject="population",
        verdict=Verdict.NOT_ASSESSED.value,
        severity=str(control.header.severity),
        reason=reason,
    )
    return row, *estate.fallback


def _listed(told: list[str]) -> str:
    more = f"; and {len(told) - _TOLD} more, see the coverage" if len(told) > _TOLD else ""
    return "; ".join(told[:_TOLD]) + more


def _note(control: Control, estate: Estate, subjects: int, jobs: int) -> str:
    present = sum(1 for job in estate.jobs.values() if not job.deleted)
    parts = [f"subjects: {subjects}, in {jobs} of {present} jobs"]
    if not subjects:
        parts.append(
            f"the population is empty: {control.header.empty if present else 'no event-driven job is in scope'}"
        )
    if deleted := len(estate.jobs) - present:
        parts.append(f"deleted in the window and not assessed: {deleted}")
    if estate.unlisted:
        parts.append(f"scopes whose list of jobs is a gap: {len(estate.unlisted)}")
    return "; ".join(parts)


def _broken(control: Control, where: str, what: str) -> EngineError:
    return EngineError(
        f"control {control.id}: {what}",
        where=where,
        hint="a control answers exactly once for each subject that its header's `subjects` lists",
    )
