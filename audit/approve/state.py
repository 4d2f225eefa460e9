"""What all records about a pack come to: approved, rejected, or still open and by whom it is owed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from audit.approve.records import Record
from audit.errors import IntegrityError
from audit.model.approval import ApprovalDecision, ApprovalRules, ApprovalSaid, WithdrawalSaid

T = TypeVar("T", bound=msgspec.Struct)
APPROVAL = "approval"
WITHDRAWAL = "withdrawal"


APPROVED = ("approved", "approved with conditions")
"""The words of a state in which a pack counts as approved."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """An approval, and what became of it. ``standing``: counts, superseded or withdrawn; ``by_record``: by which."""

    record: Record
    said: ApprovalSaid
    standing: str = "counts"
    by_record: int | None = None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a pack's approval. ``word``: approved, approved with conditions, rejected or open."""

    word: str
    statements: tuple[Statement, ...]
    withdrawals: tuple[tuple[Record, WithdrawalSaid], ...]
    others: tuple[Record, ...]
    """Records of other kinds, such as reviews of access."""
    lacking: tuple[str, ...]
    """What is owed until it is approved; empty where nothing is."""
    flagged: int
    """How many approvals that count come from somebody who isn't independent."""
    asserted: int
    """How many that count are not signed."""
    not_shown: int = 0
    """How many that count come from somebody of whom gaps in the evidence leave open whether they are independent."""


Same = Callable[[str, str], bool]
"""Tells whether two names are, or may be, one person's."""


def state_of(records: Sequence[Record], rules: ApprovalRules, same: Same) -> State:
    """Return the state after these records, in their order; nobody's word counts twice. Raises IntegrityError.

    ``same``: as the pack's directory tells. What one key signs is one person's too, whatever the names.

    A later approval of the same person supersedes the earlier one, whatever the role; a withdrawal takes one back. What
    was signed can be superseded or withdrawn with the same key alone: else a typed name would undo a signature.
    """
    statements: dict[int, Statement] = {}
    withdrawals: list[tuple[Record, WithdrawalSaid]] = []
    for record in records:
        if record.kind == APPROVAL:
            said = _body(record, ApprovalSaid)
            for number, earlier in statements.items():
                keyid = record.signer.keyid if record.signer else ""
                if earlier.standing == "counts" and of_one(earlier, said.by, keyid, same):
                    if why := unlike(earlier, keyid):
                        raise IntegrityError(f"the approval can't be: {why}", where=record.name)
                    statements[number] = _ended(earlier, "superseded", record)
            statements[record.number] = Statement(record=record, said=said)
        elif record.kind == WITHDRAWAL:
            taken = _body(record, WithdrawalSaid)
            keyid = record.signer.keyid if record.signer else ""
            why = refusal(statements.get(taken.withdraws), taken, keyid, same)
            if why:
                raise IntegrityError(f"the withdrawal can't be: {why}", where=record.name)
            statements[taken.withdraws] = _ended(statements[taken.withdraws], "withdrawn", record)
            withdrawals.append((record, taken))
    return _summed(tuple(statements.values()), tuple(withdrawals), records, rules)


def of_one(earlier: Statement, by: str, keyid: str, same: Same) -> bool:
    """Tell whether a record by this name, signed with this key or with none, is by whoever made the earlier one."""
    signer = earlier.record.signer
    return same(earlier.said.by, by) or (signer is not None and signer.keyid == keyid)


def unlike(earlier: Statement, keyid: str) -> str:
    """Return why a record with this key, or with none, can't undo an approval; empty = it can."""
    signer = earlier.record.signer
    if signer is None or signer.keyid == keyid:
        return ""
    return f"approval {earlier.record.number} is signed with key {signer.keyid[:16]}…, and only that key undoes it"


def refusal(statement: Statement | None, taken: WithdrawalSaid, keyid: str, same: Same) -> str:
    """Return why an approval can't be withdrawn so; empty = it can."""
    if statement is None:
        return f"record {taken.withdraws} is no approval"
    if statement.standing != "counts":
        return f"approval {taken.withdraws} is already {statement.standing}"
    if not same(statement.said.by, taken.by):
        return f"approval {taken.withdraws} is by {statement.said.by}, and only they can take it back"
    return unlike(statement, keyid)


def _summed(
    statements: tuple[Statement, ...],
    withdrawals: tuple[tuple[Record, WithdrawalSaid], ...],
    records: Sequence[Record],
    rules: ApprovalRules,
) -> State:
    count = [each for each in statements if each.standing == "counts"]
    good = [each for each in count if each.said.decision is not ApprovalDecision.REJECTED]
    roles = {each.said.role.casefold() for each in good}
    lacking = [f"an approval by the role {role}" for role in rules.required_roles if role.casefold() not in roles]
    if len(good) < rules.minimum:
        more = f"{rules.minimum - len(good)} more of the {rules.minimum} approvals"
        lacking.append("an approval" if rules.minimum == 1 else more)
    word = APPROVED[0]
    if len(good) < len(count):
        word = "rejected"
    elif lacking:
        word = "open"
    elif any(each.said.decision is ApprovalDecision.CONDITIONAL for each in good):
        word = APPROVED[1]
    return State(
        word=word,
        statements=statements,
        withdrawals=withdrawals,
        others=tuple(each for each in records if each.kind not in (APPROVAL, WITHDRAWAL)),
        lacking=tuple(lacking),
        flagged=sum(1 for each in count if each.said.conflicts),
        asserted=sum(1 for each in count if each.record.signer is None),
        not_shown=sum(1 for each in count if each.said.not_shown),
    )


def _ended(statement: Statement, standing: str, record: Record) -> Statement:
    return msgspec.structs.replace(statement, standing=standing, by_record=record.number)


def _body(record: Record, shape: type[T]) -> T:
    try:
        return msgspec.convert(record.body, shape)
    except msgspec.ValidationError as error:
        raise IntegrityError(f"this is no record of its kind: {error}", where=record.name) from None
