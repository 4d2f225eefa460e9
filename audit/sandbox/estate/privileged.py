"""Who is in which group, who may become what, and what is denied: in the story, and in estates of any size."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from audit.sandbox.estate import pim
from audit.sandbox.estate.access import grant
from audit.sandbox.estate.directory import group, person

if TYPE_CHECKING:
    from audit.sandbox.estate.fleet import Plot
    from audit.sandbox.estate.foundation import Foundation
    from audit.sandbox.estate.world import Actor, World

_MEMBERS = {
    "grp.platform": ("petra.okafor", "deploy.platform", "grp.oncall"),
    "grp.oncall": ("nora.haddad", "li.wei", "oskar.brandt"),
    "grp.orders": ("ines.halloran", "deploy.orders"),
    "grp.billing": ("marek.dvorak",),
    "grp.telemetry": ("tove.lindqvist", "sanjay.rao"),
    "grp.notifications": ("li.wei", "dana.whitlock"),
    "grp.search": ("sanjay.rao",),
    "grp.release": ("ines.halloran", "marek.dvorak"),
    "grp.finops": ("camille.roux",),
    "grp.audit": ("ruth.ferreira",),
}
"""``grp.security`` is empty, and on-call is a group inside the platform engineers."""
JOBS_PER_TEAM, TEAM = 20, 60
_FOUR_HOURS = timedelta(hours=4)


def settle(world: World, ground: Foundation) -> None:
    """Tell the story's part."""
    who = world.actors
    production, shared = f"/subscriptions/{ground.production}", f"/subscriptions/{ground.shared}"
    groups = {body["name"]: str(body["id"]) for body in world.estate.resource_groups}
    for key, members in _MEMBERS.items():
        pim.join(world, who[key], *(who[each] for each in members))
    grant(world, "Container Apps Jobs Operator", who["grp.oncall"], groups["rg-notifications-prod"], days=200)

    pim.eligible(world, "Owner", who["ines.halloran"], production, days=140)
    pim.eligible(
        world, "Owner", who["tove.lindqvist"], groups["rg-telemetry-prod"], days=10, ends=world.now + timedelta(days=20)
    )
    pim.eligible(world, "Contributor", who["grp.release"], groups["rg-billing-prod"], days=60)
    pim.eligible(world, "Contributor", who["jonas.weber"], shared, days=300)
    pim.eligible(world, "Reader", who["ruth.ferreira"], ground.landing_zones, days=80, how="Inherited")
    pim.activated(world, "Contributor", who["li.wei"], production, since=_FOUR_HOURS, ends=_FOUR_HOURS)
    carried = {each["properties"]["originRoleAssignmentId"] for each in world.estate.role_activations}
    for assignment in world.estate.role_assignments:
        if assignment["id"] not in carried:
            pim.standing(world, assignment)

    pim.may_join(world, who["grp.platform"], who["tove.lindqvist"])
    pim.may_join(world, who["grp.oncall"], who["sanjay.rao"], ends=timedelta(days=45))
    pim.may_join(world, who["grp.oncall"], who["petra.okafor"], access="owner")
    pim.joined(world, who["grp.release"], who["tove.lindqvist"], ends=timedelta(hours=3))

    pim.deny(
        world,
        "Deny changes of jobs: stack billing",
        groups["rg-billing-prod"],
        ("Microsoft.App/jobs/delete", "Microsoft.App/jobs/write"),
        but=(who["grp.release"],),
    )
    pim.deny(
        world,
        "Deny at the group itself: stack imports",
        groups["RG-Imports-Prod"],
        ("Microsoft.App/*", "Microsoft.Resources/subscriptions/resourceGroups/delete"),
        spared=("*/read",),
        here_only=True,
    )
    pim.deny(
        world,
        "Managed application of Brightpath",
        groups["rg-search-shared"],
        ("Microsoft.App/jobs/start/action",),
        to=(who["grp.search"],),
        days=45,
    )


def crowd(world: World) -> None:
    """Fill the groups that every generated estate has."""
    for key, members in _MEMBERS.items():
        pim.join(world, world.actors[key], *(world.actors[each] for each in members))


def generate(world: World, plot: Plot, index: int, jobs: int) -> None:
    """Give a subscription a team for every twenty jobs, every third in a group above it, and a little of all else."""
    who, scope = world.actors, f"/subscriptions/{plot.subscription}"
    above: Actor | None = None
    for number in range(max(1, jobs // JOBS_PER_TEAM)):
        key = f"team.{index + 1:03d}.{number + 1:03d}"
        team = group(world, key, f"grp-{key.replace('.', '-')}")
        people = [_someone(world, key, each) for each in range(TEAM)]
        pim.join(world, team, *people)
        if number % 3 == 0:
            above = group(world, f"{key}.leads", f"grp-{key.replace('.', '-')}-leads")
            pim.join(world, above, people[0], team)
        elif above is not None:
            pim.join(world, above, team)
        home = plot.groups[number % len(plot.groups)]
        holder = above if above is not None and number % 3 == 0 else team
        role = ("Container Apps Jobs Operator", "Container Apps Jobs Contributor", "Reader")[number % 3]
        grant(world, role, holder, home, days=150, by="petra.okafor")
    pim.eligible(world, "Owner", who["ines.halloran"], scope, days=140)
    pim.eligible(world, "Contributor", who["grp.release"], plot.groups[0], ends=world.now + timedelta(days=30))
    if index % 2 == 0:
        pim.activated(world, "Contributor", who["li.wei"], scope, since=_FOUR_HOURS, ends=_FOUR_HOURS)
    jobs_only = ("Microsoft.App/jobs/delete", "Microsoft.App/jobs/write")
    pim.deny(world, "Deny changes of jobs", plot.groups[-1], jobs_only, but=(who["grp.release"],))


def _someone(world: World, team: str, number: int) -> Actor:
    """Return one of a team; every twentieth is a guest, every thirtieth can't sign in."""
    key = f"{team}.{number + 1:02d}"
    guest = "brightpath.example" if number % 20 == 19 else ""  # noqa: PLR2004  one in twenty
    return person(world, key, f"Member {key}", guest_of=guest, enabled=number % 30 != 29)  # noqa: PLR2004  one in thirty
