"""Key vaults as ARM answers them: purge protection and a firewall are left out where nobody set them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import Actor, World

KIND = "Microsoft.KeyVault/vaults"


def vault(
    world: World,
    group: str,
    name: str,
    location: str,
    *,
    policies: Sequence[Body] | None = None,
    public: bool = True,
    let_in: Sequence[str] | None = None,
    keep: int = 90,
    purge_protection: bool = True,
    tags: dict[str, str] | None = None,
) -> str:
    """Add a vault and return its id.

    ``policies``: access policies; None = roles decide. ``let_in``: addresses that its firewall lets in; None = no
    firewall. ``keep``: days that what was deleted can be recovered.
    """
    properties: Body = {
        "sku": {"family": "A", "name": "standard"},
        "tenantId": world.estate.tenant_id,
        "accessPolicies": list(policies or ()),
        "enabledForDeployment": False,
        "enabledForDiskEncryption": False,
        "enabledForTemplateDeployment": False,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": keep,
        "enableRbacAuthorization": policies is None,
        "vaultUri": f"https://{name}.vault.azure.net/",
        "provisioningState": "Succeeded",
        "publicNetworkAccess": "Enabled" if public else "Disabled",
    }
    if purge_protection:
        properties["enablePurgeProtection"] = True
    if let_in is not None:
        properties["networkAcls"] = {
            "bypass": "AzureServices",
            "defaultAction": "Deny",
            "ipRules": [{"value": each} for each in let_in],
            "virtualNetworkRules": [],
        }
    return world.resource(group, KIND, name, location, properties, tags=tags or {})


def policy(world: World, actor: Actor, *secrets: str, keys: Sequence[str] = ()) -> Body:
    """Return the access policy that lets an actor do these things with secrets and keys."""
    return {
        "tenantId": world.estate.tenant_id,
        "objectId": actor.object_id,
        "permissions": {"keys": list(keys), "secrets": list(secrets), "certificates": []},
    }
