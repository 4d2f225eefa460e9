"""What Azure answers about vaults, registries, images, private endpoints, DNS zones and networks."""

from __future__ import annotations

from typing import Any

import samples

VAULT_ID = f"{samples.GROUP_ID}/providers/Microsoft.KeyVault/vaults/kv-orders"
REGISTRY_ID = f"{samples.GROUP_ID}/providers/Microsoft.ContainerRegistry/registries/acrOrders"
ENDPOINT_ID = f"{samples.GROUP_ID}/providers/Microsoft.Network/privateEndpoints/pe-orders"
ZONE_ID = f"{samples.GROUP_ID}/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
NETWORK_ID = f"{samples.GROUP_ID}/providers/Microsoft.Network/virtualNetworks/vnet-orders"
SUBNET_ID = f"{NETWORK_ID}/subnets/snet-endpoints"
DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32

CONNECTION: dict[str, Any] = {
    "id": f"{VAULT_ID}/privateEndpointConnections/pe-orders",
    "etag": "",
    "properties": {
        "provisioningState": "Succeeded",
        "privateEndpoint": {"id": ENDPOINT_ID},
        "privateLinkServiceConnectionState": {"status": "Approved", "description": "", "actionsRequired": "None"},
    },
}
# https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/get
VAULT: dict[str, Any] = {
    "id": VAULT_ID,
    "name": "kv-orders",
    "type": "Microsoft.KeyVault/vaults",
    "location": "westeurope",
    "tags": {},
    "systemData": {"createdBy": "ada@contoso.example"},
    "properties": {
        "sku": {"family": "A", "name": "Standard"},
        "tenantId": "99999999-0000-4000-8000-000000000000",
        "networkAcls": {
            "bypass": "AzureServices",
            "defaultAction": "Deny",
            "ipRules": [{"value": "203.0.113.7/32"}],
            "virtualNetworkRules": [{"id": SUBNET_ID.lower(), "ignoreMissingVnetServiceEndpoint": False}],
        },
        "privateEndpointConnections": [CONNECTION],
        "accessPolicies": [
            {
                "tenantId": "99999999-0000-4000-8000-000000000000",
                "objectId": samples.PRINCIPAL,
                "permissions": {"keys": [], "secrets": ["Get", "list"], "certificates": ["get"], "storage": []},
            }
        ],
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": 90,
        "enableRbacAuthorization": False,
        "vaultUri": "https://KV-Orders.vault.azure.net/",
        "provisioningState": "Succeeded",
        "publicNetworkAccess": "Enabled",
    },
}
# https://learn.microsoft.com/rest/api/containerregistry/registries/get
REGISTRY: dict[str, Any] = {
    "id": REGISTRY_ID,
    "name": "acrOrders",
    "type": "Microsoft.ContainerRegistry/registries",
    "location": "westeurope",
    "sku": {"name": "Premium", "tier": "Premium"},
    "properties": {
        "loginServer": "acrOrders.azurecr.io",
        "creationDate": "2024-03-04T09:21:11.0712334Z",
        "provisioningState": "Succeeded",
        "adminUserEnabled": True,
        "networkRuleSet": {"defaultAction": "Allow", "ipRules": []},
        "policies": {"retentionPolicy": {"days": 7, "status": "disabled"}},
        "privateEndpointConnections": [],
        "publicNetworkAccess": "Enabled",
        "networkRuleBypassOptions": "AzureServices",
        "zoneRedundancy": "Disabled",
        "anonymousPullEnabled": False,
    },
}
ENDPOINT: dict[str, Any] = {
    "id": ENDPOINT_ID,
    "name": "pe-orders",
    "location": "westeurope",
    "properties": {
        "provisioningState": "Succeeded",
        "privateLinkServiceConnections": [
            {
                "name": "to-vault",
                "properties": {
                    "privateLinkServiceId": VAULT_ID,
                    "groupIds": ["vault"],
                    "privateLinkServiceConnectionState": {"status": "Approved"},
                },
            }
        ],
        "manualPrivateLinkServiceConnections": [],
        "subnet": {"id": SUBNET_ID},
        "customDnsConfigs": [{"fqdn": "KV-orders.vault.azure.net", "ipAddresses": ["10.1.0.5"]}],
    },
}
ZONE_GROUP: dict[str, Any] = {
    "name": "default",
    "id": f"{ENDPOINT_ID}/privateDnsZoneGroups/default",
    "properties": {
        "privateDnsZoneConfigs": [
            {
                "name": "vault",
                "properties": {
                    "privateDnsZoneId": ZONE_ID,
                    "recordSets": [
                        {
                            "recordType": "A",
                            "fqdn": "kv-orders.privatelink.vaultcore.azure.net.",
                            "ipAddresses": ["10.1.0.5"],
                        }
                    ],
                },
            }
        ]
    },
}
LINK: dict[str, Any] = {
    "id": f"{ZONE_ID}/virtualNetworkLinks/orders",
    "name": "orders",
    "properties": {
        "registrationEnabled": False,
        "virtualNetwork": {"id": NETWORK_ID},
        "virtualNetworkLinkState": "Completed",
    },
}
NETWORK: dict[str, Any] = {
    "id": NETWORK_ID,
    "name": "vnet-orders",
    "location": "westeurope",
    "properties": {
        "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
        "dhcpOptions": {"dnsServers": ["10.0.0.4"]},
        "subnets": [
            {
                "id": f"{NETWORK_ID}/subnets/snet-jobs",
                "name": "snet-jobs",
                "properties": {
                    "addressPrefix": "10.1.8.0/21",
                    "networkSecurityGroup": {"id": "/subscriptions/x/nsg"},
                    "natGateway": {"id": "/subscriptions/x/nat"},
                    "serviceEndpoints": [{"service": "Microsoft.KeyVault", "locations": ["*"]}],
                    "delegations": [{"name": "aca", "properties": {"serviceName": "Microsoft.App/environments"}}],
                    "privateEndpointNetworkPolicies": "Disabled",
                    "ipConfigurations": [{"id": "/subscriptions/x/nic"}],
                },
            },
            {
                "id": SUBNET_ID,
                "name": "snet-endpoints",
                "properties": {"addressPrefixes": ["10.1.0.0/24", "fd00::/64"]},
            },
        ],
        "virtualNetworkPeerings": [
            {"name": "hub", "properties": {"remoteVirtualNetwork": {"id": "/subscriptions/x/hub"}}}
        ],
    },
}

IMAGE: dict[str, Any] = {
    "image": "acrorders.azurecr.io/orders/fulfil:3.2",
    "tag": {"registry": "acrorders.azurecr.io", "imageName": "orders/fulfil", "tag": {"name": "3.2", "digest": DIGEST}},
    "manifest": {"imageName": "orders/fulfil", "manifest": {"digest": DIGEST, "imageSize": 12345}},
}
"""An image as it is put together from the registry's two records."""
