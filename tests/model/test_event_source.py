"""Which source a rule watches, for every scaler that jobs use, and the honest reason where nobody can tell."""

from __future__ import annotations

import pytest

from audit.model.containerapp import Rule, RuleAuth, Variable
from audit.model.event_source import find

KEY = "[redacted:0123456789abcdef:shared-access-key]"
BUS = f"Endpoint=sb://sb-env.servicebus.windows.net/;SharedAccessKeyName=scaling;SharedAccessKey={KEY}"
STORE = f"DefaultEndpointsProtocol=https;AccountName=stenv;AccountKey={KEY};EndpointSuffix=core.windows.net"
HIDDEN = "[redacted:0123456789abcdef:secret-name]"


def source(scaler, metadata, *, identity=None, auth=None, env=None):
    rule = Rule(
        name="r",
        type=scaler,
        metadata=metadata,
        identity=identity,
        auth=[RuleAuth(secret_ref=secret, trigger_parameter=name) for name, secret in (auth or {}).items()],
    )
    variables = {
        name: Variable(
            name=name, **({"secret_ref": value[7:], "value": ""} if value[:7] == "secret:" else {"value": value})
        )
        for name, value in (env or {}).items()
    }
    return find(rule, variables)


def told(found):
    return (found.source_type, found.host, found.entity_kind, found.entity, found.found_by, found.unresolved)


SERVICE_BUS, HUBS = "microsoft.servicebus/namespaces", "microsoft.eventhub/namespaces"
STORAGE = "microsoft.storage/storageaccounts"


@pytest.mark.parametrize(
    "namespace", ["sb-a", "SB-A", "sb-a.servicebus.windows.net", "sb://sb-a.servicebus.windows.net/"]
)
def test_a_service_bus_queue_by_any_spelling_of_its_namespace(namespace):
    found = source("azure-servicebus", {"namespace": namespace, "queueName": "orders"}, identity="system")
    assert told(found) == (SERVICE_BUS, "sb-a.servicebus.windows.net", "queue", "orders", "namespace", None)
    assert found.namespace == "sb-a"


def test_a_topics_subscription_names_its_topic():
    metadata = {"namespace": "sb-a", "topicName": "returns", "subscriptionName": "warehouse"}
    found = source("azure-servicebus", metadata, identity="system")
    assert (found.entity_kind, found.entity, found.parent_entity) == ("subscription", "warehouse", "returns")


@pytest.mark.parametrize(
    ("more", "host"),
    [
        ({"cloud": "AzureUSGovernmentCloud"}, "x.servicebus.usgovcloudapi.net"),
        ({"cloud": "AzureChinaCloud"}, "x.servicebus.chinacloudapi.cn"),
        ({"cloud": "Private", "endpointSuffix": "servicebus.azurestack.example"}, "x.servicebus.azurestack.example"),
        ({}, "x.servicebus.windows.net"),
    ],
)
def test_a_bare_name_takes_the_suffix_of_its_cloud(more, host):
    assert source("azure-servicebus", {"namespace": "x", "queueName": "q", **more}).host == host
    assert source("azure-eventhub", {"eventHubNamespace": "x", "eventHubName": "h", **more}).host == host


@pytest.mark.parametrize(
    ("more", "host"),
    [
        ({"cloud": "AzureUSGovernmentCloud"}, "x.core.usgovcloudapi.net"),
        ({"cloud": "AzureChinaCloud"}, "x.core.chinacloudapi.cn"),
        ({"cloud": "Private", "endpointSuffix": "queue.core.azurestack.example"}, "x.core.azurestack.example"),
        ({}, "x.core.windows.net"),
    ],
)
def test_an_account_takes_the_suffix_of_its_cloud(more, host):
    assert source("azure-queue", {"accountName": "x", "queueName": "q", **more}).host == host


def test_a_connection_string_in_the_environment_tells_namespace_and_policy():
    found = source("azure-servicebus", {"queueName": "orders", "connectionFromEnv": "BUS"}, env={"BUS": BUS})
    assert told(found) == (SERVICE_BUS, "sb-env.servicebus.windows.net", "queue", "orders", "env:BUS", None)
    assert found.policy == "scaling"


def test_without_an_identity_the_connection_string_decides_and_with_one_the_name_does():
    metadata = {"namespace": "sb-a", "queueName": "orders", "connectionFromEnv": "BUS"}
    assert source("azure-servicebus", metadata, env={"BUS": BUS}).host == "sb-env.servicebus.windows.net"
    assert (
        source("azure-servicebus", metadata, env={"BUS": BUS}, identity="system").host == "sb-a.servicebus.windows.net"
    )


