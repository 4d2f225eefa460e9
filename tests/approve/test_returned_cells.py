"""What a reviewer may not write, and where: refused by its cell, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from returned_fixture import ANA, DAY, Desk, refused, story, write

from audit.render.review.form import HEADINGS, LETTERS

ROW = HEADINGS + 1
D, R, W, T = (LETTERS[name] for name in ("decision", "reason", "decided_by", "decided_on"))
ID, CONCERN = LETTERS["entitlement_id"], LETTERS["concern"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One desk for all refusals: a refused workbook leaves nothing behind, which each of them checks."""
    return Desk(tmp_path_factory.mktemp("desk"))


@dataclass(frozen=True)
class Case:
    """Rows filled in, or another change, and what is told where."""

    place: str
    told: str
    rows: Callable[[Any], object] | None = None
    also: int | None = 0
    """How many more problems come with it; null: many."""


WIDE = "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in "Kim  Okafor")


def cell(address: str, value: Any) -> Callable[[Any], object]:
    def change(book: Any) -> None:
        book["Decisions"][address].value = value

    return change


def row(*values: Any) -> Callable[[Any], object]:
    return lambda book: write(book["Decisions"], ROW, values)  # type: ignore[arg-type]


def copied(book: Any) -> None:
    sheet = book["Decisions"]
    for number in range(1, sheet.max_column + 1):
        sheet.cell(ROW + 4, number).value = sheet.cell(ROW, number).value


