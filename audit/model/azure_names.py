"""Names of Azure's services in its clouds: resource types, and the suffixes of their hosts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.model.rule_words import Words

SERVICE_BUS = "microsoft.servicebus/namespaces"
EVENT_HUBS = "microsoft.eventhub/namespaces"
STORAGE = "microsoft.storage/storageaccounts"
REDIS = "microsoft.cache/redis"
REDIS_ENTERPRISE = "microsoft.cache/redisenterprise"
POSTGRESQL = "microsoft.dbforpostgresql/flexibleservers"
SQL = "microsoft.sql/servers"
KEY_VAULT = "microsoft.keyvault/vaults"
REGISTRY = "microsoft.containerregistry/registries"

PUBLIC_STORE = "core.windows.net"
_STORES = {"azureusgovernmentcloud": "core.usgovcloudapi.net", "azurechinacloud": "core.chinacloudapi.cn"}
_BUSES = {"azureusgovernmentcloud": "servicebus.usgovcloudapi.net", "azurechinacloud": "servicebus.chinacloudapi.cn"}
_SUFFIXES = (
    (r"\.servicebus\.(windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)", EVENT_HUBS),
    (r"\.redis\.cache\.(windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)", REDIS),
    (r"\.redisenterprise\.cache\.(azure\.net|usgovcloudapi\.net|chinacloudapi\.cn)|\.redis\.azure\.net",
     REDIS_ENTERPRISE),
    (r"\.postgres\.database\.(azure\.com|usgovcloudapi\.net|chinacloudapi\.cn)", POSTGRESQL),
    (r"\.database\.(windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)", SQL),
)  # fmt: skip
_TYPES = tuple((re.compile(rf"[^.].*(?:{suffix})"), kind) for suffix, kind in _SUFFIXES)


def bus_suffix(words: Words) -> str:
    """Return the suffix of Service Bus and Event Hubs hosts in the cloud that a rule names, by default the public."""
    return words.plain("endpointSuffix") or _BUSES.get(_cloud(words), "servicebus.windows.net")


def store_suffix(words: Words) -> str:
    """Return the suffix of storage hosts in the cloud that a rule names: of the account, not of one service."""
    stated = re.sub(r"^(blob|queue|table|file)\.", "", words.plain("endpointSuffix") or "")
    return stated or _STORES.get(_cloud(words), PUBLIC_STORE)


def type_of(host: str) -> str | None:
    """Return the type of the resource that a host (lower case) belongs to; None for a host outside Azure's names."""
    return next((kind for suffix, kind in _TYPES if suffix.fullmatch(host)), None)


def family(kind: str) -> str:
    """Return the provider of a type: both kinds of Redis are one."""
    return kind.partition("/")[0]


def _cloud(words: Words) -> str:
    return (words.plain("cloud") or "").lower()
