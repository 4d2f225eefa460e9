"""Who can do what, on the pages: the worst first, every path in words, nothing cut without a word, nothing guessed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import access_fixture
import duckdb
import markup
import openpyxl
import pytest
import report_fixture

from audit.config import packaged
from audit.derive import access as derived
from audit.render import html, links, workbook
from audit.render.dossier import access, access_words
from audit.render.workbook import holders

GOOD = report_fixture.job_id("good")
HEAD = 4


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("access")
    stored = report_fixture.store(root / "output")
    with contextlib.ExitStack() as stack:
        con = stack.enter_context(report_fixture.tables(stored, root / "tables.duckdb"))
        access_fixture.fill(con)
        yield report_fixture.render(stored, con, root / "pack"), stored, con


def section(path: Path) -> markup.Element:
    return next(each for each in markup.read(path).all("section") if each.attributes["aria-labelledby"] == "access")


def told(folder: Path) -> markup.Element:
    return section(folder / links.job_page(GOOD))


def table(of: markup.Element, label: str) -> list[list[str]]:
    (region,) = [each for each in of.all("div") if each.attributes.get("aria-label") == label]
    return [[cell.text for cell in row.all("th", "td")] for row in region.all("tr")][1:]


def again(estate: Any, folder: Path) -> Path:
    html.write(estate[2], estate[1].run, estate[1], folder, [packaged("report_templates")])
    return folder


@contextlib.contextmanager
def too_large(con: duckdb.DuckDBPyConnection) -> Any:
    """Make effective access a view that nobody may read."""
    derived.create(con, limit=-1)
    columns = ", ".join(
        f"case when random() >= 0 then error('it was read') end::{kind} as {name}"
        for name, kind, *_ in con.execute("describe effective_access").fetchall()
    )
    con.execute(f"create or replace view effective_access as select {columns} from range(10)")
    try:
        yield
    finally:
        derived.create(con)


def test_the_first_sentence_says_the_worst_that_is_true(estate: Any) -> None:
    (worst,) = [each.text for each in told(estate[0]).all("p") if each.attributes.get("class") == "statement"]
    assert worst.startswith("At least 5 people and 1 group whose members are not known can change the job now, 1 of ")
    assert "1 of them through a group, and 1 can after an activation" in worst
    assert "2 are guests, 1 is disabled and 1 is not in the directory" in worst
    assert "whoever can act as its system-assigned identity can read the values of the vault's secrets: kv" in worst
    assert "Not everything could be read" in worst


def test_the_counts_are_those_of_the_answers_in_the_capabilities_order(estate: Any) -> None:
    found = estate[2].execute(
        "select title, a.active, a.eligible, a.through_identity, a.denied, applicable, complete from access_answers a "
        "join capabilities using (capability) where job_id = ? order by position",
        [GOOD],
    )
    rows = table(told(estate[0]), "Capabilities")
    for row, (title, *counts, applicable, complete) in zip(rows, found.fetchall(), strict=True):
        assert row[0].startswith(title)
        assert row[1:5] == [str(count) if applicable else "unknown" for count in counts]
        assert ("yes" in row[5]) is complete
    (change,) = [row for row in rows if row[0].startswith("Change the job ")]
    assert "privileged" in change[0]
    assert "at least these" in change[5]
    assert "the members of the group Dark are not known" in change[5]


def test_a_row_tells_who_what_by_which_role_through_which_groups_and_who_denies_it(estate: Any) -> None:
    rows = table(told(estate[0]), "Who holds it")
    (zoe,) = [row for row in rows if row[0].startswith("Zoe")]
    assert "guest" in zoe[0]
    assert "Every capability above but: read secrets in the vault and read the logs" in zoe[1]
    assert "denied" not in zoe[1], "her group is spared"
    assert zoe[2].startswith("Owner")
    assert "at resource group rg-orders" in zoe[2]
    assert zoe[3].startswith(access_fixture.TEAM_NAME)
    assert zoe[3].endswith("Nest")
    (left,) = [row for row in rows if row[0].startswith("Lea")]
    assert "disabled" in left[0]
    assert f"under a condition: only if {report_fixture.MARKUP}" in left[1]
    assert "denied Delete the job: by Keep the job as it is" in left[1]
    (dark,) = [row for row in rows if row[0].startswith("Dark")]
    assert "members not known" in dark[0]
    (eligible,) = [row for row in rows if row[0].startswith(access_fixture.ELI)]
    assert eligible[4].startswith("after activationuntil 2027-01-01 06:00 UTC")
    (key,) = [row for row in rows if "shared-access policy" in row[0]]
    assert key[0].startswith("whoever has a key of ")


def test_standing_privileged_access_stands_before_eligible_and_that_before_the_rest(estate: Any) -> None:
    names = [row[0] for row in table(told(estate[0]), "Who holds it")]
    flagged = [each for each in names if "!" in each and "members" not in each]
    assert names[: len(flagged)] == flagged, "whom one asks about first"
    assert names[-1].startswith(access_fixture.ELI), "all others are standing and privileged"


def test_what_the_identity_opens_is_told_with_its_reason(estate: Any) -> None:
    of = told(estate[0])
    assert "6 people and applications can act as its system-assigned identity now, 1 after an activation" in of.text
    assert "6 can act as the job's identity by changing what the job runs" in of.text
    (row,) = table(of, "What its system-assigned identity opens, 1")
    assert row[0].startswith("read the values of the vault's secrets: vault kv")
    assert row[1].startswith(
        "the job runs as its system-assigned identity, which holds Key Vault Secrets User at vault kv"
    )
    assert row[2:5] == ["6", "1", "0"]


def test_an_assignment_that_gives_nothing_is_still_reachable(estate: Any) -> None:
    ((row),) = table(told(estate[0]), "Other assignments")
    assert row[0].startswith(access_fixture.IDLE)
    assert row[1:3] == ["Reader of nothing", "the job itself"]


def test_every_assignment_that_reaches_a_job_is_on_its_page_once(made: Any) -> None:
    of = told(made.folder)
    assert not any(each.attributes.get("aria-label") == "Other assignments" for each in of.all("div"))
    assert len(table(of, "Who holds it")) == 5


def test_a_page_shows_so_many_rows_the_gravest_and_says_how_many_more(
    estate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = table(told(estate[0]), "Who holds it")
    monkeypatch.setattr(access, "SHOWN", 2)
    of = told(again(estate, tmp_path))
    assert table(of, "Who holds it") == whole[:2]
    assert f"{len(whole) - 2} more rows are not shown here, none of them graver" in of.text
    assert len(table(of, "Other assignments")) == 1, "what was cut gives something"


def test_some_jobs_at_a_time_give_what_all_at_once_give(
    estate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.render.entitlements.AT_ONCE", 30)
    again(estate, tmp_path)
    for path in (estate[0] / "jobs").iterdir():
        assert path.read_bytes() == (tmp_path / "jobs" / path.name).read_bytes(), path.name


def test_access_that_is_too_large_is_not_read_and_says_how_to_get_it(estate: Any, tmp_path: Path) -> None:
    with too_large(estate[2]):
        again(estate, tmp_path / "pack")
        workbook.write(estate[2], estate[1].run, tmp_path / "evidence.xlsx")
    of = told(tmp_path / "pack")
    assert "too large to be written out" in of.text
    assert f"effective_access_of('{GOOD}')" in of.text
    assert "not counted" in " ".join(table(of, "Capabilities")[0])
    rows = table(of, "Who holds it")
    (team,) = [row for row in rows if row[0].startswith(access_fixture.TEAM_NAME)]
    assert team[2].startswith("Owner")
    assert not any(row[0].startswith("Zoe") for row in rows), "groups are not unfolded"
    index = section(tmp_path / "pack" / "index.html")
    assert "too large to be counted" in index.text
    assert {cell for row in table(index, "Who can do what") for cell in row[1:]} <= {"?", "–"}
    sheet = openpyxl.load_workbook(tmp_path / "evidence.xlsx")["Effective access"]
    assert "before groups are unfolded" in sheet["B3"].value


def test_the_heat_map_counts_who_can_now_privileged_first(estate: Any) -> None:
    of = section(estate[0] / "index.html")
    (region,) = [each for each in of.all("div") if each.attributes.get("aria-label") == "Who can do what"]
    heads = [each.text for each in region.all("thead")[0].all("th")][1:]
    privileged = ["privileged" in each for each in heads]
    assert privileged == sorted(privileged, reverse=True)
    assert True in privileged
    assert False in privileged
    asked = estate[2].execute(
        "select c.title, a.active, a.applicable, a.complete from access_answers a join capabilities c "
        "using (capability) where job_id = ? order by not privileged, position",
        [GOOD],
    )
    (row,) = [
        row for row in region.all("tr") if row.all("a") and links.job_page(GOOD) in row.all("a")[0].attributes["href"]
    ]
    cells = row.all("td")
    for cell, (title, active, applicable, complete) in zip(cells, asked.fetchall(), strict=True):
        words = f"{active}{'' if complete else '+'}" if applicable else "–" if complete else "?"
        assert cell.text == words, title
    shades = {cell.text: cell.attributes["class"].split()[1] for cell in cells}
    assert (shades["1+"], shades["6+"], shades["0+"]) == ("heat-1", "heat-3", "heat-0")


def test_the_index_names_whom_to_ask_about_and_what_is_shared(estate: Any) -> None:
    of = section(estate[0] / "index.html")
    rows = table(of, "Whom to ask about first")
    assert {row[0].split()[0] for row in rows} == {report_fixture.GHOST, "Gil", "Lea", "Zoe"}
    (zoe,) = [row for row in rows if row[0].startswith("Zoe")]
    jobs = estate[2].execute(
        "select count(distinct job_id) from effective_access where principal_id = ? and not denied and steps = 1",
        [access_fixture.ZOE],
    )
    assert zoe[1] == str(jobs.fetchone()[0])
    assert "Change the job" in zoe[3]
    (shared,) = table(of, "Shared identities")
    assert shared[0].startswith("id-shared")
    assert shared[1] == "shared-one, shared-two"


def test_a_run_without_effective_access_says_so_and_shows_what_was_given(estate: Any, tmp_path: Path) -> None:
    con = estate[2]
    names = ("effective_access", "access_answers", "access_grants", "capabilities")
    for name in names:
        con.execute(f"alter table {name} rename to kept_{name}")
    try:
        of = told(again(estate, tmp_path))
        index = section(tmp_path / "index.html")
    finally:
        for name in names:
            con.execute(f"alter table kept_{name} rename to {name}")
    assert "Not worked out" in of.text
    assert "Not worked out" in index.text
    assert any(row[0].startswith(access_fixture.TEAM_NAME) for row in table(of, "Other assignments"))


def rows(sheet: Any) -> list[dict[str, Any]]:
    heads = [cell.value for cell in sheet[HEAD]]
    return [dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=HEAD + 1, values_only=True)]


def test_the_workbook_has_every_path_and_every_answer(estate: Any, tmp_path: Path) -> None:
    con = estate[2]
    workbook.write(con, estate[1].run, tmp_path / "evidence.xlsx")
    book = openpyxl.load_workbook(tmp_path / "evidence.xlsx")
    found = rows(book["Effective access"])
    paths = con.execute(
        "select count(*) from (select distinct job_id, principal_id, via_assignment_id, group_path, access, "
        "membership, membership_expires, expires from effective_access where steps = 1)"
    )
    assert len(found) == paths.fetchone()[0]
    (zoe,) = [row for row in found if row["Job"] == "good" and row["Principal"] == "Zoe"]
    assert zoe["Through groups"] == f"{access_fixture.TEAM_NAME} > Nest"
    assert (zoe["Concern"], zoe["When"], zoe["Role or policy"]) == ("guest", "standing", "Owner")
    assert "Delete the job" in zoe["Can"]
    (left,) = [row for row in found if row["Job"] == "good" and row["Principal"] == "Lea"]
    assert (left["Denied"], left["Denied by"]) == ("Delete the job", "Keep the job as it is")
    assert left["Condition"] == report_fixture.MARKUP
    assert "Change the job" in left["Under a condition"]
    assert all(row["Row id"] and row["Raw page"] and row["Observed at (UTC)"] for row in found)
    assert len({row["Row id"] for row in found}) == len(found)
    assert len(rows(book["Access answers"])) == con.execute("select count(*) from access_answers").fetchone()[0]
    members = {(row["Member"], row["Direct"]) for row in rows(book["Group members"])}
    assert members == {("Nest", True), ("Zoe", False)}
    (denial,) = rows(book["Deny assignments"])
    assert denial["Deny assignment"] == "Keep the job as it is"
    (eligible,) = rows(book["Eligible roles"])
    assert (eligible["Role"], eligible["Principal id"]) == ("Owner", access_fixture.ELI)
    assert not con.execute("select * from duckdb_tables() where table_name like 'report_%'").fetchall()


def test_a_sheet_keeps_the_gravest_rows_and_says_how_many_there_are(
    estate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holders, "MOST", 3)
    workbook.write(estate[2], estate[1].run, tmp_path / "evidence.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "evidence.xlsx")["Effective access"]
    assert "The gravest 3 of " in sheet["B3"].value
    assert "data/effective_access.parquet" in sheet["B3"].value
    assert [row["When"] for row in rows(sheet)] == ["standing"] * 3
    assert all(row["Privileged"] for row in rows(sheet))


def test_nobody_is_told_as_nobody_who_is_known() -> None:
    answer = {"capability": "update_job", "title": "Change the job", "applicable": True, "privileged": True,
              "number": 0, "active": 0, "eligible": 0, "complete": True}  # fmt: skip
    assert access_words.worst([answer], {}, []) == "Nobody who is known holds a privileged capability."
    later = answer | {"eligible": 2, "complete": False}
    assert access_words.worst([later], {}, []) == (
        "Nobody who is known can change the job now; after an activation 2 principals can change the job. "
        "Not everything could be read: see below."
    )
