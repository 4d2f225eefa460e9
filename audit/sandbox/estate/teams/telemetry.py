"""Telemetry: much data, few bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import sources
from audit.sandbox.estate.access import grant
from audit.sandbox.estate.deploy import Write, bound, deploy, image
from audit.sandbox.estate.foundation import PROFILE, WEST, Foundation
from audit.sandbox.estate.identities import held, user_assigned
from audit.sandbox.estate.jobs import (
    container,
    from_secret,
    in_vault,
    job,
    job_id,
    on_event,
    on_schedule,
    pulled_by,
    rule,
    value,
)
from audit.sandbox.estate.vaults import policy, vault

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import Actor, World

_RUNBOOK = "https://wiki.norvane.example/runbooks/telemetry"
_TAGS = {
    "owner": "telemetry@norvane.example",
    "environment": "production",
    "cost-centre": "CC-4410",
    "runbook": f"{_RUNBOOK}/ingest",
}


def settle(world: World, ground: Foundation) -> None:
    """Add the group and its three jobs."""
    group = world.group(ground.production, "rg-telemetry-prod", WEST, dict(_TAGS))
    ingest(world, ground, group)
    rollup(world, ground, group)
    retention(world, ground, group)
    positions = sources.hub(world, ground.hubs, "vehicle-positions", "ingest", "replay", partitions=32, days=7)
    sources.policy(world, positions, "vehicles", sources.SEND)
    minutes = sources.hub(world, ground.hubs, "positions-minute", "rollup", partitions=8, days=7)
    sources.policy(world, minutes, "rollup", sources.LISTEN)
    checkpoints = sources.account(world, group, "stnorvanecheckpoints", WEST, shared_key=False, open_to_all=False)
    sources.container(world, checkpoints, "positions")
    grant(world, "Contributor", world.actors["grp.telemetry"], group, days=330, by="petra.okafor")
    grant(
        world, "Container Apps Jobs Contributor", world.actors["deploy.telemetry"], group, days=330, by="petra.okafor"
    )
    grant(world, "Container Apps ManagedEnvironments Reader", world.actors["grp.telemetry"], ground.env_telemetry)


def ingest(world: World, ground: Foundation, group: str) -> None:
    """Add a job that may run a thousand times at once; at night somebody tried more, and corrected it."""
    me = user_assigned(world, group, "id-telemetry-ingest", WEST)
    name, digest = "telemetry-ingest", world.chance.digits(64, "image", "ingest")
    hub = {
        "eventHubNamespace": "evh-norvane-prod",
        "eventHubName": "vehicle-positions",
        "consumerGroup": "ingest",
        "storageAccountName": "stnorvanecheckpoints",
        "blobContainer": "positions",
        "unprocessedEventThreshold": "64",
    }
    place = job_id(group, name)
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=WEST,
            environment=ground.env_telemetry.replace("/resourceGroups/", "/resourcegroups/"),
            trigger=on_event(rule("positions", "azure-eventhub", hub, identity=me.on_wire), high=1000, parallelism=4),
            containers=[
                container(
                    "ingest",
                    f"norvane.azurecr.io/telemetry/ingest@sha256:{digest}",
                    value("EVENTHUB_NAME", "vehicle-positions"),
                    value("BATCH_SIZE", "500"),
                    cpu=2.0,
                    memory="4Gi",
                ),
            ],
            identity=held(world, place, WEST, me, system=True),
            tags=dict(_TAGS),
            registries=[pulled_by("norvane.azurecr.io", me.on_wire)],
            profile=PROFILE,
        ),
        Write(days=305, by="deploy.telemetry", before=image(world, "7.0")),
        Write(days=37, by="deploy.telemetry", clock="09:20"),
        Write(days=13, by="tove.lindqvist", clock="02:38", before=bound("maxExecutions", 5000)),
        Write(days=13, by="tove.lindqvist", clock="03:04"),
    )
    grant(world, "Azure Event Hubs Data Receiver", me.actor, ground.hubs, days=305, by="tove.lindqvist")
    grant(world, "AcrPull", me.actor, ground.registry, days=305, by="deploy.platform")


def rollup(world: World, ground: Foundation, group: str) -> None:
    """Add a job on Event Hubs' Kafka: its password is in a vault nobody approved, a token stands in its command."""
    name, digest = "telemetry-rollup", world.chance.digits(64, "image", "rollup")
    kafka = {
        "bootstrapServers": "evh-norvane-prod.servicebus.windows.net:9093",
        "consumerGroup": "rollup",
        "topic": "positions-minute",
        "lagThreshold": "1000",
        "sasl": "plaintext",
        "tls": "enable",
    }
    fetch = f"curl -fsS -H 'Authorization: Bearer {world.planted.bearer('rollup')}' https://schemas.norvane.example/v1"
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=WEST,
            environment=ground.env_telemetry,
            trigger=on_event(
                rule("minutes", "kafka", kafka, username="kafka-user", password="kafka-password"),  # noqa: S106  a name
                high=40,
                polling=15,
            ),
            init=[container("schemas", "norvane.azurecr.io/tools/curl:8", command=["/bin/sh", "-c", fetch])],
            containers=[
                container(
                    "rollup",
                    f"norvane.azurecr.io/telemetry/rollup@sha256:{digest}",
                    from_secret("KAFKA_PASSWORD", "kafka-password"),
                ),
            ],
            identity=held(world, job_id(group, name), WEST, system=True),
            tags={**_TAGS, "runbook": f"{_RUNBOOK}/rollup"},
            secrets=[
                in_vault("kafka-user", "kv-norvane-prod", "kafka-user"),
                in_vault("kafka-password", "kv-team-sandbox", "kafka-password"),
            ],
            registries=[pulled_by("norvane.azurecr.io", "system")],
            profile=PROFILE,
        ),
        Write(days=220, by="deploy.telemetry", before=_from_the_approved_vault),
        Write(days=6, by="deploy.telemetry", clock="10:47"),
    )
    me = world.actors[job_id(group, name)]
    _own_vault(world, group, me)
    grant(world, "Key Vault Secrets User", me, ground.vault, days=220, by="tove.lindqvist")
    grant(world, "AcrPull", me, ground.registry, days=220, by="deploy.platform")


