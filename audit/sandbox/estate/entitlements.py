"""Who was given what in the story, above and beside what the teams gave themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import events, roles
from audit.sandbox.estate.access import custom_role, definition_id, grant

if TYPE_CHECKING:
    from audit.sandbox.estate.foundation import Foundation
    from audit.sandbox.estate.world import World

_ROLE = "@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId]"
_ASKED = "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]"


def settle(world: World, ground: Foundation) -> None:
    """Assign roles from the root down to single jobs."""
    above(world)
    production(world, ground)
    shared(world, ground)
    revoked(world, ground)


def above(world: World) -> None:
    """Assign at the root and at management groups, where nobody looks and everything inherits."""
    who, (root, company, landing_zones) = world.actors, world.estate.management_groups
    grant(world, "User Access Administrator", who["petra.okafor"], "/", days=95)
    grant(world, "Owner", who["emergency.access"], "/", days=900)
    grant(world, "Reader", who["grp.audit"], root, days=800, by="emergency.access")
    grant(world, "Security Reader", who["grp.security"], root, days=800, by="emergency.access")
    grant(world, "Management Group Reader", who["nightly.report"], root, days=420, by="petra.okafor")
    grant(world, "Owner", who["grp.platform"], company, days=700, by="emergency.access")
    grant(world, "Monitoring Reader", who["nightly.report"], company, days=420, by="petra.okafor")
    grant(world, "Cost Management Reader", who["grp.finops"], landing_zones, days=650, by="petra.okafor")
    grant(world, "Contributor", who["deploy.platform"], landing_zones, days=690, by="petra.okafor")
    grant(world, "Azure Container Storage Contributor", who["deploy.platform"], landing_zones, days=120)


def production(world: World, ground: Foundation) -> None:
    """Assign in the production subscription: two Owners too many, a person who is gone, and roles of our own."""
    who, scope = world.actors, f"/subscriptions/{ground.production}"
    release = custom_role(
        world,
        "Norvane Job Releaser",
        "Releases jobs: everything on a job, and joining its environment.",
        [
            "Microsoft.App/jobs/*",
            "Microsoft.App/managedEnvironments/read",
            "Microsoft.App/managedEnvironments/join/action",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        [scope],
    )
    starter = custom_role(
        world,
        "Norvane Job Starter",
        "Starts a job and sees how it went.",
        ["Microsoft.App/jobs/read", "Microsoft.App/jobs/start/action", "Microsoft.App/jobs/executions/read"],
        [scope],
    )
    grant(world, "Owner", who["petra.okafor"], scope, days=720, by="emergency.access")
    grant(world, "Owner", who["oskar.brandt"], scope, days=510, by="petra.okafor")
    grant(world, "Contributor", who["jonas.weber"], scope, days=560, by="petra.okafor")
    grant(world, "Reader", who["grp.oncall"], scope, days=600, by="petra.okafor")
    grant(world, "Log Analytics Reader", who["grp.oncall"], ground.workspace, days=600, by="petra.okafor")
    grant(world, release, who["grp.release"], scope, days=370, by="petra.okafor", description=_reason())
    pull = roles.guid_of("AcrPull")
    grant(
        world,
        "Role Based Access Control Administrator",
        who["deploy.platform"],
        scope,
        days=360,
        by="petra.okafor",
        condition=(
            "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
            f"({_ASKED} ForAnyOfAnyValues:GuidEquals {{{pull}}})) AND "
            "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR "
            f"({_ROLE} ForAnyOfAnyValues:GuidEquals {{{pull}}}))"
        ),
        description="May hand out AcrPull and nothing else.",
    )
    replay = f"{scope}/resourceGroups/rg-orders-prod/providers/Microsoft.App/jobs/orders-replay"
    grant(world, starter, who["replay.scheduler"], replay, days=285, by="ines.halloran")
    environment = ground.env_production
    grant(
        world,
        "Container Apps ManagedEnvironments Contributor",
        who["nora.haddad"],
        environment,
        days=31,
        by="petra.okafor",
    )
    grant(world, "Key Vault Secrets Officer", who["marek.dvorak"], ground.vault, days=590, by="petra.okafor")
    grant(world, "Cost Management Contributor", who["camille.roux"], scope, days=430, by="petra.okafor")
    grant(world, "Monitoring Contributor", who["tove.lindqvist"], scope, days=64, by="petra.okafor")


def shared(world: World, ground: Foundation) -> None:
    """Assign in the shared subscription."""
    who, scope = world.actors, f"/subscriptions/{ground.shared}"
    grant(world, "Owner", who["petra.okafor"], scope, days=720, by="emergency.access")
    grant(world, "User Access Administrator", who["sanjay.rao"], scope, days=55, by="petra.okafor")
    grant(world, "Contributor", who["grp.platform"], scope, days=640, by="petra.okafor")
    grant(world, "Reader", who["grp.oncall"], scope, days=600, by="petra.okafor")
    grant(world, "Tag Contributor", who["deploy.tools"], scope, days=83, by="petra.okafor")


def revoked(world: World, ground: Foundation) -> None:
    """Take a role away again that isn't among the assignments any more: only the log knows of it."""
    scope = f"/subscriptions/{ground.production}/resourceGroups/rg-billing-prod"
    name = world.chance.guid("revoked assignment")
    properties = {
        "principalId": world.actors["li.wei"].object_id,
        "principalType": "User",
        "roleDefinitionId": definition_id(scope, roles.guid_of("Contributor")),
        "scope": scope,
    }
    target = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    for days, clock, verb in ((29, "17:48", "write"), (27, "08:02", "delete")):
        events.record(
            world,
            events.Operation(
                when=world.before(days, clock),
                actor=world.actors["marek.dvorak"],
                action=f"Microsoft.Authorization/roleAssignments/{verb}",
                target=target,
                steps=events.SHORT,
                request={"Id": name, "Properties": properties} if verb == "write" else None,
                response={"properties": properties, "id": target, "name": name},
            ),
        )


def _reason() -> str:
    """Return a description such as forms invite: very long and of little use."""
    sentence = "Granted for the release train as discussed; see the ticket, the mail and the minutes of the meeting. "
    return (sentence * 22).strip()
