"""Generated event jobs: the story's shapes and faults again, each twelfth job alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audit.sandbox.estate import events, jobs, sources
from audit.sandbox.estate.deploy import Write, bound, deploy, log
from audit.sandbox.estate.identities import Identity, held, none, user_assigned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

REGISTRY = "norvane.azurecr.io"
TEAMS = ("orders", "billing", "telemetry", "imports", "notifications", "search", "pricing", "routing", "claims")
_CLOCKS = ("09:14", "10:41", "13:27", "15:52", "17:06", "02:19")
_AUTHORS = ("deploy.orders", "deploy.billing", "deploy.telemetry", "deploy.tools", "sanjay.rao", "li.wei")
# What the job with this remainder does wrong; 0 does nothing wrong.
(
    _,
    UNSET_POLLING,
    VAULT_SECRET,
    OWN_SECRET,
    UNBOUNDED,
    STRANGE_VAULT,
    PLAIN_METADATA,
    LATEST,
    PUBLIC_IMAGE,
    PASSWORD,
    TWO_RULES,
    TOKEN,
) = range(12)


@dataclass(kw_only=True)
class Plot:
    """One subscription of a generated estate, and the identities made in it so far."""

    subscription: str
    location: str
    groups: list[str] = field(default_factory=list)
    environments: list[str] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)


def settle(world: World, plot: Plot, number: int, position: int, group: str, environment: str) -> str:  # noqa: PLR0917  a row
    """Add event job ``number``, the ``position``-th of its subscription, with what was done to it; return its id."""
    name, team = f"{TEAMS[number % len(TEAMS)]}-{number:05d}", TEAMS[number % len(TEAMS)]
    fault, place = position % 12, jobs.job_id(group, name)
    identity, reached = _identity(world, plot, place, group, name, position)
    digest = world.chance.digits(64, "image", number)
    container = jobs.container("main", f"{REGISTRY}/{team}/worker@sha256:{digest}", jobs.value("LOG_LEVEL", "info"))
    tags = {
        "owner": f"{team}@norvane.example",
        "environment": "production",
        "cost-centre": f"CC-{4000 + number % 40}",
        "runbook": f"https://wiki.norvane.example/runbooks/{team}",
    }
    body = jobs.job(
        group=group,
        name=name,
        location=plot.location,
        environment=environment,
        trigger=_trigger(world, group, name, fault, reached),
        containers=[container],
        identity=identity,
        tags=tags,
        secrets=_secrets(fault),
        registries=_registries(fault, reached),
    )
    _spoil(world, name, fault, container, tags)
    _queues(world, group, body["properties"]["configuration"]["eventTriggerConfig"]["scale"]["rules"])
    writes = _writes(number)
    deploy(world, body, *writes)
    if position % 2:
        _read_secrets(world, place, number)
    return place


def deleted(world: World, plot: Plot, number: int) -> None:
    """Write the traces of an event job that is gone."""
    name = f"retired-{number:03d}"
    rule = jobs.rule(
        "work", "azure-servicebus", {"namespace": bus_of(plot.groups[0]), "queueName": name}, identity="system"
    )
    body = jobs.job(
        group=plot.groups[0],
        name=name,
        location=plot.location,
        environment=plot.environments[0],
        trigger=jobs.on_event(rule),
        containers=[jobs.container("main", f"{REGISTRY}/retired/worker:1")],
        identity=none(),
    )
    log(world, body, Write(days=50, by="li.wei"))
    actor, when = world.actors["li.wei"], world.before(5 + number % 20, "22:08")
    events.record(
        world,
        events.Operation(when=when, actor=actor, action=events.JOB_DELETE, target=body["id"]),
    )


def other(world: World, plot: Plot, number: int, group: str, environment: str) -> str:
    """Add a job of another trigger type; return its id."""
    name = f"routine-{number:05d}"
    digest = world.chance.digits(64, "image", "routine", number)
    body = jobs.job(
        group=group,
        name=name,
        location=plot.location,
        environment=environment,
        trigger=jobs.on_schedule("0 4 * * *") if number % 2 else jobs.by_hand(),
        containers=[jobs.container("main", f"{REGISTRY}/routine/worker@sha256:{digest}")],
        identity=none(),
        tags={"owner": "platform@norvane.example"},
    )
    return deploy(world, body, Write(days=100 + number % 200, by="deploy.platform"))


def _identity(  # noqa: PLR0917  where it belongs
    world: World,
    plot: Plot,
    place: str,
    group: str,
    name: str,
    position: int,
) -> tuple[Body, str]:
    """Return a job's identity block, and the identity that its rule and registry use ("" for none)."""
    if position % 12 == OWN_SECRET:
        return none(), ""
    system = position % 12 in (PASSWORD, TOKEN) or (position % 2 == 0 and position % 12 != TWO_RULES)
    if position % 3 == 1:
        plot.identities.append(user_assigned(world, group, f"id-{name}", plot.location))
    elif position % 12 != STRANGE_VAULT or not plot.identities:
        return held(world, place, plot.location, system=True), "system"
    mine = plot.identities[-1]
    return held(world, place, plot.location, mine, system=system), mine.on_wire


def bus_of(group: str) -> str:
    """Return the name of a resource group's Service Bus namespace."""
    return f"sb-norvane{group.rpartition('/rg')[2]}"


