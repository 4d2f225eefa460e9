"""The workbook as a reader opens it: its sheets, its types, its links, and that it is the same every time."""

from __future__ import annotations

import re
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import workbook_fixture as fixture

from audit.render import links, workbook
from audit.render.workbook import table

ASKED = (
    "Summary", "Coverage", "Findings", "Jobs", "Scale rules", "Role assignments", "Activity Log",
    "Diagnostic settings", "Identities", "Tags", "Budgets", "Provenance",
)  # fmt: skip
HEAD = 4
"""The row of a table's headings."""


def book(path: Path, tables: fixture.Tables | None = None, **options: Any) -> Any:
    workbook.write((tables or fixture.story()).con, fixture.run(), path, **options)
    return openpyxl.load_workbook(path)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return book(tmp_path_factory.mktemp("book") / "evidence.xlsx")


at = datetime.fromisoformat
"""Cells know no zone."""


def hyperlinks(sheet: Any) -> list[Any]:
    return [cell.hyperlink for row in sheet.iter_rows() for cell in row if cell.hyperlink]


def rows(sheet: Any) -> list[dict[str, Any]]:
    """A sheet's rows by heading, as cells."""
    heads = [cell.value for cell in sheet[HEAD]]
    return [dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=HEAD + 1)]


def test_the_sheets_are_those_an_auditor_asks_for_in_that_order(opened: Any) -> None:
    assert [name for name in opened.sheetnames if name in ASKED] == list(ASKED)


def test_every_table_is_laid_out_to_be_read_filtered_and_printed(opened: Any) -> None:
    for sheet in opened.worksheets:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.fitToWidth == 1
        assert sheet.page_setup.fitToHeight == 0
        if sheet.auto_filter.ref:
            assert re.fullmatch(r"[AB]5", sheet.freeze_panes)
            assert sheet.auto_filter.ref.endswith(str(sheet.max_row))
            assert sheet.print_title_rows == f"${HEAD}:${HEAD}"
            assert all(sheet.column_dimensions[cell.column_letter].width > 5 for cell in sheet[HEAD])
        else:
            assert sheet.title in ("Summary", "Provenance")


def test_values_have_their_types(opened: Any) -> None:
    event = rows(opened["Activity Log"])[0]
    assert event["Time (UTC)"].value == at("2026-11-22T06:00:03.877")
    assert event["Time (UTC)"].number_format == "yyyy-mm-dd hh:mm:ss"
    budget = next(row for row in rows(opened["Budgets"]) if row["State"].value == "set")
    assert budget["Spent"].value == pytest.approx(3127.48)
    assert budget["Spent"].number_format == "#,##0.00"
    assert budget["Currency"].value == "EUR"
    assert budget["Spent of amount"].value == pytest.approx(0.78187)
    assert budget["E-mail contacts"].value == "finops@contoso.example"
    container = rows(opened["Containers"])[0]
    assert (container["CPU (cores)"].value, container["Init"].value) == (0.25, False)
    assert container["Init"].data_type == "b"


def test_what_azure_did_not_set_is_an_empty_cell(opened: Any) -> None:
    nightly = next(row for row in rows(opened["Jobs"]) if row["Job"].value == "nightly")
    assert nightly["Polling (s)"].value is None
    assert nightly["State"].value == "out of scope"


def test_times_say_their_zone(opened: Any) -> None:
    for sheet in opened.worksheets:
        for row in sheet.iter_rows(min_row=HEAD, max_row=HEAD + 1) if sheet.auto_filter.ref else ():
            for cell in row:
                if isinstance(cell.value, datetime) and "h" in cell.number_format:  # a date has no zone
                    assert sheet.cell(HEAD, cell.column).value.endswith("(UTC)")


def test_there_is_no_formula(tmp_path: Path) -> None:
    book(tmp_path / "evidence.xlsx")
    with zipfile.ZipFile(tmp_path / "evidence.xlsx") as parts:
        for name in parts.namelist():
            if name.startswith("xl/worksheets/sheet"):
                assert not re.search(rb"<f[ >/]", parts.read(name))


def test_every_link_inside_the_book_leads_to_a_row_that_is_there(opened: Any) -> None:
    followed = 0
    for sheet in opened.worksheets:
        for link in hyperlinks(sheet):
            if link.target is None:
                match = re.fullmatch(r"'?(.+?)'?!A(\d+)", link.location)
                assert match, link.location
                assert 1 <= int(match[2]) <= opened[match[1]].max_row
                followed += 1
    assert followed > 50


