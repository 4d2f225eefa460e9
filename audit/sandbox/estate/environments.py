"""Container Apps environments as ARM answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate.moments import bare
from audit.sandbox.estate.world import DISPLAY, World

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body


def to_workspace(customer_id: str) -> Body:
    """Return the logging block of an environment that writes to a Log Analytics workspace."""
    return {
        "destination": "log-analytics",
        "logAnalyticsConfiguration": {"customerId": customer_id, "sharedKey": None, "dynamicJsonColumns": False},
    }


def to_azure_monitor() -> Body:
    """Return the logging block of an environment whose diagnostic settings say where logs go."""
    return {"destination": "azure-monitor", "logAnalyticsConfiguration": None}


def nowhere() -> Body:
    """Return the logging block of an environment that keeps no logs."""
    return {"destination": "none", "logAnalyticsConfiguration": None}


def environment(
    world: World,
    group: str,
    name: str,
    location: str,
    *,
    logs: Body,
    author: str,
    days: int,
    subnet: str | None = None,
    internal: bool = False,
    zones: bool = False,
    tags: dict[str, str] | None = None,
    profiles: tuple[Body, ...] = (),
) -> str:
    """Add an environment made ``days`` days ago by ``author`` (a key of the world's actors); return its id."""
    made, by = world.before(days, "09:12"), world.actors[author]
    at = bare(made)
    domain = f"{name[:12]}-{world.chance.digits(8, 'domain', group, name)}.{location}.azurecontainerapps.io"
    last = world.chance.number(250, "static", group, name)
    return world.add(
        {
            "id": f"{group}/providers/Microsoft.App/managedEnvironments/{name}",
            "name": name,
            "type": "Microsoft.App/managedEnvironments",
            "location": DISPLAY[location],
            "tags": tags or {},
            "systemData": {
                "createdBy": by.author,
                "createdByType": by.author_type,
                "createdAt": at,
                "lastModifiedBy": by.author,
                "lastModifiedByType": by.author_type,
                "lastModifiedAt": at,
            },
            "properties": {
                "provisioningState": "Succeeded",
                "daprAIInstrumentationKey": None,
                "daprAIConnectionString": None,
                "vnetConfiguration": _network(subnet, internal=internal),
                "defaultDomain": domain,
                "staticIp": f"10.40.0.{last}" if internal else f"20.101.44.{last}",
                "appLogsConfiguration": logs,
                "openTelemetryConfiguration": None,
                "zoneRedundant": zones,
                "kedaConfiguration": {"version": "2.17.2"},
                "daprConfiguration": {"version": "1.13.6-msft.6"},
                "eventStreamEndpoint": f"https://{location}.azurecontainerapps.dev{group}/managedEnvironments/{name}/eventstream",
                "customDomainConfiguration": {
                    "customDomainVerificationId": world.chance.digits(64, "domain check", group).upper(),
                    "dnsSuffix": None,
                    "certificateValue": None,
                    "certificatePassword": None,
                    "thumbprint": None,
                    "subjectName": None,
                    "expirationDate": None,
                },
                "workloadProfiles": [{"workloadProfileType": "Consumption", "name": "Consumption"}, *profiles],
                "appInsightsConfiguration": None,
                "infrastructureResourceGroup": f"ME_{name}_{group.rsplit('/', 1)[-1]}_{location}",
                "peerAuthentication": {"mtls": {"enabled": False}},
                "peerTrafficConfiguration": {"encryption": {"enabled": False}},
                "publicNetworkAccess": "Disabled" if internal else "Enabled",
                "privateEndpointConnections": None,
            },
        },
    )


def _network(subnet: str | None, *, internal: bool) -> Body | None:
    if subnet is None:
        return None
    return {
        "internal": internal,
        "infrastructureSubnetId": subnet,
        "dockerBridgeCidr": None,
        "platformReservedCidr": None,
        "platformReservedDnsIP": None,
    }
