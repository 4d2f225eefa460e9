"""An estate made ready to serve: bodies encoded once, indexed by id, type and scope."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from audit.model import ids
from audit.sandbox.authorise import Access
from audit.sandbox.wire import encode

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body, Estate


class Item(NamedTuple):
    """A body and the key of the scope at which it is read."""

    key: str
    body: bytes


class World:
    """What the routes read. It is built once: call ``Sandbox.refresh`` after changing the estate."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.access = Access(estate)
        self.subscriptions = {each["subscriptionId"].lower(): each for each in estate.subscriptions}
        self.groups: dict[str, Body] = {ids.key(each["id"]): each for each in estate.resource_groups}
        self.resources: dict[str, Body] = {ids.key(key): body for key, body in estate.resources.items()}
        self.bodies: dict[str, bytes] = {key: encode(body) for key, body in self.resources.items()}
        self.types: dict[str, list[Item]] = defaultdict(list)
        for key, body in self.resources.items():
            self.types[body["type"].lower()].append(Item(key, self.bodies[key]))
        self.assignments = [
            (ids.key(each["properties"]["scope"]), each["properties"]["principalId"].lower(), encode(each))
            for each in estate.role_assignments
        ]
        self.events = {
            guid.lower(): [(each["eventTimestamp"], each, encode(each)) for each in events]
            for guid, events in estate.activity.items()
        }
        self._below: dict[tuple[str, str], list[Item]] = {}

    def of_type(self, kind: str, scope: str) -> list[Item]:
        """Return the resources of a type (lower case) at or below the scope with key ``scope``."""
        found = self._below.get((kind, scope))
        if found is None:
            prefix = scope + "/"
            found = [item for item in self.types.get(kind, ()) if item.key.startswith(prefix)]
            self._below[kind, scope] = found
        return found

    def exists(self, key: str) -> bool:
        """Tell whether a subscription, resource group or resource with this key exists."""
        if key in self.resources or key in self.groups:
            return True
        return key.removeprefix("/subscriptions/") in self.subscriptions
