"""The workbooks of an access review: whose they are, what is locked in them, and that they tell what the tables say."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import review_fixture as fixture

from audit.render import review
from audit.render.review.form import ASKED, COLUMNS, HEADINGS, NUMBERS
from audit.store.reviews import digest
from tests.conftest import needs

NAME = "access-review-2026-10-23_2026-11-22-20261122T060000Z-3f9c"
SHEETS = ["Instructions", "Decisions", "Jobs", "jobaudit"]


def made(estate: fixture.Estate, folder: Path, **options: Any) -> dict[str, Path]:
    written = review.write(estate.con, fixture.run(), folder, review=NAME, **options)
    return {path.name: path for path in written}


def rows(path: Path) -> list[dict[str, Any]]:
    sheet = openpyxl.load_workbook(path)["Decisions"]
    assert [cell.value for cell in sheet[HEADINGS]] == [column.heading for column in COLUMNS]
    return [
        {name: row[number - 1].value for name, number in NUMBERS.items()}
        for row in sheet.iter_rows(min_row=HEADINGS + 1)
    ]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return made(fixture.story(), tmp_path_factory.mktemp("review"))


def of(books: dict[str, Path], beginning: str) -> Path:
    return next(path for name, path in books.items() if name.startswith(beginning))


def test_every_reviewer_gets_their_own_rows_and_every_row_is_somebodys(books: dict[str, Path]) -> None:
    assert [re.sub(r"-[0-9a-f]{8}\.xlsx$", "", name) for name in books] == [
        "unassigned.xlsx",
        "ana-norvane.example",
        "bo-norvane.example",
    ]
    who = {name: [row["who"].partition("\n")[0] for row in rows(path)] for name, path in books.items()}
    assert list(who.values()) == [
        ["svc-deploy"],
        ["Kim Okafor", "(deleted 4f1c…)", "grp-orders-operators", "RootManageSharedAccessKey"],
        ["Ana Ruiz"],
    ]


def test_a_row_tells_what_the_tables_say(books: dict[str, Path]) -> None:
    kim, deleted, group, policy = rows(of(books, "ana"))
    assert kim["who"] == "Kim Okafor\nkim@norvane.example"
    assert (kim["privileged"], kim["standing"], kim["role"], kim["jobs"]) == ("yes", "standing", "Owner", 130)
    assert kim["job_names"].endswith("job-019 and 110 more")
    assert kim["last_change"] == "role assignment written\n2026-11-18 06:00 UTC by Lee Hart"
    assert (kim["since_last"], group["since_last"]) == ("new", "changed: reaches 3 jobs more")
    assert deleted["concern"] == "orphaned"
    assert deleted["previous"] == f"revoke\n2026-10-20 by {fixture.ANA}\nhas left\noutcome: overdue"
    assert (group["standing"], group["limits"]) == ("eligible", "until 2027-01-21 06:00 UTC")
    assert group["note"].startswith("At least these: members of grp-nested could not be read (forbidden).")
    assert policy["holders"] is None, "unknown is not nobody"
    (deploy,) = rows(of(books, "unassigned"))
    assert deploy["limits"] == "only where @Resource[Microsoft.App/jobs:name] StringEquals 'job-001'"
    assert deploy["since_last"] == "first review"


def test_only_what_the_reviewer_says_is_open_and_nothing_of_it_is_filled_in(books: dict[str, Path]) -> None:
    for path in books.values():
        book = openpyxl.load_workbook(path)
        assert book.sheetnames == SHEETS
        assert book.security.lockStructure
        assert book["jobaudit"].sheet_state == "veryHidden"
        for sheet in book.worksheets:
            assert sheet.protection.sheet, sheet.title
            assert not sheet.protection.autoFilter, "filters stay free"
            asked = {NUMBERS[column.name] for column in ASKED} if sheet.title == "Decisions" else set()
            for row in sheet.iter_rows():
                for cell in row:
                    is_open = cell.column in asked and cell.row > HEADINGS
                    assert cell.protection.locked != is_open, (sheet.title, cell.coordinate)
                    assert cell.data_type != "f"
                    assert not (is_open and cell.value), "nobody's word is put into their mouth"


def test_the_words_and_the_dates_are_offered_and_what_is_owed_is_shown(books: dict[str, Path]) -> None:
    sheet = openpyxl.load_workbook(of(books, "ana"))["Decisions"]
    words, dates = sheet.data_validations.dataValidation
    assert (words.type, words.formula1, str(words.sqref)) == ("list", '"keep,revoke,change"', "G5:G8")
    assert (dates.type, str(dates.sqref)) == ("date", "J5:J8")
    formats = {str(each.sqref): [rule.formula for rule in each.rules] for each in sheet.conditional_formatting}
    assert formats["G5:G8"] == [["LEN(TRIM($G5))=0"]]
    assert formats["H5:H8"] == [['AND(OR($G5="revoke",$G5="change",AND($G5="keep",$K5="yes")),LEN(TRIM($H5))=0)']]


def text_of(path: Path, sheet: str) -> str:
    told = openpyxl.load_workbook(path)[sheet]
    return "\n".join(str(cell.value) for row in told.iter_rows() for cell in row if cell.value is not None)


def test_the_first_sheet_tells_whose_it_is_until_when_and_what_was_not_read(books: dict[str, Path]) -> None:
    told = text_of(of(books, "ana"), "Instructions")
    due = fixture.NOW + timedelta(seconds=9, days=14)
    assert f"{due:%Y-%m-%d %H:%M} UTC" in told
    assert "4 entitlements of 6 in this review" in told
    assert NAME in told
    assert "At least these, for 1 row: members of grp-nested could not be read (forbidden)." in told
    assert "within 7 days from the date of the decision" in told
    assert "Everything that these rows rest on was read." in text_of(of(books, "bo"), "Instructions")
    assert "Nobody is named to decide these rows" in text_of(of(books, "unassigned"), "Instructions")


def test_the_jobs_are_bounded_and_it_is_said_where_the_rest_is(books: dict[str, Path]) -> None:
    sheet = openpyxl.load_workbook(of(books, "ana"))["Jobs"]
    assert sheet.max_row - HEADINGS == 105, "100 of 130, 1, 3 and 1"
    assert "105 of 135 rows" in sheet["A3"].value
    assert "data/entitlement_reach.parquet" in sheet["A3"].value
    assert "every job" in openpyxl.load_workbook(of(books, "bo"))["Jobs"]["A3"].value


def test_the_hidden_sheet_names_review_run_and_what_was_asked(books: dict[str, Path]) -> None:
    path = of(books, "ana")
    hidden = {key.value: value.value for key, value in openpyxl.load_workbook(path)["jobaudit"].iter_rows()}
    assert hidden == {
        "form": "1",
        "review": NAME,
        "run": fixture.run().run_id,
        "rows": digest(fixture.story().con),
        "reviewer": fixture.ANA,
        "file": path.name,
    }


def test_more_rows_than_a_workbook_holds_go_on_in_the_next_one(tmp_path: Path) -> None:
    estate = fixture.Estate()
    for number in range(1, 8):
        estate.entitlement(f"p{number}")
    books = made(estate, tmp_path, rows_each=3)
    assert [[row["who"] for row in rows(path)] for path in books.values()] == [
        ["p1", "p2", "p3"],
        ["p4", "p5", "p6"],
        ["p7"],
    ]
    second = list(books)[1]
    assert second.endswith("-2.xlsx")
    assert "this is workbook 2 of 3 and holds 4 to 6" in text_of(books[second], "Instructions")
    assert "4 to 6 of your 7" in text_of(books[second], "Decisions")


NAMES = (
    "../../etc/passwd",
    "A@x",
    "a@x",
    "a x",
    "a/x",
    "unassigned",
    ".hidden",
    "CON",
    "x" * 300,
    "日本",
    "=1+1",
    "\x07",
)


def test_file_names_are_safe_and_nobodys_file_is_somebody_elses(tmp_path: Path) -> None:
    estate = fixture.Estate()
    for name in NAMES:
        estate.entitlement(name, reviewer=name)
    estate.entitlement("of nobody", reviewer=None)
    books = made(estate, tmp_path)
    assert len({name.lower() for name in books}) == len(NAMES) + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(books)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,90}\.xlsx", name) for name in books)
    assert {row["who"] for path in books.values() for row in rows(path)} == {*NAMES[:-1], "[U+0007]", "of nobody"}


def test_hostile_text_is_text(tmp_path: Path) -> None:
    evil = '=HYPERLINK("http://x","y")\x07\u202e<b>\'!A1'
    shown = evil.replace("\x07", "[U+0007]").replace("\u202e", "[U+202E]")
    texts = ("principal_login", "role", "scope_words", "can", "last_change", "incomplete_because", "reviewer_rule")
    estate = fixture.Estate()
    estate.entitlement(evil, complete=False, job_names=[evil], **dict.fromkeys(texts, evil))
    (path,) = made(estate, tmp_path).values()
    (row,) = rows(path)
    assert (row["role"], row["where"], row["can"], row["job_names"]) == (shown,) * 4
    types = {
        cell.data_type for sheet in openpyxl.load_workbook(path).worksheets for row in sheet.iter_rows() for cell in row
    }
    assert types <= {"s", "n"}


def test_the_same_tables_give_the_same_bytes_and_nothing_to_review_gives_no_workbook(tmp_path: Path) -> None:
    one, two = (made(fixture.story(), tmp_path / name) for name in ("one", "two"))
    assert [path.read_bytes() for path in one.values()] == [path.read_bytes() for path in two.values()]
    assert made(fixture.Estate(), tmp_path / "none") == {}
    assert not (tmp_path / "none").exists()


@needs("soffice")
def test_libreoffice_reads_them(books: dict[str, Path], tmp_path: Path) -> None:
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx"]
    done = subprocess.run(
        [*command, "--outdir", str(tmp_path), str(of(books, "ana"))], capture_output=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path / of(books, "ana").name) == rows(of(books, "ana"))
