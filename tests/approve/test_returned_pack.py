"""A returned workbook belongs to one pack, as it is now; and nobody decides about themselves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from returned_fixture import ANA, BO, DAY, KEEP, NOW, Desk, refused

from audit.errors import ExitCode, IntegrityError, UsageError
from audit.render.review.form import HEADINGS, LETTERS, NUMBERS

ROW = HEADINGS + 1
D, R, W, T = (LETTERS[name] for name in ("decision", "reason", "decided_by", "decided_on"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One desk for all refusals: a refused workbook leaves nothing behind, which each of them checks."""
    return Desk(tmp_path_factory.mktemp("desk"))


def test_the_workbook_of_another_review_is_refused(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path, name="access-review-2026-10-01_2026-11-01-20261101T060000Z-aaaa")
    (told,) = refused(desk, other.returned([KEEP]), pack=str(desk.pack))
    assert f"belongs to another review, {other.pack.name}, and not to {desk.pack.name}" in told


def test_a_pack_that_asks_something_else_by_now_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    path = desk.returned([KEEP])
    desk.estate.entitlement("somebody new", reviewer=ANA)
    desk.render()
    (told,) = refused(desk, path)
    assert "it was rendered anew after the workbook was sent. Fill in the workbook of that pack's review/" in told


def test_a_review_that_a_newer_one_took_the_place_of_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.issue()
    path = desk.returned([KEEP])
    desk.issue(review="access-review-2026-12", run_started=NOW + timedelta(days=9))
    (told,) = refused(desk, path, now=NOW + timedelta(days=10))
    assert "a newer review, access-review-2026-12, took the place of this one" in told


def test_a_damaged_pack_takes_nothing_in(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    path = desk.returned([KEEP])
    table = desk.pack / "data" / "entitlements.parquet"
    table.write_bytes(table.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError) as caught:
        desk.taken(path)
    assert caught.value.exit_code is ExitCode.INTEGRITY
    assert "data/entitlements.parquet was changed" in str(caught.value)


def test_the_same_workbook_from_two_sides_is_refused(desk: Desk) -> None:
    one, two = desk.returned([KEEP]), desk.returned([None, KEEP], name="too.xlsx")
    (told,) = refused(desk, one, two)
    assert told.startswith("too.xlsx: this and ana.xlsx are the same workbook, returned twice. ")


def test_a_name_out_of_a_workbook_is_no_path(desk: Desk) -> None:
    def elsewhere(book: Any) -> None:
        book["jobaudit"]["B2"].value = f"../packs/{desk.pack.name}"

    with pytest.raises(UsageError, match="names no pack"):
        desk.taken(desk.returned([KEEP], change=elsewhere))

    def file(book: Any) -> None:
        book["jobaudit"]["B6"].value = "../../../etc/passwd"

    (told,) = refused(desk, desk.returned([KEEP], change=file))
    assert "the pack sent out no such workbook" in told


def test_a_workbook_without_its_hidden_sheet_or_of_another_form_is_none_of_ours(desk: Desk) -> None:
    gone = desk.returned([KEEP], change=lambda book: book.remove(book["jobaudit"]))
    other = desk.returned([KEEP], name="b.xlsx", change=lambda book: setattr(book["jobaudit"]["B1"], "value", "2"))
    told = refused(desk, gone, other, pack=str(desk.pack))
    assert [each.partition(":")[0] for each in told] == ["ana.xlsx", "b.xlsx"]
    assert all("this is not the workbook of an access review" in each for each in told)


def test_a_pack_of_another_purpose_and_none_at_all_are_told(desk: Desk, tmp_path: Path) -> None:
    path = desk.returned([KEEP])
    (tmp_path / "compliance" / "data").mkdir(parents=True)
    with pytest.raises(UsageError, match="asks for no review"):
        desk.taken(path, pack=str(tmp_path / "compliance"))
    with pytest.raises(UsageError, match="there is no pack"):
        desk.taken(path, pack="nowhere")
    assert openpyxl.load_workbook(path)["Decisions"].cell(ROW, NUMBERS["decision"]).value == "keep"


def test_a_record_that_was_tampered_with_stops_the_next_import(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    made = desk.taken(desk.returned([KEEP]))
    assert made.record
    told = json.loads(made.record.read_bytes())
    told["body"]["judged"][0]["decision"] = "keep"
    made.record.write_text(json.dumps(told))
    with pytest.raises(IntegrityError):
        desk.taken(desk.returned([None, KEEP], name="more.xlsx"))


def test_bo_may_decide_about_ana(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (told,) = refused(desk, desk.returned([("keep", "", ANA, DAY)], beginning="bo"))
    assert "their own access" in told
    assert desk.taken(
        desk.returned([("keep", "", BO, datetime(2026, 11, 24, 9, tzinfo=UTC).replace(tzinfo=None))], beginning="bo")
    )
