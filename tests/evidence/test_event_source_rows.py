"""What becomes of the answers about an event source, page by page, in Azure's words."""

from __future__ import annotations

import pytest
import samples
from samples import GROUP_ID, changed, page

from audit.evidence import event_sources
from audit.model import MalformedItem, Scope, decode

BUS = f"{GROUP_ID}/providers/Microsoft.ServiceBus/namespaces/sb-orders"
HUBS = f"{GROUP_ID}/providers/Microsoft.EventHub/namespaces/evh-orders"
STORE = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/storders"

NAMESPACE = {
    "sku": {"name": "Premium", "tier": "Premium", "capacity": 1},
    "id": BUS,
    "name": "sb-orders",
    "type": "Microsoft.ServiceBus/Namespaces",
    "location": "North Europe",
    "tags": {},
    "properties": {
        "premiumMessagingPartitions": 1,
        "minimumTlsVersion": "1.2",
        "publicNetworkAccess": "Disabled",
        "disableLocalAuth": True,
        "zoneRedundant": True,
        "provisioningState": "Succeeded",
        "status": "Active",
        "createdAt": "2025-01-09T12:00:00.1234567Z",
        "serviceBusEndpoint": "https://sb-orders.servicebus.windows.net:443/",
        "privateEndpointConnections": [
            {
                "id": f"{BUS}/privateEndpointConnections/one",
                "properties": {
                    "privateEndpoint": {"id": f"{GROUP_ID}/providers/Microsoft.Network/privateEndpoints/pe-sb-orders"},
                    "privateLinkServiceConnectionState": {"status": "Approved", "description": "x"},
                    "provisioningState": "Succeeded",
                },
            }
        ],
    },
}
NETWORK = {
    "id": f"{BUS}/networkRuleSets/default",
    "name": "default",
    "properties": {
        "publicNetworkAccess": "Disabled",
        "defaultAction": "Deny",
        "virtualNetworkRules": [{"subnet": {"id": f"{GROUP_ID}/subnets/a"}, "ignoreMissingVnetServiceEndpoint": False}],
        "ipRules": [{"ipMask": "203.0.113.0/24", "action": "Allow"}],
        "trustedServiceAccessEnabled": True,
    },
}
QUEUE = {
    "id": f"{BUS}/queues/orders",
    "name": "orders",
    "type": "Microsoft.ServiceBus/namespaces/queues",
    "properties": {
        "lockDuration": "PT1M30S",
        "requiresDuplicateDetection": True,
        "requiresSession": False,
        "defaultMessageTimeToLive": "P10675199DT2H48M5.4775807S",
        "deadLetteringOnMessageExpiration": False,
        "maxDeliveryCount": 10,
        "status": "Active",
        "sizeInBytes": 7777,
        "forwardTo": "elsewhere",
        "countDetails": {"activeMessageCount": 4, "deadLetterMessageCount": 41, "scheduledMessageCount": 0},
        "createdAt": "2025-01-09T12:00:00Z",
    },
}


def rules(owner, *named):
    return {
        "value": [
            {"id": f"{owner}/authorizationRules/{name}", "name": name, "properties": {"rights": list(rights)}}
            for name, rights in named
        ]
    }


def unit(place, *answers, entities=()):
    """Return the pages of one unit: (what follows the resource's id, body)."""
    scope = Scope(id=place, ids=entities)
    return [
        page(body, scope=scope, url=f"https://arm.test{place}{tail}?api-version=x", line=line)
        for line, (tail, body) in enumerate(answers, 1)
    ]


def read(place, *answers, entities=()):
    found = {}
    for record in samples.rows(event_sources.KIND, *unit(place, *answers, entities=entities)):
        found.setdefault(record.table, []).append(record)
    return found


WHOLE = (
    ("", NAMESPACE),
    ("/networkRuleSets/default", NETWORK),
    ("/authorizationRules", rules(BUS, ("RootManageSharedAccessKey", ("Listen", "Manage", "Send")))),
    ("/queues/orders", QUEUE),
    ("/queues/orders/authorizationRules", rules(f"{BUS}/queues/orders", ("worker", ("Listen",)))),
)


def test_a_namespace_with_its_network_rules():
    (row,) = read(BUS, *WHOLE, entities=("queue/orders",))["event_sources"]
    assert (row.source_type, row.host) == ("microsoft.servicebus/namespaces", "sb-orders.servicebus.windows.net")
    assert (row.local_auth_disabled, row.public_access, row.default_action) == (True, "Disabled", "Deny")
    assert (row.ip_rules.value, row.vnet_rules.value) == (["203.0.113.0/24"], [f"{GROUP_ID}/subnets/a"])
    assert (row.bypass, row.min_tls, row.zone_redundant, row.sku) == ("AzureServices", "1.2", True, "Premium")
    assert row.private_endpoints.value[0]["status"] == "Approved"
    assert row.settings.value == {"premiumMessagingPartitions": 1}


