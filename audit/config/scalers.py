"""The scaler catalogue: config/scalers.json as it travels with the program, and a user's own laid over it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import msgspec

from audit.config import toml
from audit.config.packaged import packaged
from audit.errors import ConfigError
from audit.model.scaler import Catalogue, Scaler

_HINT = "see docs/scalers.md for the file's shape; it may hold only the scalers that differ"


@cache
def shipped() -> Catalogue:
    """Return the catalogue that travels with the program."""
    return read(packaged("config") / "scalers.json")


def read(path: Path) -> Catalogue:
    """Read a catalogue. Raises ConfigError naming the file and the key."""
    text = toml.read(path, hint="store.scalers names a file relative to audit.toml's folder")
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ConfigError(f"not valid JSON: {error}", where=str(path), hint=_HINT) from None
    found = toml.structured(document, Catalogue, str(path))
    names: dict[str, Scaler] = {}
    for name, scaler in found.scalers.items():
        if name.strip().lower() in names:
            raise toml.wrong(str(path), f"scalers.{name}", f'the scaler "{name}" is listed twice', hint=_HINT)
        names[name.strip().lower()] = scaler
    return msgspec.structs.replace(found, scalers=names)


def differing(own: Catalogue) -> dict[str, Scaler]:
    """Return what a user's own catalogue says differently from the shipped one: that much the run keeps."""
    known = shipped().scalers
    return {name: scaler for name, scaler in sorted(own.scalers.items()) if known.get(name) != scaler}


def overlaid(own: dict[str, Scaler]) -> Catalogue:
    """Return the shipped catalogue with a run's own scalers laid over it."""
    base = shipped()
    return msgspec.structs.replace(base, scalers={**base.scalers, **own}) if own else base
