"""What the report says: coverage first, every figure with its rows, and no gap dressed as an absence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import markup
import report_fixture

from audit.render import html, links, listings

if TYPE_CHECKING:
    import pytest


def _page(made: Any, name: str) -> markup.Element:
    return markup.read(made.folder / name)


def _section(page: markup.Element, name: str) -> markup.Element:
    return next(each for each in page.all("section") if each.attributes.get("aria-labelledby") == name)


def _job(made: Any, name: str) -> markup.Element:
    return _page(made, links.job_page(report_fixture.job_id(name)))


def test_coverage_stands_before_every_verdict(made: Any) -> None:
    titles = [each.attributes["id"] for each in _page(made, "index.html").all("h2")]
    assert titles[:2] == ["verdict", "coverage"]
    assert titles.index("coverage") < titles.index("verdicts-by-job") < titles.index("findings")


def test_every_gap_is_listed_with_its_reason(made: Any) -> None:
    gaps = made.con.execute("select reason, detail from coverage where outcome = 'gap'").fetchall()
    told = _section(_page(made, "index.html"), "coverage").text
    assert len(gaps) >= 5
    for reason, detail in gaps:
        assert reason.replace("_", " ") in told
        assert " ".join(detail.split()) in told


def test_the_figures_are_those_of_the_tables(made: Any) -> None:
    told = _section(_page(made, "index.html"), "verdict").text
    counts = dict(made.con.execute("select verdict, count(*) from verdicts group by all").fetchall())
    units = made.con.execute(
        "select count(*), count(*) filter (where outcome = 'gap') from coverage where place is null"
    ).fetchone()
    assert f"{counts['fail']} failures" in told
    assert f"{counts['not_assessed']} checks could not be assessed" in told
    assert f"{units[1]} of {units[0]} units of collection are gaps" in told
    assert "15 event-driven jobs in 2 subscriptions are in scope" in told
    assert "1 of them deleted in the window, 1 of them could not be decoded" in told


def test_the_first_screen_names_what_weighs_most_and_why_checks_are_open(made: Any) -> None:
    heaviest, unknown = _section(_page(made, "index.html"), "verdict").all("ul")[1:]
    failing = made.con.execute(
        "select control_id, severity, count(*), count(distinct lower(job_id)) from verdicts"
        " where verdict = 'fail' and not waived group by all"
    ).fetchall()
    rank = ["critical", "high", "medium", "low"].index
    failing.sort(key=lambda row: (rank(row[1]), -row[3], -row[2], row[0]))
    assert [each.all("a")[0].text for each in heaviest.all("li")] == [row[0] for row in failing[:5]]
    for told, (_, severity, failures, _) in zip(heaviest.all("li"), failing, strict=False):
        assert severity in told.text.lower()
        assert f"{failures} failure" in told.text
    reasons = made.con.execute(
        "select reason, count(*) from verdicts where verdict = 'not_assessed' group by all order by 2 desc, 1 limit 5"
    ).fetchall()
    assert len(unknown.all("li")) == len(reasons) > 0
    for told, (reason, checks) in zip(unknown.all("li"), reasons, strict=True):
        assert told.text.startswith(f"{checks} check")
        assert " ".join(reason.split()) in told.text


def test_what_was_not_read_is_not_called_missing(made: Any) -> None:
    """The tags of the second subscription are a gap: no owner is known there, and none is said to be missing."""
    owners = _section(_page(made, "index.html"), "owners")
    rows = {row.all("a")[0].text: row.text for row in owners.all("tr") if row.all("a")}
    assert "missing" in rows["ownerless"]
    assert "not read" in rows["elsewhere"]
    assert "missing" not in rows["elsewhere"]
    page = _page(made, links.job_page(report_fixture.job_id("elsewhere", report_fixture.B, "RG-Shared")))
    assert "missing" not in _section(page, "owner").text.replace("Evidence missing", "")


def test_an_environment_that_may_not_be_read_is_a_gap_and_no_absence(made: Any) -> None:
    told = _section(_job(made, "in-the-dark"), "environment").text
    assert "forbidden" in told
    assert "nowhere configured" not in told
    assert "doesn't exist" not in told
    assert "No diagnostic setting on the job, its environment or its subscription; that was confirmed." in told


def test_every_verdict_stands_on_its_jobs_page_and_its_controls(made: Any) -> None:
    rows = made.con.execute("select control_id, job_id, verdict from verdicts where job_id is not null").fetchall()
    words = {"pass": "passed", "fail": "failed", "not_assessed": "not assessed", "not_applicable": "not applicable"}
    for job_id in {row[1] for row in rows}:
        shown = [
            each
            for each in _section(_page(made, links.job_page(job_id)), "verdicts").all("tbody")
            for each in each.all("tr")
        ]
        told = sorted((row.all("th")[0].all("a")[0].text, row.all("span")[0].texts[-1].strip()) for row in shown)
        assert told == sorted((control, words[verdict]) for control, job, verdict in rows if job == job_id)
    for control in {row[0] for row in rows}:
        shown = [row for body in _page(made, links.verdict_page(control)).all("tbody") for row in body.all("tr")]
        assert len(shown) == sum(1 for row in rows if row[0] == control)


def test_a_deleted_job_keeps_its_page_and_its_place(made: Any) -> None:
    page = _job(made, "gone")
    assert "Deleted on 2026-11-19 06:06 UTC by Ada" in page.text
    assert "not assessed" in _section(page, "verdicts").text
    assert "gone" in _section(_page(made, "index.html"), "population").text


def test_changes_fold_events_and_count_what_is_left_out(made: Any) -> None:
    changes = _section(_page(made, "index.html"), "changes")
    assert "6 events of 7 are shown; 1 concern" in changes.text
    rows = {row.all("td")[1].all("code")[0].text: row for row in changes.all("tr") if row.all("td")}
    folded = rows["Microsoft.App/jobs/write"]
    assert "2 events" in folded.text
    assert "Succeeded" in folded.text
    assert "on resource group rg-orders" in rows["Microsoft.Authorization/roleAssignments/write"].text
    assert "Failed" in rows["Microsoft.App/managedEnvironments/write"].text
    assert not any("virtualMachines" in name for name in rows)


def test_access_flags_who_should_not_be_there_and_says_by_what_they_are(made: Any) -> None:
    access = _section(_page(made, "index.html"), "access").text
    for words in ("not in the directory", "guest", "disabled", "Role assignments as they were given"):
        assert words in access
    told = _section(_job(made, "good"), "access").text
    assert "at management group tenant root group" in told
    assert "at subscription" in told
    assert "at the job itself" in told


def test_a_budget_nobody_hears_of_is_named_and_no_cost_is_invented(made: Any) -> None:
    told = _section(_page(made, "index.html"), "budgets").text
    assert "action group ag-nobody: disabled" in told
    assert "nobody" in told
    assert "912.50 EUR" in told
    assert "was not collected in this run, so no cost of a job is shown" in told


def test_a_job_is_told_in_plain_words(made: Any) -> None:
    assert (
        "Starts up to 10 executions per check when Service Bus queue “good” has messages "
        "(one execution for every 5 messages), none when there is no work; checked every 30 s."
        in _job(made, "good").text
    )
    told = _job(made, "defaults").text
    assert "Starts up to 100 executions (platform default, not set) per check" in told
    assert "checked every 30 s (platform default, not set)" in told
    assert "It has no scale rule: nothing starts it by itself." in _job(made, "bare").text
    assert "acts as user-assigned identity “id-shared”" in _job(made, "shared-one").text


def test_other_triggers_are_listed_so_that_the_population_is_whole(made: Any) -> None:
    told = _section(_page(made, "index.html"), "population").text
    assert "nightly Schedule" in told
    assert "not event-driven" in told


def test_long_listings_go_on_elsewhere_and_lose_nothing(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = listings.Listing

    def short(**parts: Any) -> listings.Listing:
        return whole(**{**parts, "size": 3})

    monkeypatch.setattr(listings, "Listing", short)
    monkeypatch.setattr(html, "_VERDICTS_PER_PAGE", 3)
    folder = report_fixture.render(made.stored, made.con, tmp_path / "paged")
    (jobs,) = made.con.execute("select count(*) from population").fetchone()
    (failures,) = made.con.execute("select count(*) from verdicts where verdict = 'fail'").fetchone()
    for name, total in (("verdicts-by-job", jobs), ("findings", failures)):
        shown, number = [], 1
        while (path := folder / (links.numbered(name, number) if number > 1 else "index.html")).is_file():
            page = markup.read(path)
            part = _section(page, name) if number == 1 else page.all("main")[0]
            shown += [
                row
                for row in part.all("tr")
                if row.parent and row.parent.tag == "tbody" and row.attributes.get("class") != "group"
            ]
            assert f"of {total}" in page.text
            number += 1
        assert len(shown) == total
        assert number - 1 == -(-total // 3)
    for control in [row[0] for row in made.con.execute("select control_id from controls").fetchall()]:
        counts = dict(
            made.con.execute(
                "select verdict, count(*) from verdicts where control_id = ? group by all", [control]
            ).fetchall()
        )
        before = 0
        for word in ("fail", "not_assessed", "pass", "not_applicable"):
            if counts.get(word):
                page = markup.read(folder / links.verdict_page(control, before // 3 + 1))
                assert any(each.attributes.get("id") == word for each in page.all("h3")), (control, word)
            before += counts.get(word, 0)


def test_the_same_run_gives_the_same_bytes(made: Any, tmp_path: Path) -> None:
    """Also when the rows lie in the tables in another order."""
    mine = "select table_name from duckdb_tables() where schema_name = 'main' and not temporary"
    for (name,) in made.con.execute(mine).fetchall():
        made.con.execute(
            f'create or replace table "{name}" as select * from "{name}" order by row_id desc, raw_ref desc'
        )
    made.con.execute("set timezone = 'Asia/Kathmandu'")
    again = tmp_path / "again"
    html.write(made.con, made.stored.run, made.stored, again, [Path("report_templates").resolve()])
    made.con.execute("set timezone = 'UTC'")
    pages = markup.pages(again)
    assert [str(path.relative_to(again)) for path in pages] == [
        str(path.relative_to(made.folder)) for path in markup.pages(made.folder)
    ]
    for path in pages:
        assert path.read_bytes() == (made.folder / path.relative_to(again)).read_bytes(), path.name
