"""Exceptions that people approved: which failure is borne, by whose word, and until when. Snapshotted into the run."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from audit.model.stated import Line, Words

Category = Literal["risk_accepted", "mitigated", "false_positive", "fix_planned"]


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """[[exceptions]]: a failure that is borne for a time: one control, one job, one subject. No key may be left out."""

    id: Line
    """Names the exception in verdicts and reports, such as ``EX-2026-014``; each id stands once."""
    control: Line
    """The control's id, such as ``JA-12``: one control, no pattern."""
    job: Line
    """The job's resource id: one job, no pattern."""
    subject: Line
    """What about the job failed, letter by letter as the finding names it: a secret, a rule, a container."""
    category: Category
    """``risk_accepted``, ``mitigated`` (met in another way), ``false_positive`` or ``fix_planned``."""
    justification: Words
    """Why the failure is borne."""
    compensating_control: Words
    """What is done meanwhile instead."""
    requester: Line
    """Who asked for it."""
    approver: Line
    """Who approved it: somebody else."""
    approved_on: date
    """The day of the approval."""
    ticket: Line
    """Where it was asked for and approved."""
    expires: date
    """The last day, in UTC, on which it holds; ``policy.exception_days_most`` says how far off it may lie."""


class Exceptions(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file of exceptions, as it was when the run began."""

    file: str
    """Its name."""
    sha256: str
    entries: tuple[Waiver, ...] = ()
