"""Every page of the report, looked at as a document: links, headings, tables, policy, and hostile text."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import stat
from pathlib import Path
from typing import Any

import markup
import pytest
import report_fixture

ELEMENTS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "a",
    "header",
    "nav",
    "main",
    "section",
    "footer",
    "h1",
    "h2",
    "h3",
    "p",
    "dl",
    "div",
    "dt",
    "dd",
    "ol",
    "ul",
    "li",
    "table",
    "caption",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "span",
    "code",
    "pre",
    "strong",
    "br",
    "abbr",
    "del",
    "ins",
    "details",
    "summary",
    "figure",
    "figcaption",
    "svg",
    "desc",
    "defs",
    "pattern",
    "rect",
    "path",
    "circle",
    "text",
}


@pytest.fixture(scope="module")
def read(made: Any) -> dict[str, markup.Element]:
    return {str(path.relative_to(made.folder)): markup.read(path) for path in markup.pages(made.folder)}


def test_there_is_a_page_for_every_job_control_and_kind(made: Any, read: dict[str, markup.Element]) -> None:
    from audit.render import links

    jobs = [row[0] for row in made.con.execute("select job_id from population").fetchall()]
    assert len(jobs) == 15
    assert {links.job_page(job) for job in jobs} == {name for name in read if name.startswith("jobs/")}
    controls = [row[0] for row in made.con.execute("select control_id from controls").fetchall()]
    assert {links.verdict_page(control) for control in controls} <= read.keys()
    assert {links.coverage_page(kind) for kind in made.stored.run.kinds} <= read.keys()


def test_every_link_leads_somewhere(made: Any, read: dict[str, markup.Element]) -> None:
    anchors = {
        name: {each.attributes["id"] for each in page.all() if "id" in each.attributes} for name, page in read.items()
    }
    broken, followed = [], 0
    for name, page in read.items():
        for link in page.all("a"):
            path, _, anchor = link.attributes["href"].partition("#")
            target = (made.folder / name).parent / path if path else made.folder / name
            resolved = target.resolve()
            followed += 1
            if (
                not resolved.is_file()
                or made.folder.resolve() not in resolved.parents
                or (anchor and anchor not in anchors[str(resolved.relative_to(made.folder.resolve()))])
            ):
                broken.append((name, link.attributes["href"]))
    assert not broken
    assert followed > 1000


def test_every_row_that_has_a_page_leads_to_its_words(made: Any, read: dict[str, markup.Element]) -> None:
    """What the workbook links to by name alone is there too."""
    from audit.render import links

    tables = [
        row[0]
        for row in made.con.execute(
            "select table_name from duckdb_tables() where schema_name = 'main' and not temporary"
        ).fetchall()
    ]
    refs = {
        ref for table in tables for (ref,) in made.con.execute(f'select distinct raw_ref from "{table}"').fetchall()
    }
    led = [page for page in map(links.raw_page, refs) if page]
    assert len(led) > 70
    for page in led:
        path, _, anchor = page.partition("#")  # what a whole unit says leads to its first page
        assert not anchor or any(each.attributes.get("id") == anchor for each in read[path].all()), page
        assert path in read, page


def test_nothing_is_loaded_and_nothing_runs(read: dict[str, markup.Element]) -> None:
    for name, page in read.items():
        assert {each.tag for each in page.all()} - {"#document"} <= ELEMENTS, name
        for each in page.all():
            assert not [
                key for key in each.attributes if key.startswith("on") or key in ("style", "src", "srcset", "srcdoc")
            ]
            assert not re.match(r"\s*[a-z][a-z0-9+.-]*:|//", each.attributes.get("href", "")), name


def test_the_policy_allows_the_style_sheet_and_nothing_else(read: dict[str, markup.Element]) -> None:
    for page in read.values():
        (style,) = page.all("style")
        digest = base64.b64encode(hashlib.sha256("".join(style.texts).encode()).digest()).decode()
        (policy,) = [
            each for each in page.all("meta") if each.attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy.attributes["content"] == (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
        )
        assert "url(" not in "".join(style.texts)
        assert "@import" not in "".join(style.texts)


def test_headings_go_down_one_step_at_a_time(read: dict[str, markup.Element]) -> None:
    for name, page in read.items():
        levels = [int(each.tag[1]) for each in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
        assert levels[0] == 1, name
        assert levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), (name, levels)


def test_ids_are_unique_and_labels_lead_to_them(read: dict[str, markup.Element]) -> None:
    for name, page in read.items():
        ids = [each.attributes["id"] for each in page.all() if "id" in each.attributes]
        assert len(ids) == len(set(ids)), name
        for each in page.all():
            assert set(each.attributes.get("aria-labelledby", "").split()) <= set(ids), name


def test_tables_say_what_they_hold_and_what_their_headers_head(read: dict[str, markup.Element]) -> None:
    for name, page in read.items():
        for table in page.all("table"):
            assert table.children[0].tag == "caption", name
            assert table.children[0].text, name
            for header in table.all("th"):
                assert header.attributes.get("scope") in ("col", "row", "rowgroup"), name
            for row in table.all("tr"):
                assert row.all("th"), (name, row.text)
            (head,) = table.all("thead")
            columns = len(head.all("th"))
            for row in table.all("tr"):
                cells = [each for each in row.children if each.tag in ("th", "td")]
                assert sum(int(each.attributes.get("colspan", "1")) for each in cells) == columns, (name, row.text)


def test_pages_have_a_language_a_title_landmarks_and_a_way_past_the_navigation(read: dict[str, markup.Element]) -> None:
    for name, page in read.items():
        (html,) = page.all("html")
        assert html.attributes["lang"] == "en"
        assert len(page.all("main")) == 1, name
        assert page.all("title")[0].text
        first = page.all("a")[0]
        assert first.attributes["href"] == "#content"
        assert page.all("main")[0].attributes["id"] == "content"


def test_hostile_text_is_shown_and_does_nothing(made: Any, read: dict[str, markup.Element]) -> None:
    for path in markup.pages(made.folder):
        told = path.read_text("utf-8")
        found = re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", told)
        assert found is None, (path.name, found)
    from audit.render import links

    page = read[links.job_page(report_fixture.job_id("hostile"))].text
    assert report_fixture.SCRIPT in page
    assert "[U+001B][31mred[U+001B][0m[U+0007]" in page
    assert "safe[U+202E]gnp.exe[U+202C][U+200B]" in page
    assert report_fixture.LONG in page
    assert "{{ 7*7 }} {% raw %} &amp; </style></pre>" in page


def test_only_the_owner_may_read_the_files(made: Any) -> None:
    for path in markup.pages(made.folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_colour_never_speaks_alone(read: dict[str, markup.Element]) -> None:
    """Verdicts, severities and states carry a word besides their colour and their shape."""
    for page in read.values():
        for each in page.all("span"):
            if set(each.attributes.get("class", "").split()) & {"verdict", "severity", "state"}:
                shape = next(child for child in each.children if child.attributes.get("class") == "shape")
                assert shape.attributes["aria-hidden"] == "true"
                assert "".join(each.texts).strip()


def test_the_folder_holds_nothing_half_made(made: Any) -> None:
    assert not [path for path in Path(made.folder).iterdir() if path.name.startswith(".")]
