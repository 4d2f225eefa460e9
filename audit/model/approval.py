"""Approval of a pack: the rules that audit.toml sets, and what one person says."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

RoleName = Annotated[str, Meta(pattern=r"^\S(.*\S)?$", max_length=300)]
"""What people call a role: one line that isn't blank."""


class ApprovalDecision(StrEnum):
    """What an approver says about a pack."""

    APPROVED = "approved"
    REJECTED = "rejected"
    CONDITIONAL = "approved-with-conditions"


class ApprovalRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[approval]: when a pack counts as approved. A run keeps them as they were when it began, under the seal."""

    required_roles: tuple[RoleName, ...] = ()
    """Each of these roles has to approve; as people give it with --role, whatever the casing."""
    minimum: Annotated[int, Meta(ge=1, le=50)] = 1
    """How many people have to approve at least."""
    conflict: Literal["refuse", "flag"] = "refuse"
    """What becomes of an approver who isn't independent: refused, or recorded and flagged.

    Who changed something in the window, collected the run, or is a subject of the access: in an access review who has
    any, else who may do more than read."""


class ApprovalSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an ``approval`` record."""

    decision: ApprovalDecision
    by: str
    """Who, as a login name or object id where that is known: asserted, unless the record is signed with a known key."""
    role: str
    ticket: str
    comment: str
    conflicts: tuple[str, ...]
    """Why this approver is not independent, as the evidence shows; recorded where the rules say ``flag``."""
    not_shown: tuple[str, ...]
    """What the evidence can't tell about that, for it has gaps."""


class WithdrawalSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a ``withdrawal`` record: an approval is taken back by whoever gave it."""

    withdraws: int
    """Number of the approval's record."""
    by: str
    comment: str
