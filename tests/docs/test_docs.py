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
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
