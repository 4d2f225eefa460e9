"""Which event source a KEDA scale rule watches: its address and its entity, as far as the job tells.

The job tells in the rule's metadata, in environment variables that ``…FromEnv`` keys name, or in secrets, whose values
Azure never returns: then the source stays unresolved, and why is said.
https://keda.sh/docs/latest/scalers/ describes the parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from audit.model import azure_names, endpoint, marker
from audit.model.rule_words import Said, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from audit.model.containerapp import Rule, Variable

EXTERNAL = "external"
NOTHING = "none"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One event source; see table rule_sources for what its fields mean."""

    source_type: str | None = None
    host: str | None = None
    namespace: str | None = None
    entity_kind: str = NOTHING
    entity: str | None = None
    parent_entity: str | None = None
    consumer: str | None = None
    policy: str | None = None
    found_by: str | None = None
    unresolved: str | None = None
    note: str | None = None


def find(rule: Rule, variables: Mapping[str, Variable]) -> Source:
    """Return the source of a rule. ``variables``: the job's environment variables by name."""
    known = _SCALERS.get(rule.type.lower())
    if known is None:
        return Source(unresolved=f"how the scaler {rule.type} names its event source isn't known here")
    return known(Words(rule, variables))


def _service_bus(words: Words) -> Source:
    topic, subscription = words.plain("topicName"), words.plain("subscriptionName")
    place = _namespace(words, "namespace", azure_names.SERVICE_BUS)
    queue = words.plain("queueName") or (None if topic else words.of_connection("EntityPath"))
    if topic and subscription:
        return _with(place, entity_kind="subscription", entity=subscription, parent_entity=topic)
    if topic:
        return _with(place, entity_kind="topic", entity=topic)
    return _with(place, entity_kind="queue", entity=queue)


def _event_hub(words: Words) -> Source:
    place = _namespace(words, "eventHubNamespace", azure_names.EVENT_HUBS)
    hub = words.plain("eventHubName") or words.of_connection("EntityPath")
    return _with(place, entity_kind="eventhub", entity=hub, consumer=words.plain("consumerGroup"))


def _queue(words: Words) -> Source:
    return _with(_account(words), entity_kind="queue", entity=words.plain("queueName"))


def _blob(words: Words) -> Source:
    return _with(_account(words), entity_kind="container", entity=words.plain("blobContainerName"))


def _kafka(words: Words) -> Source:
    brokers = words.said("bootstrapServers")
    place = _address(brokers, azure_names.EVENT_HUBS, "bootstrapServers")
    hub = place.source_type == azure_names.EVENT_HUBS
    return _with(
        place,
        namespace=brokers.text if brokers and "," in brokers.text else place.namespace,
        entity_kind="eventhub" if hub else "topic",
        entity=words.plain("topic"),
        consumer=words.plain("consumerGroup"),
    )


def _rabbitmq(words: Words) -> Source:
    broker = words.said("host")
    place = _address(broker, None, "host")
    path = unquote(endpoint.path_of(broker.text)) if broker else ""
    vhost = words.plain("vhostName") or ("" if marker.hidden(path) else path)
    return _with(place, namespace=vhost or None, entity_kind="queue", entity=words.plain("queueName"))


def _github(words: Words) -> Source:
    place = _address(words.said("githubApiURL"), None, "githubApiURL", default="api.github.com")
    repositories = words.plain("repos")
    kind = "repository" if repositories else NOTHING
    return _with(place, namespace=words.plain("owner"), entity_kind=kind, entity=repositories)


def _pipelines(words: Words) -> Source:
    organisation = words.said("organizationURL")
    place = _address(organisation, None, "organizationURL")
    name = endpoint.path_of(organisation.text) if organisation else ""
    pool = words.plain("poolName") or words.plain("poolID")
    return _with(place, namespace=name or None, entity_kind="pool", entity=pool)


def _redis(words: Words) -> Source:
    said = words.said("address") or words.said("host") or words.said("addresses") or words.said("hosts")
    place = _address(said, azure_names.REDIS, "address")
    if words.plain("stream"):
        return _with(place, entity_kind="stream", entity=words.plain("stream"), consumer=words.plain("consumerGroup"))
    return _with(place, entity_kind="list", entity=words.plain("listName"))


def _postgresql(words: Words) -> Source:
    return _database(words, azure_names.POSTGRESQL, words.said("host"), words.said("connection"), "dbName")


def _mssql(words: Words) -> Source:
    return _database(words, azure_names.SQL, words.said("host"), words.said("connectionString"), "database")


