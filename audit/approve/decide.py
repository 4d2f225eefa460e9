"""A person says something about a pack: it is held against the rules and the evidence, recorded, and shown."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from audit.approve import independence, page, records, review_people
from audit.approve.chain import verified
from audit.approve.state import APPROVAL, WITHDRAWAL, State, of_one, refusal, state_of, unlike
from audit.errors import UsageError
from audit.model.approval import ApprovalDecision, ApprovalSaid, WithdrawalSaid
from audit.seal.verify.packed import Packed
from audit.store.lock import exclusive

if TYPE_CHECKING:
    from pathlib import Path

    from audit.model import Run
    from audit.seal.keys import Signing

_LONGEST = 4000


def approve(
    pack: Path,
    *,
    decision: ApprovalDecision,
    by: str,
    role: str,
    ticket: str,
    comment: str,
    key: Signing | None,
    at: datetime | None = None,
) -> tuple[Path, State]:
    """Record a decision about a pack, and return its record and the state that it leads to.

    Raises UsageError where something is blank, or where the rules refuse an approver who isn't independent;
    IntegrityError where the pack or its records aren't what they were, StoreError.
    """
    for name, value in {"by": by, "role": role, "ticket": ticket, "comment": comment}.items():
        _told(name, value)
    with exclusive(pack):
        packed = Packed(pack)
        rules = packed.run.approval
        found = independence.of(pack, by, _caller(packed.run))
        if found.conflicts and rules.conflict == "refuse":
            raise UsageError(
                f"{by} is not independent of what the pack shows: {by} " + "; and ".join(found.conflicts),
                where=str(pack),
                hint='let somebody else approve, or set approval.conflict = "flag" before the next collection',
            )
        said = ApprovalSaid(
            decision=decision,
            by=by.strip(),
            role=role.strip(),
            ticket=ticket.strip(),
            comment=comment.strip(),
            conflicts=found.conflicts,
            not_shown=found.not_shown,
        )
        keyid, same = key.keyid if key else "", review_people.of(pack).one
        for earlier in state_of(verified(pack), rules, same).statements:
            theirs = earlier.standing == "counts" and of_one(earlier, said.by, keyid, same)
            if theirs and (why := unlike(earlier, keyid)):
                raise UsageError(why, where=str(pack), hint="give that key with --key")
        path = records.append(pack, APPROVAL, msgspec.to_builtins(said), key=key, at=at)
        return path, show(packed)


def withdraw(
    pack: Path, *, number: int, by: str, comment: str, key: Signing | None, at: datetime | None = None
) -> tuple[Path, State]:
    """Record that an approval is taken back. Raises as :func:`approve`."""
    for name, value in {"by": by, "comment": comment}.items():
        _told(name, value)
    with exclusive(pack):
        packed = Packed(pack)
        taken = WithdrawalSaid(withdraws=number, by=by.strip(), comment=comment.strip())
        same = review_people.of(pack).one
        before = state_of(verified(pack), packed.run.approval, same)
        statement = next((each for each in before.statements if each.record.number == number), None)
        why = refusal(statement, taken, key.keyid if key else "", same)
        if why:
            raise UsageError(why, where=str(pack), hint="approvals/index.html lists the approvals with their numbers")
        path = records.append(pack, WITHDRAWAL, msgspec.to_builtins(taken), key=key, at=at)
        return path, show(packed)


def show(packed: Packed) -> State:
    """Write the page and the sign-off sheet of a pack's records, and return the state."""
    state = state_of(verified(packed.path), packed.run.approval, review_people.of(packed.path).one)
    page.write(packed.path, packed.run, packed.about.name, state)
    return state


def _caller(run: Run) -> list[str]:
    who = run.caller
    return [who.object_id, who.app_id, who.name] if who else []


def _told(name: str, value: str) -> None:
    if not value.strip():
        raise UsageError(f"--{name} is blank", hint="an approval says who, in which role, on which ticket, and why")
    if len(value) > _LONGEST or (name != "comment" and not value.strip().isprintable()):
        raise UsageError(f"--{name} is too long, or has control characters", hint=f"at most {_LONGEST} characters")
