"""What the answers about an event source say about it: how it is opened, from where it is reached, where it is."""

from __future__ import annotations

from typing import Any

import msgspec

from audit.model import azure_names, private_link
from audit.model.endpoint import account_host, host_of
from audit.model.network_rules import NamespaceRules, Rules, addresses, subnets
from audit.model.record import Json
from audit.model.source_answers import Resource, is_null
from audit.model.source_routes import source_type
from audit.model.wire import Instant, ResourceId, Text, Wire, moment, text
from audit.model.wire import decoder as decoding


class _Sku(Wire, frozen=True, kw_only=True):
    name: str | None = None


class _RuleSet(Wire, frozen=True, kw_only=True):
    properties: NamespaceRules


class _Endpoints(Wire, frozen=True, kw_only=True):
    blob: str | None = None
    queue: str | None = None
    table: str | None = None
    file: str | None = None


class _Auth(Wire, frozen=True, kw_only=True):
    password_auth: str | None = None


class _Network(Wire, frozen=True, kw_only=True):
    public_network_access: str | None = None
    delegated_subnet_resource_id: str | None = None


class _Redundancy(Wire, frozen=True, kw_only=True):
    mode: str | None = None


class _Directory(Wire, frozen=True, kw_only=True):
    azure_ad_only_authentication: bool | None = msgspec.field(default=None, name="azureADOnlyAuthentication")


class _Facts(Wire, frozen=True, kw_only=True):
    disable_local_auth: bool | None = None
    allow_shared_key_access: bool | None = None
    disable_access_key_authentication: bool | None = None
    auth_config: _Auth | None = None
    administrators: _Directory | None = None
    public_network_access: str | None = None
    network: _Network | None = None
    network_acls: Rules | None = None
    minimum_tls_version: str | None = None
    minimal_tls_version: str | None = None
    zone_redundant: bool | None = None
    high_availability: _Redundancy | None = None
    private_endpoint_connections: list[private_link.Connection] | None = None
    provisioning_state: str | None = None
    status: str | None = None
    state: str | None = None
    status_of_primary: str | None = None
    created_at: Instant | None = None
    creation_time: Instant | None = None
    service_bus_endpoint: str | None = None
    host_name: str | None = None
    fully_qualified_domain_name: str | None = None
    primary_endpoints: _Endpoints | None = None
    sku: _Sku | None = None


class _Resource(Wire, frozen=True, kw_only=True):
    id: ResourceId
    name: Text
    location: str | None = None
    sku: _Sku | None = None
    properties: _Facts


class _Kept(Wire, frozen=True, kw_only=True):
    enabled: bool | None = None
    days: int | None = None


class _BlobFacts(Wire, frozen=True, kw_only=True):
    delete_retention_policy: _Kept | None = None
    container_delete_retention_policy: _Kept | None = None
    is_versioning_enabled: bool | None = None


class _Blobs(Wire, frozen=True, kw_only=True):
    properties: _BlobFacts


class _Loose(msgspec.Struct):
    kind: str | None = None
    properties: dict[str, Any] = {}


_RESOURCE = decoding(_Resource)
_RULES = decoding(_RuleSet)
_BLOBS = decoding(_Blobs)
_LOOSE = msgspec.json.Decoder(_Loose)
_OWN = (
    "allowBlobPublicAccess",
    "allowCrossTenantReplication",
    "defaultToOAuthAuthentication",
    "enableNonSslPort",
    "isAutoInflateEnabled",
    "isHnsEnabled",
    "kafkaEnabled",
    "maximumThroughputUnits",
    "premiumMessagingPartitions",
    "redisVersion",
    "supportsHttpsTrafficOnly",
    "version",
)
"""Properties that only some types have and that a reader asks about."""


def columns(part: Resource) -> dict[str, Any]:
    """Return the columns of table event_sources. Raises msgspec.ValidationError for what isn't as described."""
    wire = _RESOURCE.decode(part.body)
    found = _RULES.decode(part.network) if not is_null(part.network) else None
    blobs = _BLOBS.decode(part.blobs) if not is_null(part.blobs) else None
    facts, kind = wire.properties, source_type(wire.id)
    rules = found.properties if found else facts.network_acls or Rules()
    sku = wire.sku or facts.sku or _Sku()
    ends = facts.primary_endpoints or _Endpoints()
    network = facts.network or _Network()
    return {
        "resource_id": wire.id,
        "source_type": kind,
        "name": wire.name,
        "location": text(wire.location),
        "sku": text(sku.name),
        "host": host_of(facts.service_bus_endpoint or facts.host_name or facts.fully_qualified_domain_name)
        or account_host(ends.blob or ends.queue or ends.table or ends.file),
        "local_auth_disabled": _keyless(facts),
        "public_access": text(
            facts.public_network_access
            or network.public_network_access
            or (found.properties.public_network_access if found else None)
        ),
        "default_action": text(rules.default_action),
        "ip_rules": addresses(rules),
        "vnet_rules": subnets(rules),
        "bypass": text(rules.bypass),
        "min_tls": text(facts.minimum_tls_version or facts.minimal_tls_version),
        "zone_redundant": _zones(facts, kind, sku),
        "private_endpoints": private_link.connections(facts.private_endpoint_connections),
        "provisioning_state": text(facts.provisioning_state),
        "status": text(facts.status or facts.state or facts.status_of_primary),
        "created_at": moment(facts.created_at or facts.creation_time),
        "settings": _settings(part, blobs, network),
    }


def _keyless(facts: _Facts) -> bool | None:
    """Tell whether only identities open it, in the words of each type; None where Azure doesn't say."""
    if facts.allow_shared_key_access is not None:
        return not facts.allow_shared_key_access
    if facts.auth_config and facts.auth_config.password_auth:
        return facts.auth_config.password_auth.lower() == "disabled"
    if facts.administrators and facts.administrators.azure_ad_only_authentication is not None:
        return facts.administrators.azure_ad_only_authentication
    if facts.disable_local_auth is not None:
        return facts.disable_local_auth
    return facts.disable_access_key_authentication


def _zones(facts: _Facts, kind: str, sku: _Sku) -> bool | None:
    if kind == azure_names.STORAGE:
        return "ZRS" in sku.name.upper() if sku.name else None
    if facts.high_availability and facts.high_availability.mode:
        return facts.high_availability.mode.lower() == "zoneredundant"
    return facts.zone_redundant


def _settings(part: Resource, blobs: _Blobs | None, network: _Network) -> Json | None:
    loose = _LOOSE.decode(part.body)
    own: dict[str, Any] = {name: loose.properties[name] for name in _OWN if loose.properties.get(name) is not None}
    if loose.kind:
        own["kind"] = loose.kind
    if network.delegated_subnet_resource_id:
        own["delegatedSubnetResourceId"] = network.delegated_subnet_resource_id
    if blobs:
        facts = blobs.properties
        own["blobs"] = {
            "versioning": facts.is_versioning_enabled,
            "softDeleteDays": _days(facts.delete_retention_policy),
            "containerSoftDeleteDays": _days(facts.container_delete_retention_policy),
        }
    return Json(own) if own else None


def _days(policy: _Kept | None) -> int | None:
    """Return for how many days what was deleted can be had back: 0 where it is off, None where Azure doesn't say."""
    if policy is None or policy.enabled is None:
        return None
    return policy.days if policy.enabled else 0
