"""Returned workbooks become one record of a review: all of them, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.approve import returned, returned_book
from audit.approve.returned_archive import Unreadable
from audit.approve.returned_problem import MOST, Problem, refusal
from audit.approve.review_rules import Judge
from audit.model.review import ReturnedFile, ReviewRecord
from audit.render.review.form import DECISIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from audit.approve.returned_book import Book
    from audit.approve.review_pack import ReviewPack
    from audit.model.review import IssuedReview, Judged

_SENT = "fill in the workbook of that pack's review/ folder instead"


@dataclass(frozen=True, kw_only=True)
class Workbook:
    """A returned workbook that could be read. ``told``: what its hidden sheet says that it is."""

    name: str
    book: Book
    told: dict[str, str]


def read(paths: Sequence[Path]) -> list[Workbook]:
    """Read returned workbooks. Raises ConfigError naming every one that can't be read, or isn't one of ours."""
    found: list[Workbook] = []
    problems: list[Problem] = []
    for path in paths:
        name = path.name
        try:
            book = returned_book.read(path)
        except Unreadable as error:
            problems.append(Problem(name, error.place, error.told, error.remedy))
            continue
        told = returned.identity(book)
        if told:
            found.append(Workbook(name=name, book=book, told=told))
        else:
            what = "this is not the workbook of an access review, or its hidden sheet is gone"
            problems.append(Problem(name, "", what, "fill in a workbook from the pack's review/ folder"))
    if problems:
        raise refusal(problems)
    return found


def take(
    workbooks: Sequence[Workbook], pack: ReviewPack, *, issued: Sequence[IssuedReview], now: datetime
) -> ReviewRecord:
    """Return the record of what was returned. ``issued``: the reviews that were sent out; ``now``: UTC.

    Raises ConfigError with everything that is wrong, in every workbook; nothing is taken in by halves.
    """
    problems = [problem for each in workbooks for problem in _misplaced(each, pack, issued)]
    problems += _twice(workbooks)
    judged: list[Judged] = []
    files: list[ReturnedFile] = []
    for each in workbooks if not problems else ():
        sent = pack.workbooks[each.told["file"]]
        differing = returned.differences(each.book, returned_book.read(pack.workbook(sent.file)), each.name)
        problems += differing
        if any(each.place.partition("!")[0] == DECISIONS for each in differing):
            continue
        rows, wrong = _judged(each, pack, now)
        problems += wrong[:MOST]
        judged += rows
        files.append(ReturnedFile(name=each.name, sha256=each.book.sha256, reviewer=sent.reviewer, rows=len(rows)))
    if problems:
        raise refusal(problems)
    return ReviewRecord(
        review=pack.name,
        pack_sha256=pack.sha256,
        rows_sha256=pack.rows,
        run_id=pack.run.run_id,
        imported_at=now.replace(microsecond=0),
        files=tuple(files),
        judged=tuple(sorted(judged, key=lambda each: each.entitlement_id)),
    )


def _judged(workbook: Workbook, pack: ReviewPack, now: datetime) -> tuple[list[Judged], list[Problem]]:
    judge = Judge(
        file=workbook.name,
        asked=pack.entitlements,
        people=pack.people,
        at=pack.run.finished or pack.run.started,
        now=now,
        since_1904=workbook.book.since_1904,
    )
    return [judge.judged(row) for row in returned.filled(workbook.book)], judge.problems


def _misplaced(workbook: Workbook, pack: ReviewPack, issued: Sequence[IssuedReview]) -> Iterator[Problem]:
    """Tell whether a workbook is of another pack, or of one that asks something else by now."""
    told, name = workbook.told, workbook.name
    if told["review"] != pack.name:
        what = f"this workbook belongs to another review, {told['review']}, and not to {pack.name}"
        yield Problem(name, "", what, "import it with --pack of that review, by itself")
    elif told["run"] != pack.run.run_id:
        what = f"this workbook is of run {told['run']}, and the pack of {pack.run.run_id}"
        yield Problem(name, "", what, _SENT)
    elif told["rows"] != pack.rows:
        what = "the pack asks something else than this workbook: it was rendered anew after the workbook was sent"
        yield Problem(name, "", what, _SENT)
    elif told["file"] not in pack.workbooks:
        yield Problem(name, "", "the pack sent out no such workbook", _SENT)
    else:
        newer = [each.review for each in issued if each.run_started > pack.run.started and each.review != pack.name]
        if newer:
            what = f"a newer review, {newer[-1]}, took the place of this one: access has been collected again since"
            yield Problem(name, "", what, "decide in the newer workbook")


def _twice(workbooks: Sequence[Workbook]) -> Iterator[Problem]:
    met: dict[str, str] = {}
    for each in workbooks:
        file = each.told["file"]
        if file in met:
            what = f"this and {met[file]} are the same workbook, returned twice"
            yield Problem(each.name, "", what, "import only one of them, or one after the other: the later decides")
        else:
            met[file] = each.name
