"""System logs of environments in their workspaces: what the platform says about every execution.

The two shapes that a workspace can have them in: ``ContainerAppSystemLogs_CL`` (destination log-analytics) and
``ContainerAppSystemLogs`` (through a diagnostic setting), which has no column for the execution.
https://learn.microsoft.com/azure/container-apps/log-monitoring
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from audit.sandbox.estate.moments import zulu

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

CUSTOM, STANDARD = "ContainerAppSystemLogs_CL", "ContainerAppSystemLogs"
_WORKSPACE = "Microsoft.OperationalInsights/workspaces"
_SECOND = timedelta(seconds=1)
_SIZES = {"telemetry/ingest": 1_487_216_640, "tools/runner": 1_120_403_456, "imports/customs": 611_319_808}


class Said(NamedTuple):
    """One line of the platform about a job."""

    at: datetime
    reason: str
    text: str
    normal: bool = True
    execution: str = ""
    replica: str = ""
    times: int = 1


class Home(NamedTuple):
    """Where an environment's logs go: the workspace's customer id, the table, and when nothing was sent."""

    customer: str
    table: str
    hole: tuple[datetime, datetime] | None = None


def billed(length: int) -> Body:
    """Return what every row says of its own size; ``length``: of its text. The service counts columns as well."""
    return {"_BilledSize": float(length + 420), "_IsBillable": "True"}


def settle(world: World) -> None:
    """Write the system logs of the story; every workspace has the table that the service itself defines."""
    logs: dict[str, dict[str, list[Body]]] = {}
    for body in world.estate.resources.values():
        if body["type"] == _WORKSPACE:
            logs[body["properties"]["customerId"].lower()] = {STANDARD: []}
    for key, environment in list(world.estate.resources.items()):
        home = home_of(world, environment) if environment["type"].endswith("/managedEnvironments") else None
        if home is not None:
            table = logs.setdefault(home.customer.lower(), {}).setdefault(home.table, [])
            table += _rows(world, environment, key, home)
    for tables in logs.values():
        for rows in tables.values():
            rows.sort(key=lambda row: str(row["TimeGenerated"]))
    world.estate.logs = logs


def home_of(world: World, environment: Body) -> Home | None:
    """Return where an environment's logs go; None where it keeps none."""
    configured = environment["properties"]["appLogsConfiguration"]
    if configured["destination"] == "log-analytics":
        return Home(configured["logAnalyticsConfiguration"]["customerId"], CUSTOM)
    if configured["destination"] != "azure-monitor":
        return None
    for setting in world.estate.diagnostic_settings.get(environment["id"].lower(), ()):
        workspace = (setting["properties"]["workspaceId"] or "").lower()
        if workspace in world.estate.resources and setting["properties"]["logs"]:
            customer = world.estate.resources[workspace]["properties"]["customerId"]
            # the setting was gone for a night: see oversight.exports
            return Home(customer, STANDARD, (world.before(14, "21:33"), world.before(13, "06:10")))
    return None


def _rows(world: World, environment: Body, key: str, home: Home) -> Iterator[Body]:
    for place, job in world.estate.resources.items():
        if job["type"] != "Microsoft.App/jobs" or job["properties"]["environmentId"].lower() != key:
            continue
        for execution in world.estate.executions.get(place, ()):
            for said in said_of(world, execution):
                if said.at <= world.now and not (home.hole and home.hole[0] <= said.at < home.hole[1]):
                    yield row_of(environment, home, job["name"], said)
        for said in _scaler(world, job["name"]):
            yield row_of(environment, home, job["name"], said)


def said_of(world: World, execution: Body) -> Iterator[Said]:
    """Yield what the platform says about one execution, about in its order."""
    facts, name = execution["properties"], execution["name"]
    start = datetime.fromisoformat(facts["startTime"]) + timedelta(milliseconds=240)
    end = datetime.fromisoformat(facts["endTime"]) if "endTime" in facts else None
    replicas = facts["detailedStatus"]["replicas"]
    image = facts["template"]["containers"][0]["image"]
    asked = 4 if len(replicas) == 4 else 1  # noqa: PLR2004  telemetry-ingest runs four side by side
    yield Said(start, "SuccessfulCreate", f"Successfully created pod for Job Execution {name}", execution=name)
    for number, replica in enumerate(replicas):
        ended = replica["containers"][0]
        took = 0.7 + world.chance.number(900, "pull", replica["name"]) / 1000 + size_of(world, image) / 4e8
        later = 0 if number < asked or end is None else (end - start).total_seconds() / 2
        at = start + timedelta(seconds=2 + number / 10 + later)
        yield from _started(replica["name"], name, ended["name"], at, Pull(image, took, size_of(world, image)))
        if end is not None:
            last = end - _SECOND if number >= asked or len(replicas) == asked else start + (end - start) / 2
            yield _terminated(replica["name"], name, ended, last)
            if ended["code"] and number + 1 < len(replicas):
                text = f"Back-off restarting failed container '{ended['name']}' of {name}"
                yield Said(last + _SECOND / 2, "BackOff", text, False, name, replica["name"], 2)
    if end is not None:
        yield from _ended(facts["status"], replicas[-1]["containers"][0]["additionalInformation"], name, end)


