"""Console logs of jobs, and each workspace's account of how much it took in.

Of what containers print only the size matters here; that a line may hold a secret is what the story shows with one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from audit.sandbox.estate.logs import CUSTOM, Home, billed, home_of
from audit.sandbox.estate.moments import zulu

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

CONSOLE, USAGE = "ContainerAppConsoleLogs", "Usage"
_JOBS = "Microsoft.App/jobs"
_DAYS = 90
_DAILY = 548.0
"""MB that a workspace takes in on a day, more or less: what it is charged for, by the ingestion of a GB."""
_QUIET, _LOUD = (1, 900), (12, 62_000)
"""Lines of an execution, and letters of each, more or less."""
_CHATTY = ("telemetry-ingest",)
_EVERY = timedelta(days=10)


class Printed(NamedTuple):
    """What a job printed: which one, when, in which execution, and how many letters."""

    job: str
    at: datetime
    execution: str
    length: int
    text: str = ""


def settle(world: World) -> None:
    """Write the story's console logs, about as many as there are executions, and every workspace's usage."""
    for environment, home, jobs in _homes(world):
        said = [each for key in jobs for each in _of_executions(world, key)]
        _write(world, environment, home, said)
    _account(world)


def generate(world: World) -> None:
    """Write a line for each job of a generated estate every ten days, and every workspace's usage."""
    for environment, home, jobs in _homes(world):
        said = []
        for key in jobs:
            name = world.estate.resources[key]["name"]
            for number in range(_DAYS // _EVERY.days):
                at = world.now - number * _EVERY - timedelta(hours=2)
                said.append(Printed(name, at, f"{name}-{number:07d}", 200 + world.chance.number(60_000, "says", key)))
        _write(world, environment, home, said)
    _account(world)


def _homes(world: World) -> Iterator[tuple[Body, Home, list[str]]]:
    """Yield every environment that keeps logs in a workspace, where, and the keys of its jobs."""
    below: dict[str, list[str]] = {}
    for key, body in world.estate.resources.items():
        if body["type"] == _JOBS:
            below.setdefault(body["properties"]["environmentId"].lower(), []).append(key)
    for key, body in list(world.estate.resources.items()):
        home = home_of(world, body) if body["type"].endswith("/managedEnvironments") else None
        if home is not None:
            yield body, home, below.get(key, [])


def _of_executions(world: World, key: str) -> Iterator[Printed]:
    name = world.estate.resources[key]["name"]
    lines, length = _LOUD if name in _CHATTY else _QUIET
    for execution in world.estate.executions.get(key, ()):
        start = datetime.fromisoformat(execution["properties"]["startTime"])
        for number in range(lines):
            size = length + world.chance.number(length // 10, "printed", execution["name"], number)
            yield Printed(name, start + timedelta(seconds=5 + number), execution["name"], size)
    if name == "imports-customs":
        text = f"cannot reach {world.planted.broker('mq.norvane.example', 'customs')}, trying again"
        yield Printed(name, world.before(13, "19:21"), f"{name}-lost", len(text), text)


def _write(world: World, environment: Body, home: Home, said: list[Printed]) -> None:
    custom = home.table == CUSTOM
    table = f"{CONSOLE}_CL" if custom else CONSOLE
    rows = world.estate.logs.setdefault(home.customer.lower(), {}).setdefault(table, [])
    for each in said:
        if each.at <= world.now and not (home.hole and home.hole[0] <= each.at < home.hole[1]):
            rows.append(_row(environment, custom, each))
    rows.sort(key=lambda row: str(row["TimeGenerated"]))


def _row(environment: Body, custom: bool, said: Printed) -> Body:
    label = environment["properties"]["defaultDomain"].partition(".")[0]
    text = said.text or f"{said.length} letters about what {said.job} did"
    if custom:
        row = {"EnvironmentName_s": label, "ContainerJobName_s": said.job, "ContainerAppName_s": "",
               "ContainerGroupName_s": said.execution, "Stream_s": "stdout", "Log_s": text,
               "_ResourceId": ""}  # fmt: skip
    else:
        row = {"EnvironmentName": label, "JobName": said.job, "ContainerAppName": "",
               "ContainerGroupName": said.execution, "Stream": "stdout", "Log": text,
               "_ResourceId": environment["id"].lower()}  # fmt: skip
    return {"TimeGenerated": zulu(said.at), "Type": f"{CONSOLE}_CL" if custom else CONSOLE} | row | billed(said.length)


def _account(world: World) -> None:
    """Write every workspace's table Usage: a line a day, the running one as far as it has gone."""
    midnight = world.now.replace(hour=0, minute=0, second=0, microsecond=0)
    for customer, tables in world.estate.logs.items():
        rows = []
        for back in range(_DAYS, -1, -1):
            start = midnight - timedelta(days=back)
            end = min(start + timedelta(days=1), world.now)
            part = (end - start) / timedelta(days=1)
            amount = _DAILY * part * (1 + (world.chance.number(41, "usage", customer, start) - 20) / 100)
            for kind, quantity in (("LogManagement", amount), ("Heartbeat", 3.0 * part)):
                if end > start:
                    rows.append(_used(kind, start, end, quantity))
        tables[USAGE] = rows


def _used(kind: str, start: datetime, end: datetime, megabytes: float) -> Body:
    return {
        "TimeGenerated": zulu(end),
        "StartTime": zulu(start),
        "EndTime": zulu(end),
        "DataType": kind,
        "Solution": "LogManagement",
        "Quantity": round(megabytes, 6),
        "QuantityUnit": "MBytes",
        "IsBillable": kind != "Heartbeat",
        "Type": USAGE,
    }
