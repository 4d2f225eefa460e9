"""One control over one estate: the whole population of subjects, an answer for each, and evidence before verdicts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from audit.assess.tables import VerdictRow
from audit.errors import ConfigError, EngineError
from audit.model import Verdict

if TYPE_CHECKING:
    from audit.assess.estate import Estate, Job
    from audit.assess.header import Control
    from audit.assess.locked import Locked

MOST_SUBJECTS = 5_000_000
"""More subjects than this is a join without a condition, not an estate."""
_TOLD = 3
"""How many gaps a reason spells out before it counts the rest."""
_WORDS = frozenset(Verdict)

Placed = tuple[VerdictRow, datetime, str]


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


def answer(control: Control, estate: Estate, locked: Locked) -> Answers:
    """Run one control.

    Raises ConfigError where its SQL fails, EngineError where it doesn't answer once for each subject.
    """
    subjects = _subjects(control, estate, locked)
    answers = _answers(control, estate, locked, subjects)
    by_job: dict[str, list[str]] = {}
    for key, subject in sorted(subjects):
        by_job.setdefault(key, []).append(subject)
    rows: list[Placed] = []
    for key, job in estate.jobs.items():
        own = by_job.get(key, [])
        rows.extend(_job(control, estate, key, job, {subject: answers[key, subject] for subject in own}))
    if not estate.jobs:
        rows.append(_nobody(control, estate))
    return Answers(rows, len(subjects), _note(control, estate, len(subjects), len(by_job)))


def _subjects(control: Control, estate: Estate, locked: Locked) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    where = f"{control.path}: subjects"
    for job_id, subject in locked.select(control.header.subjects, where=where, required=("job_id", "subject")):
        key = _key(control, estate, job_id, subject, where)
        if key is None:
            continue
        if (key, subject) in found:
            raise _broken(control, where, f'the population lists the subject "{subject}" of {job_id} twice')
        found.add((key, subject))
        if len(found) > MOST_SUBJECTS:
            raise ConfigError(
                f"more than {MOST_SUBJECTS:,} subjects", where=where, hint="look for a join without a condition"
            )
    return found


def _answers(
    control: Control, estate: Estate, locked: Locked, subjects: set[tuple[str, str]]
) -> dict[tuple[str, str], Answer]:
    answers: dict[tuple[str, str], Answer] = {}
    where = str(control.path)
    required = ("job_id", "subject", "verdict", "reason")
    for job_id, subject, verdict, reason, raw_ref in locked.select(
        control.sql, where=where, required=required, optional=("raw_ref",)
    ):
        key = _key(control, estate, job_id, subject, where)
        if key is None:
            continue
        if (key, subject) not in subjects:
            raise _broken(control, where, f'it answers for "{subject}" of {job_id}, which its population does not list')
        if (key, subject) in answers:
            raise _broken(control, where, f'it answers twice for the subject "{subject}" of {job_id}')
        if verdict not in _WORDS:
            raise _broken(
                control, where, f'it answers "{verdict}" for "{subject}" of {job_id}: not one of {", ".join(Verdict)}'
            )
        if not isinstance(reason, str) or not reason.strip():
            raise _broken(control, where, f'it gives no reason for "{subject}" of {job_id}')
        answers[key, subject] = Answer(str(verdict), reason, raw_ref if isinstance(raw_ref, str) else None)
    for key, subject in sorted(subjects - answers.keys()):
        raise _broken(control, where, f'it gives no answer for the subject "{subject}" of {estate.jobs[key].job_id}')
    return answers


def _key(control: Control, estate: Estate, job_id: object, subject: object, where: str) -> str | None:
    """Return the job's key, or None for a job that isn't assessed: out of scope, or deleted."""
    if not isinstance(subject, str) or not subject or not isinstance(job_id, str):
        raise _broken(control, where, f"job_id and subject are text: it gives {job_id!r} and {subject!r}")
    key = job_id.lower()
    if key not in estate.known:
        raise _broken(control, where, f'it names the job "{job_id}", which is not in the table jobs')
    job = estate.jobs.get(key)
    return key if job is not None and not job.deleted else None


def _job(control: Control, estate: Estate, key: str, job: Job, answers: dict[str, Answer]) -> list[Placed]:
    if job.deleted:
        told = f"{job.deleted}; its configuration was not collected"
        answers = {job.name: Answer(Verdict.NOT_ASSESSED.value, told, None)}
    elif lacks := estate.lacks(control.header.needs, key):
        told = "evidence is missing: " + _listed([str(lack) for lack in lacks])
        refs = {subject: given.raw_ref for subject, given in answers.items()} or {job.name: None}
        answers = {subject: Answer(Verdict.NOT_ASSESSED.value, told, ref) for subject, ref in refs.items()}
    elif not answers:
        answers = {job.name: Answer(Verdict.NOT_APPLICABLE.value, control.header.empty, None)}
    return [_row(control, job, subject, given) for subject, given in answers.items()]


def _row(control: Control, job: Job, subject: str, given: Answer) -> Placed:
    row = VerdictRow(
        control_id=control.id,
        job_id=job.job_id,
        subject=subject,
        verdict=given.verdict,
        severity=str(control.header.severity),
        reason=given.reason,
    )
    return row, job.observed_at, given.raw_ref or job.raw_ref


def _nobody(control: Control, estate: Estate) -> Placed:
    reason = "no event-driven job is in scope, so nothing could be assessed"
    if estate.unlisted:
        reason = f"no event-driven job is known, and jobs could not be listed at {_listed(list(estate.unlisted))}"
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