class Pull(NamedTuple):
    """An image that was pulled: its reference, seconds, bytes."""

    image: str
    seconds: float
    size: int


def _started(replica: str, execution: str, container: str, at: datetime, pull: Pull) -> Iterator[Said]:
    pulled = at + timedelta(seconds=pull.seconds)
    words = f"{pull.seconds:.3g}s" if pull.seconds >= 1 else f"{pull.seconds * 1000:.0f}ms"
    done = f'Successfully pulled image "{pull.image}" in {words}. Image size: {pull.size} bytes.'
    for moment, reason, text in (
        (at, "PullingImage", f'Pulling image "{pull.image}"'),
        (pulled, "PulledImage", done),
        (pulled + _SECOND / 4, "ContainerCreated", f"Created container '{container}'"),
        (pulled + _SECOND / 2, "ContainerStarted", f"Started container '{container}'"),
    ):
        yield Said(moment, reason, text, execution=execution, replica=replica)


def _terminated(replica: str, execution: str, ended: Body, at: datetime) -> Said:
    code = "" if ended["code"] is None else ended["code"]
    text = f"Container '{ended['name']}' was terminated with exit code '{code}' and reason "
    text += f"'{ended['additionalInformation']}'"
    return Said(at, "ContainerTerminated", text, ended["code"] == 0, execution, replica)


def _ended(status: str, why: str, execution: str, at: datetime) -> Iterator[Said]:
    if status == "Succeeded":
        yield Said(at, "Completed", "Execution has successfully completed", execution=execution)
    elif why == "DeadlineExceeded":
        text = "Job was active longer than specified deadline"
        yield Said(at, "DeadlineExceeded", text, normal=False, execution=execution)
    elif status == "Failed":
        text = "Job has reached the specified backoff limit"
        yield Said(at, "BackoffLimitExceeded", text, normal=False, execution=execution)
    else:
        yield Said(at, "Stopped", f"Execution {execution} was stopped", normal=False, execution=execution)


def _scaler(world: World, job: str) -> Iterator[Said]:
    """Yield what the scaler says that can't reach its event source: Kafka since its password changed, once RabbitMQ."""
    if job == "telemetry-rollup":
        at = world.before(6, "11:30")
        while at < world.now:
            text = (
                "error creating kafka client: kafka: client has run out of available brokers to talk to: "
                "SASL authentication failed for evh-norvane-prod.servicebus.windows.net:9093"
            )
            yield Said(at, "KEDAScalerFailed", text, normal=False, times=120)
            at += timedelta(hours=1)
    if job == "imports-customs":
        broker = world.planted.broker("mq.norvane.example", "customs")
        text = f"error establishing rabbitmq connection: dial {broker}: i/o timeout"
        yield Said(world.before(13, "19:20"), "KEDAScalerFailed", text, normal=False, times=4)


def size_of(world: World, image: str) -> int:
    """Return the bytes of an image: always the same for the same reference."""
    repository = image.partition("@")[0].partition(":")[0].partition("/")[2]
    known = _SIZES.get(repository)
    drift = world.chance.number(9_000_000, "image size", image)
    return (known or 42_000_000 + world.chance.number(180_000_000, "image size", repository)) + drift


def row_of(environment: Body, home: Home, job: str, said: Said) -> Body:
    """Return a line as its environment's workspace keeps it."""
    label = environment["properties"]["defaultDomain"].partition(".")[0]
    kind = "Normal" if said.normal else "Warning"
    if home.table == CUSTOM:
        return {
            "TenantId": home.customer,
            "SourceSystem": "RestAPI",
            "TimeGenerated": zulu(said.at),
            "EnvironmentName_s": label,
            "ContainerAppName_s": "",
            "RevisionName_s": "",
            "JobName_s": job,
            "ExecutionName_s": said.execution,
            "ReplicaName_s": said.replica,
            "Reason_s": said.reason,
            "EventSource_s": "ContainerAppController",
            "Type_s": kind,
            "Log_s": said.text,
            "Count_d": float(said.times),
            "Type": CUSTOM,
            "_ResourceId": "",
            **billed(len(said.text)),
        }
    return {
        "TenantId": home.customer,
        "SourceSystem": "Azure",
        "TimeGenerated": zulu(said.at),
        "OperationName": "Microsoft.App/managedEnvironments/systemLogs",
        "Category": STANDARD,
        "Location": environment["location"].replace(" ", "").lower(),
        "EnvironmentName": label,
        "ContainerAppName": "",
        "RevisionName": "",
        "JobName": job,
        "ReplicaName": said.replica,
        "Reason": said.reason,
        "EventSource": "ContainerAppController",
        "Level": kind,
        "Log": said.text,
        "Count": said.times,
        "Type": STANDARD,
        "_ResourceId": environment["id"].lower(),
        **billed(len(said.text)),
    }
