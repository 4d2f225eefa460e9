"""Container registries that in-scope jobs pull from: who may sign in, and from where they can be reached."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from audit.model import (
    EvidenceKind,
    Json,
    Level,
    Page,
    Record,
    Scope,
    Window,
    azure_names,
    network_rules,
    private_link,
    reach,
    whole,
)
from audit.model.wire import Instant, ResourceId, Text, Wire, decoder, kept, moment, text

if TYPE_CHECKING:
    from audit.azure import Azure


class Registry(Record, frozen=True, kw_only=True):
    """One container registry. An unset setting is null: no default is filled in. Source: GET {registry}."""

    table = "registries"
    row_key = ("registry_id",)

    registry_id: str
    name: str
    location: str | None = None
    host: str | None = None
    """The login server in lower case: the host that image references name."""
    sku: str | None = None
    """``Basic``, ``Standard`` or ``Premium``; private endpoints and firewall rules need Premium."""
    admin_user: bool | None = None
    """True: one shared user with a password may push and pull."""
    anonymous_pull: bool | None = None
    """True: anybody who reaches the registry may pull, without signing in."""
    public_access: str | None = None
    """``Enabled`` or ``Disabled``; null = not stated."""
    default_action: str | None = None
    """What the firewall does with an address that no rule names; null = no rules are set."""
    ip_rules: Json | None = None
    """List of addresses and ranges (CIDR) that the firewall lets in."""
    trusted_services: str | None = None
    """``AzureServices``: trusted services pass the firewall; ``None``: they don't."""
    zone_redundant: bool | None = None
    private_endpoints: Json | None = None
    """List of {endpoint_id, connection_id, status, group_ids}; null = Azure lists no connection."""
    policies: Json | None = None
    """Azure's object of policies (quarantine, trust, retention, export, soft delete, sign-in with ARM tokens)."""
    role_assignment_mode: str | None = None
    """``LegacyRegistryPermissions`` or ``AbacRepositoryPermissions``; null = not stated by this api-version."""
    created_at: datetime | None = None
    provisioning_state: str | None = None


class _Sku(Wire, frozen=True, kw_only=True):
    name: str | None = None


class _Properties(Wire, frozen=True, kw_only=True):
    login_server: Text
    creation_date: Instant | None = None
    provisioning_state: str | None = None
    admin_user_enabled: bool | None = None
    anonymous_pull_enabled: bool | None = None
    public_network_access: str | None = None
    network_rule_set: network_rules.Rules | None = None
    network_rule_bypass_options: str | None = None
    zone_redundancy: str | None = None
    policies: dict[str, Any] | None = None
    role_assignment_mode: str | None = None
    private_endpoint_connections: list[private_link.Connection] | None = None


class _Registry(Wire, frozen=True, kw_only=True):
    id: ResourceId
    name: Text
    location: str | None = None
    sku: _Sku | None = None
    properties: _Properties


_ITEM = decoder(_Registry)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the one page of one registry."""
    yield await azure.get(scope.id, api_version="2023-07-01", scope=scope)


def normalise(item: bytes, page: Page) -> Iterator[Registry]:  # noqa: ARG001  the seam is one
    """Yield the registry's row."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    rules = facts.network_rule_set or network_rules.Rules()
    zones = text(facts.zone_redundancy)
    yield Registry(
        registry_id=wire.id,
        name=wire.name,
        location=text(wire.location),
        host=facts.login_server.lower(),
        sku=text(wire.sku.name) if wire.sku else None,
        admin_user=facts.admin_user_enabled,
        anonymous_pull=facts.anonymous_pull_enabled,
        public_access=text(facts.public_network_access),
        default_action=text(rules.default_action),
        ip_rules=network_rules.addresses(rules),
        trusted_services=text(facts.network_rule_bypass_options),
        zone_redundant=None if zones is None else zones.lower() == "enabled",
        private_endpoints=private_link.connections(facts.private_endpoint_connections),
        policies=kept(facts.policies),
        role_assignment_mode=text(facts.role_assignment_mode),
        created_at=moment(facts.creation_date),
        provisioning_state=text(facts.provisioning_state),
    )


_USED = f"with used as ({reach.named(reach.REGISTRIES, kind=azure_names.REGISTRY)})"

KIND = EvidenceKind(
    name="registries",
    title="Container registries",
    records=(Registry,),
    per=Level.RESOURCE,
    actions=("Microsoft.ContainerRegistry/registries/read",),
    fetch=fetch,
    normalise=normalise,
    items=whole,
    item_path="$",
    after=("jobs", "inventory"),
    population=reach.population(_USED),
    affects=reach.affects(_USED),
)
