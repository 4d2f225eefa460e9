"""Decisions that come back are taken in as they were written, once, and bound to the pack."""

from __future__ import annotations

import json
from datetime import date, datetime, tzinfo
from pathlib import Path

import pytest
from returned_fixture import ANA, BO, DAY, KEEP, NOW, Desk

from audit import cli
from audit.approve import records, review_records
from audit.errors import ExitCode, UsageError
from audit.model.review import Decision
from audit.pipeline import reviewing
from audit.pipeline.reviewing import review_status
from audit.seal import sums
from audit.store import Store


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_is_filled_in_is_recorded_in_the_pack_and_in_history(desk: Desk) -> None:
    revoke = ("Revoke", "has left", "Ana Ruiz", DAY)
    made = desk.taken(desk.returned([KEEP, revoke, None, ("keep", None, ANA, DAY)]))
    (record,) = Store(desk.output).reviews.records(desk.pack.name)
    (kept,) = records.read(desk.pack)
    assert (kept.kind, kept.subject_sha256) == ("review", sums.digest(desk.pack))
    assert made.record == desk.pack / "approvals" / "0001-review.json"
    assert json.loads(made.record.read_bytes())["body"]["pack_sha256"] == record.pack_sha256 == sums.digest(desk.pack)
    first, second, third, fourth = desk.ids()
    said = {each.entitlement_id: each for each in record.judged}
    assert list(said) == sorted(desk.ids()), "every row, blank ones too, by id"
    assert (said[first].decision, said[first].reason, said[first].decided_by) == (Decision.KEEP, *KEEP[1:3])
    assert (said[second].decision, said[second].decided_on) == (Decision.REVOKE, DAY)
    assert said[third].decision is None
    assert (said[fourth].decision, said[fourth].reason) == (Decision.KEEP, "")
    assert not any(each.by_another for each in record.judged), "Ana Ruiz is ana@…: the directory says so"
    assert [(file.reviewer, file.rows) for file in record.files] == [(ANA, 4)]


def test_blank_rows_keep_the_review_open_and_name_who_owes_them(desk: Desk) -> None:
    made = desk.taken(desk.returned([KEEP, None, None, None]))
    assert made.exit_code is ExitCode.INCOMPLETE
    assert [(each.reviewer, each.rows, each.blank, each.returned) for each in made.state.reviewers] == [
        (ANA, 4, 3, True),
        ("", 1, 1, False),
        (BO, 1, 1, False),
    ]
    words = "\n".join(made.words)
    assert "Open: 5 of 6 rows are not decided. Due 2026-12-06 06:00 UTC." in words
    assert "(sent to nobody): 0 of 1 decided, 1 blank, nothing came back" in words


def test_a_review_is_complete_when_every_row_is_decided_and_its_page_says_so(desk: Desk) -> None:
    revoke = ("revoke", "has left", "Ana Ruiz", date(2026, 11, 23))
    change = ("change", "eligible is enough", "Ana Ruiz", DAY)
    mine = desk.returned([KEEP, change, revoke, KEEP])
    bos = desk.returned([("keep", "", "Bo Lindqvist", DAY)], beginning="bo")
    nobodys = desk.returned([("keep", "", "Kim Okafor", DAY)], beginning="unassigned")
    made = desk.taken(mine, bos, nobodys)
    assert made.state.complete
    assert made.exit_code is ExitCode.OK
    assert [(each.decision, each.due) for each in made.state.to_do] == [
        ("revoke", date(2026, 11, 30)),
        ("change", date(2026, 12, 1)),
    ], "seven days from the decision, the first due first"
    assert [each.principal for each in made.state.kept] == ["Kim Okafor"], "of the privileged rows the one that is kept"
    page = (desk.pack / "approvals" / "review.html").read_text()
    assert "Complete: 6 rows, all decided." in page
    assert "eligible is enough" in page
    assert "<script" not in page
    assert "default-src &#39;none&#39;" in page
    assert sums.differences(desk.pack) == [], "what lies in approvals/ isn't sealed"
    assert review_status(str(desk.pack)).state == made.state


