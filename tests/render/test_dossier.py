"""A job's dossier and its incident view, over a month with a crash loop, a hole in the evidence and hostile words."""

from __future__ import annotations

import contextlib
import itertools
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import dossier_fixture
import markup
import pytest
import report_fixture

from audit.config import packaged
from audit.errors import UsageError
from audit.render import html, links
from audit.render.incident import Incident


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("dossier")
    stored = report_fixture.store(root / "output")
    with contextlib.ExitStack() as stack:
        con = stack.enter_context(report_fixture.tables(stored, root / "tables.duckdb"))
        dossier_fixture.fill(con)
        folder = report_fixture.render(stored, con, root / "pack")
        yield folder, stored, con


def page(made: Any, name: str) -> markup.Element:
    return markup.read(made[0] / links.job_page(report_fixture.job_id(name)))


def incident(made: Any, name: str) -> markup.Element:
    return markup.read(made[0] / links.incident_page(report_fixture.job_id(name)))


def section(of: markup.Element, name: str) -> markup.Element:
    return next(each for each in of.all("section") if each.attributes.get("aria-labelledby") == name)


def test_health_tells_what_failed_how_often_and_what_the_code_means(dossier: Any) -> None:
    told = section(page(dossier, "secretive"), "health")
    assert "64 executions" in told.text
    assert "24 succeeded, 40 failed" in told.text
    (row,) = [row for row in told.all("tr") if "OOMKilled" in row.text and "40" in row.text]
    assert "137" in row.text
    assert "killed: often out of memory" in row.text
    assert len(told.all("svg")) == 2


def test_work_is_drawn_against_executions_and_counted_per_execution(dossier: Any) -> None:
    told = section(page(dossier, "good"), "work")
    assert "drawn as" in told.text
    assert "12.0 completed" in told.text, "900 messages over 75 executions"


def test_months_are_compared_only_where_both_are_known_as_a_whole(dossier: Any) -> None:
    told = section(page(dossier, "good"), "cost").text
    told = told[told.index("Month over month") :]
    september, october, november = re.split(r"2026-(?:09|10|11)(?!-)", told)[1:]
    assert "not comparable" in september
    assert "not every execution is known" in september
    assert "+25 %" in october
    assert "part of the month" not in september + october
    assert "not comparable" in november
    assert re.search(r"(?s)part of the month.*2026-11-01 00:00 UTC to 2026-11", november)


def test_cost_is_told_by_part_and_an_estimate_as_one(dossier: Any) -> None:
    estimate = section(page(dossier, "secretive"), "cost").text
    assert "an estimate" in estimate
    assert "43.85 EUR" in estimate
    billed = section(page(dossier, "good"), "cost").text
    assert "actual cost as billed" in billed
    assert "43.85 EUR in the window, actual" in billed
    assert "cost about 0.77 USD more" in billed, "logs of a day that no bill tells of stand beside the bill"
    assert billed.count("an estimate") == 1, "of the logs alone"
    assert "Other currencies" not in billed
    assert "Log ingestion by size." in billed
    assert "Estimate: running time x requested vcpu; log ingestion by size." in estimate
    assert "not final" in billed
    assert "0.4464 EUR" in billed
    assert "310.00 EUR" in billed


def test_changes_show_before_and_after_and_warn_where_several_came_at_once(dossier: Any) -> None:
    told = section(page(dossier, "secretive"), "changes")
    assert "Several settings changed at once 3 settings between 2026-11-16 02:10:00 UTC" in told.text
    assert "maxExecutions" in told.text
    assert [each.text for each in told.all("del")] == ["app:1", "10"]
    assert [each.text for each in told.all("ins")] == ["app:2", "50"]
    assert "Azure doesn't tell" in told.text


def test_each_change_tells_its_ticket_and_what_is_wrong_with_its_approval(dossier: Any) -> None:
    told = section(page(dossier, "secretive"), "changes")
    rows = {row.children[4].text for row in told.all("tr") if len(row.children) > 4}
    when = f"{dossier_fixture.LOOP:%Y-%m-%d %H:%M UTC}"
    assert f"!CHG-7 approved by Ada at {when} approved after it began approved by who made it" in rows
    assert "✕no ticket no ticket names what was changed" in rows
    assert "–none needed it sets nothing" in rows
    index = section(markup.read(dossier[0] / "index.html"), "changes")
    assert "1 without, 1 that need none" in index.text
    assert "CHG-7" in index.text


