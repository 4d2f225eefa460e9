"""Which reviews a run sees: the last one however old, and of each the rendering that was answered by then."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from audit.errors import IntegrityError
from audit.model.review import ReviewRecord
from audit.pipeline import earlier_reviews
from audit.store import Reviews, Store, tables
from tests.approve.returned_fixture import Desk
from tests.render import review_fixture as estates

DAY = timedelta(days=1)


class Asked(Desk):
    """A review that was sent out, and answers to it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.issue()

    @property
    def reviews(self) -> Reviews:
        return Store(self.output).reviews

    def answer(self, rows_sha256: str, days: int) -> None:
        self.reviews.append(
            ReviewRecord(
                review=self.pack.name, pack_sha256="0", rows_sha256=rows_sha256, run_id="r",
                imported_at=estates.run().started + days * DAY, files=(), judged=(),
            )
        )  # fmt: skip

    def seen(self, days: int) -> list[tuple[Any, ...]]:
        """Return (rendering's rows, answers, last) of the reviews that a run sees which begins so much later."""
        at = estates.run().started + days * DAY
        with contextlib.closing(tables.connect()) as con:
            run = msgspec.structs.replace(estates.run(), started=at, finished=at + DAY)
            earlier_reviews.load(con, run, self.reviews)
            return con.execute("select entitlements, records, last from history.review_issued").fetchall()


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


def test_the_last_review_is_seen_however_old(asked: Asked) -> None:
    assert asked.seen(30) == [(6, 0, True)]
    assert asked.seen(800) == [(6, 0, True)]
    asked.issue(review="access-review-later", run_started=estates.run().started + 700 * DAY, rows_sha256="x", rows=7)
    assert asked.seen(800) == [(7, 0, True)], "an older one than the last is followed for 400 days"


def test_a_later_rendering_changes_nothing_until_it_is_answered(asked: Asked) -> None:
    (first,) = asked.reviews.issued()
    asked.answer(first.rows_sha256, 2)
    before = asked.seen(10)
    asked.issue(rows_sha256="other", rows=9)
    assert asked.seen(10) == before == [(6, 1, True)]
    asked.answer("other", 20)
    assert asked.seen(10) == before
    assert asked.seen(30) == [(9, 1, True)], "only what came back of that rendering counts"


def test_a_review_that_an_earlier_version_kept_is_read_and_what_its_run_lacked_is_unknown(asked: Asked) -> None:
    (head,) = asked.reviews.folder.glob("*/issued-1.json")
    said = msgspec.json.decode(head.read_bytes())
    del said["files"]["job_gaps"]
    head.write_bytes(msgspec.json.encode(said))
    head.with_name("issued-1.job_gaps.parquet").unlink()
    with contextlib.closing(tables.connect()) as con:
        began = estates.run().started + 30 * DAY
        run = msgspec.structs.replace(estates.run(), started=began, finished=began + DAY)
        earlier_reviews.load(con, run, asked.reviews)
        reached = con.execute("select distinct job_id from history.review_reach order by all").fetchall()
        told = con.execute("select job_id, kind, reason from history.review_gaps order by all").fetchall()
    assert told == [(job, "what its run lacked", "not kept") for (job,) in reached]
    assert told


def test_a_review_that_lost_what_it_kept_is_refused(asked: Asked) -> None:
    (file,) = asked.reviews.folder.glob("*/issued-1.job_gaps.parquet")
    file.unlink()
    with pytest.raises(IntegrityError, match="lost its rows"):
        asked.seen(30)


def test_an_answer_to_nobody_knows_what_is_told(asked: Asked) -> None:
    asked.answer("unknown", 2)
    with pytest.raises(IntegrityError, match="what it asked is gone"):
        asked.seen(10)


def test_an_import_keeps_what_the_pack_asks_where_history_does_not_know_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.taken(desk.returned([None]))
    reviews = Store(desk.output).reviews
    (issued,) = reviews.issued()
    (record,) = reviews.records(desk.pack.name)
    assert (issued.review, issued.rows, issued.rows_sha256) == (desk.pack.name, 6, record.rows_sha256)
    assert set(reviews.rows_of(issued)) == {"entitlements", "entitlement_reach", "reviewer_subjects", "job_gaps"}
