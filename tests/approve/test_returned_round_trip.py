"""What a reviewer's program makes of a workbook, without meaning anything by it, is taken in; and no word gets lost."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from returned_fixture import ANA, DAY, KEEP, Desk, Row, rewritten, story

from audit.approve import returned, returned_book
from audit.model.review import Judged
from audit.render.review.form import HEADINGS, LETTERS, NUMBERS
from audit.render.workbook.cells import escaped
from audit.store import Store
from tests.conftest import needs

SHEET = "xl/worksheets/sheet2.xml"
ROWS: list[Row | None] = [
    ("keep", "  needed: on call\nuntil March ", "Ana Ruiz", DAY),
    ("REVOKE ", "=1+1 is no reason, “has left” is; 👩 _x0041_", ANA, date(2026, 11, 23)),
    None,
    ("change", "007", "Ana Ruiz <ana@norvane.example>", DAY),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    estate = story()
    estate.entitlement("_x0041_ =1+1 \t<b>&amp; שלום", role="  padded ", last_change="two\nlines\n", jobs=2)
    return Desk(tmp_path_factory.mktemp("desk"), estate)


def judged(desk: Desk, path: Path) -> tuple[Judged, ...]:
    """Import a file into a fresh history, and return what was recorded."""
    shutil.rmtree(desk.pack / "approvals", ignore_errors=True)
    shutil.rmtree(desk.output / "history", ignore_errors=True)
    desk.taken(path)
    (record,) = Store(desk.output).reviews.records(desk.pack.name)
    return record.judged


def expected(desk: Desk) -> dict[str, tuple[Any, ...]]:
    said = dict(zip(desk.ids(), ROWS, strict=False))
    return {key: (row[0].strip().lower(), row[1], row[2], row[3]) for key, row in said.items() if row}


def decided(rows: tuple[Judged, ...]) -> dict[str, tuple[Any, ...]]:
    return {
        each.entitlement_id: (each.decision, each.reason, each.decided_by, each.decided_on)
        for each in rows
        if each.decision
    }


def escaping(book: Any) -> None:
    """Write ``_x0041_`` as Excel does, which openpyxl leaves to its caller."""
    for row in book["Decisions"].iter_rows(min_row=HEADINGS + 1, min_col=NUMBERS["decision"]):
        for cell in row:
            if isinstance(cell.value, str):
                cell.value, cell.data_type = escaped(cell.value), "s"


@pytest.fixture(scope="module")
def filled(desk: Desk) -> Path:
    return desk.returned(ROWS, change=escaping)


def test_what_another_program_wrote_is_taken_in_word_for_word(desk: Desk, filled: Path) -> None:
    rows = judged(desk, filled)
    assert decided(rows) == expected(desk)
    assert {each.entitlement_id for each in rows} == set(desk.ids())


@needs("soffice")
def test_libreoffice_saves_it_and_nothing_is_found_changed(desk: Desk, filled: Path, tmp_path: Path) -> None:
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx"]
    for source in (desk.sent(), filled):
        done = subprocess.run(
            [*command, "--outdir", str(tmp_path), str(source)], capture_output=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stderr
    untouched = returned_book.read(tmp_path / desk.sent().name)
    assert returned.differences(untouched, returned_book.read(desk.sent()), "x") == []
    assert decided(judged(desk, tmp_path / filled.name)) == expected(desk)


def test_sorted_rows_are_the_same_rows(desk: Desk) -> None:
    def turned(book: Any) -> None:
        escaping(book)
        for title in ("Decisions", "Jobs"):
            sheet = book[title]
            rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=HEADINGS + 1)]
            for number, row in enumerate(reversed(rows), start=HEADINGS + 1):
                for column, value in enumerate(row, start=1):
                    sheet.cell(number, column).value = value
                    if isinstance(value, str):
                        sheet.cell(number, column).data_type = "s"

    assert decided(judged(desk, desk.returned(ROWS, name="turned.xlsx", change=turned))) == expected(desk)


def changed(desk: Desk, filled: Path, part: str, *pairs: tuple[str, str]) -> Path:
    """Write the filled-in workbook again with one part's text replaced; each must be there."""

    def change(name: str, content: bytes) -> bytes:
        if name != part:
            return content
        text = content.decode()
        for find, put in pairs:
            assert re.search(find, text), find
            text = re.sub(find, put, text)
        return text.encode()

    return rewritten(filled, desk.inbox / "changed.xlsx", change)


