"""Estates of any size: the story's people, and as many subscriptions, groups, environments and jobs as asked for."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from audit.sandbox.estate import (
    alerts,
    connections,
    costs,
    deployments,
    fleet,
    governance,
    logs_made,
    noise,
    people,
    privileged,
    roles,
    seen,
    volumes,
    workspaces,
)
from audit.sandbox.estate.access import collector, custom_role, grant
from audit.sandbox.estate.budgets import action_group, budget, warn
from audit.sandbox.estate.diagnostics import ACTIVITY, ENVIRONMENT, send
from audit.sandbox.estate.environments import environment, nowhere, to_azure_monitor, to_workspace
from audit.sandbox.estate.executions import Generated
from audit.sandbox.estate.fleet import Plot

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

JOBS_PER_GROUP, JOBS_PER_ENVIRONMENT, ASSIGNMENTS = 25, 40, 30
_LOCATIONS = ("westeurope", "northeurope", "swedencentral")
_WORKSPACE = "log-norvane"
_BUSY = ("deploy.platform", "deploy.tools", "petra.okafor", "nightly.report")


def fill(world: World, jobs: int, subscriptions: int, caller_role: Body | None) -> None:
    """Make ``jobs`` event jobs, and a tenth as many others, evenly over ``subscriptions`` subscriptions."""
    world.estate.role_definitions |= roles.built_in()
    people.hire(world)
    world.management_group(world.estate.tenant_id)
    landing_zones = world.management_group("norvane-landing-zones")
    actions = ["Microsoft.App/jobs/*", "Microsoft.App/managedEnvironments/join/action"]
    release = custom_role(world, "Norvane Job Releaser", "Releases jobs.", actions, [landing_zones])
    collector(world, caller_role, landing_zones)
    grant(world, "Owner", world.actors["emergency.access"], "/", days=900)
    grant(world, "Contributor", world.actors["deploy.platform"], landing_zones, days=690, by="petra.okafor")
    privileged.crowd(world)
    plots: list[Plot] = []
    for index in range(subscriptions):
        numbers = range(index, jobs, subscriptions)
        plot = _plot(world, index, len(numbers))
        plots.append(plot)
        for position, number in enumerate(numbers):
            group = plot.groups[position // JOBS_PER_GROUP]
            home = plot.environments[position // JOBS_PER_ENVIRONMENT]
            fleet.settle(world, plot, number, position, group, home)
        for number in range(index, jobs // 10, subscriptions):
            at = number // subscriptions
            home = plot.environments[at % len(plot.environments)]
            fleet.other(world, plot, number, plot.groups[at % len(plot.groups)], home)
        if len(numbers) >= 12:  # noqa: PLR2004  where each fault has its job
            fleet.deleted(world, plot, index)
        _access(world, plot, release)
        _oversight(world, plot, index)
        privileged.generate(world, plot, index, len(numbers))
        governance.generate(world, plot.groups[0], index)
        noise.make(world, plot.subscription, plot.groups, [world.actors[key] for key in _BUSY], 10 + len(numbers) // 4)
    connections.generate(world, plots)
    world.estate.executions = executions = Generated(world)
    world.estate.costs = costs.Billed(world)
    deployments.settle(world, most=1)
    seen.observe(world)
    logs_made.settle(world, executions)
    volumes.generate(world)


def _plot(world: World, index: int, jobs: int) -> Plot:
    """Add a subscription with the groups and environments that this many jobs need."""
    name = f"norvane-{index + 1:03d}"
    plot = Plot(
        subscription=world.subscription(name, {"environment": "production"}),
        location=_LOCATIONS[index % len(_LOCATIONS)],
    )
    for number in range(max(1, ceil(jobs / JOBS_PER_GROUP))):
        tags = {"owner": f"team-{number}@norvane.example"} if number % 4 else None
        plot.groups.append(world.group(plot.subscription, f"rg-{index + 1:03d}-{number + 1:03d}", plot.location, tags))
        fleet.sources_of(world, plot.groups[-1], plot.location, local_auth=number % 5 != 4)  # noqa: PLR2004  one in five
    customer = world.chance.guid("workspace", index)
    workspaces.workspace(world, plot.groups[0], _WORKSPACE, plot.location, customer, keep=90)
    for number in range(max(1, ceil(jobs / JOBS_PER_ENVIRONMENT))):
        group, kind = plot.groups[number % len(plot.groups)], (index + number) % 3
        logs = (to_workspace(customer), to_azure_monitor(), nowhere())[kind]
        title = f"cae-{index + 1:03d}-{number + 1:03d}"
        made = environment(
            world,
            group,
            title,
            plot.location,
            logs=logs,
            author="deploy.platform",
            days=400,
            subnet=connections.subnet_of(plot, number),
            internal=number % 2 == 0,
        )
        plot.environments.append(made)
        if logs["destination"] == "azure-monitor":
            send(world, made, "send-logs", workspace=_workspace(plot), logs=ENVIRONMENT, metrics=True)
    return plot


def _workspace(plot: Plot) -> str:
    return f"{plot.groups[0]}/providers/Microsoft.OperationalInsights/workspaces/{_WORKSPACE}"


def _access(world: World, plot: Plot, release: str) -> None:
    """Assign roles in a subscription: about thirty, more where it has many groups."""
    who, scope = world.actors, f"/subscriptions/{plot.subscription}"
    before = len(world.estate.role_assignments)
    for role, key in (
        ("Owner", "petra.okafor"),
        ("Owner", "oskar.brandt"),
        ("Contributor", "jonas.weber"),
        ("Contributor", "grp.platform"),
        ("Reader", "grp.oncall"),
        ("User Access Administrator", "sanjay.rao"),
        ("Container Apps Jobs Operator", "grp.oncall"),
        (release, "grp.release"),
    ):
        grant(world, role, who[key], scope, days=500, by="petra.okafor")
    for number, group in enumerate(plot.groups):
        guest = number % 10 == 3  # noqa: PLR2004  one group in ten lets a guest in
        grant(world, "Contributor", who["dana.whitlock" if guest else "grp.orders"], group, days=300, by="petra.okafor")
        grant(world, "Container Apps Jobs Contributor", who["deploy.orders"], group, days=20, by="petra.okafor")
    for home in plot.environments:
        grant(world, "Container Apps ManagedEnvironments Reader", who["grp.telemetry"], home, by="petra.okafor")
    for identity in plot.identities[: max(0, before + ASSIGNMENTS - len(world.estate.role_assignments))]:
        group = identity.id.partition("/providers/")[0]
        grant(world, "Azure Service Bus Data Receiver", identity.actor, group, days=280, by="petra.okafor")


def _oversight(world: World, plot: Plot, index: int) -> None:
    """Export the log of most subscriptions; budget each, and every third group, some with nobody to tell."""
    scope = f"/subscriptions/{plot.subscription}"
    if index % 3 != 1:
        send(world, scope, "export-activity", workspace=_workspace(plot), logs=ACTIVITY)
    mail = {"finops": "finops@norvane.example"}
    told = action_group(world, plot.groups[0], "ag-finops", emails=mail, live=index % 4 != 3)  # noqa: PLR2004  one in four
    alerts.generated(world, plot.groups[0], index, told)
    budget(world, scope, "monthly", 5000.0, spent=3100.0, forecast=4700.0, notifications=[warn(80.0, groups=[told])])
    for number, group in enumerate(plot.groups[::3]):
        contacts = ["finops@norvane.example"] if number % 2 else []
        budget(world, group, "monthly", 500.0, spent=210.0, notifications=[warn(90.0, emails=contacts)])
