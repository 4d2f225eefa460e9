"""Baselines: the defaults that controls declare, overridden by [policy] of audit.toml."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from audit.assess.header import Control, Parameter, ParameterType, near
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


def check_policy(controls: Sequence[Control], policy: Mapping[str, object], *, where: str = "audit.toml") -> None:
    """Hold [policy] against the controls' parameters. Raises ConfigError for an unknown key or a wrong type."""
    known = tuple(sorted({name for control in controls for name in control.header.parameters}))
    for key in policy:
        if key not in known:
            raise ConfigError(
                f'no control has a parameter "{key}"', where=f"{where}: policy.{key}", hint=near(key, known)
            )
    for control in controls:
        for name, parameter in control.header.parameters.items():
            _typed(parameter, parameter.default, f"{control.path}: parameters.{name}.default")
            if name in policy:
                _typed(parameter, policy[name], f"{where}: policy.{name}")


def resolve(controls: Sequence[Control], policy: Mapping[str, object]) -> Iterator[ParameterRow]:
    """Yield every control's parameters with the value in force and where it comes from."""
    for control in controls:
        for name, parameter in sorted(control.header.parameters.items()):
            own = name in policy
            yield ParameterRow(
                control_id=control.id,
                job_id=None,
                name=name,
                value=Json(_plain(policy[name] if own else parameter.default)),
                origin=f"audit.toml: policy.{name}" if own else "default of the control",
                description=parameter.description,
            )


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
