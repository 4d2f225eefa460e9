"""Imports: three jobs, one identity, one engineer, and most of what an auditor would write down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import sources
from audit.sandbox.estate.access import grant
from audit.sandbox.estate.deploy import Write, bound, deploy, metadata, together, variable
from audit.sandbox.estate.foundation import WEST, Foundation
from audit.sandbox.estate.identities import Identity, held, user_assigned
from audit.sandbox.estate.jobs import container, job, job_id, on_event, pulled_by, rule, value

if TYPE_CHECKING:
    from audit.sandbox.estate.world import World

_GROUP_TAGS = {"owner": "imports@norvane.example", "environment": "production", "cost-centre": "CC-4300"}
_RUNBOOK = "https://wiki.norvane.example/runbooks/imports"


def settle(world: World, ground: Foundation) -> None:
    """Add the group, its shared identity and its three jobs."""
    group = world.group(ground.production, "RG-Imports-Prod", WEST, dict(_GROUP_TAGS))
    me = user_assigned(world, group, "id-imports-shared", WEST)
    catalogue(world, ground, group, me)
    customs(world, ground, group, me)
    supplier_feed(world, ground, group, me)
    sources.store_queue(world, ground.storage, "catalogue-files", messages=5)
    sources.container(world, ground.storage, "feeds")
    sanjay = world.actors["sanjay.rao"]
    grant(world, "Contributor", sanjay, group, days=280, by="petra.okafor")
    grant(world, "Contributor", world.actors["dana.whitlock"], group, days=38, by="sanjay.rao")
    grant(world, "Managed Identity Contributor", sanjay, me.id, days=280, by="petra.okafor")
    grant(world, "Storage Queue Data Contributor", me.actor, ground.storage, days=275, by="petra.okafor")
    grant(world, "Storage Blob Data Contributor", me.actor, ground.storage, days=275, by="petra.okafor")
    grant(world, "AcrPull", me.actor, ground.registry, days=275, by="deploy.platform")


def catalogue(world: World, ground: Foundation, group: str, me: Identity) -> None:
    """Add a job with a connection string in plain scaler metadata; its owner is its resource group's."""
    name, digest = "imports-catalogue", world.chance.digits(64, "image", "catalogue")
    queue = {
        "accountName": "stnorvaneimports",
        "queueName": "catalogue-files",
        "queueLength": "2",
        "connection": world.planted.storage_account("stnorvaneimports"),
    }
    at_night = (
        variable("MODE", "full"),
        bound("maxExecutions", 40),
        metadata("queueLength", "1"),
        metadata("connection", world.planted.storage_account("stnorvaneimports", "key of another night")),
    )
    place = deploy(
        world,
        job(
            group=group.replace("RG-Imports-Prod", "rg-imports-prod"),
            name=name,
            location=WEST,
            environment=ground.env_production,
            trigger=on_event(rule("files", "azure-queue", queue), high=8),
            containers=[
                container(
                    "catalogue",
                    f"norvane.azurecr.io/imports/catalogue@sha256:{digest}",
                    value("MODE", "delta"),
                ),
            ],
            identity=held(world, job_id(group, name), WEST, me),
            tags={"runbook": f"{_RUNBOOK}/catalogue", "note": "\x1b[31mdo not touch\x1b[0m before 06:00"},
            registries=[pulled_by("norvane.azurecr.io", me.on_wire)],
        ),
        Write(days=270, by="sanjay.rao"),
        Write(days=28, by="sanjay.rao", clock="01:12"),
        Write(days=11, by="sanjay.rao", clock="23:31", before=together(*at_night)),
        Write(days=11, by="sanjay.rao", clock="23:58"),
    )
    grant(world, "Container Apps Jobs Operator", world.actors["nora.haddad"], place, days=19, by="sanjay.rao")


def customs(world: World, ground: Foundation, group: str, me: Identity) -> None:
    """Add a job on RabbitMQ: the broker's password in an environment variable, ``:latest``, one execution always."""
    name = "imports-customs"
    broker = world.planted.broker("mq.norvane.example", "customs")
    former = variable("RABBITMQ_HOST", world.planted.broker("mq.norvane.example", "customs", "former"))
    queue = {"protocol": "amqp", "queueName": "declarations", "mode": "QueueLength", "value": "5"}
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=WEST,
            environment=ground.env_production,
            trigger=on_event(
                rule("declarations", "rabbitmq", {**queue, "hostFromEnv": "RABBITMQ_HOST"}),
                low=1,
                high=6,
            ),
            containers=[
                container("customs", "norvane.azurecr.io/imports/customs:latest", value("RABBITMQ_HOST", broker)),
            ],
            identity=held(world, job_id(group, name), WEST, me),
            tags={**_GROUP_TAGS, "runbook": f"{_RUNBOOK}/customs"},
            registries=[pulled_by("norvane.azurecr.io", me.on_wire)],
            timeout=43_200,
        ),
        Write(days=240, by="sanjay.rao", before=former),
        Write(days=74, by="sanjay.rao", clock="17:25", before=former),
        Write(days=2, by="sanjay.rao", clock="04:06"),
    )


def supplier_feed(world: World, ground: Foundation, group: str, me: Identity) -> None:
    """Add a job with a public image and a shared access signature among its arguments."""
    name = "imports-supplier-feed"
    blobs = {"accountName": "stnorvaneimports", "blobContainerName": "feeds", "blobCount": "1"}
    source = world.planted.blob_sas("stsupplierdrop", "feeds")
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=WEST,
            environment=ground.env_production,
            trigger=on_event(rule("feeds", "azure-blob", blobs, identity=me.on_wire), high=3, polling=300),
            containers=[
                container(
                    "rclone",
                    "docker.io/rclone/rclone:1.68",
                    args=["copyurl", source, "dest:feeds", "--auto-filename", "--retries", "5"],
                ),
            ],
            identity=held(world, job_id(group, name), WEST, me),
            tags={**_GROUP_TAGS, "runbook": f"{_RUNBOOK}/supplier-feed"},
        ),
        Write(days=130, by="sanjay.rao"),
        Write(days=38, by="dana.whitlock", clock="20:19"),
    )