def target(opened: Any, cell: Any) -> dict[str, Any]:
    """The row that a cell leads to."""
    title, row = re.fullmatch(r"'?(.+?)'?!A(\d+)", cell.hyperlink.location).groups()
    return rows(opened[title])[int(row) - HEAD - 1]


def test_links_lead_to_the_row_they_name(opened: Any) -> None:
    for finding in rows(opened["Findings"]):
        assert target(opened, finding["Job"])["Job"].value == finding["Job"].value
        assert target(opened, finding["Control"])["Control"].value == finding["Control"].value
    for job in rows(opened["Jobs"]):
        if job["State"].value == "in scope":
            assert target(opened, job["Scale rules"])["Job"].value == job["Job"].value
            assert target(opened, job["Failed"])["Job"].value == job["Job"].value
            assert target(opened, job["Environment"])["Environment"].value == "cae-orders"
    assert target(opened, rows(opened["Role assignments"])[0]["Role"])["Role"].value == "Owner"
    changed, other = rows(opened["Activity Log"])
    assert target(opened, changed["Resource"])["Job"].value == "intake"
    assert other["Resource"].hyperlink is None


def test_every_row_has_its_id_its_time_and_its_raw_page(opened: Any) -> None:
    for sheet in opened.worksheets:
        if not sheet.auto_filter.ref or sheet.title == "Columns":
            continue
        for row in rows(sheet):
            if row["Row id"].value is None:  # no row, but the sentence that says why
                assert sheet.max_row == HEAD + 1, sheet.title
                continue
            assert re.fullmatch(r"[0-9a-f]{16}", row["Row id"].value), sheet.title
            assert isinstance(row["Observed at (UTC)"].value, datetime)
            link = row["Raw page"].hyperlink
            assert re.fullmatch(rf"pages/[a-z_]+/{fixture.UNIT}-1\.html", link.target)
            assert re.fullmatch(r"i\d+", link.location)


def test_a_job_leads_to_its_page_of_the_report(opened: Any) -> None:
    pages = {row["Job"].value: row["Report page"] for row in rows(opened["Jobs"])}
    assert pages["intake"].hyperlink.target == links.job_page(f"{fixture.JOBS}/intake")
    assert pages["replay"].hyperlink.target == links.job_page(f"{fixture.JOBS}/replay")
    assert pages["nightly"].value is None, "a job out of scope has no page"


def test_without_the_report_nothing_leads_to_its_pages(tmp_path: Path) -> None:
    opened = book(tmp_path / "evidence.xlsx", report=False)
    assert any(hyperlinks(sheet) for sheet in opened.worksheets)
    assert not [link for sheet in opened.worksheets for link in hyperlinks(sheet) if link.target]


def test_failures_come_first_then_what_could_not_be_assessed(opened: Any) -> None:
    verdicts = [row["Verdict"].value for row in rows(opened["Findings"])]
    assert verdicts == ["fail", "not assessed", "pass", "not applicable"]
    assert rows(opened["Findings"])[0]["Supports"].value == "MCSB v1 IM-3; ISO/IEC 27001:2022 A.5.16, A.5.17"


def test_a_failure_tells_what_it_was_judged_by_and_a_pass_does_not(opened: Any) -> None:
    judged = {row["Verdict"].value: row["Judged by"].value for row in rows(opened["Findings"])}
    assert judged == {
        "fail": "limit 7, from audit.toml: policy.overrides[0] (a = b)",
        "not assessed": None, "pass": None, "not applicable": None,
    }  # fmt: skip


def test_an_exception_stands_on_its_sheet_as_text(opened: Any) -> None:
    (row,) = rows(opened["Exceptions"])
    assert (row["Exception"].value, row["Job"].value, row["Why it is borne"].value) == ("EX-1", "refunds", "=1+1")
    assert row["Why it is borne"].data_type == "s"


def test_the_jobs_sheet_holds_the_whole_population(opened: Any) -> None:
    states = [(row["Job"].value, row["State"].value) for row in rows(opened["Jobs"])]
    assert states == [
        ("intake", "in scope"),
        ("invoices", "in scope"),
        ("refunds", "in scope"),
        ("replay", "deleted"),
        ("nightly", "out of scope"),
    ]


