"""An access review as people send it back: what was decided about each entitlement, by whom, and about which pack."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

EntitlementKind = Literal[
    "role",
    "eligible_role",
    "membership",
    "eligible_membership",
    "shared_access_policy",
    "vault_access_policy",
    "registry_admin",
]
"""What an entitlement is."""


class Decision(StrEnum):
    """What a reviewer says about an entitlement."""

    KEEP = "keep"
    REVOKE = "revoke"
    CHANGE = "change"


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One entitlement in a returned workbook; ``decision`` null = left blank: the review stays open."""

    entitlement_id: str
    decision: Decision | None = None
    reason: str = ""
    decided_by: str = ""
    """The name in the cell: asserted, nobody proved it."""
    decided_on: date | None = None
    by_another: bool = False
    """Whether somebody else decided than the one to whom the row was sent, as far as names tell."""


class ReturnedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A workbook that came back."""

    name: str
    sha256: str
    reviewer: str
    """To whom it was sent; empty = to nobody in particular."""
    rows: int


class ReviewRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What one import took in: the decisions of one or several returned workbooks about one pack.

    A later record about the same entitlement of the same pack supersedes an earlier one.
    """

    review: str
    """The pack's name."""
    pack_sha256: str
    """The digest of the pack that was reviewed: SHA-256 of its SHA256SUMS."""
    rows_sha256: str
    """The digest of what it asked, as its IssuedReview has it: another rendering that asks the same is decided too."""
    run_id: str
    imported_at: datetime
    files: tuple[ReturnedFile, ...]
    judged: tuple[Judged, ...]
    """Every row of the returned workbooks, blank ones too, by entitlement_id."""


class IssuedReview(msgspec.Struct, frozen=True, kw_only=True):
    """A review that was sent out: a rendered access-review pack. Its rows lie beside it as Parquet."""

    review: str
    """The pack's name."""
    run_id: str
    run_started: datetime
    """When the run began whose access is reviewed: what it was compared with began before."""
    run_finished: datetime
    since: datetime
    until: datetime
    rows: int
    rows_sha256: str
    """SHA-256 over the sorted ids and contents of the entitlements: two renderings with the same one ask the same."""
    due: datetime
    """Until when decisions are owed."""
    files: dict[str, str] = {}
    """SHA-256 of the Parquet file of its rows, by table; filled in where it is kept."""


class ProvenOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one run showed of one decision to revoke or change: ``done``, when and by whom where Azure told."""

    entitlement_id: str
    state: str
    at: datetime | None = None
    by: str | None = None


class ReviewProof(msgspec.Struct, frozen=True, kw_only=True):
    """What one run showed of a review's revocations: so that access which comes back later is seen to."""

    run_id: str
    run_started: datetime
    outcomes: tuple[ProvenOutcome, ...]


class ReviewRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[review.reviewers]]: who decides about what; all that a rule names has to hold, the first that fits wins."""

    reviewer: Annotated[str, Meta(pattern=r"^\S(.*\S)?$", max_length=200)]
    """Who decides: a login name such as ``ana@contoso.example``, as it is to stand in the workbook."""
    resource_groups: tuple[str, ...] = ()
    """Entitlements that lie in one of these groups, or that reach jobs of these groups only."""
    subscriptions: tuple[str, ...] = ()
    """Ids; as for groups."""
    scopes: tuple[str, ...] = ()
    """Entitlements at or below one of these ARM ids; for a membership: ids of groups."""
    principals: tuple[str, ...] = ()
    """Entitlements of these: ids, login names or display names, with ``*`` and ``?``."""
    kinds: tuple[EntitlementKind, ...] = ()
    """Entitlements of these kinds."""


class ReviewSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[review]: who reviews which access, and until when; a run keeps it as it was when it began."""

    reviewers: tuple[ReviewRule, ...] = ()
    """[[review.reviewers]]: explicit rules; the first that fits wins."""
    owner_tag: str = "owner"
    """Where no rule fits: the value of this tag, where all jobs that an entitlement reaches agree; empty = off."""
    fallback: str = ""
    """Who decides where no rule and no tag tells; empty = nobody: a workbook of its own, and a loud word."""
    alternate: str = ""
    """Who decides instead of a reviewer about the reviewer's own access; empty = the fallback."""
    days_to_decide: Annotated[int, Meta(ge=1, le=365)] = 14
    """Days from the end of the collection until decisions are owed."""
    days_to_revoke: Annotated[int, Meta(ge=1, le=365)] = 14
    """Days from a decision to revoke or change until it has to be done."""
