"""The report in a real browser: policy kept, readable without script, at 360 px, in the dark, on paper, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import report_fixture

from audit.render import links

CONTRAST = """() => {
  const parse = text => { const m = text.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return parse(getComputedStyle(document.documentElement).colorScheme === 'dark' ? 'rgb(0,0,0)' : 'rgb(255,255,255)');
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    if (!node.data.trim()) continue;
    const element = node.parentElement, style = getComputedStyle(element);
    if (style.visibility === 'hidden' || style.display === 'none') continue;
    const a = light(parse(style.color)), b = light(ground(element));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push([node.data.trim().slice(0, 40), style.color, ratio]);
  }
  return found;
}"""


def _chosen(report: Path) -> list[Path]:
    """One page of every sort."""
    raw = sorted((report / "pages").rglob("*.html"))
    return [
        report / "index.html",
        report / links.job_page(report_fixture.job_id("hostile")),
        report / links.job_page(report_fixture.job_id("secretive")),
        report / links.job_page(report_fixture.job_id("gone")),
        report / links.incident_page(report_fixture.job_id("secretive")),
        report / links.incident_page(report_fixture.job_id("hostile")),
        report / "verdicts" / "JA-13.html",
        report / "coverage" / "jobs.html",
        report / links.framework_page("nist80053"),
        raw[0],
        next(path for path in raw if "principals" in path.parts),
    ]


@contextmanager
def _page(browser: Any, **options: Any) -> Iterator[tuple[Any, list[str]]]:
    context = browser.new_context(**options)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file:") else said.append(request.url))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    yield page, said
    context.close()


def test_no_page_breaks_its_policy_or_asks_the_network(browser: Any, report: Path) -> None:
    with _page(browser) as (page, said):
        for path in [*_chosen(report), *sorted((report / "jobs").iterdir()), *sorted((report / "incidents").iterdir())]:
            page.goto(path.as_uri())
            assert page.evaluate("getComputedStyle(document.querySelector('.page-head')).maxWidth") != "none", path.name
        assert said == []


def test_it_reads_the_same_without_script(browser: Any, report: Path) -> None:
    with _page(browser, java_script_enabled=False) as (page, said):
        page.goto((report / "index.html").as_uri())
        told = page.locator("main").inner_text()
        for words in ("Coverage", "Findings", "What changed", "Who has access", "Owners", "Provenance"):
            assert words in told
        page.locator("table.matrix a").first.click()
        assert "/jobs/" in page.url
        assert page.locator("h1").is_visible()
        assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Any, report: Path, scheme: str) -> None:
    with _page(browser, color_scheme=scheme) as (page, _):
        for path in _chosen(report):
            page.goto(path.as_uri())
            assert page.evaluate(CONTRAST) == [], path.name
        page.goto(f"{(report / links.job_page(report_fixture.job_id('good'))).as_uri()}")
        page.locator("a.raw").first.click()
        assert page.evaluate(CONTRAST) == [], "a raw page's target"


@pytest.mark.parametrize("width", [320, 360, 768, 1440])
def test_the_page_never_scrolls_sideways(browser: Any, report: Path, width: int) -> None:
    """Wide tables scroll in regions of their own, which can be reached by keyboard."""
    with _page(browser, viewport={"width": width, "height": 800}) as (page, _):
        for path in _chosen(report):
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name
            out_of_reach = """[...document.querySelectorAll('main *')].filter(each =>
                ['auto', 'scroll'].includes(getComputedStyle(each).overflowX) && each.scrollWidth > each.clientWidth
                && !(each.tabIndex === 0 && each.ariaLabel)).map(each => each.outerHTML.slice(0, 80))"""
            assert page.evaluate(out_of_reach) == [], path.name


def test_the_first_tab_offers_a_way_past_the_navigation(browser: Any, report: Path) -> None:
    with _page(browser) as (page, _):
        page.goto((report / "index.html").as_uri())
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.inner_text() == "Skip to the content"
        assert focused.bounding_box()["x"] >= 0
        assert focused.evaluate("each => getComputedStyle(each).outlineStyle") != "none"
        page.keyboard.press("Enter")
        assert page.url.endswith("#content")


def test_a_row_leads_to_its_item_and_the_item_is_marked(browser: Any, report: Path) -> None:
    with _page(browser) as (page, _):
        page.goto((report / links.job_page(report_fixture.job_id("good"))).as_uri())
        page.locator("header a.raw").click()
        item = page.locator(":target")
        assert '"name": "good"' in item.inner_text()
        assert item.evaluate("each => getComputedStyle(each).backgroundColor") != "rgba(0, 0, 0, 0)"
        assert "GET https://management.azure.com" in page.locator("main").inner_text()


def test_accessible_names_and_roles(browser: Any, report: Path) -> None:
    """What a screen reader is given: links and regions have names, headers head their cells."""
    with _page(browser) as (page, _):
        page.goto((report / "index.html").as_uri())
        assert page.get_by_role("main").count() == 1
        assert page.get_by_role("navigation", name="Sections").count() == 1
        assert page.get_by_role("contentinfo").count() == 1
        assert page.evaluate("[...document.links].filter(each => !each.textContent.trim()).length") == 0
        table = page.get_by_role("table", name="Counts of verdicts; each leads to the checks on the job's page")
        assert table.get_by_role("columnheader", name="Identity").count() == 1
        assert table.get_by_role("rowheader", name="hostile").count() == 1
        names = page.evaluate("[...document.querySelectorAll('[role=region]')].map(each => each.ariaLabel)")
        assert all(names)
        assert len(names) == len(set(names))


def test_on_paper_everything_is_there_and_dark_ground_is_not(browser: Any, report: Path, tmp_path: Path) -> None:
    with _page(browser, color_scheme="dark", viewport={"width": 1080, "height": 760}) as (page, _):
        page.goto((report / "index.html").as_uri())
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate(CONTRAST) == []
        cut = page.evaluate(
            "[...document.querySelectorAll('.scroll')].filter(e => getComputedStyle(e).overflowX !== 'visible').length"
        )
        assert cut == 0
        page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
        assert (tmp_path / "report.pdf").stat().st_size > 50_000


def test_hostile_text_stays_text(browser: Any, report: Path) -> None:
    with _page(browser) as (page, said):
        page.goto((report / links.job_page(report_fixture.job_id("hostile"))).as_uri())
        assert page.locator("script, img, iframe, object, form").count() == 0
        assert report_fixture.SCRIPT in page.locator("main").inner_text()
        assert said == []
