"""Known changes undone: what Resource Graph tells of a difference leads back to what was there."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.change.rollback.definition import applicable, applies
from audit.change.rollback.undo import Property, undone
from audit.model import json_path
from audit.sandbox import SandboxOptions
from audit.sandbox.estate import build
from audit.sandbox.estate.seen import differences
from tests.conftest import NOW

JOB: dict[str, Any] = {
    "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/orders",
    "name": "orders",
    "tags": {"cost.center": "12", "owner": "ana"},
    "systemData": {"lastModifiedBy": "ana"},
    "identity": {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"},
    "properties": {
        "provisioningState": "Succeeded",
        "outboundIpAddresses": ["1.2.3.4"],
        "configuration": {
            "triggerType": "Event",
            "replicaTimeout": 1800,
            "scheduleTriggerConfig": None,
            "eventTriggerConfig": {"scale": {"maxExecutions": 10, "rules": [{"name": "q", "metadata": {"a.b": "1"}}]}},
        },
        "template": {
            "containers": [
                {
                    "name": "w",
                    "image": "r.azurecr.io/w:1",
                    "args": ["--fast", "no"],
                    "resources": {"cpu": 0.5, "memory": "1Gi", "ephemeralStorage": "2Gi"},
                }
            ],
            "initContainers": None,
        },
    },
}


def back(document: Any, *changes: tuple[str, str | None, str | None]) -> tuple[Any, list[str]]:
    return undone(document, [Property(*each) for each in changes])


def at(document: Any, path: str) -> Any:
    way = json_path.steps(path, document)
    assert way is not None
    return json_path.at(document, way)


@pytest.mark.parametrize(
    ("path", "before", "after", "value"),
    [
        ("properties.configuration.replicaTimeout", "600", "1800", 600),
        ("properties.template.containers[0].resources.cpu", "0.25", "0.5", 0.25),
        ("properties.template.containers[0].image", "w@sha256:a", "r.azurecr.io/w:1", "w@sha256:a"),
        ("properties.template.containers[0].args[1]", "1e3", "no", "1e3"),
        ("tags.cost.center", "11", "12", "11"),
        ("tags.cost.place", "x", None, "x"),
        ("properties.configuration.eventTriggerConfig.scale.rules[0].metadata.a.b", "2", "1", "2"),
        ("properties.configuration.eventTriggerConfig.scale.pollingInterval", "45", None, 45),
        ("properties.configuration.registries", '[{"server":"r"}]', None, [{"server": "r"}]),
        ("properties.configuration.registries[0].server", "r", None, "r"),
    ],
)  # fmt: skip
def test_a_value_becomes_again_what_it_was_and_of_its_kind(
    path: str, before: str, after: str | None, value: Any
) -> None:
    was, unfit = back(JOB, (path, before, after))
    assert unfit == []
    assert at(was, path) == value
    assert type(at(was, path)) is type(value)
    assert json_path.at(JOB, json_path.steps(path, JOB) or ()) != value  # the document given is left as it was


def test_what_a_change_brought_is_taken_away_with_what_held_nothing_else() -> None:
    was, unfit = back(
        JOB,
        ("properties.configuration.eventTriggerConfig.scale.rules[0].metadata.a.b", None, "1"),
        ("properties.template.containers[0].args[1]", None, "no"),
    )
    assert unfit == []
    assert at(was, "properties.configuration.eventTriggerConfig.scale.rules") == [{"name": "q"}]
    assert at(was, "properties.template.containers[0].args") == ["--fast"]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("properties.configuration.replicaTimeout", "600", "900"),  # it stands at 1800
        ("properties.configuration.replicaTimeout", "soon", "1800"),
        ("properties.template.containers[4].image", "a", None),  # nothing tells what stood before it
        ("tags.owner", "ben", None),
        ("properties.configuration.registries", "none", None),
        ("", "a", "b"),
    ],
)
def test_what_does_not_fit_is_named_and_left_alone(path: str, before: str, after: str | None) -> None:
    was, unfit = back(JOB, (path, before, after))
    assert unfit == [path]
    assert applicable(was) == applicable(JOB)


def test_a_hidden_value_fits_whichever_detector_hid_it() -> None:
    document = {"a": "[redacted:0123456789abcdef:jwt]"}
    assert back(document, ("a", "x", "[redacted:0123456789abcdef]")) == ({"a": "x"}, [])
    assert back(document, ("a", "x", "[redacted:fedcba9876543210]"))[1] == ["a"]


def test_only_what_can_be_applied_is_kept() -> None:
    kept = applicable(JOB)
    assert kept == {
        "name": "orders",
        "tags": JOB["tags"],
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "configuration": {
                "triggerType": "Event",
                "replicaTimeout": 1800,
                "eventTriggerConfig": JOB["properties"]["configuration"]["eventTriggerConfig"],
            },
            "template": {
                "containers": [
                    {
                        "name": "w",
                        "image": "r.azurecr.io/w:1",
                        "args": ["--fast", "no"],
                        "resources": {"cpu": 0.5, "memory": "1Gi"},
                    }
                ]
            },
        },
    }


def test_a_property_applies_where_the_definition_keeps_it() -> None:
    gone = differences(applicable(JOB), JOB)
    assert gone
    assert [path for path in gone if applies(path)] == []
    assert [path for path in differences({}, applicable(JOB)) if not applies(path)] == []


@cache
def _estate() -> tuple[dict[str, Any], ...]:
    estate = build(SandboxOptions(now=NOW))
    return tuple(body for body in estate.resources.values() if body["type"] == "Microsoft.App/jobs")


_TEXTS = st.text(min_size=1, max_size=12)
_PLACES = st.sampled_from(("env", "metadata", "tags", "args"))


@st.composite
def changed(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A job of the estate, and the same after a few changes of the kinds that people make."""
    before = applicable(draw(st.sampled_from(_estate())))
    after = copy.deepcopy(before)
    for _ in range(draw(st.integers(1, 4))):
        _change(draw, after)
    return (before, after) if draw(st.booleans()) else (after, before)


def _change(draw: st.DrawFn, body: dict[str, Any]) -> None:
    settings_, container = body["properties"]["configuration"], body["properties"]["template"]["containers"][0]
    kind = draw(st.integers(0, 6))
    if kind == 0:
        settings_["replicaTimeout"] = draw(st.integers(1, 10**6))
    elif kind == 1:
        settings_.pop("replicaRetryLimit", None)
    elif kind == 2:
        container["resources"]["cpu"] = draw(st.sampled_from((0.25, 0.5, 1.0, 2)))
    elif kind == 3:
        container.setdefault("env", []).append({"name": draw(_TEXTS), "value": draw(_TEXTS)})
    elif kind == 4:
        container.setdefault("args", []).append(draw(_TEXTS))
    elif kind == 5:
        body.setdefault("tags", {})[draw(st.sampled_from(("a", "cost.center", "no")))] = draw(_TEXTS)
    else:
        container["image"] = draw(_TEXTS)


@settings(max_examples=60, deadline=None)
@given(changed())
def test_undoing_what_resource_graph_tells_gives_what_was_there(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, after = pair
    told = [
        Property(path, each["previousValue"], each["newValue"]) for path, each in differences(before, after).items()
    ]
    was, unfit = undone(after, told)
    assert unfit == []
    assert was == before
