"""The profiles that travel with the program: config/profiles/NAME.toml, each a set of baselines for [policy]."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from audit.config import packaged, toml
from audit.errors import ConfigError

DEFAULT = "baseline"
"""The profile in force where [policy] names none."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One profile: what it is for, and the baselines that it sets; what it doesn't set is the control's default."""

    about: str
    policy: dict[str, Any] = {}


@cache
def shipped() -> dict[str, Profile]:
    """Return every profile by its name. Raises ConfigError for a file that isn't one."""
    found = {}
    for path in sorted((packaged("config") / "profiles").glob("*.toml")):
        found[path.stem] = toml.convert(toml.read(path, hint="reinstall the program"), Profile, str(path))
    if DEFAULT not in found:
        raise ConfigError(
            f'the profile "{DEFAULT}" is missing',
            where=str(packaged("config") / "profiles"),
            hint="reinstall the program",
        )
    return found
