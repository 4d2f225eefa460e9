"""Orders: the team that does it right. Its jobs are what the others are measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import events, sources
from audit.sandbox.estate.access import grant
from audit.sandbox.estate.deploy import Write, deploy, image, log, secret
from audit.sandbox.estate.foundation import WEST, Foundation
from audit.sandbox.estate.identities import held, trust, user_assigned
from audit.sandbox.estate.jobs import by_hand, container, job, job_id, on_event, pulled_by, rule, value

if TYPE_CHECKING:
    from audit.sandbox.estate.world import World

_RUNBOOK = "https://wiki.norvane.example/runbooks/orders"
_TAGS = {
    "owner": "orders@norvane.example",
    "environment": "production",
    "cost-centre": "CC-4100",
    "runbook": f"{_RUNBOOK}/fulfil",
}
_NAMESPACE = {"namespace": "sb-norvane-prod"}


def settle(world: World, ground: Foundation) -> None:
    """Add the group, its three present jobs, and the one that was deleted."""
    group = world.group(ground.production, "rg-orders-prod", WEST, {k: v for k, v in _TAGS.items() if k != "runbook"})
    fulfil(world, ground, group)
    returns(world, ground, group)
    replay(world, ground, group)
    backfill(world, ground, group)
    sources.queue(world, ground.bus, "orders-placed", active=3, lock="PT5M", duplicates=True)
    sources.queue(world, ground.bus, "refunds", dead=1)
    sources.subscription(world, sources.topic(world, ground.bus, "returns"), "warehouse", active=2)
    grant(world, "Contributor", world.actors["grp.orders"], group, days=500, by="petra.okafor")
    grant(world, "Container Apps Jobs Contributor", world.actors["deploy.orders"], group, days=480, by="petra.okafor")
    grant(world, "Managed Identity Operator", world.actors["deploy.orders"], group, days=480, by="petra.okafor")
    grant(world, "AcrPush", world.actors["deploy.orders"], ground.registry, days=480, by="petra.okafor")


def fulfil(world: World, ground: Foundation, group: str) -> None:
    """Add the good job: one identity of its own, no secret, image by digest, bounds set."""
    me = user_assigned(world, group, "id-orders-fulfil", WEST, {"owner": _TAGS["owner"]})
    subject = "repo:norvane/orders:environment:production"
    trust(world, me, "github-production", "https://token.actions.githubusercontent.com", subject)
    name, digest = "orders-fulfil", world.chance.digits(64, "image", "fulfil")
    work = container(
        "fulfil",
        f"norvane.azurecr.io/orders/fulfil@sha256:{digest}",
        value("QUEUE_NAME", "orders-placed"),
        value("SERVICEBUS_NAMESPACE", "sb-norvane-prod.servicebus.windows.net"),
        value("AZURE_CLIENT_ID", me.client_id),
        value("LOG_LEVEL", "info"),
        cpu=1.0,
        memory="2Gi",
    )
    queue = {**_NAMESPACE, "queueName": "orders-placed", "messageCount": "5"}
    place = deploy(
        world,
        job(
            group=group,
            name=name,
            location=WEST,
            environment=ground.env_production,
            trigger=on_event(rule("placed", "azure-servicebus", queue, identity=me.on_wire), high=20),
            containers=[work],
            identity=held(world, job_id(group, name), WEST, me),
            tags=dict(_TAGS),
            registries=[pulled_by("norvane.azurecr.io", me.on_wire)],
            identity_settings=[{"identity": me.on_wire, "lifecycle": "Main"}],
        ),
        Write(days=470, by="deploy.orders"),
        Write(days=66, by="deploy.orders", clock="09:41", before=image(world, "2.9")),
        Write(days=33, by="deploy.orders", clock="10:05", before=image(world, "2.10")),
        Write(days=9, by="deploy.orders", clock="14:22"),
    )
    grant(world, "Azure Service Bus Data Receiver", me.actor, f"{ground.bus}/queues/orders-placed", days=470)
    grant(world, "AcrPull", me.actor, ground.registry, days=470, by="deploy.platform")
    grant(world, "Container Apps Jobs Operator", world.actors["grp.oncall"], place, days=300, by="ines.halloran")
    grant(world, "Managed Identity Operator", world.actors["grp.orders"], me.id, days=460, by="petra.okafor")


def returns(world: World, ground: Foundation, group: str) -> None:
    """Add a job with two rules that leaves its polling interval to the platform."""
    me = user_assigned(world, group, "id-orders-returns", WEST)
    name, digest = "orders-returns", world.chance.digits(64, "image", "returns")
    topic = {**_NAMESPACE, "topicName": "returns", "subscriptionName": "warehouse", "messageCount": "10"}
    queue = {**_NAMESPACE, "queueName": "refunds", "messageCount": "5"}
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=WEST,
            environment=ground.env_production,
            trigger=on_event(
                rule("warehouse", "azure-servicebus", topic, identity=me.on_wire),
                rule("refunds", "azure-servicebus", queue, identity=me.on_wire),
                polling=None,
                high=10,
            ),
            containers=[
                container(
                    "returns", f"norvane.azurecr.io/orders/returns:2.14.0@sha256:{digest}", value("REGION", "EU")
                ),
            ],
            identity=held(world, job_id(group, name), WEST, me),
            tags={**_TAGS, "runbook": f"{_RUNBOOK}/returns"},
            registries=[pulled_by("norvane.azurecr.io", me.on_wire)],
        ),
        Write(days=350, by="deploy.orders"),
        Write(days=21, by="deploy.orders", clock="11:58", before=image(world, "2.13")),
        Write(days=4, by="deploy.orders", clock="15:37"),
    )
    grant(world, "Azure Service Bus Data Receiver", me.actor, ground.bus, days=350, by="ines.halloran")
    grant(world, "AcrPull", me.actor, ground.registry, days=350, by="deploy.platform")


def replay(world: World, ground: Foundation, group: str) -> None:
    """Add a job that a scheduler starts by hand: out of scope, but part of the population."""
    me = user_assigned(world, group, "id-orders-replay", WEST)
    name, digest = "orders-replay", world.chance.digits(64, "image", "replay")
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=WEST,
            environment=ground.env_production,
            trigger=by_hand(),
            containers=[container("replay", f"norvane.azurecr.io/orders/replay@sha256:{digest}")],
            identity=held(world, job_id(group, name), WEST, me),
            tags={**_TAGS, "runbook": f"{_RUNBOOK}/replay"},
            registries=[pulled_by("norvane.azurecr.io", me.on_wire)],
        ),
        Write(days=290, by="deploy.orders"),
    )


def backfill(world: World, ground: Foundation, group: str) -> None:
    """Add a job that is gone: only the Activity Log knows that it was there, what it held and who deleted it."""
    name = "orders-backfill"
    metadata = {**_NAMESPACE, "queueName": "orders-backfill", "messageCount": "50"}
    body = job(
        group=group,
        name=name,
        location=WEST,
        environment=ground.env_production,
        trigger=on_event(rule("backfill", "azure-servicebus", metadata, connection="sb-connection"), high=50),
        containers=[container("backfill", "norvane.azurecr.io/orders/backfill:hotfix")],
        identity={"type": "None"},
        tags={"owner": "ines.halloran@norvane.example"},
        secrets=[{"name": "sb-connection"}],
    )
    connection = secret("sb-connection", world.planted.service_bus("sb-norvane-legacy"))
    log(
        world,
        body,
        Write(days=41, by="ines.halloran", clock="16:44", before=connection),
        Write(days=26, by="ines.halloran", clock="22:51"),
    )
    events.record(
        world,
        events.Operation(
            when=world.before(12, "23:47"),
            actor=world.actors["ines.halloran"],
            action=events.JOB_DELETE,
            target=body["id"],
        ),
    )
