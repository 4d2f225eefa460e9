"""[policy] read as it is meant: a profile, the estate's own baselines, and those of jobs that carry certain tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from audit.assess import profiles
from audit.assess.header import near
from audit.config import toml
from audit.errors import ConfigError

if TYPE_CHECKING:
    from audit.model import Severity

Days = Annotated[int, Meta(ge=1, le=3650)]


class ExceptionDays(msgspec.Struct, frozen=True, kw_only=True):
    """policy.exception_days_most: the most days from an exception's approval to its end, by the control's severity."""

    critical: Days = 30
    """For a critical control."""
    high: Days = 90
    """For a high one."""
    medium: Days = 180
    """For a medium one."""
    low: Days = 365
    """For a low one."""

    def of(self, severity: Severity) -> int:
        """Return the most days for a severity."""
        return int(getattr(self, severity.value))


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of [policy] that are no baseline of a control."""

    profile: str = profiles.DEFAULT
    """A set of baselines that travels with the program: ``baseline`` or ``strict``. Keys of your own win over it."""
    exception_days_most: ExceptionDays = ExceptionDays()
    """How long an exception may hold, by severity; one that is left out keeps the profile's or the default."""
    overrides: tuple[dict[str, Any], ...] = ()
    """[[policy.overrides]]: baselines for the jobs that carry all of its ``tags``; the later of two wins."""


class OverrideKeys(msgspec.Struct, frozen=True, kw_only=True):
    """[[policy.overrides]]: baselines for some jobs. Beside these keys it takes any baseline that [policy] takes."""

    tags: dict[str, str]
    """The tags that a job must carry: its own or, where it has none of that key, its resource group's, else its
    subscription's. Casing doesn't count. Where tags weren't read, verdicts that depend on them are ``not_assessed``."""
    profile: str = ""
    """A profile that holds for these jobs; the override's own baselines win over it, it wins over [policy]."""


class _Whole(msgspec.Struct, frozen=True, kw_only=True):
    policy: Frame = Frame()


class Override(NamedTuple):
    """One override: whom it is for, and what it sets."""

    place: int
    """Its place among the overrides, from 0."""
    tags: dict[str, str]
    profile: str
    values: dict[str, Any]

    @property
    def words(self) -> str:
        """Return its place in audit.toml and the tags that it goes by."""
        chosen = ", ".join(f'{key} = "{value}"' for key, value in self.tags.items())
        return f"policy.overrides[{self.place}] ({chosen})"

    def sets(self, name: str) -> tuple[Any, str] | None:
        """Return the value that it gives to a baseline, and the profile that it comes from, if any; None = no value."""
        if name in self.values:
            return self.values[name], ""
        if self.profile and name in profiles.shipped()[self.profile].policy:
            return profiles.shipped()[self.profile].policy[name], f", profile {self.profile}"
        return None


class Policy(NamedTuple):
    """[policy], its parts apart."""

    profile: str
    values: dict[str, Any]
    overrides: tuple[Override, ...]
    exception_days: ExceptionDays


def read(policy: Mapping[str, object], *, where: str = "audit.toml") -> Policy:
    """Take [policy] apart. Raises ConfigError for whatever is wrong but the baselines' own names and types."""
    frame = toml.structured({"policy": {key: policy[key] for key in FRAME if key in policy}}, _Whole, where).policy
    _known(frame.profile, f"{where}: policy.profile")
    overrides = tuple(_override(table, index, where) for index, table in enumerate(frame.overrides))
    return Policy(
        profile=frame.profile,
        values={key: value for key, value in policy.items() if key not in FRAME},
        overrides=overrides,
        exception_days=_days(frame.profile, policy),
    )


FRAME = Frame.__struct_fields__
"""What [policy] takes beside the controls' baselines."""


def _days(profile: str, policy: Mapping[str, object]) -> ExceptionDays:
    given: dict[str, Any] = {}
    for source in (profiles.shipped()[profile].policy, policy):
        table = source.get("exception_days_most")
        given |= table if isinstance(table, dict) else {}
    return msgspec.convert(given, ExceptionDays)


def _override(table: dict[str, Any], index: int, where: str) -> Override:
    here = f"policy.overrides[{index}]"
    tags = table.get("tags")
    if not isinstance(tags, dict) or not tags or not all(isinstance(each, str) and each for each in tags.values()):
        raise ConfigError(
            f"{here} says by no tags which jobs it is for", where=f"{where}: {here}.tags",
            hint='write tags = { environment = "prod" }: a table of texts with at least one key',
        )  # fmt: skip
    for key in ("exception_days_most", "overrides"):
        if key in table:
            raise ConfigError(
                f"{here}.{key} stands in an override", where=f"{where}: {here}.{key}",
                hint=f"{key} holds for the whole estate: write it under [policy]",
            )  # fmt: skip
    profile = table.get("profile", "")
    if profile or "profile" in table:
        _known(profile, f"{where}: {here}.profile")
    values = {key: value for key, value in table.items() if key not in ("tags", "profile")}
    if not values and not profile:
        raise ConfigError(
            f"{here} sets nothing", where=f"{where}: {here}", hint="give it a baseline, or a profile, or remove it"
        )
    return Override(index, dict(tags), profile, values)


def _known(profile: object, where: str) -> None:
    names = tuple(profiles.shipped())
    if profile not in names:
        hint = near(profile, names) if isinstance(profile, str) else "a text was expected: " + " or ".join(names)
        raise ConfigError(f'there is no profile "{profile}"', where=where, hint=hint)
