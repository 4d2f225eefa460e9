"""How a review stands: what is decided, who owes what, and what has to be done until when."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from audit.model.review import Decision, Judged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from audit.approve.review_pack import Entitlement, ReviewPack
    from audit.model.review import ReviewRecord


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """One reviewer's part. ``reviewer`` empty: rows that were sent to nobody."""

    reviewer: str
    rows: int
    decided: int
    returned: bool
    """Whether a workbook of theirs came back, blank or not."""

    @property
    def blank(self) -> int:
        """Rows that are not decided."""
        return self.rows - self.decided


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """One decision, with what it is about. ``due``: until when a revoke or a change has to be done."""

    entitlement_id: str
    principal: str
    role: str
    where: str
    sent_to: str
    decision: Decision
    reason: str
    decided_by: str
    decided_on: date
    due: date | None
    by_another: bool
    imported_at: datetime


class Stead(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody else decided than the one to whom rows were sent."""

    sent_to: str
    decided_by: str
    rows: int


class ReviewState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one review. Names in it are as they were typed."""

    review: str
    run_id: str
    pack_sha256: str
    due: datetime
    rows: int
    records: int
    elsewhere: int
    """Records about another rendering of this pack, which asked something else: not counted."""
    signed: tuple[str, ...]
    """The ids of the keys that signed records; of the others the names are asserted, by nobody."""
    reviewers: tuple[Owed, ...]
    to_do: tuple[Decided, ...]
    """Revokes and changes, in the order in which they are due."""
    kept: tuple[Decided, ...]
    """Privileged access that is kept."""
    by_another: tuple[Stead, ...]
    """Who decided in whose place, as far as names tell: of a mailbox that several people read nobody can."""
    conflicts: int
    """Open rows about the access of the very person to whom they were sent."""
    incomplete: int
    """Rows that are "at least these": something that they rest on was not read."""

    @property
    def decided(self) -> int:
        """How many rows are decided."""
        return sum(each.decided for each in self.reviewers)

    @property
    def complete(self) -> bool:
        """Every row is decided, and there was one: a review of nothing shows nothing."""
        return self.rows > 0 and self.decided == self.rows


def state(pack: ReviewPack, records: Iterable[ReviewRecord], *, signed: Sequence[str] = ()) -> ReviewState:
    """Return how a review stands after ``records``, in their order. A later decision supersedes an earlier one.

    A row that came back blank takes no decision back. ``signed``: a key's id for every record that is signed.
    """
    about = list(records)
    counted = [each for each in about if each.rows_sha256 == pack.rows]
    said: dict[str, tuple[Judged, Decision, datetime]] = {}
    for record in counted:
        for judged in record.judged:
            if judged.decision is not None and judged.entitlement_id in pack.entitlements:
                said[judged.entitlement_id] = (judged, judged.decision, record.imported_at)
    days = timedelta(days=pack.run.review.days_to_revoke)
    made = [_decided(pack.entitlements[key], *told, days) for key, told in said.items()]
    order = {key: number for number, key in enumerate(pack.entitlements)}
    made.sort(key=lambda each: order[each.entitlement_id])
    privileged = {key for key, each in pack.entitlements.items() if each.privileged}
    to_do = [each for each in made if each.decision is not Decision.KEEP]
    return ReviewState(
        review=pack.name,
        run_id=pack.run.run_id,
        pack_sha256=pack.sha256,
        due=(pack.run.finished or pack.run.started) + timedelta(days=pack.run.review.days_to_decide),
        rows=len(pack.entitlements),
        records=len(counted),
        elsewhere=len(about) - len(counted),
        signed=tuple(signed),
        reviewers=_owed(pack, said, counted),
        to_do=tuple(sorted(to_do, key=lambda each: (each.due or date.max, order[each.entitlement_id]))),
        kept=tuple(each for each in made if each.decision is Decision.KEEP and each.entitlement_id in privileged),
        by_another=_steads(made),
        conflicts=sum(each.conflict and key not in said for key, each in pack.entitlements.items()),
        incomplete=sum(not each.complete for each in pack.entitlements.values()),
    )


def _decided(about: Entitlement, judged: Judged, decision: Decision, at: datetime, days: timedelta) -> Decided:
    day = judged.decided_on or at.date()
    return Decided(
        entitlement_id=about.entitlement_id,
        principal=about.principal,
        role=about.role,
        where=about.where,
        sent_to=about.reviewer,
        decision=decision,
        reason=judged.reason,
        decided_by=judged.decided_by,
        decided_on=day,
        due=None if decision is Decision.KEEP else day + days,
        by_another=judged.by_another,
        imported_at=at,
    )


def _steads(made: Sequence[Decided]) -> tuple[Stead, ...]:
    counted = Counter((each.sent_to, each.decided_by) for each in made if each.by_another)
    return tuple(Stead(sent_to=sent, decided_by=by, rows=rows) for (sent, by), rows in sorted(counted.items()))


def _owed(pack: ReviewPack, said: Collection[str], counted: Sequence[ReviewRecord]) -> tuple[Owed, ...]:
    """Return every reviewer's part, those who owe most first."""
    rows: dict[str, list[str]] = {}
    for key, each in pack.entitlements.items():
        rows.setdefault(each.reviewer, []).append(key)
    returned = {file.reviewer for record in counted for file in record.files}
    parts = [
        Owed(
            reviewer=reviewer,
            rows=len(keys),
            decided=sum(key in said for key in keys),
            returned=reviewer in returned,
        )
        for reviewer, keys in rows.items()
    ]
    return tuple(sorted(parts, key=lambda each: (-each.blank, each.reviewer)))
