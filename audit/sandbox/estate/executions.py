"""Executions of jobs as ARM answers them: what ran, with the template that was in force when it started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from audit.sandbox.estate.deploy import then
from audit.sandbox.estate.moments import offset

if TYPE_CHECKING:
    from audit.sandbox.estate.deploy import Write
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_IN_FORCE = timedelta(seconds=5)
"""A write holds when it has succeeded, some seconds after it was asked for."""


class Exit(NamedTuple):
    """How one replica ended. ``code`` None: it is running, or was taken away."""

    code: int | None
    why: str


DONE = Exit(0, "Completed")
CRASHED = Exit(1, "Error")
BAD_INPUT = Exit(2, "Error")
OUT_OF_MEMORY = Exit(137, "OOMKilled")
TIMED_OUT = Exit(137, "DeadlineExceeded")
STOPPED = Exit(None, "Stopped")
RUNNING = Exit(None, "Running")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """One execution: ``seconds`` None is still running; a replica more than was asked for is a retry."""

    start: datetime
    seconds: int | None
    status: str = "Succeeded"
    replicas: tuple[Exit, ...] = (DONE,)


class Templates:
    """The template of a job at any moment: what its last write before that had made of it."""

    def __init__(self, world: World, job: Body, writes: Sequence[Write]) -> None:
        current = job["properties"]["template"]
        self._made: list[tuple[datetime, Body]] = []
        for write in writes:
            at = world.before(write.days, write.clock) + _IN_FORCE
            self._made.append((at, _wire(then(job, write)["properties"]["template"])))
        self._current = _wire(current)

    def at(self, moment: datetime) -> Body:
        """Return the template in force; before the first write, the first one's."""
        found = self._made[0][1] if self._made else self._current
        for since, template in self._made:
            if since > moment:
                break
            found = template
        return found


def _wire(template: Body) -> Body:
    """Return an execution's template: containers only, an empty list where the job has null."""
    return {"containers": template["containers"], "initContainers": template.get("initContainers") or []}


def bodies(world: World, job: Body, runs: Sequence[Ran]) -> list[Body]:
    """Return the executions of a job on the wire, newest first."""
    templates = Templates(world, job, world.writes.get(job["id"].lower(), ()))
    made = [_body(world, job, ran, templates.at(ran.start)) for ran in sorted(runs, key=lambda ran: ran.start)]
    return made[::-1]


def _body(world: World, job: Body, ran: Ran, template: Body) -> Body:
    draw = world.chance.draw("execution", job["id"].lower(), ran.start.isoformat())
    name = f"{job['name']}-{_word(draw[:7])}"
    properties: Body = {"status": ran.status, "startTime": offset(ran.start)}
    if ran.seconds is not None:
        properties["endTime"] = offset(ran.start + timedelta(seconds=ran.seconds))
    properties["template"] = template
    properties["detailedStatus"] = {
        "replicas": [
            {"name": f"{name}-{_word(draw[7 + number * 5 :][:5])}", "containers": list(_containers(template, ended))}
            for number, ended in enumerate(ran.replicas)
        ],
    }
    return {
        "id": f"{job['id']}/executions/{name}",
        "name": name,
        "type": "Microsoft.App/jobs/executions",
        "properties": properties,
    }


def _containers(template: Body, ended: Exit) -> Iterator[Body]:
    for each in template["containers"]:
        status = "Running" if ended is RUNNING else "Terminated"
        yield {"name": each["name"], "code": ended.code, "status": status, "additionalInformation": ended.why}


def _word(draw: bytes) -> str:
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in draw)


class Generated(Mapping[str, "list[Body]"]):
    """The executions of a generated estate: a job's are made when they are asked for, and not kept."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._jobs = [
            key
            for key, body in world.estate.resources.items()
            if body["type"] == "Microsoft.App/jobs" and body["properties"]["configuration"]["eventTriggerConfig"]
        ]
        self._known = frozenset(self._jobs)

    def __getitem__(self, key: str) -> list[Body]:
        """Return a job's executions: about twenty in thirty days, one in nineteen failed."""
        return bodies(self._world, self._world.estate.resources[key], self.runs(key))

    def runs(self, key: str) -> list[Ran]:
        """Return when a job ran, newest first, without what ARM says about it."""
        if key not in self._known:
            raise KeyError(key)
        world = self._world
        stream = world.chance.stream("executions", key)
        runs = []
        for number in range(21):
            start = world.now - timedelta(hours=34 * number + 3, seconds=stream.randrange(3600))
            seconds = stream.randrange(40, 900)
            if stream.randrange(19):
                runs.append(Ran(start=start, seconds=seconds))
            else:
                runs.append(Ran(start=start, seconds=seconds, status="Failed", replicas=(CRASHED, CRASHED)))
        return runs

    def __iter__(self) -> Iterator[str]:
        """Yield the lower-case ids of the event jobs."""
        return iter(self._jobs)

    def __len__(self) -> int:
        """Return how many event jobs there are."""
        return len(self._jobs)
