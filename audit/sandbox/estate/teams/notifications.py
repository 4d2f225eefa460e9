"""Notifications: nobody says whose job it is, and no budget covers its group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import sources
from audit.sandbox.estate.access import grant
from audit.sandbox.estate.deploy import Write, deploy, image
from audit.sandbox.estate.foundation import WEST, Foundation
from audit.sandbox.estate.identities import held
from audit.sandbox.estate.jobs import container, job, job_id, on_event, pulled_by, rule, value

if TYPE_CHECKING:
    from audit.sandbox.estate.world import World


def settle(world: World, ground: Foundation) -> None:
    """Add the group, which has no tags at all, and its job with a mail password in plain sight."""
    group = world.group(ground.production, "rg-notifications-prod", WEST)
    name, digest = "notifications-mail", world.chance.digits(64, "image", "mail")
    sources.queue(world, ground.bus, "outgoing-mail", active=11, dead=4, ttl="P1D", dead_letter=False)
    queue = {"namespace": "sb-norvane-prod", "queueName": "outgoing-mail", "messageCount": "25"}
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=WEST,
            environment=ground.env_production,
            trigger=on_event(rule("outgoing", "azure-servicebus", queue, identity="system"), high=15),
            containers=[
                container(
                    "mail",
                    f"norvane.azurecr.io/notifications/mail@sha256:{digest}",
                    value("SMTP_HOST", "smtp.norvane.example"),
                    value("SMTP_USER", "notifications"),
                    value("SMTP_PASSWORD", world.planted.password("smtp")),
                ),
            ],
            identity=held(world, job_id(group, name), WEST, system=True),
            tags={"environment": "production"},
            registries=[pulled_by("norvane.azurecr.io", "system")],
        ),
        Write(days=160, by="li.wei"),
        Write(days=81, by="li.wei", clock="12:15", before=image(world, "1.8")),
        Write(days=19, by="li.wei", clock="12:40"),
    )
    me = world.actors[job_id(group, name)]
    grant(world, "Azure Service Bus Data Receiver", me, f"{ground.bus}/queues/outgoing-mail", days=160, by="li.wei")
    grant(world, "AcrPull", me, ground.registry, days=160, by="deploy.platform")
    grant(world, "Contributor", world.actors["grp.notifications"], group, days=170, by="petra.okafor")
