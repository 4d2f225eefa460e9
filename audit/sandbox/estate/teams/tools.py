"""The shared subscription: search indexing and the build runner, in an environment that keeps no logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import sources
from audit.sandbox.estate.access import grant
from audit.sandbox.estate.deploy import Write, deploy, variable
from audit.sandbox.estate.foundation import NORTH, Foundation
from audit.sandbox.estate.identities import held, user_assigned
from audit.sandbox.estate.jobs import (
    by_hand,
    container,
    from_secret,
    in_vault,
    job,
    job_id,
    on_event,
    pulled_by,
    rule,
    value,
)

if TYPE_CHECKING:
    from audit.sandbox.estate.world import World

_TAGS = {"environment": "shared", "cost-centre": "CC-1200"}


def settle(world: World, ground: Foundation) -> None:
    """Add two groups and their jobs."""
    search(world, ground, world.group(ground.shared, "rg-search-shared", NORTH, {"owner": "search@norvane.example"}))
    devtools = world.group(ground.shared, "rg-devtools", NORTH, dict(_TAGS))
    runner(world, ground, devtools)
    migrate(world, ground, devtools)
    grant(world, "Container Apps Jobs Contributor", world.actors["deploy.tools"], devtools, days=250, by="petra.okafor")
    grant(world, "AcrPush", world.actors["deploy.tools"], ground.shared_registry, days=250, by="petra.okafor")
    grant(world, "AcrPush", world.actors["oskar.brandt"], ground.shared_registry, days=255, by="petra.okafor")


def search(world: World, ground: Foundation, group: str) -> None:
    """Add the indexer: two kinds of scaler, an identity that owns its whole namespace, a tag that begins with ``=``."""
    me = user_assigned(world, group, "id-search-indexer", NORTH)
    sources.policy(world, ground.shared_bus, "keda-scaling", sources.MANAGE)
    sources.policy(world, ground.shared_bus, "deploy-tools", (*sources.LISTEN, *sources.SEND))
    sources.queue(world, ground.shared_bus, "reindex", attempts=100, ttl="P1D", dead_letter=False)
    sources.store_queue(world, sources.account(world, group, "stnorvanesearch", NORTH), "documents")
    name, digest = "search-indexer", world.chance.digits(64, "image", "indexer")
    bus = {"namespace": "sb-norvane-shared", "queueName": "reindex", "messageCount": "10"}
    queue = {"accountName": "stnorvanesearch", "queueName": "documents", "queuelength": "20"}
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=NORTH,
            environment=ground.env_tools,
            trigger=on_event(
                rule("reindex", "azure-servicebus", bus, identity=me.on_wire),
                rule("documents", "azure-queue", queue, identity=me.on_wire),
                high=12,
            ),
            containers=[
                container(
                    "indexer",
                    f"norvaneshared.azurecr.io/search/indexer@sha256:{digest}",
                    value("INDEX", "products-v4"),
                    value("AZURE_CLIENT_ID", me.client_id),
                ),
            ],
            identity=held(world, job_id(group, name), NORTH, me),
            tags={
                **_TAGS,
                "owner": "search@norvane.example",
                "runbook": '=HYPERLINK("http://wiki.norvane.example/runbooks/search","runbook")',
            },
            registries=[pulled_by("norvaneshared.azurecr.io", me.on_wire)],
        ),
        Write(days=230, by="deploy.tools"),
        Write(days=45, by="deploy.tools", clock="11:11", before=variable("INDEX", "products-v3")),
        Write(days=7, by="deploy.tools", clock="09:09"),
    )
    world.estate.images_gone.append(f"norvaneshared.azurecr.io/search/indexer@sha256:{digest}")
    grant(world, "Azure Service Bus Data Owner", me.actor, ground.shared_bus, days=230, by="petra.okafor")
    grant(world, "AcrPull", me.actor, ground.shared_registry, days=230, by="petra.okafor")
    grant(world, "Contributor", world.actors["grp.search"], group, days=240, by="petra.okafor")
    grant(world, "Contributor", world.actors["amelie.petit"], group, days=240, by="petra.okafor")


def runner(world: World, ground: Foundation, group: str) -> None:
    """Add the build runner; for some hours its token stood in a plain variable, and the log still has it."""
    name, digest = "github-runner", world.chance.digits(64, "image", "runner")
    github = {"owner": "norvane", "runnerScope": "org", "labels": "aca,linux", "targetWorkflowQueueLength": "1"}
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=NORTH,
            environment=ground.env_tools,
            trigger=on_event(
                rule("queued", "github-runner", github, personalAccessToken="github-token"),
                high=10,
            ),
            containers=[
                container(
                    "runner",
                    f"norvaneshared.azurecr.io/tools/runner@sha256:{digest}",
                    value("RUNNER_SCOPE", "org"),
                    from_secret("GITHUB_PAT", "github-token"),
                    cpu=2.0,
                    memory="4Gi",
                ),
            ],
            identity=held(world, job_id(group, name), NORTH, system=True),
            tags={
                **_TAGS,
                "Owner": "devtools@norvane.example",
                "runbook": "https://wiki.norvane.example/runbooks/runner",
            },
            secrets=[in_vault("github-token", "kv-norvane-shared", "github-token")],
            registries=[pulled_by("norvaneshared.azurecr.io", "system")],
        ),
        Write(days=210, by="deploy.tools"),
        Write(
            days=22,
            by="petra.okafor",
            clock="18:03",
            before=variable("GITHUB_PAT", world.planted.github_token("runner")),
        ),
        Write(days=22, by="petra.okafor", clock="21:16"),
    )
    grant(world, "AcrPull", world.actors[job_id(group, name)], ground.shared_registry, days=210, by="petra.okafor")


def migrate(world: World, ground: Foundation, group: str) -> None:
    """Add a job that is started by hand: out of scope."""
    name, digest = "devtools-db-migrate", world.chance.digits(64, "image", "migrate")
    deploy(
        world,
        job(
            group=group,
            name=name,
            location=NORTH,
            environment=ground.env_tools,
            trigger=by_hand(),
            containers=[container("migrate", f"norvaneshared.azurecr.io/tools/migrate@sha256:{digest}")],
            identity=held(world, job_id(group, name), NORTH, system=True),
            tags=dict(_TAGS),
        ),
        Write(days=150, by="deploy.tools"),
    )
