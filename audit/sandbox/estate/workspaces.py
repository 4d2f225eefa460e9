"""Log Analytics workspaces as ARM answers them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from audit.sandbox.estate.moments import zulu

if TYPE_CHECKING:
    from audit.sandbox.estate.world import World


def workspace(
    world: World,
    group: str,
    name: str,
    location: str,
    customer: str,
    *,
    keep: int,
    quota: float = -1.0,
    local_auth: bool = True,
    open_to_queries: bool = True,
) -> str:
    """Add a workspace that keeps its tables ``keep`` days and return its id. ``quota``: GB a day; -1 is no cap."""
    made = zulu(world.before(640, "08:40"))
    return world.resource(
        group,
        "Microsoft.OperationalInsights/workspaces",
        name,
        location,
        {
            "customerId": customer,
            "provisioningState": "Succeeded",
            "sku": {"name": "PerGB2018", "lastSkuUpdate": made},
            "retentionInDays": keep,
            "features": {
                "legacy": 0,
                "searchVersion": 1,
                "enableLogAccessUsingOnlyResourcePermissions": True,
                "disableLocalAuth": not local_auth,
            },
            "workspaceCapping": {
                "dailyQuotaGb": quota,
                "quotaNextResetTime": zulu(world.now.replace(hour=14) + timedelta(days=1)),
                "dataIngestionStatus": "RespectQuota",
            },
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled" if open_to_queries else "Disabled",
            "createdDate": made,
            "modifiedDate": zulu(world.before(210, "11:02")),
        },
        tags={},
    )
