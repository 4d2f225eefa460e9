"""What a run covers: the configured scope, held against what the caller can see."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from audit.errors import ConfigError
from audit.model import EvidenceKind, Level, NotThere, ReadFailed, Scope
from audit.model.ids import key

if TYPE_CHECKING:
    from audit.azure import Azure
    from audit.config import ScopeSettings
    from audit.store import RunWriter

OWN_ACCESS = "permissions"
"""The kind that says what the caller may see; it is read at every scope at which some list is read."""


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """Subscriptions to read, and the narrower scopes in them where resource groups are named."""

    subscriptions: tuple[str, ...]
    groups: tuple[str, ...] = ()
    """Ids of resource groups; empty = whole subscriptions."""
    tags: tuple[str, ...] = ()
    """``key=value``, each of which a job must carry itself."""

    def scopes(self, kind: EvidenceKind, writer: RunWriter) -> list[Scope]:
        """Return the scopes of a kind's units, in a stable order, each once."""
        if kind.population is not None:
            found = writer.query(f"select * from ({kind.population}) order by lower(scope)")
            scopes = [Scope(id=row["scope"], ids=tuple(row.get("ids") or ())) for row in found if self._covers(row)]
        elif kind.per is Level.TENANT:
            scopes = [Scope(id="/", ids=self.subscriptions)]
        else:
            whole = [f"/subscriptions/{each}" for each in self.subscriptions]
            places = [*self.groups, *whole] if kind.name == OWN_ACCESS else (kind.groupwise and self.groups) or whole
            scopes = [Scope(id=place, ids=self.tags if kind.name == "jobs" else ()) for place in places]
        return list({key(scope.id): scope for scope in scopes}.values())

    def _covers(self, row: dict[str, Any]) -> bool:
        """Keep subscriptions that weren't chosen out; what a job uses may live anywhere."""
        parts = row["scope"].strip("/").split("/")
        bare = len(parts) == 2 and parts[0].lower() == "subscriptions"  # noqa: PLR2004  /subscriptions/{id}
        return not bare or parts[1].lower() in {each.lower() for each in self.subscriptions}


async def resolve(
    azure: Azure, visible: Iterable[str], members: Iterable[str], wanted: ScopeSettings, *, whole: bool = True
) -> Extent:
    """Hold the configured scope against what the caller sees. Raises ConfigError for what isn't there.

    ``visible`` and ``members`` are ids of subscriptions. ``whole`` False: reading them left a gap. Then nothing can be
    said not to be there, what is configured is tried as it stands, and what was seen all the same is read.
    """
    names = {each.lower(): each for each in visible}
    below = sorted({names.get(each.lower(), each) for each in members})
    if whole:
        chosen = _chosen(names, below, wanted)
    elif wanted.management_groups:
        chosen = below
    else:
        chosen = sorted(wanted.subscriptions or names.values())
    groups: list[str] = []
    for name in wanted.resource_groups:
        homes = [group for each in chosen if (group := await _group(azure, each, name))]
        if not homes and chosen:
            raise ConfigError(
                f'no subscription in scope has a resource group "{name}"',
                where="audit.toml: scope.resource_groups",
                hint="check the spelling, and that the caller can read the group",
            )
        groups += homes
    tags = tuple(f"{name}={value}" for name, value in sorted(wanted.tags.items()))
    return Extent(subscriptions=tuple(chosen), groups=tuple(groups), tags=tags)


def _chosen(names: dict[str, str], below: list[str], wanted: ScopeSettings) -> list[str]:
    """Choose among what was read whole. A subscription below a group that can't be seen is chosen: it will be a gap."""
    if wanted.management_groups:
        if not any(each.lower() in names for each in below):
            raise ConfigError(
                "no subscription that the caller can see lies below the management groups",
                where="audit.toml: scope.management_groups",
                hint="check the groups' names (not their display names) and the caller's access",
            )
        return below
    for position, each in enumerate(wanted.subscriptions):
        if each.lower() not in names:
            near = difflib.get_close_matches(each.lower(), names, n=1, cutoff=0.8)
            seen = (
                "did you mean " + near[0] + "?" if near else f"the caller can see {len(names)}: {_some(names.values())}"
            )
            raise ConfigError(
                f"no such subscription, or the caller can't see it: {each}",
                where=f"audit.toml: scope.subscriptions[{position}]",
                hint=seen,
            )
    return sorted(names[each.lower()] for each in wanted.subscriptions) or sorted(names.values())


async def _group(azure: Azure, subscription: str, name: str) -> str | None:
    path = f"/subscriptions/{subscription}/resourceGroups/{quote(name)}"
    try:
        page = await azure.get(path, api_version="2021-04-01", scope=Scope(id=path))
    except NotThere:
        return None
    except ReadFailed:
        return path  # whether it is there can't be told from here: its units will say what can't be read
    return str(msgspec.json.decode(page.body)["id"])


def _some(ids: Iterable[str]) -> str:
    listed = sorted(ids)
    return ", ".join(listed[:5]) + (", …" if len(listed) > 5 else "") or "none"  # noqa: PLR2004  a line's worth
