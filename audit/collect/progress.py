"""What a collection tells whoever watches: how much is planned, what has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from audit.model import EvidenceKind, UnitRecord


class Progress(Protocol):
    """The seam to a terminal, a log, or nothing."""

    def planned(self, kind: EvidenceKind, units: int) -> None:
        """``units`` more units of a kind will be read."""

    def ended(self, record: UnitRecord) -> None:
        """One unit ended, as collected or as a gap."""

    def note(self, text: str) -> None:
        """Something worth a line."""


class Silent:
    """Tells nobody."""

    def planned(self, kind: EvidenceKind, units: int) -> None:
        """Say nothing."""

    def ended(self, record: UnitRecord) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""
