"""Review: what came back of an access review is taken in, and how the review stands."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from audit.approve import decide, review_page, review_records
from audit.approve import review_import as returned_files
from audit.approve.review_pack import loaded, opened
from audit.approve.review_state import ReviewState, state
from audit.approve.review_words import lines
from audit.errors import ExitCode, UsageError
from audit.pipeline import earlier_reviews
from audit.pipeline.naming import pack_folder
from audit.seal.verify.packed import Packed
from audit.store import Store
from audit.store.lock import exclusive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.approve.review_import import Workbook
    from audit.approve.review_pack import ReviewPack
    from audit.model.review import ReviewRecord
    from audit.seal.keys import Signing
    from audit.store import Reviews

_DEFAULT = Path("output")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """How a review stands, and what was taken in just now."""

    pack: Path
    state: ReviewState
    record: Path | None = None
    """The new record; null where there was nothing new."""
    known: tuple[str, ...] = ()
    """Files that were imported before: no record was made of them again."""

    @property
    def exit_code(self) -> ExitCode:
        """0 where every row is decided, 3 where the review is open."""
        return ExitCode.OK if self.state.complete else ExitCode.INCOMPLETE

    @property
    def words(self) -> tuple[str, ...]:
        """What a terminal shows."""
        return tuple(lines(self.state))


def review_import(
    files: Sequence[Path],
    *,
    pack: str = "",
    output: Path | None = None,
    key: Signing | None = None,
    now: datetime | None = None,
) -> Reviewed:
    """Take in returned workbooks of one review: all of them or none. The record goes to the pack and to history.

    ``pack``: its id or folder; without it, the one that the workbooks name, below ``output``/packs. ``key`` signs the
    record. ``now``: UTC, the clock's by default. Raises ConfigError with everything that is wrong with the workbooks,
    UsageError, IntegrityError where the pack isn't as it was sealed or its records are damaged, StoreError.
    """
    workbooks = returned_files.read(files)
    place = pack_folder(pack, output or _DEFAULT) if pack else _named(workbooks, output)
    review = opened(place)
    kept = _store(place, output).reviews
    with exclusive(place):
        before = kept.records(review.name)
        known = {file.sha256 for each in before if each.pack_sha256 == review.sha256 for file in each.files}
        fresh = [each for each in workbooks if each.book.sha256 not in known]
        _restore(review, before)
        path = None
        if fresh:
            issue(review, kept)
            at = (now or datetime.now(UTC)).astimezone(UTC)
            record = returned_files.take(fresh, review, issued=kept.issued(), now=at)
            review_records.body(record)  # what the pack can't hold is refused before history has it
            kept.append(record)  # first: what a kill takes from the pack, the next import gives back to it
            path = review_records.append(review.path, record, key=key, at=at)
        review_page.write(review, review_records.read(review.path))
        decide.show(Packed(review.path))
        stands = _state(review, kept)
    names = tuple(each.name for each in workbooks if each not in fresh)
    return Reviewed(pack=review.path, state=stands, record=path, known=names)


def review_status(pack: str, *, output: Path | None = None) -> Reviewed:
    """Return how a review stands, from the pack's own records and from history; nothing is written.

    Raises UsageError, IntegrityError.
    """
    place = pack_folder(pack, output or _DEFAULT)
    review = opened(place)
    return Reviewed(pack=review.path, state=_state(review, _store(place, output).reviews))


def _named(workbooks: Sequence[Workbook], output: Path | None) -> Path:
    """Return the folder of the pack that returned workbooks name; a name out of them is never a path."""
    name = workbooks[0].told["review"]
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{workbooks[0].name} names no pack: {name!r}", hint="name the pack that it belongs to with --pack"
        )
    return pack_folder(name, output or _DEFAULT)


def _store(place: Path, output: Path | None) -> Store:
    """Return the store that a pack lies in, or the one that is named."""
    return Store(output or (place.parent.parent if place.parent.name == "packs" else _DEFAULT))


def _state(review: ReviewPack, kept: Reviews) -> ReviewState:
    """Return how a review stands by what the pack and history know, each record once, oldest first."""
    own = review_records.read(review.path)
    found = [each.record for each in own]
    found += [each for each in kept.records(review.name) if each not in found]
    found.sort(key=lambda each: each.imported_at)
    return state(review, found, signed=[each.keyid for each in own if each.keyid])


def issue(review: ReviewPack, kept: Reviews) -> None:
    """Keep what the pack asks, where history doesn't know it: the pack was made elsewhere, or history is younger."""
    with loaded(review.path) as con:
        earlier_reviews.issue(con, review.run, kept, review.name)


def _restore(review: ReviewPack, before: Sequence[ReviewRecord]) -> None:
    """Give back to a pack that was rendered again, as it was, the records that history has of it."""
    there = [each.record for each in review_records.read(review.path)]
    for each in before:
        if each.pack_sha256 == review.sha256 and each not in there:
            review_records.append(review.path, each)
