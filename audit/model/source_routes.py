"""Which requests describe an event source: the resource, the rules around it, and the entities that jobs name in it.

Entities are asked for one by one. A list of them has no counts of messages (of a namespace's queues as documented, of
an account's for certain), grows with the namespace and not with the jobs, tells of entities that no job names, and
leaves the policies, which are half the requests, to be read one by one all the same.
https://learn.microsoft.com/rest/api/servicebus/queues/list-by-namespace,
https://learn.microsoft.com/rest/api/storagerp/queue/list
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from audit.model import azure_names

if TYPE_CHECKING:
    from audit.model.scope import Scope

_MESSAGING, _STORAGE = "2024-01-01", "2023-05-01"
_VERSIONS = {
    azure_names.SERVICE_BUS: _MESSAGING,
    azure_names.EVENT_HUBS: _MESSAGING,
    azure_names.STORAGE: _STORAGE,
    azure_names.REDIS: "2024-03-01",
    azure_names.REDIS_ENTERPRISE: "2024-10-01",
    azure_names.POSTGRESQL: "2024-08-01",
    azure_names.SQL: "2021-11-01",
}
ACTIONS = (
    "Microsoft.Cache/redis/read",
    "Microsoft.Cache/redisEnterprise/read",
    "Microsoft.DBforPostgreSQL/flexibleServers/read",
    "Microsoft.EventHub/namespaces/authorizationRules/read",
    "Microsoft.EventHub/namespaces/eventhubs/authorizationRules/read",
    "Microsoft.EventHub/namespaces/eventhubs/consumergroups/read",
    "Microsoft.EventHub/namespaces/eventhubs/read",
    "Microsoft.EventHub/namespaces/networkRuleSets/read",
    "Microsoft.EventHub/namespaces/read",
    "Microsoft.ServiceBus/namespaces/authorizationRules/read",
    "Microsoft.ServiceBus/namespaces/networkRuleSets/read",
    "Microsoft.ServiceBus/namespaces/queues/authorizationRules/read",
    "Microsoft.ServiceBus/namespaces/queues/read",
    "Microsoft.ServiceBus/namespaces/read",
    "Microsoft.ServiceBus/namespaces/topics/authorizationRules/read",
    "Microsoft.ServiceBus/namespaces/topics/read",
    "Microsoft.ServiceBus/namespaces/topics/subscriptions/read",
    "Microsoft.Sql/servers/read",
    "Microsoft.Storage/storageAccounts/blobServices/containers/read",
    "Microsoft.Storage/storageAccounts/blobServices/read",
    "Microsoft.Storage/storageAccounts/queueServices/queues/read",
    "Microsoft.Storage/storageAccounts/read",
)
"""What the requests below need. Nothing here lists keys."""


_PLACES = {
    "queue": "queues/{0}",
    "topic": "topics/{0}",
    "subscription": "topics/{0}/subscriptions/{1}",
    "eventhub": "eventhubs/{0}",
    "consumer_group": "eventhubs/{0}/consumergroups/{1}",
    "container": "blobServices/default/containers/{0}",
}


class Read(NamedTuple):
    """One request. ``listed``: it answers a list. ``owner``: the request whose 404 makes this one pointless."""

    path: str
    version: str
    listed: bool = False
    owner: str = ""
    entity: bool = False
    """A job names it, which doesn't mean that it is there."""
    tiered: bool = False
    """Not every tier of the service offers it: where Azure says so, nothing is known."""


def source_type(resource_id: str) -> str:
    """Return the type of a resource in lower case."""
    provider, *rest = resource_id.lower().rpartition("/providers/")[2].split("/")
    return "/".join([provider, *rest[::2]])


def reads(scope: Scope) -> Iterator[Read]:
    """Yield the requests about the resource ``scope.id`` and its entities ``scope.ids``; of others only the resource.

    An entity reads ``queue/orders``, ``subscription/<topic>/<name>``, ``consumer_group/<hub>/<name>``; a ``/`` inside a
    name is ``~``, as ARM writes it.
    """
    kind = source_type(scope.id)
    if (version := _VERSIONS.get(kind)) is None:
        return
    yield Read(scope.id, version)
    entities = [(found, names.split("/")) for found, _, names in (each.partition("/") for each in scope.ids)]
    yield from _INSIDE.get(kind, _nothing)(scope.id, entities)


_Entities = Sequence[tuple[str, list[str]]]


def _nothing(_id: str, _entities: _Entities) -> Iterator[Read]:
    return iter(())


def path_of(resource_id: str, kind: str, names: Sequence[str]) -> str:
    """Return where an entity lies below its resource: storage keeps its queues in a service of its own."""
    inside = "queueServices/default/" if kind == "queue" and source_type(resource_id) == azure_names.STORAGE else ""
    return inside + _PLACES[kind].format(*names)


def _service_bus(place: str, entities: _Entities) -> Iterator[Read]:
    yield from _around(place)
    for kind, names in entities:
        yield from _whole(f"{place}/{path_of(place, kind, names)}", policies=kind != "subscription")


def _event_hubs(place: str, entities: _Entities) -> Iterator[Read]:
    yield from _around(place)
    for kind, names in entities:
        if kind == "eventhub":
            hub = f"{place}/{path_of(place, kind, names)}"
            yield from _whole(hub, policies=True)
            yield Read(f"{hub}/consumergroups", _MESSAGING, listed=True, owner=hub)


def _storage(place: str, entities: _Entities) -> Iterator[Read]:
    if any(kind == "container" for kind, _ in entities):
        yield Read(f"{place}/blobServices/default", _STORAGE)
    for kind, names in entities:
        yield Read(f"{place}/{path_of(place, kind, names)}", _STORAGE, entity=True)


def _around(place: str) -> Iterator[Read]:
    yield Read(f"{place}/networkRuleSets/default", _MESSAGING, tiered=True)
    yield Read(f"{place}/authorizationRules", _MESSAGING, listed=True)


def _whole(place: str, *, policies: bool) -> Iterator[Read]:
    yield Read(place, _MESSAGING, entity=True)
    if policies:
        yield Read(f"{place}/authorizationRules", _MESSAGING, listed=True, owner=place)


_INSIDE: dict[str, Callable[[str, _Entities], Iterator[Read]]] = {
    azure_names.SERVICE_BUS: _service_bus,
    azure_names.EVENT_HUBS: _event_hubs,
    azure_names.STORAGE: _storage,
}