@pytest.mark.parametrize(
    ("auth", "env", "metadata", "why"),
    [
        ({"connection": "bus"}, {}, {}, "it stands in the secret bus, whose value Azure never returns"),
        ({}, {"BUS": "secret:bus"}, {"connectionFromEnv": "BUS"}, "BUS takes the secret bus"),
        ({}, {"BUS": HIDDEN}, {"connectionFromEnv": "BUS"}, "the value of the environment variable BUS is hidden"),
        ({}, {}, {"connectionFromEnv": "BUS"}, "no container of the job sets the environment variable BUS"),
        ({}, {"BUS": ""}, {"connectionFromEnv": "BUS"}, "the environment variable BUS is empty"),
        ({}, {"BUS": "nonsense"}, {"connectionFromEnv": "BUS"}, "the connection string names no address"),
        ({}, {}, {"connection": HIDDEN}, "connection is hidden as a secret"),
        ({}, {}, {"namespace": HIDDEN}, "namespace is hidden as a secret"),
        ({}, {}, {}, "neither namespace nor a connection is stated"),
    ],
)
def test_a_source_that_nobody_can_tell_stays_unresolved_with_the_reason(auth, env, metadata, why):
    found = source("azure-servicebus", {"queueName": "orders", **metadata}, auth=auth, env=env)
    assert (found.source_type, found.host, found.entity) == (SERVICE_BUS, None, "orders")
    assert found.unresolved
    assert why in found.unresolved


def test_a_name_beside_a_connection_that_nobody_can_read_is_shown_with_the_doubt():
    found = source("azure-servicebus", {"namespace": "sb-a", "queueName": "q"}, auth={"connection": "bus"})
    assert (found.host, found.unresolved) == ("sb-a.servicebus.windows.net", None)
    assert found.note
    assert "the connection string decides" in found.note
    assert source("azure-servicebus", {"namespace": "sb-a", "queueName": "q"}, identity="system").note is None


def test_a_storage_queue_by_name_and_by_connection():
    named = source("azure-queue", {"accountName": "sta", "queueName": "files"}, identity="system")
    assert told(named) == (STORAGE, "sta.core.windows.net", "queue", "files", "accountName", None)
    read = source("azure-queue", {"queueName": "files", "connectionFromEnv": "S"}, env={"S": STORE})
    assert told(read) == (STORAGE, "stenv.core.windows.net", "queue", "files", "env:S", None)


@pytest.mark.parametrize(
    ("connection", "host"),
    [
        (STORE.replace("core.windows.net", "core.usgovcloudapi.net"), "stenv.core.usgovcloudapi.net"),
        (f"BlobEndpoint=https://stb.blob.core.windows.net/;SharedAccessSignature={KEY}", "stb.core.windows.net"),
        (f"AccountName=stc;AccountKey={KEY}", "stc.core.windows.net"),
    ],
)
def test_every_form_of_a_storage_connection_string(connection, host):
    found = source("azure-blob", {"blobContainerName": "feeds", "connection": connection})
    assert (found.host, found.entity_kind, found.entity) == (host, "container", "feeds")


def test_an_event_hub_by_name_and_by_connection_with_its_entity_path():
    metadata = {"eventHubNamespace": "evh-a", "eventHubName": "positions", "consumerGroup": "ingest"}
    named = source("azure-eventhub", metadata, identity="system")
    assert told(named)[:4] == (HUBS, "evh-a.servicebus.windows.net", "eventhub", "positions")
    assert named.consumer == "ingest"
    read = source("azure-eventhub", {"connectionFromEnv": "H"}, env={"H": f"{BUS};EntityPath=positions"})
    assert told(read) == (HUBS, "sb-env.servicebus.windows.net", "eventhub", "positions", "env:H", None)
    assert read.consumer is None, "the platform's $Default must not be filled in"


@pytest.mark.parametrize("scaler", ["kafka", "apache-kafka"])
def test_kafka_on_event_hubs_and_elsewhere(scaler):
    azure = {"bootstrapServers": "evh-a.servicebus.windows.net:9093", "topic": "minutes", "consumerGroup": "rollup"}
    found = source(scaler, azure)
    assert told(found) == (HUBS, "evh-a.servicebus.windows.net", "eventhub", "minutes", "bootstrapServers", None)
    assert found.consumer == "rollup"
    own = source(scaler, {"bootstrapServers": "k1.example:9092,k2.example:9092", "topic": "minutes"})
    assert told(own)[:4] == ("external", "k1.example", "topic", "minutes")
    assert own.namespace == "k1.example:9092,k2.example:9092"
    named = source(scaler, {"bootstrapServersFromEnv": "K", "topic": "t"}, env={"K": "k1.example:9092"})
    assert (named.host, named.found_by) == ("k1.example", "env:K")


