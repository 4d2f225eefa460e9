"""The four words a control may answer with, and how much a failure weighs."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """``waived`` is not among them: a waiver is a column of its own and the failure stays visible."""

    PASS = "pass"  # noqa: S105  a verdict
    FAIL = "fail"
    NOT_ASSESSED = "not_assessed"
    NOT_APPLICABLE = "not_applicable"


class Severity(StrEnum):
    """How much a failure weighs, lightest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return list(Severity).index(self)