def test_workbooks_may_come_one_by_one_and_a_later_decision_decides(desk: Desk) -> None:
    desk.taken(desk.returned([KEEP, KEEP, KEEP, KEEP]))
    again = desk.returned([None, ("revoke", "has left", ANA, DAY), None, None], name="again.xlsx")
    made = desk.taken(again)
    ana = next(each for each in made.state.reviewers if each.reviewer == ANA)
    assert (ana.decided, made.state.records) == (4, 2), "a row that came back blank takes no decision back"
    assert [each.reason for each in made.state.to_do] == ["has left"]
    assert [each.name for each in records.read(desk.pack)] == ["0001-review.json", "0002-review.json"]


def test_the_same_file_twice_is_one_record(desk: Desk) -> None:
    path = desk.returned([KEEP, KEEP, None, None])
    first, second = desk.taken(path), desk.taken(path)
    assert first.record
    assert second.record is None
    assert second.known == ("ana.xlsx",)
    assert second.state == first.state
    assert len(Store(desk.output).reviews.records(desk.pack.name)) == len(records.read(desk.pack)) == 1


def test_a_pack_that_is_rendered_again_gets_its_records_back(desk: Desk) -> None:
    path = desk.returned([KEEP, KEEP, None, None])
    first = desk.taken(path)
    desk.render()
    assert records.read(desk.pack) == []
    assert desk.taken(path).state == first.state
    assert len(records.read(desk.pack)) == 1


def test_decisions_by_somebody_else_are_taken_in_and_flagged(desk: Desk) -> None:
    made = desk.taken(desk.returned([None, None, None, ("keep", "", "Bo Lindqvist <bo@norvane.example>", DAY)]))
    assert [(each.sent_to, each.decided_by, each.rows) for each in made.state.by_another] == [
        (ANA, "Bo Lindqvist <bo@norvane.example>", 1)
    ]
    assert "sent to ana@norvane.example, decided by Bo Lindqvist" in "\n".join(made.words)


def test_filling_a_column_down_decides_nothing(desk: Desk) -> None:
    made = desk.taken(desk.returned([("", "", "Ana Ruiz", DAY)] * 4))
    assert made.state.decided == 0


def test_the_dates_of_the_ends_of_the_earth_are_todays(desk: Desk) -> None:
    days = (date(2026, 11, 21), date(2026, 11, 26))
    made = desk.taken(desk.returned([("keep", "x", ANA, days[0]), ("keep", "x", ANA, days[1]), None, None]))
    assert {each.decided_on for each in made.state.kept} == set(days), "its own day may be up to 14 hours ahead"


def test_the_time_of_the_record_is_the_imports(desk: Desk) -> None:
    desk.taken(desk.returned([KEEP, None, None, None]))
    (record,) = records.read(desk.pack)
    assert record.recorded_at == NOW


def test_the_command_prints_how_the_review_stands_and_exits_by_it(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.output.parent)
    monkeypatch.setattr(reviewing, "datetime", Frozen)

    def jobaudit(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["jobaudit", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return (int(ended.value.code or 0), *capsys.readouterr())

    path = desk.returned([KEEP, ("revoke", "\u202eleft", "Ana Ruiz", DAY)])
    code, out, err = jobaudit("review", "import", path)
    assert code == ExitCode.INCOMPLETE
    assert "ana@norvane.example: 2 of 4 decided, 2 blank\n" in out
    assert "recorded in " in err
    code, again, err = jobaudit("review", "import", path, "--pack", desk.pack)
    assert (code, again) == (ExitCode.INCOMPLETE, out)
    assert "ana.xlsx was imported before: no new record of it" in err
    assert jobaudit("review", "status", desk.pack.name)[:2] == (ExitCode.INCOMPLETE, out)
    code, out, err = jobaudit("review", "import", desk.returned([("no", "", "", "")], name="bad.xlsx"))
    assert (code, out) == (ExitCode.USAGE, "")
    assert "bad.xlsx, Decisions!G5: “no” is no decision" in err
    (desk.pack / "run.json").write_text("{}")
    assert jobaudit("review", "status", desk.pack.name)[0] == ExitCode.INTEGRITY


class Frozen:
    """A clock that stands."""

    @staticmethod
    def now(zone: tzinfo) -> datetime:
        return NOW.astimezone(zone)


def test_more_than_a_record_holds_is_told_and_nothing_is_taken_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_records, "_MOST_BODY", 500)
    with pytest.raises(UsageError, match="import fewer workbooks at a time"):
        desk.taken(desk.returned([KEEP] * 4))
    assert records.read(desk.pack) == []
    assert Store(desk.output).reviews.records(desk.pack.name) == []
