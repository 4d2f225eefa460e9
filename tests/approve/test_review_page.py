"""approvals/review.html: hostile words are words, the policy holds, and every figure is the state's."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from returned_fixture import ANA, DAY, KEEP, Desk

from tests.render import markup

EVIL = "\u202e<script>alert(1)</script><img src=x onerror=y>\x1b[31m"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    rows = [("keep", EVIL.replace("\x1b", ""), ANA, DAY), ("revoke", "has left", EVIL.replace("\x1b", ""), DAY), None]
    desk.taken(desk.returned([*rows, KEEP]))
    return desk.pack / "approvals" / "review.html"


def test_hostile_words_are_words(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    assert text.count("[U+202E]&lt;script&gt;alert(1)&lt;/script&gt;") == 3, "a reason, and a name twice"


def test_the_policy_allows_its_own_style_and_nothing_else(page: Path) -> None:
    read = markup.read(page)
    (policy,) = (
        each.attributes["content"]
        for each in read.all("meta")
        if each.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    (style,) = re.findall(r"<style>(.*?)</style>", page.read_text(encoding="utf-8"), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert (
        policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_headings_tables_and_regions_are_told_to_those_who_listen(page: Path) -> None:
    read = markup.read(page)
    assert [each.tag for each in read.all("h1", "h2")] == ["h1"] + ["h2"] * 5
    ids = {each.attributes["id"] for each in read.all() if "id" in each.attributes}
    for section in read.all("section"):
        assert section.attributes["aria-labelledby"] in ids
    assert all(cell.attributes["scope"] in ("col", "row") for cell in read.all("th"))
    for region in read.all("div"):
        if region.attributes.get("class") == "scroll":
            assert region.attributes["role"] == "region"
            assert region.attributes["aria-label"]
            assert region.attributes["tabindex"] == "0"


def test_the_figures_are_the_states(page: Path) -> None:
    read = markup.read(page)
    assert "Open: 3 of 6 rows are not decided." in read.text
    rows = {
        row.children[0].text: [cell.text for cell in row.children[1:4]] for row in read.all("table")[0].all("tr")[1:]
    }
    assert rows == {
        "sent to nobody": ["1", "0", "1"],
        "ana@norvane.example": ["4", "3", "1"],
        "bo@norvane.example": ["1", "0", "1"],
    }
    assert page.stat().st_mode & 0o777 == 0o600