def _own_vault(world: World, group: str, rollup: Actor) -> None:
    """Add the vault that nobody approved: open to every network, and a person reads what the job reads."""
    tove = world.actors["tove.lindqvist"]
    policies = (
        policy(world, tove, "get", "list", "set", "delete"),
        policy(world, rollup, "get"),
        policy(world, world.actors["deploy.telemetry"], "Get", "List", "Set", keys=("get",)),
    )
    tags = {"note": f"old drop: {world.planted.blob_sas('stteamsandbox', 'drop')}"}
    vault(world, group, "kv-team-sandbox", WEST, policies=policies, keep=7, purge_protection=False, tags=tags)


def _from_the_approved_vault(body: Body) -> None:
    """Take the Kafka password from where it was, before somebody rotated it and kept the new one elsewhere."""
    named = {held["name"]: held for held in body["properties"]["configuration"]["secrets"]}
    there = named["kafka-password"]
    there["keyVaultUrl"] = there["keyVaultUrl"].replace("kv-team-sandbox", "kv-norvane-prod")


def retention(world: World, ground: Foundation, group: str) -> None:
    """Add a scheduled job: out of scope."""
    name, digest = "telemetry-retention", world.chance.digits(64, "image", "retention")
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=WEST,
            environment=ground.env_telemetry,
            trigger=on_schedule("30 1 * * *"),
            containers=[container("retention", f"norvane.azurecr.io/telemetry/retention@sha256:{digest}")],
            identity=held(world, job_id(group, name), WEST, system=True),
            tags={**_TAGS, "runbook": f"{_RUNBOOK}/retention"},
        ),
        Write(days=200, by="deploy.telemetry"),
        Write(days=58, by="deploy.telemetry", clock="16:02"),
    )
