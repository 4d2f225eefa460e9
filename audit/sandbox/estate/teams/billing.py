"""Billing: careful with its vault, careless with an older job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import sources
from audit.sandbox.estate.access import grant
from audit.sandbox.estate.deploy import Write, deploy, image, secret
from audit.sandbox.estate.foundation import WEST, Foundation
from audit.sandbox.estate.identities import held, none
from audit.sandbox.estate.jobs import (
    container,
    from_secret,
    in_vault,
    job,
    job_id,
    kept,
    on_event,
    on_schedule,
    pulled_as,
    pulled_by,
    rule,
    value,
)

if TYPE_CHECKING:
    from audit.sandbox.estate.world import World

_RUNBOOK = "https://wiki.norvane.example/runbooks/billing"
_TAGS = {
    "owner": "billing@norvane.example",
    "environment": "production",
    "cost-centre": "CC-4200",
    "runbook": f"{_RUNBOOK}/dunning",
}


def settle(world: World, ground: Foundation) -> None:
    """Add the group and its three jobs."""
    group = world.group(ground.production, "rg-billing-prod", WEST, {"owner": _TAGS["owner"]})
    invoices(world, ground, group)
    dunning(world, ground, group)
    month_close(world, ground, group)
    bus = sources.bus(world, group, "sb-norvane-billing", WEST)
    due = sources.queue(world, bus, "invoices-due", active=18, dead=43, attempts=10)
    sources.policy(world, due, "invoices", sources.MANAGE)
    account = sources.account(world, group, "stnorvanebilling", WEST)
    sources.store_queue(world, account, "dunning", messages=27)
    sources.store_queue(world, account, "dunning-poison", messages=46)
    grant(world, "Owner", world.actors["marek.dvorak"], group, days=620, by="petra.okafor")
    grant(world, "Container Apps Jobs Contributor", world.actors["deploy.billing"], group, days=600, by="marek.dvorak")
    grant(world, "Reader", world.actors["dana.whitlock"], group, days=47, by="marek.dvorak")
    grant(world, "AcrPush", world.actors["deploy.billing"], ground.registry, days=600, by="petra.okafor")


def invoices(world: World, ground: Foundation, group: str) -> None:
    """Add a job whose scale rule uses a secret from the approved vault, and whose cost centre is empty."""
    name, digest = "billing-invoices", world.chance.digits(64, "image", "invoices")
    queue = {"namespace": "sb-norvane-billing", "queueName": "invoices-due", "messageCount": "20"}
    place = deploy(
        world,
        job(
            group=group,
            name=name,
            location=WEST,
            environment=ground.env_production,
            trigger=on_event(rule("due", "azure-servicebus", queue, connection="bus-connection"), high=30),
            containers=[
                container(
                    "invoices",
                    f"norvane.azurecr.io/billing/invoices@sha256:{digest}",
                    from_secret("BUS_CONNECTION", "bus-connection"),
                    from_secret("LEDGER_KEY", "ledger-key"),
                    value("CURRENCY", "EUR"),
                ),
            ],
            identity=held(world, job_id(group, name), WEST, system=True),
            tags={**_TAGS, "cost-centre": "", "runbook": f"{_RUNBOOK}/invoices"},
            secrets=[
                in_vault("bus-connection", "kv-norvane-prod", "bus-connection"),
                in_vault("ledger-key", "kv-norvane-prod", "ledger-key"),
            ],
            registries=[pulled_by("norvane.azurecr.io", "system")],
        ),
        Write(days=590, by="deploy.billing"),
        Write(days=52, by="deploy.billing", clock="08:33", before=image(world, "5.1")),
        Write(days=17, by="deploy.billing", clock="08:51"),
    )
    me = world.actors[job_id(group, name)]
    grant(world, "Key Vault Secrets User", me, ground.vault, days=590, by="marek.dvorak")
    grant(world, "AcrPull", me, ground.registry, days=590, by="deploy.platform")
    grant(world, "Container Apps Jobs Reader", world.actors["ruth.ferreira"], place, days=140, by="marek.dvorak")


def dunning(world: World, ground: Foundation, group: str) -> None:
    """Add a job without identity: a secret of its own for the queue, a registry user with a password, a mutable tag."""
    queue = {"accountName": "stnorvanebilling", "queueName": "dunning", "queueLength": "10"}
    connection = world.planted.storage_account("stnorvanebilling")
    deploy(
        world,
        job(
            group=group,
            name="billing-dunning",
            location=WEST,
            environment=ground.env_production,
            trigger=on_event(rule("dunning", "azure-queue", queue, connection="queue-connection"), high=5),
            containers=[
                container(
                    "dunning",
                    "norvane.azurecr.io/billing/dunning:3.2",
                    from_secret("QUEUE_CONNECTION", "queue-connection"),
                ),
            ],
            identity=none(),
            tags=dict(_TAGS),
            secrets=[kept("queue-connection"), kept("registry-password")],
            registries=[pulled_as("norvane.azurecr.io", "norvane", "registry-password")],
        ),
        Write(days=610, by="marek.dvorak"),
        Write(days=24, by="marek.dvorak", clock="19:14", before=secret("queue-connection", connection)),
    )


def month_close(world: World, ground: Foundation, group: str) -> None:
    """Add a scheduled job: out of scope."""
    name, digest = "billing-month-close", world.chance.digits(64, "image", "close")
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=WEST,
            environment=ground.env_production,
            trigger=on_schedule("0 3 1 * *"),
            containers=[container("close", f"norvane.azurecr.io/billing/close@sha256:{digest}")],
            identity=held(world, job_id(group, name), WEST, system=True),
            tags={**_TAGS, "runbook": f"{_RUNBOOK}/close"},
            timeout=7200,
        ),
        Write(days=580, by="deploy.billing"),
    )
