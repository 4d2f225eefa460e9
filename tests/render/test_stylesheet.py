"""A page that is one of thousands carries only the rules that it can follow, and none of those is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.config import packaged
from audit.render import stylesheet
from audit.render.templates import Templates

SHEET = stylesheet.small("""
/* a comment */
:root { --ink: #000; --bar: red; --soft: #333 }
a { color: var(--ink) }
.item:target, .chart .bar { color: var(--soft); }
.chart { fill: var(--bar) }
h1 > .lead, main p { margin: 0 }
:is(.chart, .item) { top: 0 }
[data-x=".gone"] { left: 0 }
@media print { .chart { width: 0 } @page { size: A4 } .item { width: 1px } }
@media screen { .chart { width: 0 } }
""")
SAID = frozenset({"a", "item", "h1", "main", "p"})


@pytest.fixture(scope="module")
def kept() -> str:
    return stylesheet.used(SHEET, SAID)


@pytest.mark.parametrize(
    "rule",
    [
        "a{color: var(--ink)}",
        ".item:target{color: var(--soft);}",
        "main p{margin: 0}",
        ":is(.chart,.item){top: 0}",
        '[data-x=".gone"]{left: 0}',
        "@media print{@page{size: A4}.item{width: 1px}}",
    ],
)
def test_what_can_apply_and_what_is_in_doubt_stays(kept: str, rule: str) -> None:
    assert rule in kept


@pytest.mark.parametrize("gone", [".bar", ".lead", "--bar", "screen", "comment"])
def test_what_cannot_apply_goes_with_the_variables_that_nothing_asks_for(kept: str, gone: str) -> None:
    assert gone not in kept


def test_variables_that_are_asked_for_stay(kept: str) -> None:
    assert kept.startswith(":root{--ink: #000;--soft: #333}")


def test_everything_stays_where_everything_is_said() -> None:
    said = SAID | {"chart", "bar", "lead"}
    assert stylesheet.used(SHEET, said) == SHEET


def test_raw_pages_keep_the_rules_of_their_own_and_of_the_base_template() -> None:
    own = Templates([packaged("report_templates")])
    slim, whole = str(own.sheet_of("raw_page.html")["style"]), str(own.shared["style"])
    for rule in (
        ".item:target{",
        ".skip:focus{",
        ".page-foot{",
        "pre{background",
        "@media (prefers-color-scheme: dark){",
    ):
        assert rule in slim
    assert ".chart" in whole
    assert ".chart" not in slim
    assert len(slim) < len(whole) / 2


def test_a_template_that_names_another_by_a_value_may_say_anything(tmp_path: Path) -> None:
    (tmp_path / "raw_page.html").write_text("{% include which %}")
    own = Templates([tmp_path, packaged("report_templates")])
    assert ".chart" in str(own.sheet_of("raw_page.html")["style"])
