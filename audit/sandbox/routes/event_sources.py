"""Service Bus, Event Hubs, storage, caches and databases: the resources that jobs wait for, and what is in them."""

from __future__ import annotations

from audit.sandbox.call import Call, Handler, Route, missing
from audit.sandbox.routes.resources import get_resource, group_of
from audit.sandbox.wire import Answer, Refused

_MESSAGING_VERSIONS = ("2017-04-01", "2021-11-01", "2022-10-01-preview", "2024-01-01")
_STORAGE_VERSIONS = ("2021-09-01", "2022-09-01", "2023-01-01", "2023-05-01", "2024-01-01")
_MESSAGING = (
    "Microsoft.EventHub/namespaces",
    "Microsoft.EventHub/namespaces/eventhubs",
    "Microsoft.EventHub/namespaces/networkRuleSets",
    "Microsoft.ServiceBus/namespaces",
    "Microsoft.ServiceBus/namespaces/networkRuleSets",
    "Microsoft.ServiceBus/namespaces/queues",
    "Microsoft.ServiceBus/namespaces/topics",
    "Microsoft.ServiceBus/namespaces/topics/subscriptions",
)
_LISTS = (
    "Microsoft.EventHub/namespaces/authorizationRules",
    "Microsoft.EventHub/namespaces/eventhubs/authorizationRules",
    "Microsoft.EventHub/namespaces/eventhubs/consumergroups",
    "Microsoft.ServiceBus/namespaces/authorizationRules",
    "Microsoft.ServiceBus/namespaces/queues/authorizationRules",
    "Microsoft.ServiceBus/namespaces/topics/authorizationRules",
)
_STORAGE = (
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
)
_STORE_QUEUE = "Microsoft.Storage/storageAccounts/queueServices/queues"
_OTHERS = (
    ("Microsoft.Cache/Redis", ("2023-08-01", "2024-03-01", "2024-11-01")),
    ("Microsoft.Cache/redisEnterprise", ("2023-11-01", "2024-10-01", "2025-04-01")),
    ("Microsoft.DBforPostgreSQL/flexibleServers", ("2022-12-01", "2024-08-01")),
    ("Microsoft.Sql/servers", ("2021-11-01", "2023-08-01")),
)


def get_part(call: Call) -> Answer:
    """Answer a namespace or what is in it; the broker's own words where the namespace is there and the entity isn't."""
    try:
        return get_resource(call)
    except Refused as refused:
        top = "/".join(call.parent.split("/")[:9])
        if refused.status != 404 or top == call.parent or top not in call.world.resources:  # noqa: PLR2004  HTTP
            raise
        what = f"The requested resource {call.target.name} does not exist. CorrelationId: unknown."
        raise Refused(404, "MessagingGatewayNotFoundStatusCode", what) from refused


def list_parts(call: Call) -> Answer:
    """Answer the policies or consumer groups of one namespace, queue, topic or event hub."""
    named = call.world.types.get(call.target.kind)
    action = f"{call.world.resources[named[0].key]['type'] if named else call.target.kind}/read"
    call.require(action, call.parent)
    if call.parent not in call.world.resources:
        group_of(call)
        raise missing(call)
    found = [each for each in call.world.of_type(call.target.kind, call.parent) if _lies_in(each.key, call.parent)]
    return call.page([each.body for each in found], call.options.page_sizes.resources)


def _lies_in(key: str, parent: str) -> bool:
    return key.removeprefix(parent).count("/") == 2  # noqa: PLR2004  /{part}/{name}


def get_store_queue(call: Call) -> Answer:
    """Answer a storage queue."""
    call.require(f"{_STORE_QUEUE}/read", call.parent)
    body = call.world.bodies.get(call.parent)
    if body is None:
        raise Refused(404, "QueueNotFound", "The specified queue does not exist.")
    return Answer(200, body)


def _one(sort: str, versions: tuple[str, ...], answer: Handler) -> Route:
    return Route(sort.lower(), True, versions, (f"{sort}/read",), answer)


ROUTES = (
    *(_one(each, _MESSAGING_VERSIONS, get_part) for each in _MESSAGING),
    *(Route(each.lower(), False, _MESSAGING_VERSIONS, (f"{each}/read",), list_parts) for each in _LISTS),
    *(_one(each, _STORAGE_VERSIONS, get_resource) for each in _STORAGE),
    _one(_STORE_QUEUE, _STORAGE_VERSIONS, get_store_queue),
    *(_one(sort, versions, get_resource) for sort, versions in _OTHERS),
)
