"""Event sources as ARM answers them: Service Bus and Event Hubs namespaces, storage accounts, and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate.moments import zulu
from audit.sandbox.estate.world import DISPLAY

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

BUS, HUBS, ACCOUNT = (
    "Microsoft.ServiceBus/Namespaces",
    "Microsoft.EventHub/Namespaces",
    "Microsoft.Storage/storageAccounts",
)
MANAGE, LISTEN, SEND = ("Listen", "Manage", "Send"), ("Listen",), ("Send",)
"""Rights of a shared-access policy, in the order in which Azure lists them."""
_ROOT = "RootManageSharedAccessKey"
_NEVER = "P10675199DT2H48M5.4775807S"
"""Azure's longest time: the entity sets no end."""
_DAYS = 400


def bus(
    world: World,
    group: str,
    name: str,
    location: str,
    *,
    tier: str = "Standard",
    local_auth: bool = True,
    public: bool = True,
) -> str:
    """Add a Service Bus namespace with its root policy; return its id."""
    facts = {"zoneRedundant": True, "premiumMessagingPartitions": 1 if tier == "Premium" else 0}
    return _namespace(world, group, BUS, name, location, facts, tier=tier, local_auth=local_auth, public=public)


def hubs(world: World, group: str, name: str, location: str, *, local_auth: bool = True, public: bool = True) -> str:
    """Add an Event Hubs namespace with its root policy; return its id."""
    facts = {"zoneRedundant": True, "isAutoInflateEnabled": True, "maximumThroughputUnits": 20, "kafkaEnabled": True}
    return _namespace(world, group, HUBS, name, location, facts, tier="Standard", local_auth=local_auth, public=public)


def _namespace(  # noqa: PLR0917  where it belongs
    world: World,
    group: str,
    sort: str,
    name: str,
    location: str,
    facts: Body,
    *,
    tier: str,
    local_auth: bool,
    public: bool,
) -> str:
    made = zulu(world.before(_DAYS, "08:20"))
    access = "Enabled" if public else "Disabled"
    properties: Body = {
        **facts,
        "minimumTlsVersion": "1.2",
        "publicNetworkAccess": access,
        "disableLocalAuth": not local_auth,
        "provisioningState": "Succeeded",
        "status": "Active",
        "metricId": f"{group.split('/')[2]}:{name}",
        "createdAt": made,
        "updatedAt": made,
        "serviceBusEndpoint": f"https://{name}.servicebus.windows.net:443/",
    }
    sku = {"name": tier, "tier": tier, **({"capacity": 1} if tier != "Standard" else {})}
    place = f"{group}/providers/{sort.replace('Namespaces', 'namespaces')}/{name}"
    world.add(
        {
            "sku": sku,
            "id": place,
            "name": name,
            "type": sort,
            "location": DISPLAY[location],
            "tags": {},
            "properties": properties,
        },
    )
    rules: Body = {
        "publicNetworkAccess": access,
        "defaultAction": "Allow",
        "virtualNetworkRules": [],
        "ipRules": [],
        "trustedServiceAccessEnabled": not public,
    }
    _child(world, place, "networkRuleSets", "default", rules)
    policy(world, place, _ROOT, MANAGE)
    return place


def policy(world: World, parent: str, name: str, rights: tuple[str, ...]) -> str:
    """Add a shared-access policy to a namespace, queue, topic or event hub; return its id. Its keys are never read."""
    return _child(world, parent, "authorizationRules", name, {"rights": list(rights)})


def queue(
    world: World,
    namespace: str,
    name: str,
    *,
    active: int = 0,
    dead: int = 0,
    attempts: int = 10,
    lock: str = "PT1M",
    ttl: str = "P14D",
    dead_letter: bool = True,
    duplicates: bool = False,
) -> str:
    """Add a queue with so many messages waiting and so many given up; return its id."""
    return _child(
        world,
        namespace,
        "queues",
        name,
        {
            **_times(world),
            "lockDuration": lock,
            "maxMessageSizeInKilobytes": 256,
            "maxSizeInMegabytes": 5120,
            "sizeInBytes": (active + dead) * 2148,
            "requiresDuplicateDetection": duplicates,
            "requiresSession": False,
            "defaultMessageTimeToLive": ttl,
            "deadLetteringOnMessageExpiration": dead_letter,
            "enableBatchedOperations": True,
            "duplicateDetectionHistoryTimeWindow": "PT10M",
            "maxDeliveryCount": attempts,
            "messageCount": active + dead,
            "status": "Active",
            "autoDeleteOnIdle": _NEVER,
            "enablePartitioning": False,
            "enableExpress": False,
            "countDetails": _counts(active, dead),
        },
    )


def topic(world: World, namespace: str, name: str) -> str:
    """Add a topic; return its id."""
    return _child(
        world,
        namespace,
        "topics",
        name,
        {
            **_times(world),
            "defaultMessageTimeToLive": "P14D",
            "maxSizeInMegabytes": 1024,
            "requiresDuplicateDetection": False,
            "duplicateDetectionHistoryTimeWindow": "PT10M",
            "enableBatchedOperations": True,
            "sizeInBytes": 0,
            "status": "Active",
            "supportOrdering": True,
            "autoDeleteOnIdle": _NEVER,
            "enablePartitioning": False,
            "enableExpress": False,
            "subscriptionCount": 1,
            "countDetails": _counts(0, 0),
        },
    )


