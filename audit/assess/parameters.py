"""Baselines: what controls declare, and what is in force for a job, and by whose word."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from audit.assess import policy as policies
from audit.assess import profiles
from audit.assess.header import Control, Parameter, ParameterType, near
from audit.assess.policy import FRAME, Policy
from audit.assess.tables import ParameterRow
from audit.errors import ConfigError
from audit.model import Json

_TYPES: dict[ParameterType, Any] = {
    "text": str,
    "boolean": bool,
    "whole number": int,
    "list of text": list[str],
    "table of text": dict[str, str],
    "table of lists": dict[str, list[str]],
    "table of tables": dict[str, dict[str, Any]],
    "anything": Any,
}
_TOLD_BY_DEFAULT: dict[type, ParameterType] = {
    str: "text", bool: "boolean", int: "whole number", list: "list of text", dict: "table of text",
}  # fmt: skip


OWN_DEFAULT = "default of the control"
"""The origin of a baseline that nobody has set."""


class Baseline(NamedTuple):
    """The value in force of one parameter, as JSON-ready data, and where it comes from."""

    value: Any
    origin: str


def check_policy(controls: Sequence[Control], policy: Mapping[str, object], *, where: str = "audit.toml") -> Policy:
    """Hold [policy] against the controls' parameters. Raises ConfigError for an unknown key or a wrong type."""
    known = tuple(sorted({name for control in controls for name in control.header.parameters}))
    told = policies.read(policy, where=where)
    places: list[tuple[str, Mapping[str, Any]]] = [("policy", told.values)]
    places += [(f"policy.overrides[{each.place}]", each.values) for each in told.overrides]
    for path, values in places:
        for key in values:
            if key not in known:
                names = (*known, *FRAME) if path == "policy" else (*known, *policies.OverrideKeys.__struct_fields__)
                raise ConfigError(
                    f'no control has a parameter "{key}"', where=f"{where}: {path}.{key}", hint=near(key, names)
                )
    for control in controls:
        for name, parameter in control.header.parameters.items():
            _typed(parameter, parameter.default, f"{control.path}: parameters.{name}.default")
            for path, values in places:
                if name in values:
                    _typed(parameter, values[name], f"{where}: {path}.{name}")
            for profile, shipped in profiles.shipped().items():
                if name in shipped.policy:
                    _typed(parameter, shipped.policy[name], f"profiles/{profile}.toml: policy.{name}")
    return told


def baselines(control: Control, policy: Policy, fitting: Sequence[int] = ()) -> dict[str, Baseline]:
    """Return a control's baselines by name, for a job that these overrides fit (their indices, in order)."""
    return {
        name: _baseline(name, parameter, policy, fitting)
        for name, parameter in sorted(control.header.parameters.items())
    }


def rows(control: Control, found: Mapping[str, Baseline], job_id: str | None) -> Iterator[ParameterRow]:
    """Yield baselines as rows of ``parameters``."""
    for name, each in found.items():
        yield ParameterRow(
            control_id=control.id,
            job_id=job_id,
            name=name,
            value=Json(each.value),
            origin=each.origin,
            description=control.header.parameters[name].description,
        )


def _baseline(name: str, parameter: Parameter, policy: Policy, fitting: Sequence[int]) -> Baseline:
    told = [(policy.overrides[index], found) for index in fitting if (found := policy.overrides[index].sets(name))]
    if told:
        (override, (value, how)), beaten = told[-1], [each for each, _ in told[:-1]]
        over = f"; the later wins over {', '.join(each.words for each in beaten)}" if beaten else ""
        return Baseline(_plain(value), f"audit.toml: {override.words}{how}{over}")
    if name in policy.values:
        return Baseline(_plain(policy.values[name]), f"audit.toml: policy.{name}")
    profile = profiles.shipped()[policy.profile].policy
    if name in profile:
        return Baseline(_plain(profile[name]), f"profile {policy.profile}")
    return Baseline(_plain(parameter.default), OWN_DEFAULT)


def _plain(value: object) -> Any:
    """Return JSON-ready data: a TOML date becomes text, keys are sorted."""
    return json.loads(msgspec.json.encode(value, order="sorted"))


def _typed(parameter: Parameter, value: object, where: str) -> None:
    kind = parameter.type or _TOLD_BY_DEFAULT.get(type(parameter.default), "anything")
    try:
        msgspec.convert(_plain(value), _TYPES[kind])
    except msgspec.ValidationError:
        told = msgspec.json.encode(value).decode()
        raise ConfigError(f"{kind} expected, not {told[:80]}", where=where, hint=parameter.description) from None
