"""Key vaults that in-scope jobs take secrets from: who may read them, and from where they can be reached."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

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
from audit.model.endpoint import host_of
from audit.model.wire import ResourceId, Text, Wire, decoder, kept, text

if TYPE_CHECKING:
    from audit.azure import Azure


class KeyVault(Record, frozen=True, kw_only=True):
    """One key vault. An unset setting is null: the platform's default is not filled in. Source: GET {vault}."""

    table = "key_vaults"
    row_key = ("vault_id",)

    vault_id: str
    name: str
    location: str | None = None
    host: str | None = None
    """Host of the vault's address, in lower case, for example ``kv-orders.vault.azure.net``."""
    tenant_id: str | None = None
    rbac: bool | None = None
    """True: role assignments decide who reads secrets; false or null: the access policies do."""
    public_access: str | None = None
    """``Enabled`` or ``Disabled``; null = not stated."""
    default_action: str | None = None
    """What the firewall does with an address that no rule names: ``Allow`` or ``Deny``; null = no rules are set."""
    bypass: str | None = None
    """Who passes the firewall all the same: ``AzureServices`` or ``None``; null = no rules are set."""
    ip_rules: Json | None = None
    """List of addresses and ranges (CIDR) that the firewall lets in."""
    vnet_rules: Json | None = None
    """List of ids of subnets that the firewall lets in."""
    soft_delete: bool | None = None
    soft_delete_days: int | None = None
    """Days that what was deleted can be recovered."""
    purge_protection: bool | None = None
    """True: what was deleted can't be purged before its days are over. Azure leaves it out where it is off."""
    sku: str | None = None
    """``standard`` or ``premium``."""
    private_endpoints: Json | None = None
    """List of {endpoint_id, connection_id, status, group_ids}; null = Azure lists no connection."""
    provisioning_state: str | None = None


class VaultAccessPolicy(Record, frozen=True, kw_only=True):
    """What one principal may do in a vault by an access policy. Source: GET {vault}, properties.accessPolicies.

    A vault with ``rbac`` keeps its policies but doesn't heed them.
    """

    table = "vault_access_policies"
    row_key = ("vault_id", "tenant_id", "principal_id", "application_id")

    vault_id: str
    principal_id: str
    tenant_id: str | None = None
    application_id: str | None = None
    """The policy holds only for the principal acting through this application; null = for itself."""
    secrets: Json | None = None
    """List of permissions as Azure spells them, such as ``get`` and ``list``; null = none stated."""
    keys: Json | None = None
    certificates: Json | None = None
    storage: Json | None = None


class _Permissions(Wire, frozen=True, kw_only=True):
    secrets: list[str] | None = None
    keys: list[str] | None = None
    certificates: list[str] | None = None
    storage: list[str] | None = None


class _Policy(Wire, frozen=True, kw_only=True):
    object_id: Text
    tenant_id: str | None = None
    application_id: str | None = None
    permissions: _Permissions | None = None


class _Sku(Wire, frozen=True, kw_only=True):
    name: str | None = None


class _Properties(Wire, frozen=True, kw_only=True):
    vault_uri: str | None = None
    tenant_id: str | None = None
    sku: _Sku | None = None
    access_policies: list[_Policy] | None = None
    enable_rbac_authorization: bool | None = None
    enable_soft_delete: bool | None = None
    soft_delete_retention_in_days: int | None = None
    enable_purge_protection: bool | None = None
    public_network_access: str | None = None
    network_acls: network_rules.Rules | None = None
    private_endpoint_connections: list[private_link.Connection] | None = None
    provisioning_state: str | None = None


class _Vault(Wire, frozen=True, kw_only=True):
    id: ResourceId
    name: Text
    location: str | None = None
    properties: _Properties


_ITEM = decoder(_Vault)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the one page of one vault."""
    yield await azure.get(scope.id, api_version="2023-07-01", scope=scope)


def normalise(item: bytes, page: Page) -> Iterator[Record]:  # noqa: ARG001  the seam is one
    """Yield the vault's row, then one row per access policy."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    rules = facts.network_acls or network_rules.Rules()
    yield KeyVault(
        vault_id=wire.id,
        name=wire.name,
        location=text(wire.location),
        host=host_of(facts.vault_uri),
        tenant_id=text(facts.tenant_id),
        rbac=facts.enable_rbac_authorization,
        public_access=text(facts.public_network_access),
        default_action=text(rules.default_action),
        bypass=text(rules.bypass),
        ip_rules=network_rules.addresses(rules),
        vnet_rules=network_rules.subnets(rules),
        soft_delete=facts.enable_soft_delete,
        soft_delete_days=facts.soft_delete_retention_in_days,
        purge_protection=facts.enable_purge_protection,
        sku=text(facts.sku.name) if facts.sku else None,
        private_endpoints=private_link.connections(facts.private_endpoint_connections),
        provisioning_state=text(facts.provisioning_state),
    )
    for policy in facts.access_policies or ():
        allowed = policy.permissions or _Permissions()
        yield VaultAccessPolicy(
            vault_id=wire.id,
            principal_id=policy.object_id,
            tenant_id=text(policy.tenant_id),
            application_id=text(policy.application_id),
            secrets=kept(allowed.secrets),
            keys=kept(allowed.keys),
            certificates=kept(allowed.certificates),
            storage=kept(allowed.storage),
        )


_USED = f"with used as ({reach.named(reach.VAULTS, kind=azure_names.KEY_VAULT)})"

KIND = EvidenceKind(
    name="key_vaults",
    title="Key vaults",
    records=(KeyVault, VaultAccessPolicy),
    per=Level.RESOURCE,
    actions=("Microsoft.KeyVault/vaults/read",),
    fetch=fetch,
    normalise=normalise,
    items=whole,
    item_path="$",
    after=("jobs", "inventory"),
    population=reach.population(_USED),
    affects=reach.affects(_USED),
)