CASES = {
    "a word that is no decision": Case(
        f"{D}{ROW}", "“approve” is no decision. Write keep, revoke or change", row("approve", "x", ANA, DAY)
    ),
    "a number for a decision": Case(f"{D}{ROW}", "“1” is no decision", row(1, "x", ANA, DAY)),
    "a date in the future": Case(
        f"{T}{ROW}", "2026-11-27 lies in the future", row("revoke", "x", ANA, date(2026, 11, 27))
    ),
    "a date before the run": Case(
        f"{T}{ROW}", "2026-11-20 lies before the access was collected", row("revoke", "x", ANA, date(2026, 11, 20))
    ),
    "no date at all": Case(f"{T}{ROW}", "“yesterday” is no date", row("revoke", "x", ANA, "yesterday")),
    "a date that no calendar has": Case(f"{T}{ROW}", "is no date", row("revoke", "x", ANA, 99_999_999)),
    "a date missing": Case(f"{T}{ROW}", "the day of the decision is missing", row("revoke", "x", ANA, None)),
    "a name missing": Case(f"{W}{ROW}", "nobody is named who decided", row("revoke", "x", " ", DAY)),
    "a privileged keep without a reason": Case(
        f"{R}{ROW}", "privileged access is kept without a reason", row("keep", " ", ANA, DAY)
    ),
    "a revoke without a reason": Case(
        f"{R}{ROW + 3}",
        "a revoke needs a reason",
        lambda book: write(book["Decisions"], ROW + 3, ("revoke", None, ANA, DAY)),
    ),
    "a change without a reason": Case(
        f"{R}{ROW + 3}",
        "a change needs a reason",
        lambda book: write(book["Decisions"], ROW + 3, ("change", None, ANA, DAY)),
    ),
    "one's own access, by display name": Case(
        f"{W}{ROW}", "“Kim Okafor” may not decide about “Kim Okafor”", row("keep", "x", "Kim Okafor", DAY)
    ),
    "one's own access, by sign-in name": Case(
        f"{W}{ROW}", "it is, or may be, their own access", row("keep", "x", "KIM@norvane.example", DAY)
    ),
    "one's own access, by id": Case(
        f"{W}{ROW}", "their own access", row("keep", "x", "00000000-0000-4000-7000-000000000001", DAY)
    ),
    "one's own access, by both names": Case(
        f"{W}{ROW}", "their own access", row("keep", "x", "K. <kim@norvane.example>", DAY)
    ),
    "one's own access, in wide letters": Case(f"{W}{ROW}", "their own access", row("keep", "x", WIDE, DAY)),
    "a formula in an open cell": Case(
        f"{R}{ROW}", "the cell holds a formula", cell(f"{R}{ROW}", '=HYPERLINK("http://x","y")')
    ),
    "a formula in a locked cell": Case(
        f"{LETTERS['jobs']}{ROW}", "the cell holds a formula", cell(f"{LETTERS['jobs']}{ROW}", "=65*2"), also=1
    ),
    "a locked cell changed": Case(
        f"{LETTERS['role']}{ROW}",
        "a locked cell was changed: it said “Owner” and says “Reader”",
        cell(f"{LETTERS['role']}{ROW}", "Reader"),
    ),
    "a locked cell emptied": Case(
        f"{LETTERS['privileged']}{ROW}",
        "a locked cell was emptied: it said “yes”",
        cell(f"{LETTERS['privileged']}{ROW}", None),
    ),
    "a locked cell filled": Case(
        f"{CONCERN}{ROW}", "something was written where nothing was asked: “guest”", cell(f"{CONCERN}{ROW}", "guest")
    ),
    "a heading changed": Case(
        f"{D}{HEADINGS}", "it said “Decision” and says “Verdict”", cell(f"{D}{HEADINGS}", "Verdict")
    ),
    "an entitlement's name changed": Case(
        f"{ID}{ROW}", "a row was added or its name changed", cell(f"{ID}{ROW}", "E-000000000000"), also=1
    ),
    "a row without a name": Case(
        f"{ID}{ROW + 9}",
        "a row was added, or the cell that names its entitlement was emptied",
        cell(f"B{ROW + 9}", "Mallory"),
    ),
    "a row twice": Case(f"{ID}{ROW + 4}", "stands in row 5 already", copied),
    "a row missing": Case(
        "Decisions", "the row of entitlement E-", lambda book: book["Decisions"].delete_rows(ROW + 1), also=0
    ),
    "a column added": Case(f"W{ROW}", "a column was added, which says “a remark”", cell(f"W{ROW}", "a remark")),
    "a column taken out": Case(
        f"{CONCERN}{HEADINGS}",
        "it said “Concern” and says “Kind”",
        lambda book: book["Decisions"].delete_cols(3),
        also=None,
    ),
    "a sheet added": Case("Remarks", "the sheet was added", lambda book: book.create_sheet("Remarks")),
    "a sheet missing": Case(
        "Jobs", "the sheet is missing, or has another name", lambda book: book.remove(book["Jobs"])
    ),
    "a sheet renamed": Case(
        "Jobs", "the sheet is missing, or has another name", lambda book: setattr(book["Jobs"], "title", "Work"), also=1
    ),
    "instructions changed": Case(
        "Instructions!B1",
        "it said “Access review” and says “Approve all”",
        lambda book: setattr(book["Instructions"]["B1"], "value", "Approve all"),
    ),
    "a job changed": Case(
        "Jobs!A5", "the row isn't one that was sent", lambda book: setattr(book["Jobs"]["E5"], "value", "other"), also=1
    ),
    "a job missing": Case("Jobs", "1 of the rows that were sent are missing", lambda book: book["Jobs"].delete_rows(7)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_wrong_is_told_by_its_cell(desk: Desk, case: Case) -> None:
    told = refused(desk, desk.returned([], change=case.rows))
    place = (
        case.place if case.place in ("Decisions", "Jobs", "Remarks") or "!" in case.place else f"Decisions!{case.place}"
    )
    found = [each for each in told if each.startswith(f"ana.xlsx, {place}: ") and case.told in each]
    assert found, told
    assert found[0].rstrip().endswith("."), "it ends with what to do"
    assert case.also is None or len(told) == 1 + case.also, told


def test_everything_that_is_wrong_is_told_at_once_and_in_every_file(desk: Desk) -> None:
    one = desk.returned(
        [("approve", "x", ANA, DAY), ("keep", None, None, None), None, ("revoke", None, "Ana Ruiz", DAY)]
    )
    two = desk.returned([("keep", "", ANA, DAY)], beginning="bo")
    told = refused(desk, one, two)
    assert [each.partition(": ")[0] for each in told] == [
        f"ana.xlsx, Decisions!{D}{ROW}",
        f"ana.xlsx, Decisions!{R}{ROW + 1}",
        f"ana.xlsx, Decisions!{W}{ROW + 1}",
        f"ana.xlsx, Decisions!{T}{ROW + 1}",
        f"ana.xlsx, Decisions!{R}{ROW + 3}",
        f"bo.xlsx, Decisions!{W}{ROW}",
    ]


def test_a_thousand_problems_are_counted_and_the_first_of_them_told(desk: Desk) -> None:
    def many(book: Any) -> None:
        for number in range(300):
            book["Instructions"].cell(500 + number, 5).value = "x"

    told = refused(desk, desk.returned([], change=many))
    assert len(told) == 51
    assert told[-1] == "and 150 more"


def test_a_member_of_the_group_may_not_decide_about_the_group(tmp_path: Path) -> None:
    estate = story()
    group = estate.con.execute("select principal_id from entitlements where principal like 'grp-%'").fetchone()[0]
    estate.add("group_members", group_id=group.upper(), member_id="ab", member_type="User", display_name="Lee Hart")
    desk = Desk(tmp_path, estate)
    (told,) = refused(desk, desk.returned([None, None, ("keep", "", "lee hart", DAY)]))
    assert "“lee hart” may not decide about “grp-orders-operators”" in told


def test_what_the_pack_says_that_a_reviewer_may_not_decide_is_refused(tmp_path: Path) -> None:
    estate = story()
    estate.add("reviewer_subjects", reviewer="reviewers@norvane.example", principal_id=estates_person(4))
    desk = Desk(tmp_path, estate)
    (told,) = refused(desk, desk.returned([None, None, None, ("keep", "", "Reviewers@norvane.example", DAY)]))
    assert f"Decisions!{W}{ROW + 3}" in told


def estates_person(number: int) -> str:
    return f"00000000-0000-4000-7000-0000000000{number:02}"


def test_nothing_hostile_reaches_the_terminal(desk: Desk) -> None:
    told = refused(desk, desk.returned([("\u202ekeep", "x", "\u200bKim Okafor", DAY)]))
    assert "[U+202E]keep" in told[0]
    assert all(each.isprintable() for each in told)