def test_what_a_namespace_does_not_say_stays_unknown():
    bare = changed(NAMESPACE, ("properties",), {"status": "Active"})
    (row,) = read(BUS, ("", bare))["event_sources"]
    assert row.status == "Active"
    unknown = ("local_auth_disabled", "public_access", "default_action", "ip_rules", "vnet_rules", "min_tls", "bypass")
    assert [getattr(row, name) for name in (*unknown, "zone_redundant", "private_endpoints", "host", "created_at")] == [
        None
    ] * 11


def test_a_queue_with_its_durations_in_seconds_and_its_figures():
    (row,) = read(BUS, *WHOLE, entities=("queue/orders",))["event_source_entities"]
    assert (row.entity_id, row.resource_id, row.entity_kind, row.parent) == (QUEUE["id"], BUS, "queue", None)
    assert (row.lock_duration_s, row.default_ttl_s, row.max_delivery_count) == (90, 922_337_203_685, 10)
    assert (row.dead_letter_on_expiration, row.requires_session, row.duplicate_detection) == (False, False, True)
    assert (row.active_messages, row.dead_letters, row.size_bytes) == (4, 41, 7777)
    assert row.settings.value == {"forwardTo": "elsewhere"}


def test_policies_of_the_namespace_and_of_the_queue_with_their_rights():
    whole, own = read(BUS, *WHOLE, entities=("queue/orders",))["event_source_policies"]
    assert (whole.name, whole.entity_id, whole.can_manage, whole.can_send) == (
        "RootManageSharedAccessKey",
        None,
        True,
        True,
    )
    assert (own.entity_id, own.rights.value) == (QUEUE["id"], ["Listen"])
    assert (own.can_manage, own.can_listen, own.can_send) == (False, True, False)


def test_an_entity_that_is_not_there_is_a_row_that_says_so():
    found = read(BUS, *WHOLE, entities=("queue/Gone~away", "queue/orders", "subscription/returns/warehouse"))
    gone = {row.name: row for row in found["event_source_entities"] if row.status == "missing"}
    assert set(gone) == {"Gone~away", "warehouse"}
    assert gone["Gone~away"].entity_id == f"{BUS}/queues/Gone~away"
    assert (gone["warehouse"].entity_kind, gone["warehouse"].parent) == ("subscription", "returns")
    assert gone["warehouse"].active_messages is None


def test_a_subscription_names_its_topic():
    body = changed(changed(QUEUE, ("id",), f"{BUS}/topics/Returns/subscriptions/warehouse"), ("name",), "warehouse")
    answers = (*WHOLE[:3], ("/topics/returns/subscriptions/warehouse", body))
    (row,) = read(BUS, *answers, entities=("subscription/returns/warehouse",))["event_source_entities"]
    assert (row.entity_kind, row.name, row.parent, row.status) == ("subscription", "warehouse", "Returns", "Active")


def test_an_event_hub_and_every_consumer_group():
    hub = {
        "id": f"{HUBS}/eventhubs/positions",
        "name": "positions",
        "properties": {"partitionCount": 8, "messageRetentionInDays": 3, "status": "Active"},
    }
    group = {"id": f"{HUBS}/eventhubs/positions/consumergroups/$Default", "name": "$Default", "properties": {}}
    namespace = changed(changed(NAMESPACE, ("id",), HUBS), ("name",), "evh-orders")
    found = read(
        HUBS,
        ("", namespace),
        ("/eventhubs/positions", hub),
        ("/eventhubs/positions/consumergroups", {"value": [group]}),
        entities=("consumer_group/positions/ingest", "eventhub/positions"),
    )
    row, default, gone = found["event_source_entities"]
    assert (row.entity_kind, row.partition_count, row.retention_hours) == ("eventhub", 8, 72)
    assert (default.entity_kind, default.name, default.parent, default.status) == (
        "consumer_group",
        "$Default",
        "positions",
        None,
    )
    assert (gone.name, gone.parent, gone.status) == ("ingest", "positions", "missing")


ACCOUNT = {
    "id": STORE,
    "name": "storders",
    "kind": "StorageV2",
    "location": "northeurope",
    "sku": {"name": "Standard_GZRS", "tier": "Standard"},
    "properties": {
        "allowSharedKeyAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "publicNetworkAccess": "Enabled",
        "creationTime": "2025-01-09T12:00:00.1234567Z",
        "statusOfPrimary": "available",
        "networkAcls": {
            "bypass": "AzureServices, Logging",
            "defaultAction": "Deny",
            "ipRules": [{"value": "203.0.113.9", "action": "Allow"}],
            "virtualNetworkRules": [{"id": f"{GROUP_ID}/subnets/a", "action": "Allow", "state": "Succeeded"}],
        },
        "primaryEndpoints": {"blob": "https://storders.blob.core.windows.net/"},
    },
}


