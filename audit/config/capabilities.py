"""The capabilities: config/capabilities.toml as it travels with the program, and a user's own laid over it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from audit.config import toml
from audit.config.packaged import packaged
from audit.model.capability import Capabilities, Capability, Way

_ACTION = re.compile(r"[A-Za-z0-9.]+(/[A-Za-z0-9_.-]+)+")
_HINT = "config/capabilities.toml shows the shape"


@cache
def shipped() -> dict[str, Capability]:
    """Return the capabilities that travel with the program, by name."""
    return read(packaged("config") / "capabilities.toml")


def read(path: Path) -> dict[str, Capability]:
    """Read a file of capabilities. Raises ConfigError naming the file, the key, what was expected and what to do."""
    name = str(path)
    text = toml.read(path, hint="store.capabilities names a file relative to audit.toml's folder")
    found = toml.convert(text, Capabilities, name).capabilities
    for capability, each in found.items():
        if not each.ways:
            raise toml.wrong(name, f"capabilities.{capability}.ways", "no way is given", hint=_HINT)
        for index, way in enumerate(each.ways):
            _check(way, f"capabilities.{capability}.ways[{index}]", name)
    return found


def _check(way: Way, path: str, name: str) -> None:
    if bool(way.needs) == bool(way.holder):
        raise toml.wrong(name, path, "a way has either needs or a holder", hint=_HINT)
    if way.rights and not way.holder:
        raise toml.wrong(name, f"{path}.rights", "rights belong to a holder", hint=_HINT)
    for index, need in enumerate(way.needs):
        here = f"{path}.needs[{index}]"
        if bool(need.action) == bool(need.data_action):
            raise toml.wrong(name, here, "a need names one action or one data_action", hint="keep one of the two")
        action = need.action or need.data_action
        if not _ACTION.fullmatch(action):
            key = f"{here}.{'action' if need.action else 'data_action'}"
            raise toml.wrong(
                name, key, f'"{action[:80]}" is no action', hint="write one such as Microsoft.App/jobs/write, without *"
            )


def overlaid(own: dict[str, Capability]) -> dict[str, Capability]:
    """Return the shipped capabilities with a user's own laid over them, by name."""
    return {**shipped(), **own}