@pytest.mark.parametrize(
    ("host", "address", "vhost"),
    [
        ("amqps://[redacted:0123456789abcdef:url-password]@mq.example:5671/customs", "mq.example", "customs"),
        ("amqp://me:[redacted:0123456789abcdef:url-password]@mq.example/%2F", "mq.example", "/"),
        ("http://mq.example:15672/[redacted:0123456789abcdef]", "mq.example", None),
        ("amqp://mq.example", "mq.example", None),
    ],
)
def test_a_broker_behind_its_password(host, address, vhost):
    found = source("rabbitmq", {"hostFromEnv": "MQ", "queueName": "declarations"}, env={"MQ": host})
    assert told(found) == ("external", address, "queue", "declarations", "env:MQ", None)
    assert found.namespace == vhost


def test_a_broker_in_a_secret_is_unresolved():
    found = source("rabbitmq", {"queueName": "declarations"}, auth={"host": "broker"})
    assert (found.host, found.entity) == (None, "declarations")
    assert "the secret broker" in (found.unresolved or "")


def test_github_by_owner_and_repositories():
    found = source("github-runner", {"owner": "norvane", "repos": "shop,web"})
    assert told(found)[:4] == ("external", "api.github.com", "repository", "shop,web")
    assert found.namespace == "norvane"
    own = source("github-runner", {"owner": "norvane", "githubApiURL": "https://git.example/api/v3"})
    assert (own.host, own.entity_kind) == ("git.example", "none")


def test_a_pipelines_pool():
    metadata = {"organizationURLFromEnv": "AZP_URL", "poolName": "aca"}
    found = source("azure-pipelines", metadata, env={"AZP_URL": "https://dev.azure.com/norvane"})
    assert told(found) == ("external", "dev.azure.com", "pool", "aca", "env:AZP_URL", None)
    assert found.namespace == "norvane"
    assert source("azure-pipelines", metadata, env={"AZP_URL": "secret:url"}).unresolved


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("c.redis.cache.windows.net:6380", "microsoft.cache/redis"),
        ("c.redis.cache.usgovcloudapi.net:6380", "microsoft.cache/redis"),
        ("c.westeurope.redisenterprise.cache.azure.net:10000", "microsoft.cache/redisenterprise"),
        ("c.westeurope.redis.azure.net:10000", "microsoft.cache/redisenterprise"),
        ("redis.example:6379", "external"),
    ],
)
def test_a_redis_list(address, kind):
    found = source("redis", {"address": address, "listName": "work"})
    assert told(found) == (kind, address.partition(":")[0], "list", "work", "address", None)
    assert source("redis", {"addressFromEnv": "R", "listName": "work"}, env={"R": address}).host == found.host


def test_a_postgresql_query_by_parameters_and_by_connection():
    host = "pg-a.postgres.database.azure.com"
    found = source("postgresql", {"host": host, "port": "5432", "dbName": "shop", "query": "select 1"})
    assert told(found) == ("microsoft.dbforpostgresql/flexibleservers", host, "database", "shop", "host", None)
    for text in (f"host={host} user=x dbname=shop password={KEY}", f"postgresql://{KEY}@{host}:5432/shop"):
        read = source("postgresql", {"connectionFromEnv": "PG"}, env={"PG": text})
        assert (read.host, read.entity, read.found_by) == (host, "shop", "env:PG")
    assert "the secret pg" in (source("postgresql", {}, auth={"connection": "pg"}).unresolved or "")


@pytest.mark.parametrize(
    "connection",
    [
        "Server=tcp:sql-a.database.windows.net,1433;Initial Catalog=shop;Password=[redacted:0123456789abcdef:password]",
        "sqlserver://[redacted:0123456789abcdef:url-password]@sql-a.database.windows.net:1433?database=shop",
    ],
)
def test_a_sql_server_by_connection(connection):
    found = source("mssql", {"connectionStringFromEnv": "SQL"}, env={"SQL": connection})
    assert told(found)[:4] == ("microsoft.sql/servers", "sql-a.database.windows.net", "database", "shop")


def test_a_sql_server_by_host():
    found = source("mssql", {"host": "sql-a.database.windows.net", "database": "shop"})
    assert told(found) == ("microsoft.sql/servers", "sql-a.database.windows.net", "database", "shop", "host", None)
    assert source("mssql", {"host": "db.example", "database": "shop"}).source_type == "external"


def test_a_clock_has_no_source_and_nothing_is_unresolved():
    found = source("cron", {"timezone": "Europe/Berlin", "start": "0 6 * * *", "end": "0 7 * * *"})
    assert told(found) == ("none", None, "none", None, None, None)


def test_a_scaler_that_is_not_known_here_says_so():
    found = source("solace-event-queue", {"solaceSempBaseURL": "https://x"})
    assert (found.source_type, found.host) == (None, None)
    assert "solace-event-queue" in (found.unresolved or "")
