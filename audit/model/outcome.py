"""How a unit of collection ends: ``Collected``, perhaps of nothing, or a ``Gap`` with a reason. Nothing else."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class GapReason(StrEnum):
    """Why evidence is missing; the words that reports, coverage and exit code 3 rest on."""

    FORBIDDEN = "forbidden"
    PARTIAL_VISIBILITY = "partial_visibility"
    THROTTLED = "throttled"
    TRUNCATED = "truncated"
    UNAVAILABLE = "unavailable"
    MALFORMED = "malformed"
    BEYOND_RETENTION = "beyond_retention"
    UNSUPPORTED = "unsupported"


KEEPS_ROWS = frozenset({GapReason.BEYOND_RETENTION, GapReason.MALFORMED, GapReason.PARTIAL_VISIBILITY})
"""Gaps whose good rows stay: each is true, there may only be more. Elsewhere a part would pass for the whole."""


class Collected(msgspec.Struct, frozen=True, kw_only=True, tag="collected"):
    """All pages were read and decoded. ``rows`` may be 0: a confirmed absence. ``detail`` says what was confirmed."""

    pages: int
    rows: int
    detail: str = ""


class Gap(msgspec.Struct, frozen=True, kw_only=True, tag="gap"):
    """The evidence of this unit is missing or incomplete. ``pages`` and ``rows`` count what was kept all the same."""

    reason: GapReason
    detail: str
    pages: int = 0
    rows: int = 0


Outcome = Collected | Gap


class ReadFailed(Exception):
    """Raised inside ``fetch`` by the Azure layer: one read failed for a reason that a report can name.

    ``code`` is Azure's own error code, empty where there was none.
    """

    def __init__(self, reason: GapReason, detail: str, *, code: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.code = code


class NotThere(Exception):
    """Azure said 404 about the one resource that was asked for: a confirmed absence.

    ``said`` is what the unit's detail tells instead, where Azure confirmed the absence in other words.
    """

    def __init__(self, detail: str = "", *, said: str = "") -> None:
        super().__init__(detail)
        self.said = said
