"""Which source tells best how a job was: each with what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.change.rollback.definition import applicable
from audit.change.rollback.undo import alike, undone
from audit.change.rollback.writes import Write, Writes, too_old, utc

if TYPE_CHECKING:
    from audit.change.rollback.readings import Reading

EARLIER_RUN = "earlier run"
CHANGES_UNDONE = "changes undone"
_SHOWN = 3
"""Reasons of a kind that are told one by one; of more, how many there are."""


class Recipe(NamedTuple):
    """How a job was at ``as_of``: ``item`` in ARM's shape, from what ``reading`` saw. No doubts: it is certain."""

    source: str
    reading: Reading
    item: dict[str, Any]
    as_of: datetime
    doubts: tuple[str, ...]


def chosen(
    job_id: str, *, now: Reading | None, before: Reading | None, state: str | None, since: datetime, writes: Writes
) -> Recipe | str:
    """Return how a job was right before ``since`` or, in words, why nobody can tell.

    ``now``: as this run read it; ``before``: as the newest run did that read it before ``since``; ``state``:
    ``deleted``, ``present`` or another word of table ``population``.
    """
    read = _as_read(job_id, before, now, since, writes) if before else None
    undo = _as_undone(job_id, now, since, writes) if now else _unread(state, since)
    if isinstance(undo, str):
        return read or undo
    if read and not read.doubts and not undo.doubts and not _agree(read, undo):
        told = "what that run read is not what comes of undoing the changes that are known since"
        return read._replace(doubts=(told,))
    for recipe in (read, undo):
        if recipe and not recipe.doubts:
            return recipe
    return read or undo


def _as_read(job_id: str, before: Reading, now: Reading | None, since: datetime, writes: Writes) -> Recipe:
    """Return the job as an earlier run read it: certain where nobody wrote it from then to ``since``."""
    doubts: list[str] = []
    same = now is not None and now.modified is not None and now.modified == before.modified
    if not same:
        between = writes.between(job_id, before.at, since)
        doubts += _shortened([f"{each.who} wrote the job on {utc(each.at)}, after that reading" for each in between])
        hole = writes.unseen(job_id, before.at, since, modified=now.modified if now else None)
        doubts += [f"{hole}: a write between that run's reading and the change may be unknown"] if hole else []
    return Recipe(EARLIER_RUN, before, before.whole(), before.at, tuple(doubts))


def _as_undone(job_id: str, now: Reading, since: datetime, writes: Writes) -> Recipe | str:
    """Return the job as this run read it with every known write since ``since`` undone, the newest first."""
    if now.created is not None and now.created >= since:
        return f"the job was made on {utc(now.created)}: before the change there was none, so deleting it goes back"
    item, untold, unfit = now.whole(), list[Write](), list[str]()
    taken_back = 0
    found = writes.since(job_id, since)
    for write in found:
        if write.kind == "deletion":
            return f"the job was deleted on {utc(write.at)} and made again; no earlier run read what it was before"
        item, left = undone(item, write.properties)
        taken_back += len(write.properties) - len(left)
        unfit += [f"{path}, written on {utc(write.at)}, stands otherwise than that change left it" for path in left]
        untold += [write] if write.untold else []
    hole = writes.unseen(job_id, since, now.at, modified=now.modified)
    doubts = (
        *_shortened([_untold(each, now.at) for each in untold]),
        *_shortened(unfit),
        *([f"{hole}: a write may be unknown"] if hole else []),
    )
    if untold and not taken_back:
        return f"{'; '.join(doubts)}; and no earlier run read the job before the change"
    return Recipe(CHANGES_UNDONE, now, item, min(since, now.at), doubts)


def _untold(write: Write, now: datetime) -> str:
    forgotten = ": Azure tells values for fourteen days" if too_old(write, now) else ""
    return f"what {write.who} wrote on {utc(write.at)} is not told property by property{forgotten}"


def _unread(state: str | None, since: datetime) -> str:
    words = {"deleted": "the job is deleted", "present": "this run's raw answer about the job is gone"}
    told = words.get(state or "", "the job could not be read by this run")
    return f"{told}, and no earlier run that is at hand read it before {utc(since)}"


def _agree(one: Recipe, other: Recipe) -> bool:
    same_key = one.reading.key_id == other.reading.key_id
    return alike(applicable(one.item), applicable(other.item), same_key=same_key)


def _shortened(reasons: Sequence[str]) -> list[str]:
    more = len(reasons) - _SHOWN
    return [*reasons[:_SHOWN], *([f"and {more} more of this kind"] if more > 0 else [])]
