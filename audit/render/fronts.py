"""Front pages: which sections the index of each pack has, in which order, and what its contents list."""

from __future__ import annotations

from dataclasses import dataclass

from audit.errors import UsageError
from audit.model.packs import ACCESS_REVIEW, CHANGE, COMPLIANCE

_REVIEW = (
    ("review", "The review"),
    ("reviewers", "Who decides"),
    ("revocations", "Revocations"),
    ("since", "Since the last review"),
    ("privileged", "Privileged and standing"),
    ("troubled", "Orphaned, disabled, guests"),
    ("entitlements", "Every entitlement"),
)
_CHANGE = (
    ("change", "The change"),
    ("proposals", "What is proposed"),
    ("change-properties", "Before and after"),
    ("closing", "Approved and applied"),
    ("change-made", "Who made it"),
    ("change-effects", "What came of it"),
    ("change-risks", "Risks"),
    ("rollback", "The way back"),
    ("change-findings", "Findings of the change"),
)
_EVIDENCE = (
    ("verdict", "In short"),
    ("coverage", "Coverage"),
    ("verdicts-by-job", "Verdicts by job"),
    ("controls", "Controls"),
    ("findings", "Findings"),
    ("not-assessed", "Not assessed"),
    ("exceptions", "Exceptions"),
    ("health", "How the jobs did"),
    ("changes", "What changed"),
    ("access", "Who has access"),
    ("budgets", "Cost and budgets"),
    ("history", "Continuity"),
    ("owners", "Owners"),
    ("population", "Population"),
    ("provenance", "Provenance"),
)
_NOT_FOR_A_REVIEW = frozenset({"health", "budgets", "history", "owners"})


@dataclass(frozen=True, kw_only=True)
class Front:
    """The front page of a pack: (anchor, title) of its sections in order, and the listings that it leaves out."""

    contents: tuple[tuple[str, str], ...]
    leads: str = ""
    """The template that comes before the evidence; empty = none does."""
    without: frozenset[str] = frozenset()

    @property
    def sections(self) -> frozenset[str]:
        """The anchors."""
        return frozenset(anchor for anchor, _ in self.contents)


_FRONTS = {
    COMPLIANCE: Front(contents=_EVIDENCE),
    ACCESS_REVIEW: Front(
        contents=_REVIEW + tuple(each for each in _EVIDENCE if each[0] not in _NOT_FOR_A_REVIEW),
        leads="access-review.html",
        without=_NOT_FOR_A_REVIEW,
    ),
    CHANGE: Front(contents=_CHANGE + _EVIDENCE, leads="change.html"),
}


def of(pack: str) -> Front:
    """Return a pack's front page. Raises UsageError."""
    if pack not in _FRONTS:
        raise UsageError(f'the pack "{pack}" has no report', hint="packs: " + ", ".join(_FRONTS))
    return _FRONTS[pack]