def test_a_storage_account_with_its_queue_and_its_blobs():
    blobs = {
        "properties": {
            "isVersioningEnabled": True,
            "deleteRetentionPolicy": {"enabled": True, "days": 7},
            "containerDeleteRetentionPolicy": {"enabled": False},
        }
    }
    queue = {
        "id": f"{STORE}/queueServices/default/queues/files",
        "name": "files",
        "properties": {"metadata": {}, "approximateMessageCount": 12},
    }
    container = {
        "id": f"{STORE}/blobServices/default/containers/feeds",
        "name": "feeds",
        "properties": {"publicAccess": "None", "hasLegalHold": False},
    }
    found = read(
        STORE,
        ("", ACCOUNT),
        ("/blobServices/default", blobs),
        ("/blobServices/default/containers/feeds", container),
        ("/queueServices/default/queues/files", queue),
        entities=("container/feeds", "queue/files", "queue/gone"),
    )
    (row,) = found["event_sources"]
    assert (row.host, row.local_auth_disabled, row.zone_redundant) == ("storders.core.windows.net", True, True)
    assert (row.default_action, row.ip_rules.value, row.vnet_rules.value) == (
        "Deny",
        ["203.0.113.9"],
        [f"{GROUP_ID}/subnets/a"],
    )
    assert row.settings.value["blobs"] == {"versioning": True, "softDeleteDays": 7, "containerSoftDeleteDays": 0}
    entities = {row.name: row for row in found["event_source_entities"]}
    assert entities["files"].active_messages == 12
    assert entities["files"].dead_letters is None, "a storage queue has no dead letters"
    assert entities["feeds"].settings.value["publicAccess"] == "None"
    assert (entities["gone"].status, entities["gone"].entity_id) == (
        "missing",
        f"{STORE}/queueServices/default/queues/gone",
    )


@pytest.mark.parametrize(
    ("provider", "properties", "expected"),
    [
        ("Microsoft.Cache/redis", {"hostName": "c.redis.cache.windows.net", "disableAccessKeyAuthentication": True,
                                   "minimumTlsVersion": "1.2", "sku": {"name": "Premium"}}, (True, "Premium")),
        ("Microsoft.Cache/redis", {"hostName": "c.redis.cache.windows.net"}, (None, None)),
        ("Microsoft.DBforPostgreSQL/flexibleServers",
         {"fullyQualifiedDomainName": "p.postgres.database.azure.com", "authConfig": {"passwordAuth": "Disabled"},
          "network": {"publicNetworkAccess": "Disabled"}, "highAvailability": {"mode": "ZoneRedundant"}}, (True, None)),
        ("Microsoft.Sql/servers", {"fullyQualifiedDomainName": "s.database.windows.net", "minimalTlsVersion": "1.2",
                                   "administrators": {"azureADOnlyAuthentication": False}}, (False, None)),
    ],
)  # fmt: skip
def test_caches_and_databases_in_their_own_words(provider, properties, expected):
    place = f"{GROUP_ID}/providers/{provider}/one"
    (row,) = read(place, ("", {"id": place, "name": "one", "properties": properties}))["event_sources"]
    assert (row.local_auth_disabled, row.sku) == expected
    assert row.host in (properties.get("hostName"), properties.get("fullyQualifiedDomainName"))


def test_a_malformed_answer_is_named_and_the_others_stay():
    odd = changed(QUEUE, ("properties", "lockDuration"), "a minute")
    pages = unit(BUS, *WHOLE[:3], ("/queues/orders", odd), entities=("queue/orders",))
    (bad,) = samples.broken(event_sources.KIND, *pages)
    assert "Expected a duration" in bad.detail
    kept = [each.record.table for each in decode(event_sources.KIND, pages) if not isinstance(each, MalformedItem)]
    assert kept == ["event_sources", "event_source_policies"], "and it isn't missing either: it is there"


@pytest.mark.parametrize(
    ("number", "path"),
    [
        *((0, path) for path in (("id",), ("name",), ("properties",))),
        (1, ("properties",)),
        *((2, ("value", 0, *path)) for path in (("id",), ("name",), ("properties", "rights"))),
        *((3, path) for path in (("id",), ("name",), ("properties",))),
    ],
)
@pytest.mark.parametrize("junk", [None, 5, [{"x": 1}], ...])
def test_a_required_place_of_any_part_that_is_odd_is_named(number, path, junk):
    answers = [list(each) for each in WHOLE]
    answers[number][1] = changed(answers[number][1], path, junk)
    (bad,) = samples.broken(event_sources.KIND, *unit(BUS, *answers, entities=("queue/orders",)))
    assert str(path[-1]) in bad.detail
    assert bad.raw_ref.startswith("raw/event_sources/")