def account_of(group: str) -> str:
    """Return the name of a resource group's storage account."""
    return f"stnorvane{group.rpartition('/rg')[2].replace('-', '')}"


def sources_of(world: World, group: str, location: str, *, local_auth: bool) -> None:
    """Add what the jobs of a resource group wait for: a namespace and an account, whose queues the jobs bring."""
    bus = sources.bus(world, group, bus_of(group), location, local_auth=local_auth)
    sources.policy(world, bus, "scaling", sources.MANAGE)
    sources.account(world, group, account_of(group), location, shared_key=local_auth)


def _queues(world: World, group: str, rules: Sequence[Body]) -> None:
    """Add the queues that a job's rules name, where they lie in the group's own namespace and account."""
    bus = f"{group}/providers/Microsoft.ServiceBus/namespaces/{bus_of(group)}"
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/{account_of(group)}"
    for each in rules:
        name = each["metadata"].get("queueName", "")
        if each["type"] == "azure-servicebus":
            sources.queue(world, bus, name, active=len(name) % 7)
        elif each["type"] == "azure-queue":
            sources.store_queue(world, account, name, messages=len(name) % 5)


def _trigger(world: World, group: str, name: str, fault: int, identity: str) -> Body:
    queue = {"namespace": bus_of(group), "queueName": name, "messageCount": "5"}
    storage = {"accountName": account_of(group), "queueName": name, "queueLength": "5"}
    work = jobs.rule("work", "azure-servicebus", queue, identity=identity)
    if fault in (VAULT_SECRET, STRANGE_VAULT):
        work = jobs.rule("work", "azure-servicebus", queue, connection="connection")
    elif fault == OWN_SECRET:
        work = jobs.rule("work", "azure-queue", storage, connection="connection")
    elif fault == PLAIN_METADATA:
        storage["connection"] = world.planted.storage_account(account_of(group))
        work = jobs.rule("work", "azure-queue", storage)
    elif fault == LATEST:
        metadata = {"protocol": "amqp", "queueName": name, "mode": "QueueLength", "value": "5", "hostFromEnv": "BROKER"}
        work = jobs.rule("work", "rabbitmq", metadata)
    elif fault == TOKEN:
        work = jobs.rule(
            "work", "github-runner", {"owner": "norvane", "runnerScope": "org"}, personalAccessToken="token"
        )
    rules = [work, jobs.rule("more", "azure-queue", storage, identity=identity)] if fault == TWO_RULES else [work]
    return jobs.on_event(
        *rules,
        low=1 if fault == LATEST else 0,
        high=1000 if fault == UNBOUNDED else 20,
        polling=None if fault == UNSET_POLLING else 30,
    )


def _secrets(fault: int) -> list[Body] | None:
    if fault == VAULT_SECRET:
        return [jobs.in_vault("connection", "kv-norvane-prod", "connection")]
    if fault == STRANGE_VAULT:
        return [jobs.in_vault("connection", "kv-team-sandbox", "connection")]
    if fault == OWN_SECRET:
        return [jobs.kept("connection"), jobs.kept("registry-password")]
    if fault == TOKEN:
        return [jobs.in_vault("token", "kv-norvane-shared", "token")]
    return None


def _registries(fault: int, identity: str) -> list[Body] | None:
    if fault == OWN_SECRET:
        return [jobs.pulled_as(REGISTRY, "norvane", "registry-password")]
    return None if fault == PUBLIC_IMAGE else [jobs.pulled_by(REGISTRY, identity)]


def _spoil(world: World, name: str, fault: int, container: Body, tags: dict[str, str]) -> None:
    """Do to a container and to the tags what this job does wrong there."""
    if fault == LATEST:
        container["image"] = f"{REGISTRY}/imports/worker:latest"
        container["env"].append(jobs.value("BROKER", world.planted.broker("mq.norvane.example", name)))
    elif fault == PUBLIC_IMAGE:
        container["image"] = "docker.io/rclone/rclone:1.68"
        container["args"] = ["copyurl", world.planted.blob_sas("stsupplierdrop", name), "dest:feeds"]
    elif fault == PASSWORD:
        container["env"].append(jobs.value("SMTP_PASSWORD", world.planted.password(name)))
        del tags["owner"]
    elif fault == VAULT_SECRET:
        tags["cost-centre"] = ""
    elif fault == PLAIN_METADATA:
        del tags["owner"]


def _writes(number: int) -> tuple[Write, ...]:
    author, clock = _AUTHORS[number % len(_AUTHORS)], _CLOCKS[number % len(_CLOCKS)]
    return (
        Write(days=100 + number % 400, by=author),
        Write(days=61 + number % 28, by=author, clock=clock, before=bound("maxExecutions", 5)),
        Write(days=31 + number % 29, by=author, clock=clock, before=bound("maxExecutions", 10)),
        Write(days=1 + number % 29, by=author, clock=clock),
    )


def _read_secrets(world: World, place: str, number: int) -> None:
    actor, when = world.actors[_AUTHORS[number % len(_AUTHORS)]], world.before(1 + number % 88, "12:30")
    events.record(
        world,
        events.Operation(when=when, actor=actor, action=events.JOB_SECRETS, target=place, steps=events.SHORT),
    )