def test_a_ticket_without_a_change_is_told_on_its_jobs_page_and_in_the_report(dossier: Any) -> None:
    told = section(page(dossier, "hostile"), "changes")
    assert f"{report_fixture.SCRIPT} No change belongs to it: {report_fixture.SCRIPT}" in told.text
    index = section(markup.read(dossier[0] / "index.html"), "changes")
    caption = "Tickets that no change of the window belongs to"
    (table,) = (table for table in index.all("table") if table.children[0].text == caption)
    assert report_fixture.SCRIPT in table.text


def test_dependencies_are_drawn_and_an_unresolved_name_is_no_absence(dossier: Any) -> None:
    told = section(page(dossier, "good"), "dependencies")
    assert "acr.azurecr.io" in told.text
    assert "no registry that can be seen" in told.text
    (drawing,) = told.all("svg")
    assert sum("lost" in each.attributes.get("class", "") for each in drawing.all("rect")) == 1


def test_a_hole_is_hatched_and_its_days_are_unknown(dossier: Any) -> None:
    told = section(page(dossier, "leaky"), "health")
    hatched = [each for each in told.all("rect") if each.attributes.get("fill") == "url(#executions-unread)"]
    assert len(hatched) >= 12
    assert "no zero" in told.text
    assert "unknown" in told.all("table")[0].text


def test_what_people_stated_stands_apart(dossier: Any) -> None:
    told = page(dossier, "good")
    assert "Runs by day, never by night" in section(told, "stated").text
    assert "ada@example.com" in section(told, "stated").text
    others = [each for each in told.all("section") if each.attributes.get("aria-labelledby") not in ("stated", None)]
    assert not any("Runs by day" in each.text for each in others)


def test_an_alert_nobody_hears_is_said_to_be_heard_by_nobody(dossier: Any) -> None:
    told = section(page(dossier, "good"), "alerts").text
    assert "ActiveMessages above 100" in told
    assert "nobody" in told
    assert "disabled" in told


def test_the_incident_view_finds_the_crash_loop_and_warns(dossier: Any) -> None:
    view = incident(dossier, "secretive")
    assert "40 executions that failed began between 2026-11-16 03:00 UTC" in view.text
    assert "Several settings changed at once" in view.text
    assert "Failures follow a change" in view.text
    assert "doesn't prove" in view.text
    lines = [row.text for row in view.all("tr")]
    folded = [line for line in lines if "execution Failed" in line]
    assert ["× 27" in folded[0], "× 13" in folded[1]] == [True, True], "the read of the secrets lies between"
    assert any("alert “backlog” resolved" in line for line in lines)
    assert any("listSecrets" in line or "read the secrets of" in line for line in lines)


def test_a_calm_job_shows_its_latest_days(dossier: Any) -> None:
    assert "nothing failed and nothing was changed: the latest two days" in incident(dossier, "good").text


def test_a_window_that_is_asked_for_gets_a_view_of_its_own(dossier: Any, tmp_path: Path) -> None:
    _, stored, con = dossier
    asked = Incident.parse("good=2026-11-01/2026-11-02", report_fixture.NOW)
    html.write(con, stored.run, stored, tmp_path, [packaged("report_templates")], incidents=[asked])
    view = markup.read(tmp_path / links.incident_page(report_fixture.job_id("good"), 2))
    assert "2026-11-01 00:00 UTC to 2026-11-02 00:00 UTC" in view.text
    assert "asked for" in view.text


@pytest.mark.parametrize(
    "text", ["good", "good=2026-11-01", "=2026-11-01/2026-11-02", "good=x/y", "good=2027-01-01/2027-01-02"]
)
def test_a_window_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Incident.parse(text, report_fixture.NOW)


