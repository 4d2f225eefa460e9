"""The story's logging and money: exports with a hole, budgets that nobody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import events
from audit.sandbox.estate.budgets import action_group, budget, warn
from audit.sandbox.estate.diagnostics import ACTIVITY, ENVIRONMENT, send
from audit.sandbox.estate.sources import account

if TYPE_CHECKING:
    from audit.sandbox.estate.foundation import Foundation
    from audit.sandbox.estate.world import World

_SETTING = "Microsoft.Insights/diagnosticSettings"


def settle(world: World, ground: Foundation) -> None:
    """Set up exports, action groups and budgets."""
    exports(world, ground)
    money(world, ground)


def exports(world: World, ground: Foundation) -> None:
    """Export production's Activity Log (the shared one nobody exports); telemetry's setting was gone for a night."""
    archive = account(
        world,
        ground.platform,
        "stnorvanearchive",
        "westeurope",
        shared_key=False,
        open_to_all=False,
        tier="Standard_GZRS",
    )
    production = f"/subscriptions/{ground.production}"
    send(world, production, "export-activity", workspace=ground.workspace, storage=archive, logs=ACTIVITY)
    setting = send(
        world,
        ground.env_telemetry,
        "send-logs",
        workspace=ground.workspace,
        logs=ENVIRONMENT,
        metrics=True,
    )
    send(world, ground.env_production, "metrics-only", workspace=ground.workspace, metrics=True)
    fulfil = f"{production}/resourceGroups/rg-orders-prod/providers/Microsoft.App/jobs/orders-fulfil"
    send(world, fulfil, "job-metrics", workspace=ground.workspace, metrics=True)
    target = f"{ground.env_telemetry}/providers/microsoft.insights/diagnosticSettings/send-logs"
    for days, clock, verb in ((14, "21:33", "delete"), (13, "06:10", "write")):
        events.record(
            world,
            events.Operation(
                when=world.before(days, clock),
                actor=world.actors["tove.lindqvist"],
                action=f"{_SETTING}/{verb}",
                target=target,
                steps=events.SHORT,
                request={"properties": setting["properties"]} if verb == "write" else None,
            ),
        )


def money(world: World, ground: Foundation) -> None:
    """Set budgets: good, without contacts, with dead contacts, on a tag; some groups have none."""
    production, shared = f"/subscriptions/{ground.production}", f"/subscriptions/{ground.shared}"
    finops = action_group(
        world,
        ground.platform,
        "ag-finops",
        emails={"finops": "finops@norvane.example"},
        webhook=world.planted.callback("finops"),
    )
    dead = {"first on call": "oskar.brandt@norvane.example", "second on call": "jonas.weber@norvane.example"}
    forgotten = action_group(world, ground.shared_platform, "ag-old-on-call", emails=dead, live=False)
    action_group(world, ground.shared_platform, "ag-search-alerts", emails={"search": "search@norvane.example"})
    budget(
        world,
        production,
        "production-monthly",
        9000.0,
        spent=6120.44,
        forecast=8874.1,
        notifications=[
            warn(80.0, emails=["camille.roux@norvane.example"], groups=[finops]),
            warn(100.0, kind="Forecasted", emails=["petra.okafor@norvane.example"], roles=["Owner"]),
        ],
    )
    budget(world, shared, "shared-monthly", 1200.0, spent=1310.07, notifications=[warn(90.0, groups=[forgotten])])
    orders = f"{production}/resourceGroups/rg-orders-prod"
    good = [warn(75.0, emails=["ines.halloran@norvane.example"]), warn(100.0, emails=["finops@norvane.example"])]
    budget(world, orders, "orders-monthly", 1500.0, spent=902.5, forecast=1388.0, notifications=good)
    billing = f"{production}/resourceGroups/rg-billing-prod"
    budget(world, billing, "billing-monthly", 800.0, spent=455.0, forecast=690.0, notifications=[warn(100.0)])
    only = {"tags": {"name": "cost-centre", "operator": "In", "values": ["CC-4410"]}}
    telemetry = f"{production}/resourceGroups/rg-telemetry-prod"
    mail = [warn(90.0, emails=["tove.lindqvist@norvane.example"])]
    budget(world, telemetry, "telemetry-tagged", 3000.0, spent=2875.9, forecast=4410.3, only=only, notifications=mail)
    imports = f"{production}/resourceGroups/RG-Imports-Prod"
    off = [warn(100.0, emails=["sanjay.rao@norvane.example"], enabled=False)]
    budget(world, imports, "imports-quarterly", 900.0, spent=None, grain="Quarterly", notifications=off)
    for days, clock in ((44, "10:10"), (43, "09:02")):
        events.record(
            world,
            events.Operation(
                when=world.before(days, clock),
                actor=world.actors["camille.roux"],
                action="Microsoft.Consumption/budgets/write",
                target=f"{billing}/providers/Microsoft.Consumption/budgets/billing-monthly",
                steps=events.SHORT,
                request={"properties": {"amount": 800.0 if days == 43 else 600.0, "notifications": {}}},  # noqa: PLR2004
            ),
        )
