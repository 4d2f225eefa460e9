"""The laws of a JSON merge patch, and what the container-app CLI does before it sends one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.change.merge import merge, sent

NAMES = st.sampled_from("abc")
SCALARS = st.one_of(st.integers(0, 3), st.sampled_from(["", "x"]), st.booleans())
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3))
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=3)
PATCHES = st.dictionaries(
    NAMES, st.recursive(SCALARS | st.none(), lambda inner: st.dictionaries(NAMES, inner, max_size=3)), max_size=3
)


# https://www.rfc-editor.org/rfc/rfc7396#appendix-A
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_rfc(target: Any, patch: Any, result: Any) -> None:
    assert merge(target, patch) == result


@given(DOCUMENTS, PATCHES)
def test_twice_is_once_and_neither_is_changed(target: dict[str, Any], patch: dict[str, Any]) -> None:
    before = copy.deepcopy((target, patch))
    once = merge(target, patch)
    assert merge(once, patch) == once
    assert (target, patch) == before


@given(DOCUMENTS)
def test_nothing_changes_nothing(target: dict[str, Any]) -> None:
    assert merge(target, {}) == target
    assert merge(target, target) == target


@given(DOCUMENTS, PATCHES)
def test_what_is_not_named_stays(target: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = merge(target, patch)
    assert {key: merged[key] for key in target.keys() - patch.keys()} == {
        key: target[key] for key in target.keys() - patch.keys()
    }
    assert not {key for key, value in patch.items() if value is None} & merged.keys()


@given(DOCUMENTS, PATCHES)
def test_what_the_cli_sends_takes_nothing_away(target: dict[str, Any], patch: dict[str, Any]) -> None:
    prepared, left = sent(patch)
    assert target.keys() <= merge(target, prepared).keys()
    assert bool(left) == (prepared != patch)
