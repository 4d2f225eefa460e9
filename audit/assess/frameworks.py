"""Framework labels: for each requirement that a control may support, a few words of our own; and what none can show."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from audit.assess.header import Frameworks, near
from audit.config import packaged
from audit.errors import ConfigError

LINK = "supports"
"""What a control does to a requirement. It never makes anybody compliant."""


class NotShown(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a framework asks around jobs that this program can't show."""

    requirements: tuple[str, ...]
    """The framework's ids, as it writes them."""
    asks: str
    """What they are about, in our words."""
    look: str
    """Where the evidence lies instead."""


class Framework(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One framework: its name and edition, our label for each id, and what it asks beyond our reach."""

    name: str
    labels: dict[str, str]
    weak: dict[str, tuple[str, ...]] = {}
    """By requirement, the controls that no more than touch it."""
    not_shown: tuple[NotShown, ...] = ()


def frameworks(directory: Path | None = None) -> dict[str, Framework]:
    """Return every framework by its key in a control's header, in the header's order.

    ``directory`` holds one <key>.toml each; None = those that travel with the program. Raises ConfigError.
    """
    home = directory or packaged("config") / "frameworks"
    keys = Frameworks.__struct_fields__
    for path in sorted(home.glob("*.toml")):
        if path.stem not in keys:
            raise ConfigError(f'no framework is called "{path.stem}"', where=str(path), hint=near(path.stem, keys))
    return {key: _read(home / f"{key}.toml") for key in keys}


def _read(path: Path) -> Framework:
    try:
        framework = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Framework)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(
            f"the framework's labels can't be read: {error}",
            where=str(path),
            hint="expected: name, tables [labels] and [weak], and [[not_shown]] with requirements, asks and look",
        ) from None
    for requirement in framework.weak:
        if requirement not in framework.labels:
            hint = near(requirement, tuple(framework.labels))
            raise ConfigError(f'"{requirement}" under [weak] has no label', where=str(path), hint=hint)
    for each in framework.not_shown:
        for requirement in each.requirements:
            if requirement in framework.labels:
                raise ConfigError(
                    f'"{requirement}" stands among the labels and under [[not_shown]]',
                    where=str(path),
                    hint="what a control can support is not beyond reach: remove it from one of them",
                )
    return framework
