"""Approvals: about exactly this pack, by somebody independent, in a chain, and shown as the records say."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from audit.approve import checked, decide, independence, records
from audit.approve.chain import verified
from audit.approve.state import State
from audit.errors import IntegrityError, UsageError
from audit.model.approval import ApprovalDecision
from audit.seal import sums
from audit.seal.verify import Result
from audit.seal.verify.packed import Packed
from tests.approve import approvable
from tests.conftest import needs
from tests.seal import sealed_pack

HOSTILE = '=1+1<script>alert(1)</script>\n\x1b[31m"'


def say(pack: Path, by: str = "olga@x.example", decision: str = "approved", **given: Any) -> State:
    said = {"role": "owner", "ticket": "CHG-1", "comment": "as expected", "key": None, "at": approvable.AT} | given
    return decide.approve(pack, decision=ApprovalDecision(decision), by=by, **said)[1]


def test_a_pack_is_open_until_somebody_approves_it(tmp_path: Path) -> None:
    pack = approvable.make(tmp_path)
    assert decide.show(Packed(pack)).word == "open"
    assert say(pack).word == "approved"
    assert say(pack, decision="approved-with-conditions").word == "approved with conditions"
    assert say(pack, decision="rejected").word == "rejected"
    assert [each.standing for each in say(pack).statements] == ["superseded"] * 3 + ["counts"]


def test_required_roles_and_the_least_number_are_asked_for(tmp_path: Path) -> None:
    pack = approvable.make(tmp_path, required_roles=["Owner", "risk"], minimum=3)
    assert say(pack).lacking == ("an approval by the role risk", "2 more of the 3 approvals")
    assert say(pack, "someone@x.example", role="RISK").lacking == ("1 more of the 3 approvals",)
    assert say(pack, "Someone@X.example", role="owner").word == "open", "nobody counts twice"
    assert say(pack, "third@x.example", role="risk").word == "approved"
    assert say(pack, "fifth@x.example", "rejected").word == "rejected", "one rejection stands against all"


@pytest.mark.parametrize("by", ["caro@x.example", "CARO@x.example", "Caro Änder", approvable.CARO])
def test_who_made_a_change_is_refused_by_any_of_their_names(tmp_path: Path, by: str) -> None:
    pack = approvable.make(tmp_path)
    with pytest.raises(UsageError, match="made 1 changes in the window: write of one"):
        say(pack, by)
    assert records.read(pack) == []


@pytest.mark.parametrize("by", [approvable.ROBOT, "app-robot", "collector"])
def test_who_collected_is_refused(tmp_path: Path, by: str) -> None:
    with pytest.raises(UsageError, match="collected the run"):
        say(approvable.make(tmp_path), by)


def test_a_subject_of_the_access_is_refused(tmp_path: Path) -> None:
    for by, pack, refused in (
        ("nina@x.example", "compliance", True),
        ("rita@x.example", "compliance", False),
        ("rita@x.example", "access-review", True),
        ("olga@x.example", "access-review", False),
    ):
        made = approvable.make(tmp_path / by / pack, pack=pack)
        held = independence.of(made, by, [])
        assert any("subject of the access" in each for each in held.conflicts) is refused, (by, pack)


def test_a_conflict_is_flagged_where_the_rules_say_so(tmp_path: Path) -> None:
    pack = approvable.make(tmp_path, conflict="flag")
    state = say(pack, "caro@x.example")
    assert (state.word, state.flagged) == ("approved", 1)
    assert state.statements[0].said.conflicts == ("made 1 changes in the window: write of one",)
    assert "not independent" in (pack / "approvals/index.html").read_text()


def test_what_gaps_leave_open_is_recorded(tmp_path: Path) -> None:
    pack = approvable.make(tmp_path, gap=True)
    state = say(pack)
    assert (state.word, state.not_shown) == ("approved", 1)
    assert state.statements[0].said.not_shown == ("1 gaps in activity_log",)
    page = (pack / "approvals/index.html").read_text()
    assert "Independence not shown" in page
    assert "independent as far as" not in page
    assert "knows nobody called stranger" in say(pack, "stranger").statements[1].said.not_shown[-1]


def test_a_withdrawal_is_a_new_record_of_the_same_person(tmp_path: Path) -> None:
    pack = approvable.make(tmp_path)
    say(pack)
    taken: dict[str, Any] = {"comment": "read it again", "key": None, "at": approvable.AT}
    for number, by, why in (
        (1, "other@x.example", "only they can take it back"),
        (2, "olga@x.example", "record 2 is no approval"),
    ):
        with pytest.raises(UsageError, match=why):
            decide.withdraw(pack, number=number, by=by, **taken)
    assert decide.withdraw(pack, number=1, by="Olga@x.example", **taken)[1].word == "open"
    with pytest.raises(UsageError, match="already withdrawn"):
        decide.withdraw(pack, number=1, by="olga@x.example", **taken)
    assert [each.kind for each in records.read(pack)] == ["approval", "withdrawal"]


@pytest.mark.parametrize("other", ["Olga", "0-OLGA", "Olga <olga@x.example>"])
def test_one_person_by_two_names_counts_once(tmp_path: Path, other: str) -> None:
    pack = approvable.make(tmp_path, minimum=2)
    say(pack)
    assert say(pack, other).lacking == ("1 more of the 2 approvals",)
    assert [each.standing for each in say(pack, "third@x.example").statements] == ["superseded", "counts", "counts"]
    assert decide.withdraw(pack, number=2, by="olga@x.example", comment="no", key=None)[1].word == "open"


def test_two_people_of_one_team_are_two(tmp_path: Path) -> None:
    pack = approvable.make(tmp_path, minimum=2)
    say(pack, "Ana (Finance)")
    assert say(pack, "Bo (Finance)").word == "approved"


def test_one_key_is_one_person_whatever_the_names(tmp_path: Path) -> None:
    pack, mine = approvable.make(tmp_path / "packs", minimum=2), sealed_pack.key(tmp_path)
    say(pack, "first@x.example", key=mine)
    assert say(pack, "second@x.example", key=mine).lacking == ("1 more of the 2 approvals",)


def test_two_who_decide_at_once_are_both_shown(tmp_path: Path) -> None:
    pack = approvable.make(tmp_path, minimum=4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: say(pack, f"person-{each}@x.example"), range(4)))
    assert checked_result(pack) is Result.OK
    assert decide.show(Packed(pack)).word == "approved"


@needs("openssl")
def test_a_signed_record_is_what_openssl_accepts_and_only_its_key_undoes_it(tmp_path: Path) -> None:
    pack, mine = approvable.make(tmp_path / "packs"), sealed_pack.key(tmp_path)
    state = say(pack, key=mine)
    assert state.asserted == 0
    path = pack / "approvals/0001-approval.json"
    command = ["openssl", "dgst", "-sha256", "-verify", str(tmp_path / "key.pub.pem"), "-signature", f"{path}.sig"]
    assert subprocess.run([*command, str(path)], capture_output=True, check=False).stdout == b"Verified OK\n"
    for key in (None, sealed_pack.key(tmp_path, "other.pem")):
        with pytest.raises(UsageError, match="only that key undoes it"):
            say(pack, decision="rejected", key=key)
        with pytest.raises(UsageError, match="only that key undoes it"):
            decide.withdraw(pack, number=1, by="olga@x.example", comment="no", key=key)
    records.append(pack, "withdrawal", {"withdraws": 1, "by": "olga@x.example", "comment": "typed by somebody else"})
    assert checked_result(pack) is Result.FAILED


def checked_result(pack: Path) -> Result:
    try:
        return checked.approvals(pack).result
    except IntegrityError:
        return Result.FAILED


def test_a_signature_that_is_not_the_keys_is_told(tmp_path: Path) -> None:
    pack, mine = approvable.make(tmp_path / "packs"), sealed_pack.key(tmp_path)
    say(pack, key=mine)
    say(pack, "second@x.example", key=mine)
    first, second = (pack / f"approvals/000{number}-approval.json.sig" for number in (1, 2))
    kept = first.read_bytes()
    for wrong in (second.read_bytes(), kept[:-1] + bytes([kept[-1] ^ 1]), b""):
        first.write_bytes(wrong)
        with pytest.raises(IntegrityError, match="signature is not that of key"):
            verified(pack)
    first.unlink()
    with pytest.raises(IntegrityError, match="signature is missing"):
        verified(pack)


def test_page_and_sheet_say_what_the_records_say_and_nothing_hostile_works(tmp_path: Path) -> None:
    pack = approvable.make(tmp_path)
    say(pack, comment=HOSTILE)
    page = (pack / "approvals/index.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    cells = [
        cell for row in openpyxl.load_workbook(pack / "approvals/sign-off.xlsx").active.iter_rows() for cell in row
    ]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
    assert any(str(cell.value).startswith("=1+1<script>") for cell in cells)
    with pytest.raises(UsageError, match="control characters"):
        say(pack, "a\x1b[31mb")
    for name in ("role", "ticket", "comment"):
        with pytest.raises(UsageError, match=f"--{name} is blank"):
            say(pack, **{name: "  "})


def test_whatever_is_changed_in_the_folder_is_told(tmp_path: Path) -> None:
    pack = approvable.make(tmp_path)
    say(pack)
    assert checked_result(pack) is Result.OK
    folder = pack / sums.APPROVALS
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        for changed in (None, content + b" ", content[:-1], content.replace(b"a", b"b", 1)):
            path.unlink()
            if changed is not None:
                path.write_bytes(changed)
            assert checked_result(pack) is Result.FAILED, (path.name, changed)
            path.write_bytes(content)
    for name in ("0002-approval.json", "0001-approval.json.sig", "notes.txt", "x/0002-approval.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"{}")
        assert checked_result(pack) is Result.FAILED, name
        (folder / name).unlink()
    (folder / "x").rmdir()
    assert checked_result(pack) is Result.OK


def test_an_approval_speaks_of_one_pack_alone(tmp_path: Path) -> None:
    pack, other = approvable.make(tmp_path / "a"), approvable.make(tmp_path / "b", minimum=2)
    say(pack)
    shutil.copytree(pack / sums.APPROVALS, other / sums.APPROVALS)
    with pytest.raises(IntegrityError, match="about another pack"):
        decide.show(Packed(other))
