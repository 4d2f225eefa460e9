"""An estate made ready to serve: bodies encoded once, indexed by id, type and scope."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from audit.model import ids
from audit.sandbox.authorise import Access
from audit.sandbox.wire import encode

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body, Estate


Made = TypeVar("Made")

_INSIDE = ("microsoft.eventhub/namespaces/", "microsoft.servicebus/namespaces/", "microsoft.storage/storageaccounts/")
"""Queues, policies, containers and the like: only the service itself answers for them."""


class Item(NamedTuple):
    """A body and the key of the scope at which it is read."""

    key: str
    body: bytes


class Event(NamedTuple):
    """An event of the Activity Log: when, as it is, and encoded."""

    at: datetime
    wire: Body
    body: bytes


def moment(text: str) -> datetime:
    """Return a time as Azure writes it: it may have seven fractional digits; without a zone it is UTC.

    Raises ValueError for text that isn't a time.
    """
    whole, dot, rest = text.strip().partition(".")
    if dot:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        whole += f".{digits[:6]}{rest[len(digits) :]}"
    found = datetime.fromisoformat(whole)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


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
        self._activity = {guid.lower(): events for guid, events in estate.activity.items()}
        self._events: dict[str, list[Event]] = {}
        self._below: dict[tuple[str, str], list[Item]] = {}
        self._lists: dict[tuple[object, ...], list[Any]] = {}

    def remembered(self, key: tuple[object, ...], make: Callable[[], list[Made]]) -> list[Made]:
        """Return a list that was made before under this key, or make it: one page after another reads the same list."""
        found = self._lists.get(key)
        if found is None:
            found = self._lists[key] = make()
        return found

    def events(self, subscription: str) -> list[Event]:
        """Return a subscription's events, newest first."""
        found = self._events.get(subscription)
        if found is None:
            wire = self._activity.get(subscription, ())
            found = [Event(moment(each["eventTimestamp"]), each, encode(each)) for each in wire]
            self._events[subscription] = found
        return found

    def of_type(self, kind: str, scope: str) -> list[Item]:
        """Return the resources of a type (lower case) at or below the scope with key ``scope``."""
        found = self._below.get((kind, scope))
        if found is None:
            prefix = scope + "/"
            found = [item for item in self.types.get(kind, ()) if item.key.startswith(prefix)]
            self._below[kind, scope] = found
        return found

    @staticmethod
    def is_indexed(body: Body) -> bool:
        """Tell whether ARM and Resource Graph list a resource: what is inside a namespace or account they do not."""
        return not body["type"].lower().startswith(_INSIDE)

    def exists(self, key: str) -> bool:
        """Tell whether a subscription, resource group or resource with this key exists."""
        if key in self.resources or key in self.groups:
            return True
        return key.removeprefix("/subscriptions/") in self.subscriptions
