"""Approve: what a person says about a pack is recorded beside its seal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audit.approve import decide
from audit.pipeline.naming import pack_folder
from audit.seal import keys

if TYPE_CHECKING:
    from audit.approve.state import State
    from audit.model.approval import ApprovalDecision
    from audit.seal.keys import Signing


class Said(NamedTuple):
    """A record, the state that it leads to, and what was said about the approver's independence."""

    path: Path
    state: State
    flagged: tuple[str, ...] = ()
    not_shown: tuple[str, ...] = ()


def approve(
    pack_ref: str,
    *,
    output: Path,
    decision: ApprovalDecision,
    by: str,
    role: str,
    ticket: str,
    comment: str,
    key: Signing | None,
) -> Said:
    """Record a decision about a pack named by id or path. Raises as :func:`audit.approve.decide.approve`."""
    pack = pack_folder(pack_ref, output)
    path, state = decide.approve(pack, decision=decision, by=by, role=role, ticket=ticket, comment=comment, key=key)
    said = state.statements[-1].said
    return Said(path, state, said.conflicts, said.not_shown)


def withdraw(pack_ref: str, *, output: Path, number: int, by: str, comment: str, key: Signing | None) -> Said:
    """Record that an approval is taken back. Raises as :func:`audit.approve.decide.withdraw`."""
    return Said(*decide.withdraw(pack_folder(pack_ref, output), number=number, by=by, comment=comment, key=key))


def approver_key(path: Path | None, passphrase_env: str, environment: dict[str, str]) -> Signing | None:
    """Return an approver's key, or None where none is given. Raises ConfigError."""
    return keys.private(path, environment.get(passphrase_env, "") if passphrase_env else "") if path else None
