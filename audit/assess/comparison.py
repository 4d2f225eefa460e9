"""What a control answered beside what a fixture expects: row by row, and what differs in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from audit.assess.fixture import Expected, job_id


class Got(NamedTuple):
    """One verdict as it was given. ``job_id`` is empty where it is about the whole estate."""

    job_id: str
    subject: str
    verdict: str
    reason: str


class Comparison(NamedTuple):
    """How many verdicts are as expected, and a line for each that isn't, in the order of jobs and subjects."""

    right: int
    wrong: tuple[str, ...]


def compare(expected: Sequence[Expected], got: Sequence[Got]) -> Comparison:
    """Hold every verdict against what is expected: neither may have one that the other lacks."""
    wanted = {(job_id(each.job).lower(), each.subject): each for each in expected}
    found = {(each.job_id.lower(), each.subject): each for each in got}
    missing = {key: _missing(each) for key, each in wanted.items() if key not in found}
    told = missing | {key: _differs(wanted.get(key), each) for key, each in found.items()}
    lines = [told[key] for key in sorted(told) if told[key]]
    return Comparison(len(wanted.keys() | found.keys()) - len(lines), tuple(lines))


def _missing(wanted: Expected) -> str:
    return f"missing       {_about(wanted.job, wanted.subject)}: expected {wanted.verdict}, got no verdict"


def _differs(wanted: Expected | None, found: Got) -> str:
    """Return one line about a verdict that was given; empty where it is as expected."""
    about, said = _about(found.job_id, found.subject), f"got {found.verdict}: {found.reason}"
    if wanted is None:
        return f"not expected  {about}: {said}"
    if wanted.verdict != found.verdict:
        return f"differs       {about}: expected {wanted.verdict}, {said}"
    if wanted.reason not in found.reason:
        return f'differs       {about}: expected a reason with "{wanted.reason}", {said}'
    return ""


def _about(job: str, subject: str) -> str:
    name = job.rpartition("/")[2] or "(whole estate)"
    return name if name == subject else f'{name}, "{subject}"'
