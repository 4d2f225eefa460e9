"""Tests and what they share are imported by name alone, so no two files of the tree may bear one name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent


def test_every_module_of_the_tests_has_a_name_of_its_own() -> None:
    names = Counter(path.name for path in TESTS.rglob("*.py") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []


def test_nothing_is_imported_from_a_conftest_of_a_folder() -> None:
    """There is one in several folders, and which one ``conftest`` is depends on what was collected first."""
    bare = [path for path in TESTS.rglob("*.py") if "\nfrom " + "conftest import" in path.read_text(encoding="utf-8")]
    assert bare == []