def _cron(_: Words) -> Source:
    return Source(source_type=NOTHING)


def _namespace(words: Words, name: str, kind: str) -> Source:
    """Return the namespace that a connection string or the metadata names."""

    def of_name(said: Said) -> str | None:
        text = said.text.strip()
        return endpoint.host_of(text if "." in text else f"{text}.{azure_names.bus_suffix(words)}")

    return _chosen(words, name, kind, of_name, lambda: endpoint.host_of(words.of_connection("Endpoint")))


def _account(words: Words) -> Source:
    """Return the storage account that a connection string or the metadata names."""

    def of_name(said: Said) -> str | None:
        text = said.text.strip()
        return endpoint.account_host(text if "." in text else f"{text}.{azure_names.store_suffix(words)}")

    def of_connection() -> str | None:
        for key in ("QueueEndpoint", "BlobEndpoint", "TableEndpoint", "FileEndpoint"):
            if stated := words.of_connection(key):
                return endpoint.account_host(stated)
        account = words.of_connection("AccountName")
        suffix = words.of_connection("EndpointSuffix") or azure_names.PUBLIC_STORE
        return endpoint.host_of(f"{account}.{suffix}") if account else None

    return _chosen(words, "accountName", azure_names.STORAGE, of_name, of_connection)


def _chosen(
    words: Words,
    name: str,
    kind: str,
    of_name: Callable[[Said], str | None],
    of_connection: Callable[[], str | None],
) -> Source:
    """Choose as KEDA does: with an identity the name counts, else the connection string, where it can be read."""
    connection, named = words.connection, words.said(name)
    if connection is not None and not words.identity and (host := of_connection()):
        policy = words.of_connection("SharedAccessKeyName")
        return Source(source_type=kind, host=host, namespace=_first(host), policy=policy, found_by=connection.by)
    if named is not None and named.text and (host := of_name(named)):
        note = None
        if connection is not None and not words.identity:
            note = f"{name} says so; the connection string decides, and {connection.why or 'names no address'}"
        return Source(source_type=kind, host=host, namespace=_first(host), found_by=named.by, note=note)
    for said, what in ((named, name), (connection, "the connection string")):
        if said is not None:
            return Source(source_type=kind, unresolved=said.why or f"{what} names no address")
    return Source(source_type=kind, unresolved=f"neither {name} nor a connection is stated")


def _address(said: Said | None, kind: str | None, name: str, *, default: str | None = None) -> Source:
    """Return the source at a host, which is an Azure resource where the host's suffix says so."""
    if said is None:
        return Source(source_type=EXTERNAL, host=default, unresolved=None if default else f"{name} isn't stated")
    host = endpoint.host_of(said.text.split(",")[0]) if said.text else None
    if host is None:
        return Source(source_type=kind, unresolved=said.why or f"{name} names no address")
    found = azure_names.type_of(host)
    if kind is None or found is None or azure_names.family(found) != azure_names.family(kind):
        return Source(source_type=EXTERNAL, host=host, found_by=said.by)
    return Source(source_type=found, host=host, namespace=_first(host), found_by=said.by)


def _database(words: Words, kind: str, host: Said | None, connection: Said | None, name: str) -> Source:
    """Return a database server and its database, from parameters of their own or from a connection string."""
    database = words.plain(name)
    if host is not None and host.text:
        return _with(_address(host, kind, "host"), entity_kind="database", entity=database)
    server, inside = words.of_database(connection)
    if connection is not None and server:
        place = _address(Said(server, connection.by, ""), kind, "the connection string")
        return _with(place, entity_kind="database", entity=database or inside)
    said = host or connection
    why = (said.why or "the connection string names no address") if said else "neither host nor a connection is stated"
    return Source(source_type=kind, entity_kind="database", entity=database, unresolved=why)


def _with(source: Source, **changes: str | None) -> Source:
    return msgspec.structs.replace(source, **changes)


def _first(host: str) -> str:
    return host.partition(".")[0]


_SCALERS: dict[str, Callable[[Words], Source]] = {
    "azure-servicebus": _service_bus,
    "azure-eventhub": _event_hub,
    "azure-queue": _queue,
    "azure-blob": _blob,
    "kafka": _kafka,
    "apache-kafka": _kafka,
    "rabbitmq": _rabbitmq,
    "github-runner": _github,
    "azure-pipelines": _pipelines,
    "redis": _redis,
    "redis-cluster": _redis,
    "redis-streams": _redis,
    "redis-cluster-streams": _redis,
    "postgresql": _postgresql,
    "mssql": _mssql,
    "cron": _cron,
}