def test_an_incident_of_no_job_is_refused(dossier: Any, tmp_path: Path) -> None:
    _, stored, con = dossier
    asked = Incident(job="nobody", since=report_fixture.NOW - timedelta(days=2), until=report_fixture.NOW)
    with pytest.raises(UsageError, match="nobody"):
        html.write(con, stored.run, stored, tmp_path, [packaged("report_templates")], incidents=[asked])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("window", "how"),
    [("2026-05-01/2026-05-02", "outside"), ("2026-10-01/2026-11-01", "partly outside")],
)
def test_an_incident_of_a_time_not_read_is_refused(dossier: Any, tmp_path: Path, window: str, how: str) -> None:
    _, stored, con = dossier
    asked = Incident.parse(f"good={window}", report_fixture.NOW)
    whole = f"lies {how} this pack's window, .*2026-10-23 .* UTC to 2026-11-22 .* UTC: that time was not read"
    with pytest.raises(UsageError, match=whole):
        html.write(con, stored.run, stored, tmp_path, [packaged("report_templates")], incidents=[asked])
    assert not list(tmp_path.iterdir())


def test_a_rule_tells_what_is_in_force_and_what_the_catalogue_says(dossier: Any) -> None:
    told = section(page(dossier, "good"), "rules").text
    for words in (
        "5 scaler default",
        "30 s platform default",
        "verified by ada@example.com on 2026-11-22 for 2.15 (jobs.toml)",
        "secret in plain connection",
        "missing namespace",
        "unknown queuename probably queueName",
        "deprecated metricName ignored since 2.12",
    ):
        assert words in told, words
    assert "not held against the catalogue" in section(page(dossier, "leaky"), "rules").text


def test_start_up_is_from_the_execution_to_its_first_container(dossier: Any) -> None:
    told = section(page(dossier, "good"), "health").text
    assert "half took less than 5.5 s, the longest 6.5 s; the logs tell it of 7 of 75 executions" in told
    assert "not told by the logs" not in told


def test_the_index_has_one_row_for_a_change_however_many_properties_it_set(dossier: Any) -> None:
    changes = section(markup.read(dossier[0] / "index.html"), "changes")
    rows = [row for row in changes.all("tr") if "maxExecutions" in row.text]
    assert len(rows) == 1
    assert "app:1" in rows[0].text
    assert "became" in rows[0].text
    count = dossier[2].execute("select count(distinct change_id) from changes").fetchone()[0]
    assert len([row for row in changes.all("table")[0].all("tr") if row.all("td")]) == count
    assert f"{count} changes on " in changes.text


def test_pages_hold_their_structure(dossier: Any) -> None:
    for path in (*(dossier[0] / "jobs").iterdir(), *(dossier[0] / "incidents").iterdir(), dossier[0] / "index.html"):
        read = markup.read(path)
        ids = [each.attributes["id"] for each in read.all() if "id" in each.attributes]
        assert len(ids) == len(set(ids)), path.name
        for each in read.all():
            assert set(each.attributes.get("aria-labelledby", "").split()) <= set(ids), path.name
            assert not [key for key in each.attributes if key.startswith("on") or key in ("style", "src")], path.name
        levels = [int(each.tag[1]) for each in read.all("h1", "h2", "h3", "h4")]
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), (path.name, levels)
        regions = [each.attributes["aria-label"] for each in read.all() if each.attributes.get("role") == "region"]
        assert len(regions) == len(set(regions)), path.name
        for table in read.all("table"):
            assert table.children[0].tag == "caption", path.name


def test_hostile_words_stay_words(dossier: Any) -> None:
    for read in (page(dossier, "hostile"), incident(dossier, "hostile")):
        assert report_fixture.SCRIPT in read.text
        assert "safe[U+202E]gnp.exe[U+202C][U+200B]" in read.text
        assert not read.all("script", "img", "iframe")


def test_the_same_tables_give_the_same_pages(dossier: Any, tmp_path: Path) -> None:
    folder, stored, con = dossier
    html.write(con, stored.run, stored, tmp_path, [packaged("report_templates")])
    for path in (*(folder / "jobs").iterdir(), *(folder / "incidents").iterdir()):
        assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes(), path.name
