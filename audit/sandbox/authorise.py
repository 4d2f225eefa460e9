"""Who may do what in the simulated estate: Azure's role model, block by block.

https://learn.microsoft.com/azure/role-based-access-control/overview: an action is granted when one permission block of
one assigned role grants it; a block's ``notActions`` take away from that block only; scopes are inherited downwards.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from audit.model import ids
from audit.sandbox.wire import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.sandbox.estate.model import Body, Estate
    from audit.sandbox.tokens import Grant


def _pattern(actions: Iterable[str]) -> re.Pattern[str] | None:
    alternatives = [".*".join(map(re.escape, action.split("*"))) for action in actions]
    return re.compile("|".join(alternatives), re.IGNORECASE) if alternatives else None


class Block:
    """One permission block of a role."""

    def __init__(self, wire: Body) -> None:
        self.wire = wire
        self._granted = _pattern(wire.get("actions") or ())
        self._taken = _pattern(wire.get("notActions") or ())

    def grants(self, action: str) -> bool:
        """Tell whether this block alone grants an action."""
        if self._granted is None or not self._granted.fullmatch(action):
            return False
        return self._taken is None or not self._taken.fullmatch(action)


class Held(NamedTuple):
    """One assignment of a caller: the key of its scope and the blocks of its role."""

    scope: str
    blocks: tuple[Block, ...]


class Access:
    """The effective access of every principal of an estate."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._above = {"/", *(ids.key(each) for each in estate.management_groups)}
        self._scopes: dict[tuple[str, str], tuple[str, ...]] = {}

    @cached_property
    def _held(self) -> dict[str, list[Held]]:
        blocks = {
            guid.lower(): tuple(Block(each) for each in body["properties"]["permissions"])
            for guid, body in self._estate.role_definitions.items()
        }
        held: dict[str, list[Held]] = defaultdict(list)
        for assignment in self._estate.role_assignments:
            properties = assignment["properties"]
            role = ids.name_of(properties["roleDefinitionId"]).lower()
            if role in blocks:
                held[properties["principalId"].lower()].append(Held(ids.key(properties["scope"]), blocks[role]))
        return held

    def contains(self, scope: str, target: str) -> bool:
        """Tell whether the scope with key ``scope`` is, or is above, the one with key ``target``."""
        return scope == target or scope in self._above or target.startswith(scope + "/")

    def scopes(self, grant: Grant, action: str) -> tuple[str, ...]:
        """Return the keys of all scopes at which an action is granted to a caller."""
        cached = self._scopes.get((grant.object_id, action))
        if cached is None:
            held = self._held.get(grant.object_id.lower(), [])
            cached = tuple(each.scope for each in held if any(block.grants(action) for block in each.blocks))
            self._scopes[grant.object_id, action] = cached
        return cached

    def may(self, grant: Grant, action: str, target: str) -> bool:
        """Tell whether a caller may do something at the scope with key ``target``."""
        return any(self.contains(scope, target) for scope in self.scopes(grant, action))

    def require(self, grant: Grant, action: str, target: str) -> None:
        """Raise Refused (403) unless the caller may."""
        if not self.may(grant, action, target):
            raise forbidden(grant, action, target)

    def visible(self, grant: Grant, action: str, target: str) -> tuple[str, ...] | None:
        """Return what a list at a scope shows: None for everything, else the keys of the scopes below that show.

        Raises Refused (403) for a caller to whom the action is granted neither there nor anywhere below.
        """
        if self.may(grant, action, target):
            return None
        below = tuple(scope for scope in self.scopes(grant, action) if scope.startswith(target + "/"))
        if not below:
            raise forbidden(grant, action, target)
        return below

    def blocks(self, grant: Grant, target: str) -> list[Body]:
        """Return the permission blocks that apply to a caller at a scope."""
        held = self._held.get(grant.object_id.lower(), [])
        return [block.wire for each in held if self.contains(each.scope, target) for block in each.blocks]

    def is_known_below(self, grant: Grant, target: str) -> bool:
        """Tell whether a caller holds any role at, above or below a scope."""
        held = self._held.get(grant.object_id.lower(), [])
        return any(self.contains(each.scope, target) or each.scope.startswith(target + "/") for each in held)


def forbidden(grant: Grant, action: str, target: str) -> Refused:
    """Return ARM's refusal."""
    return Refused(
        403,
        "AuthorizationFailed",
        f"The client '{grant.app_id}' with object id '{grant.object_id}' does not have authorization to perform action "
        f"'{action}' over scope '{target}' or the scope is invalid. If access was recently granted, please refresh "
        "your credentials.",
    )
