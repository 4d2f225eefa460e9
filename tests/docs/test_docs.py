"""What people can use is documented, and what is documented is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from audit import cli
from docs import generate

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def verbs() -> list[str]:
    return sorted(typer.main.get_command(cli.app).commands)


def test_every_verb_has_its_section_and_no_section_is_about_nothing() -> None:
    sections = re.findall(r"^## (\w+)$", (DOCS / "verbs.md").read_text(), re.MULTILINE)
    assert sorted(sections) == verbs()


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == generate.PAGES[name](), "run `make docs`"


def test_every_field_of_every_setting_and_column_that_a_page_lists_is_explained_where_its_name_does_not() -> None:
    page = (DOCS / "configuration.md").read_text()
    undocumented = re.findall(r"^\| `(\w+)` \| [^|]* \| [^|]* \|  \|$", page, re.MULTILINE)
    assert undocumented == []


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in (ROOT / "README.md", *DOCS.glob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_nothing_committed_names_a_registry_host_or_a_private_path() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text(), lock.name


def test_the_lock_of_an_extra_changes_nothing_that_the_first_pins() -> None:
    first, second = (
        dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-oscal.lock")
    )
    shared = first.keys() & second.keys()
    assert shared
    assert {name: first[name] for name in shared} == {name: second[name] for name in shared}