def test_a_grant_says_its_level_its_name_and_how_many_jobs_it_reaches(opened: Any) -> None:
    told = [(row["Scope level"].value, row["Jobs reached"].value) for row in rows(opened["Role assignments"])]
    assert told == [("management group", 3), ("subscription", 3), ("resource group", 3), ("resource", 1)]
    assert {row["Principal"].value for row in rows(opened["Role assignments"])} == {"Mara Lindt"}


def test_the_figures_of_the_summary_lead_to_their_rows(opened: Any) -> None:
    summary = opened["Summary"]
    cells = [cell for row in summary.iter_rows() for cell in row]
    label = next(cell for cell in cells if cell.value == "event-driven jobs in scope")
    figure = summary.cell(label.row - 1, label.column)
    assert figure.value == 3
    assert target(opened, figure)["State"].value == "in scope"
    high = next(cell for cell in cells if cell.value == "High")
    fail = summary.cell(high.row, high.column + 1)
    assert fail.value == 1
    assert target(opened, fail)["Verdict"].value == "fail"


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.xlsx", "two.xlsx"):
        tables = fixture.story()
        tables.con.execute(f"set threads = {1 if name == 'one.xlsx' else 4}")
        workbook.write(tables.con, fixture.run(), tmp_path / name)
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


def test_the_order_in_which_rows_were_stored_does_not_show(tmp_path: Path) -> None:
    tables = fixture.story()
    workbook.write(tables.con, fixture.run(), tmp_path / "one.xlsx")
    for (name,) in tables.con.execute("select table_name from duckdb_tables()").fetchall():
        tables.con.execute(f"create or replace table {name} as select * from {name} order by row_id desc")
    workbook.write(tables.con, fixture.run(), tmp_path / "two.xlsx")
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


def test_the_documents_times_are_the_runs(opened: Any) -> None:
    assert opened.properties.created == opened.properties.modified == at("2026-11-22T06:00:13")


def test_the_tables_are_left_as_they_were(tmp_path: Path) -> None:
    tables = fixture.story()
    before = tables.con.execute("select table_name from duckdb_tables() order by 1").fetchall()
    workbook.write(tables.con, fixture.run(), tmp_path / "evidence.xlsx")
    assert tables.con.execute("select table_name from duckdb_tables() order by 1").fetchall() == before
    assert [path.name for path in tmp_path.iterdir()] == ["evidence.xlsx"]


def test_rows_beyond_a_sheet_continue_on_a_next_one_and_the_first_says_so(tmp_path: Path) -> None:
    tables = fixture.story()
    for number in range(25):
        when = fixture.NOW.replace(day=1, minute=number)
        tables.add("activity_log", event_id=f"e{number:02}", event_time=when, resource_id=f"{fixture.JOBS}/intake")
        tables.job(f"job-{number:02}")
    opened = book(tmp_path / "evidence.xlsx", tables, row_limit=HEAD + 10)
    parts = [opened[name] for name in ("Activity Log", "Activity Log (2)", "Activity Log (3)")]
    assert [part.max_row - HEAD for part in parts] == [10, 10, 7]
    times = [row["Time (UTC)"].value for part in parts for row in rows(part)]
    assert times == sorted(times, reverse=True)
    assert "rows 1 to 10 of 27; they continue on “Activity Log (2)”." in parts[0]["B3"].value
    assert "rows 21 to 27 of 27, the last." in parts[2]["B3"].value
    intake = next(row for row in rows(opened["Scale rules"]) if row["Job"].value == "intake")
    assert target(opened, intake["Job"])["Job"].value == "intake"
    late = next(row for row in rows(opened["Scale rules (3)"]) if row["Job"].value == "refunds")
    assert late["Job"].hyperlink.location.startswith("'Jobs (3)'!")
    assert target(opened, late["Job"])["Job"].value == "refunds"


def test_links_stop_where_a_sheet_could_hold_no_more_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "LINK_LIMIT", 4)
    opened = book(tmp_path / "evidence.xlsx")
    sheet = opened["Scale rules"]  # two links a row: to the job, to the raw page
    assert [bool(row["Job"].hyperlink) for row in rows(sheet)] == [True, True, False]
    assert [bool(row["Raw page"].hyperlink) for row in rows(sheet)] == [True, True, False]
    assert all(row["Raw page"].value for row in rows(sheet))
    assert "Rows beyond the first 2 name what they lead to without a link" in sheet["B3"].value
    assert "Rows beyond" not in opened["Secrets"]["B3"].value
