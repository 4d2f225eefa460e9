"""Two jobs of one name in one environment: a line of the logs is nobody's own, unless its execution is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dossier_fixture
import markup
import pytest
import report_fixture
from report_fixture import ENVIRONMENT, NOW, job_id

from audit.config import packaged
from audit.render import html, links

TWIN = job_id("good").replace("/resourceGroups/", "/resourceGroups/twin-")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, markup.Element]:
    root = tmp_path_factory.mktemp("namesakes")
    stored = report_fixture.store(root / "output")
    with report_fixture.tables(stored, root / "tables.duckdb") as con:
        fill = dossier_fixture.Filler(con)
        for table in ("jobs", "population"):
            con.execute(
                f"insert into {table} select * replace ($twin as job_id, row_id || '2' as row_id, "
                f"'twin-' || resource_group as resource_group) from {table} where job_id = $good",
                {"twin": TWIN, "good": job_id("good")},
            )
        own = dossier_fixture.execution(fill, "good", NOW - timedelta(hours=10), "Failed")
        line(fill, own, "OwnLine", exit_code=137)
        line(fill, "good-other", "SharedLine", exit_code=139)
        line(fill, "good-other", "PulledImage", image="acr.azurecr.io/app:9", pull_seconds=3.0, type="Normal")
        line(fill, None, "Unscheduled")
        html.write(con, stored.run, stored, root / "pack", [packaged("report_templates")])
    return {
        f"{kind} {name}": markup.read(root / "pack" / place(job))
        for kind, place in (("incident", links.incident_page), ("job", links.job_page))
        for name, job in (("good", job_id("good")), ("twin", TWIN))
    }


def line(fill: dossier_fixture.Filler, execution: str | None, reason: str, **more: Any) -> None:
    told = {"type": "Warning", "message": f"message of {reason}"} | more
    fill.add("execution_logs", workspace="w", environment_id=ENVIRONMENT, job_name="GOOD", execution_name=execution,
             reason=reason, at=NOW - timedelta(hours=9), **told)  # fmt: skip


def told(page: markup.Element, reason: str) -> list[str]:
    return [row.text for row in page.all("tr") if f"message of {reason}" in row.text]


def test_a_line_that_may_be_of_either_is_shown_in_both_and_says_so(pages: dict[str, markup.Element]) -> None:
    for name in ("good", "twin"):
        for reason in ("SharedLine", "Unscheduled"):
            (row,) = told(pages[f"incident {name}"], reason)
            assert "of one of 2 jobs of this name" in row
        assert "some of them of one of 2 jobs of this name" in pages[f"incident {name}"].text


def test_a_line_about_an_execution_that_azure_lists_is_of_that_job_alone(pages: dict[str, markup.Element]) -> None:
    (row,) = told(pages["incident good"], "OwnLine")
    assert "of one of" not in row
    assert told(pages["incident twin"], "OwnLine") == []


def test_no_figure_rests_on_a_line_that_may_be_anothers(pages: dict[str, markup.Element]) -> None:
    for name in ("good", "twin"):
        for words in ("139", "acr.azurecr.io/app:9", "SharedLine"):
            assert words not in pages[f"job {name}"].text
    assert "137" in pages["job good"].text
    assert "137" not in pages["job twin"].text
