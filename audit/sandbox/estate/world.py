"""The estate while it is being made: what every part of the story writes into."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from audit.sandbox.estate.chance import Chance
from audit.sandbox.estate.model import Body, Estate
from audit.sandbox.estate.planted import Planted

if TYPE_CHECKING:
    from audit.sandbox.estate.deploy import Write

DISPLAY = {"westeurope": "West Europe", "northeurope": "North Europe", "swedencentral": "Sweden Central"}
"""Container Apps spells a location as people read it, most other providers as a code."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Someone or something that can hold a role and do things. ``kind`` is User, Group or ServicePrincipal."""

    object_id: str
    kind: str
    name: str
    caller: str
    """As the Activity Log names it: a user's principal name, an application's object id."""
    author: str
    """As ``systemData`` names it: a user's principal name, an application's client id."""
    author_type: str = "User"
    address: str = ""
    claims: Body = field(default_factory=dict)


class World:
    """Randomness, fake secrets, known actors and the estate itself."""

    def __init__(self, seed: int, now: datetime) -> None:
        self.chance = Chance(seed)
        self.planted = Planted(self.chance)
        self.actors: dict[str, Actor] = {}
        self.now = now
        self.estate = Estate(now=now, tenant_id=self.chance.guid("tenant"), subscriptions=[])
        self.hierarchy: dict[str, str] = {}
        self.writes: dict[str, tuple[Write, ...]] = {}
        """Lower-case job id → its writes, oldest first: what its template was at any moment follows from them."""

    def before(self, days: int, clock: str = "10:30") -> datetime:
        """Return the moment ``days`` days before today at ``clock`` (UTC), with seconds of its own."""
        hour, minute = map(int, clock.split(":"))
        second, fraction = divmod(self.chance.number(59_999_999, "moment", days, clock) + 1, 1_000_000)
        at = time(hour, minute, second, fraction, tzinfo=self.now.tzinfo)
        return datetime.combine(self.now.date() - timedelta(days=days), at)

    def management_group(self, name: str) -> str:
        """Add the next management group down and return its id."""
        group = f"/providers/Microsoft.Management/managementGroups/{name}"
        self.estate.management_groups.append(group)
        return group

    def subscription(self, name: str, tags: dict[str, str]) -> str:
        """Add a subscription and return its GUID."""
        guid = self.chance.guid("subscription", name)
        self.estate.subscriptions.append(
            {
                "id": f"/subscriptions/{guid}",
                "authorizationSource": "RoleBased",
                "managedByTenants": [],
                "tags": tags,
                "subscriptionId": guid,
                "tenantId": self.estate.tenant_id,
                "displayName": name,
                "state": "Enabled",
                "subscriptionPolicies": {
                    "locationPlacementId": "Public_2014-09-01",
                    "quotaId": "EnterpriseAgreement_2014-09-01",
                    "spendingLimit": "Off",
                },
            },
        )
        above = [group.rsplit("/", 1)[-1] for group in self.estate.management_groups]
        self.hierarchy[guid] = "/".join([*above, guid])
        for listed in (self.estate.activity, self.estate.action_groups):
            listed[guid] = []
        return guid

    def group(self, subscription: str, name: str, location: str, tags: dict[str, str] | None = None) -> str:
        """Add a resource group and return its id."""
        body: Body = {
            "id": f"/subscriptions/{subscription}/resourceGroups/{name}",
            "name": name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": location,
            "properties": {"provisioningState": "Succeeded"},
        }
        if tags is not None:
            body["tags"] = tags
        self.estate.resource_groups.append(body)
        return str(body["id"])

    def add(self, body: Body) -> str:
        """Add a resource and return its id."""
        self.estate.resources[body["id"].lower()] = body
        return str(body["id"])

    def resource(self, group: str, sort: str, name: str, location: str, properties: Body, **more: object) -> str:
        """Add a resource of type ``sort`` of any other provider and return its id."""
        place = f"{group}/providers/{sort}/{name}"
        return self.add(
            {"id": place, "name": name, "type": sort, "location": location, **more, "properties": properties},
        )
