"""How a review stands: nothing counts that isn't about this pack, and a review of nothing shows nothing."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from returned_fixture import ANA, DAY, KEEP, NOW, Desk, Estate

from audit.approve import checked, decide, records, review_checked, review_records
from audit.errors import ExitCode, IntegrityError
from audit.model.review import Decision, Judged
from audit.pipeline.reviewing import review_status
from audit.seal.verify.packed import Packed
from audit.store import Store
from tests.seal import sealed_pack


def test_a_review_of_nothing_is_not_complete(tmp_path: Path) -> None:
    stands = review_status(str(Desk(tmp_path, Estate()).pack))
    assert (stands.state.rows, stands.state.complete, stands.exit_code) == (0, False, ExitCode.INCOMPLETE)
    assert "The review asks nothing" in stands.words[1]


def test_a_review_of_which_nothing_came_back_is_owed_by_everybody(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    stands = review_status(str(desk.pack))
    assert [each.returned for each in stands.state.reviewers] == [False] * 3
    assert stands.state.incomplete == 1
    assert not (desk.pack / "approvals").exists(), "asking writes nothing"


def test_decisions_about_another_rendering_are_named_and_not_counted(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.taken(desk.returned([KEEP]))
    reviews = Store(desk.output).reviews
    (record,) = reviews.records(desk.pack.name)
    shutil.rmtree(desk.pack / "approvals")
    shutil.rmtree(reviews.folder)
    other = {"pack_sha256": "0" * 64, "rows_sha256": "0" * 64}
    reviews.append(msgspec.structs.replace(record, **other))
    stands = review_status(str(desk.pack))
    assert (stands.state.elsewhere, stands.state.decided, stands.state.records) == (1, 0, 0)
    assert "not counted: 1 record about another rendering of this pack" in "\n".join(stands.words)
    assert desk.taken(desk.returned([KEEP])).record, "and the same file is taken in for this one"


def test_decisions_count_for_another_rendering_that_asks_the_same(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.taken(desk.returned([KEEP]))
    reviews = Store(desk.output).reviews
    (record,) = reviews.records(desk.pack.name)
    shutil.rmtree(desk.pack / "approvals")
    shutil.rmtree(reviews.folder)
    reviews.append(msgspec.structs.replace(record, pack_sha256="0" * 64))
    state = review_status(str(desk.pack)).state
    assert (state.elsewhere, state.decided, state.records) == (0, 1, 1)


def test_a_pack_that_travelled_tells_its_review_by_itself(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    made = desk.taken(desk.returned([KEEP, KEEP, None, None]))
    elsewhere = tmp_path / "auditor" / desk.pack.name
    shutil.copytree(desk.pack, elsewhere)
    shutil.rmtree(desk.output)
    assert review_status(str(elsewhere), output=tmp_path / "auditor").state == made.state


def test_open_rows_of_ones_own_access_are_told(tmp_path: Path) -> None:
    estate = Estate()
    estate.entitlement("Ana Ruiz", principal_login=ANA, reviewer_conflict=True)
    estate.entitlement("Kim Okafor")
    desk = Desk(tmp_path, estate)
    assert review_status(str(desk.pack)).state.conflicts == 1
    made = desk.taken(desk.returned([("keep", "", "Kim Okafor", DAY), ("keep", "", ANA, DAY)]))
    assert (made.state.conflicts, made.state.complete) == (0, True)


def test_late_decisions_are_due_from_their_own_day(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    late = (NOW + timedelta(days=40)).date()
    made = desk.taken(desk.returned([("revoke", "left", ANA, late)]), now=NOW + timedelta(days=40))
    assert [each.due for each in made.state.to_do] == [late + timedelta(days=7)]


def test_a_record_of_another_shape_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    records.append(desk.pack, review_records.KIND, {"judged": "all"})
    with pytest.raises(IntegrityError, match="this is no record of a review"):
        review_status(str(desk.pack))


def test_a_signed_record_says_whose_key_and_a_name_is_still_only_typed(tmp_path: Path) -> None:
    desk, key = Desk(tmp_path), sealed_pack.key(tmp_path)
    made = desk.taken(desk.returned([KEEP]), key=key)
    assert made.state.signed == (key.keyid,)
    assert f"has signed for what they say (key {key.keyid[:16]}…); no reviewer has signed a name" in made.words[-1]
    desk.taken(desk.returned([None, KEEP], name="more.xlsx"))
    stands = review_status(str(desk.pack))
    assert stands.words[-1] == (
        "Names are asserted, as they were typed: nobody has signed for those of 1 of the 2 records."
    )
    signature = desk.pack / "approvals" / "0001-review.json.sig"
    signed = signature.read_bytes()
    signature.write_bytes(signed[:-1] + bytes([signed[-1] ^ 1]))
    with pytest.raises(IntegrityError, match="the signature is not that of key"):
        review_status(str(desk.pack))


def test_verify_makes_the_page_again_and_holds_the_records_to_the_pack(tmp_path: Path) -> None:
    desk = Desk(tmp_path)

    def told() -> tuple[str, ...]:
        approvals, review = checked.approvals(desk.pack), review_checked.review(desk.pack)
        assert approvals.result == "ok", approvals.told
        return (str(review.result), *review.told)

    decide.show(Packed(desk.pack))  # as rendering does
    assert told() == ("ok", "no record")
    record = Store(desk.output).reviews
    desk.taken(desk.returned([KEEP]))
    assert told() == ("ok", "1 record")
    page = desk.pack / "approvals" / "review.html"
    whole = page.read_bytes()
    page.write_bytes(whole.replace(b"still needed", b"not needed"))
    assert told() == ("failed", "approvals/review.html says something else than the records")
    page.unlink()
    assert told() == ("failed", "approvals/review.html is missing")
    page.write_bytes(whole)
    (kept,) = record.records(desk.pack.name)
    strange = msgspec.structs.replace(
        kept, review="other", judged=(Judged(entitlement_id="E-0", decision=Decision.KEEP),)
    )
    review_records.append(desk.pack, strange)
    decide.show(Packed(desk.pack))
    said = told()
    assert said[0] == "failed"
    assert "decides about what the pack never asked: E-0" in said[1]
    assert "is of another review" in said[2]
