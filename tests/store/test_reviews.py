"""Reviews beside history: numbered without a gap, never written over, and the very rows that were sent out."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import msgspec
import pytest

from audit.errors import IntegrityError, StoreError
from audit.model.review import IssuedReview, ReviewRecord
from audit.store import Reviews, atomic

AT = datetime(2026, 11, 1, tzinfo=UTC)
NAME = "access-review-2026-10-r1"


@pytest.fixture
def reviews(tmp_path: Path) -> Reviews:
    return Reviews(tmp_path / "reviews")


def issue(reviews: Reviews, rows: str = "a", *, name: str = NAME, at: datetime = AT) -> bool:
    with contextlib.closing(duckdb.connect()) as con:
        for table in ("entitlements", "entitlement_reach", "reviewer_subjects", "job_gaps"):
            con.execute(f"create table {table} as select '{rows}' as row_id")
        times = {"run_started": at, "run_finished": at, "since": at - timedelta(days=30), "until": at, "due": at}
        return reviews.issue(con, IssuedReview(review=name, run_id="r1", rows=1, rows_sha256=rows, **times))


def record(rows: str = "a", at: datetime = AT) -> ReviewRecord:
    return ReviewRecord(
        review=NAME, pack_sha256="0", rows_sha256=rows, run_id="r1", imported_at=at, files=(), judged=()
    )


def test_what_was_sent_out_comes_back_as_it_was(reviews: Reviews) -> None:
    assert issue(reviews)
    assert issue(reviews, "b")
    assert not issue(reviews), "the same was asked before"
    assert [each.rows_sha256 for each in reviews.issued()] == ["a", "b"]
    for each in reviews.issued():
        file = reviews.rows_of(each)["entitlements"]
        assert duckdb.execute("select row_id from read_parquet(?)", [str(file)]).fetchall() == [(each.rows_sha256,)]


def test_rows_that_are_not_those_that_were_sent_out_are_refused(reviews: Reviews) -> None:
    issue(reviews)
    (sent,) = reviews.issued()
    file = reviews.rows_of(sent)["entitlements"]
    duckdb.execute(f"copy (select 'other' as row_id) to '{file}' (format parquet)")
    with pytest.raises(IntegrityError, match="not those that were sent out"):
        reviews.rows_of(sent)


def test_a_missing_number_is_told(reviews: Reviews) -> None:
    issue(reviews)
    paths = [reviews.append(record(at=AT + timedelta(days=day))) for day in range(3)]
    paths[1].unlink()
    with pytest.raises(IntegrityError, match="a record of a review is missing") as told:
        reviews.records(NAME)
    assert told.value.where.endswith("0002.json")
    with pytest.raises(IntegrityError, match="missing"):
        reviews.append(record())
    issue(reviews, "b")
    (reviews.folder / NAME / "issued-1.json").unlink()
    with pytest.raises(IntegrityError, match="missing"):
        reviews.issued()


def test_answers_to_nobody_knows_what_are_told(reviews: Reviews) -> None:
    reviews.append(record())
    with pytest.raises(IntegrityError, match="what it asked is gone"):
        reviews.issued()


def test_two_imports_at_once_get_two_numbers(reviews: Reviews) -> None:
    issue(reviews)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda day: reviews.append(record(at=AT + timedelta(days=day))), range(12)))
    assert sorted(path.name for path in found) == [f"{number:04}.json" for number in range(1, 13)]
    assert len({msgspec.json.encode(each) for each in reviews.records(NAME)}) == 12


def test_a_new_file_is_never_written_over_another(tmp_path: Path) -> None:
    atomic.write_new(tmp_path / "a", b"1")
    with pytest.raises(StoreError):
        atomic.write_new(tmp_path / "a", b"2")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"1"}