def subscription(world: World, topic_id: str, name: str, *, active: int = 0, dead: int = 0) -> str:
    """Add a topic's subscription; return its id."""
    return _child(
        world,
        topic_id,
        "subscriptions",
        name,
        {
            **_times(world),
            "lockDuration": "PT5M",
            "requiresSession": False,
            "defaultMessageTimeToLive": _NEVER,
            "deadLetteringOnFilterEvaluationExceptions": True,
            "deadLetteringOnMessageExpiration": True,
            "messageCount": active + dead,
            "maxDeliveryCount": 10,
            "status": "Active",
            "enableBatchedOperations": True,
            "autoDeleteOnIdle": _NEVER,
            "countDetails": _counts(active, dead),
        },
    )


def hub(world: World, namespace: str, name: str, *consumers: str, partitions: int = 8, days: int = 3) -> str:
    """Add an event hub with ``$Default`` and these consumer groups; return its id."""
    place = _child(
        world,
        namespace,
        "eventhubs",
        name,
        {
            "messageTimestampDescription": {"timestampType": "LogAppend"},
            "retentionDescription": {"cleanupPolicy": "Delete", "retentionTimeInHours": days * 24},
            "messageRetentionInDays": days,
            "partitionCount": partitions,
            "status": "Active",
            **_times(world),
            "partitionIds": [str(each) for each in range(partitions)],
        },
    )
    for each in ("$Default", *consumers):
        _child(world, place, "consumergroups", each, _times(world))
    return place


def account(
    world: World,
    group: str,
    name: str,
    location: str,
    *,
    shared_key: bool = True,
    open_to_all: bool = True,
    tier: str = "Standard_ZRS",
    recoverable: bool = True,
    subnets: tuple[str, ...] = (),
) -> str:
    """Add a storage account with its blob service; return its id. ``recoverable``: soft delete and versions are on."""
    services = ("blob", "queue", "table", "file", "dfs", "web")
    place = world.resource(
        group,
        ACCOUNT,
        name,
        location,
        {
            "provisioningState": "Succeeded",
            "creationTime": zulu(world.before(_DAYS, "08:31")),
            "allowBlobPublicAccess": False,
            "allowSharedKeyAccess": shared_key,
            "minimumTlsVersion": "TLS1_2",
            "supportsHttpsTrafficOnly": True,
            "publicNetworkAccess": "Enabled",
            "accessTier": "Hot",
            "statusOfPrimary": "available",
            "primaryLocation": location,
            "networkAcls": {
                "bypass": "AzureServices",
                "virtualNetworkRules": [{"id": each, "action": "Allow", "state": "Succeeded"} for each in subnets],
                "ipRules": [],
                "defaultAction": "Allow" if open_to_all else "Deny",
            },
            "primaryEndpoints": {
                each: f"https://{name}.{'z6.' if each == 'web' else ''}{each}.core.windows.net/" for each in services
            },
        },
        sku={"name": tier, "tier": "Standard"},
        kind="StorageV2",
        tags={},
    )
    kept = {"enabled": True, "days": 14} if recoverable else {"enabled": False}
    facts: Body = {
        "cors": {"corsRules": []},
        "deleteRetentionPolicy": {"allowPermanentDelete": False, **kept},
        "containerDeleteRetentionPolicy": kept,
        "isVersioningEnabled": recoverable,
    }
    _child(world, place, "blobServices", "default", facts)
    return place


def store_queue(world: World, account_id: str, name: str, *, messages: int = 0) -> str:
    """Add a storage queue with about so many messages; return its id."""
    facts = {"metadata": {}, "approximateMessageCount": messages}
    return _child(world, f"{account_id}/queueServices/default", "queues", name, facts)


def container(world: World, account_id: str, name: str) -> str:
    """Add a blob container; return its id."""
    facts = {
        "deleted": False,
        "remainingRetentionDays": 0,
        "defaultEncryptionScope": "$account-encryption-key",
        "denyEncryptionScopeOverride": False,
        "publicAccess": "None",
        "leaseStatus": "Unlocked",
        "leaseState": "Available",
        "lastModifiedTime": zulu(world.before(_DAYS, "08:40")),
        "hasImmutabilityPolicy": False,
        "hasLegalHold": False,
    }
    return _child(world, f"{account_id}/blobServices/default", "containers", name, facts)


def _child(world: World, parent: str, part: str, name: str, properties: Body) -> str:
    """Add a part of a resource, typed as the path says; return its id."""
    place = f"{parent}/{part}/{name}"
    provider, *rest = place.partition("/providers/")[2].split("/")
    sort = "/".join([provider, *rest[::2]])
    return world.add({"id": place, "name": name, "type": sort, "properties": properties})


def _times(world: World) -> Body:
    made = zulu(world.before(_DAYS - 10, "09:05"))
    return {"createdAt": made, "updatedAt": made}


def _counts(active: int, dead: int) -> Body:
    return {
        "activeMessageCount": active,
        "deadLetterMessageCount": dead,
        "scheduledMessageCount": 0,
        "transferMessageCount": 0,
        "transferDeadLetterMessageCount": 0,
    }