def test_days_counted_from_1904_are_the_same_days(desk: Desk, filled: Path) -> None:
    def since_1904(book: Any) -> None:
        escaping(book)
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904

    path = desk.returned(ROWS, name="mac.xlsx", change=since_1904)
    assert returned_book.read(path).since_1904
    assert not returned_book.read(filled).since_1904
    assert decided(judged(desk, path)) == expected(desk)


def test_a_date_typed_as_text_is_a_date(desk: Desk) -> None:
    rows = [("keep", "x", ANA, "2026-11-24"), ("keep", "x", ANA, " 2026-11-23 ")]
    found = decided(judged(desk, desk.returned([*rows, None, None], name="text.xlsx")))
    assert {each[3] for each in found.values()} == {DAY, date(2026, 11, 23)}


def test_a_number_typed_as_a_reason_is_its_text(desk: Desk) -> None:
    found = decided(judged(desk, desk.returned([("keep", 4711, ANA, DAY)], name="number.xlsx")))
    assert [each[1] for each in found.values()] == ["4711"]


def test_elements_may_carry_a_prefix(desk: Desk, filled: Path) -> None:
    path = changed(
        desk,
        filled,
        SHEET,
        (r"<(/?)(worksheet|sheetData|row|c|v|is|t)(?=[ />])", r"<\1x:\2"),
        (r'xmlns="([^"]+)"', r'xmlns="\1" xmlns:x="\1"'),
    )
    assert decided(judged(desk, path)) == expected(desk)


def test_a_link_that_excel_makes_of_an_address_is_only_text(desk: Desk) -> None:
    def linked(book: Any) -> None:
        book["Decisions"][f"{LETTERS['decided_by']}{HEADINGS + 1}"].hyperlink = "mailto:ana@norvane.example"
        book["Decisions"][f"{LETTERS['decided_by']}{HEADINGS + 1}"].value = ANA

    found = decided(judged(desk, desk.returned([KEEP], name="linked.xlsx", change=linked)))
    assert [each[2] for each in found.values()] == [ANA]


def test_runs_of_text_are_one_text_and_readings_are_left_out(desk: Desk, filled: Path) -> None:
    runs = (
        '<si><r><t xml:space="preserve">Ana </t></r><r><rPr><b/></rPr><t>Ruiz</t></r>'
        '<rPh sb="0" eb="1"><t>x</t></rPh></si>'
    )
    path = changed(desk, filled, "xl/sharedStrings.xml", (r"<si><t>Ana Ruiz</t></si>", runs))
    assert decided(judged(desk, path)) == expected(desk)


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\ufffe\uffff")
    | st.sampled_from("=@_x\n\t'"),
    max_size=60,
).filter(lambda text: not any(ord(letter) < 32 and letter not in "\t\n" for letter in text))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reason=TEXTS, name=TEXTS, looks=st.sampled_from(["", "_x0041_", "_x005F_x0041_", "_xFFFF_"]))
def test_whatever_is_written_survives(desk: Desk, reason: str, name: str, looks: str) -> None:
    row: Row = ("keep", reason + looks, name, DAY)
    book = returned_book.read(desk.returned([row], name="any.xlsx", change=escaping))
    assert returned.differences(book, returned_book.read(desk.sent()), "x") == []
    (first, *_) = returned.filled(book)
    assert first.reason is None if not row[1] else first.reason and first.reason.text == row[1]
    assert first.decided_by is None if not name else first.decided_by and first.decided_by.text == name
