"""The YAML of a recipe: what a loader makes of it is the definition, and it refuses where it isn't to be applied."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.change.rollback.inputs import taken_out
from audit.model import json_path
from audit.render.change_files import INCOMPLETE, REQUIRED_INPUT, recipe

JOB = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-orders/providers/Microsoft.App/jobs/orders"
MARK = "[redacted:0123456789abcdef:jwt]"


def row(definition: dict[str, Any], **fields: Any) -> dict[str, Any]:
    kept, inputs = taken_out(definition, {})
    told = {"required_inputs": [each._asdict() for each in inputs], "by_hand": [], "images": [], "definition": kept}
    given = {
        "job_id": JOB,
        "source": "earlier run",
        "source_run_id": "r0",
        "as_of": datetime(2026, 11, 1, tzinfo=UTC),
        "complete": True,
        "because": None,
        "command": "update",
        "file": "orders.yaml",
        **told,
        **fields,
    }
    return {name: msgspec.json.encode(value).decode() if name in told else value for name, value in given.items()}


_NAMES = st.one_of(
    st.text(max_size=20), st.sampled_from(("no", "Y", "on", "null", "~", "<<", "=", "1e3", "a.b", "value", "x" * 200))
)
_HOSTILE = (
    "no", "1e3", "0x10", "0o7", "1_000", "2026-11-01", "1:30", ".5", "~", "a: b", "# c", "- d", "'", "\x00", "\x85",
    "\u2028", "\u202eevil", "\U0001f600", "\ufeff", "x\ny\r\n", " z ", "!tag", "&a", "*a", "%",
)  # fmt: skip
_SCALARS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(_HOSTILE),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
_DOCUMENTS = st.dictionaries(
    _NAMES,
    st.recursive(
        _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4), max_leaves=6
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(_DOCUMENTS)
def test_a_loader_reads_the_definition_itself(definition: dict[str, Any]) -> None:
    text = recipe(row(definition))
    assert text.isascii()
    assert yaml.safe_load(text.replace("\x00", "")) == definition  # as the CLI reads it


@settings(max_examples=40, deadline=None)
@given(_DOCUMENTS, st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=10))
def test_with_its_inputs_filled_it_is_the_definition(definition: dict[str, Any], around: str) -> None:
    definition = {**definition, "secret": {"list": ["first", f"{around}{MARK}"], "member": MARK}}
    shown = row(definition)
    text = recipe(shown)
    assert "[redacted:" not in text
    with pytest.raises(yaml.constructor.ConstructorError, match=REQUIRED_INPUT):
        yaml.safe_load(text)
    asked = msgspec.json.decode(shown["required_inputs"])
    assert text.count(f" {REQUIRED_INPUT} ") >= len(asked) == 2
    filled = re.sub(rf" {REQUIRED_INPUT} \".*\"$", ' "given"', text, flags=re.MULTILINE)
    expected = msgspec.json.decode(shown["definition"])
    for each in asked:
        way = json_path.steps(each["path"], expected)
        assert way is not None
        assert json_path.at(expected, way) is None
        json_path.at(expected, way[:-1])[way[-1]] = "given"
    assert yaml.safe_load(filled) == expected
    assert expected["secret"] == {"list": ["first", "given"], "member": "given"}


def test_an_uncertain_recipe_refuses_in_its_first_line() -> None:
    text = recipe(row({"name": "orders"}, complete=False, because=f"nobody knows\nwhat {MARK} was"))
    with pytest.raises(yaml.constructor.ConstructorError, match=INCOMPLETE):
        yaml.safe_load(text)
    first, _, rest = text.partition("\n")
    assert first == 'refuse: !incomplete "nobody knows\\nwhat (hidden) was"'
    assert yaml.safe_load(rest) == {"name": "orders"}


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader, yaml.FullLoader])
def test_no_loader_takes_a_tag(loader: Any) -> None:
    with pytest.raises(yaml.constructor.ConstructorError):
        yaml.load(recipe(row({"name": MARK})), Loader=loader)  # noqa: S506  whether it refuses is the question


def test_a_name_that_was_hidden_is_asked_for_with_its_value() -> None:
    shown = row({"tags": {MARK: "x", "a": "b"}})
    assert msgspec.json.decode(shown["definition"]) == {"tags": {"hidden name 1": None, "a": "b"}}
    assert '"hidden name 1": !required-input "its name was hidden' in recipe(shown)


def test_the_header_says_how_it_is_applied_and_can_not_be_broken_out_of() -> None:
    hostile = JOB + "\nrefuse: no\u202e; rm -rf ~ #"
    text = recipe(
        row(
            {"name": "orders"},
            job_id=hostile,
            by_hand=[{"path": "tags.a", "why": "was not set\nthen", "command": "az rest --method patch"}],
            images=[
                {"container": "w", "image": "r/w:1", "digest": "sha256:aa", "digest_known_from": "its registry: x"},
                {"container": "v", "image": "r/v@sha256:bb", "digest": "sha256:bb", "digest_known_from": "itself"},
                {"container": "u\n", "image": "r/u:2", "digest": None, "digest_known_from": "not known: y"},
            ],
        )
    )
    header = [line for line in text.splitlines() if line.startswith("#")]
    assert text.splitlines() == [*header, 'name: "orders"']
    assert yaml.safe_load(text) == {"name": "orders"}
    told = "\n".join(header)
    assert "--name 'orders\\nrefuse: no\\u202e; rm -rf ~ #' --resource-group rg-orders --subscription 1111" in told
    assert "--yaml orders.yaml" in told
    assert "1. tags.a: was not set\\nthen\n#      az rest --method patch" in told
    assert "1. w: r/w:1, sha256:aa by its registry: x\n" in told
    assert "2. v: r/v@sha256:bb\n" in told
    assert "3. u\\n: r/u:2, its digest is not known: y" in told


def test_a_long_id_stands_on_the_line_of_its_value() -> None:
    identity = f"/subscriptions/{'s' * 36}/resourceGroups/{'g' * 90}/providers/Microsoft.ManagedIdentity/x/{'i' * 128}"
    assert f'\n  "{identity}": {{}}\n' in recipe(row({"users": {identity: {}}}))
