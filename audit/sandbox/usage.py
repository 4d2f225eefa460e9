"""What a job used, interval by interval, worked out from its executions."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit.sandbox.estate.model import Body

USAGE = {
    "Executions": ("Count", "Executions run by the Container Apps Job"),
    "RestartCount": ("Count", "Restart count of Container App Job execution"),
    "UsageNanoCores": ("NanoCores", "CPU consumed by the container app job, in nano cores. 1,000,000,000 = 1 core"),
    "UsageBytes": ("Bytes", "Container App Job memory used in bytes."),
    "RxBytes": ("Bytes", "Network received bytes"),
    "TxBytes": ("Bytes", "Network transmitted bytes"),
    "RequestedCores": ("Cores", "Container App Job requested cpu in cores."),
    "RequestedBytes": ("Bytes", "Container App Job memory requests of customer containers in bytes."),
}
"""Metric → its unit, and Azure's words for it."""
Figures = dict[str, float]
"""Aggregation → value."""
_MINUTE = timedelta(minutes=1)
_GIB = 1024**3
_NANO = 1_000_000_000


@dataclass(frozen=True)
class Buckets:
    """The intervals of a request: they begin at its start, the last one may be shorter."""

    start: datetime
    end: datetime
    step: timedelta

    def __len__(self) -> int:
        """Return how many there are."""
        return math.ceil((self.end - self.start) / self.step)

    def __iter__(self) -> Iterator[datetime]:
        """Yield the start of each."""
        return (self.start + number * self.step for number in range(len(self)))

    def of(self, since: datetime, until: datetime) -> Iterator[tuple[int, float]]:
        """Yield (interval, minutes in it) of a span of time; a minute is the least that is measured."""
        since, until = max(since, self.start), min(max(until, since + _MINUTE), self.end)
        while since < until:
            number = (since - self.start) // self.step
            edge = min(self.start + (number + 1) * self.step, until)
            yield number, max(1.0, (edge - since) / _MINUTE)
            since = edge


class _Run(NamedTuple):
    """One execution: when, what its replicas asked for, and how much of it they used (0 to 1)."""

    since: datetime
    until: datetime
    replicas: int
    restarts: int
    cores: float
    memory: float
    share: float


def used(job: Body, executions: Sequence[Body], buckets: Buckets, now: datetime) -> dict[str, list[Figures | None]]:
    """Return the figures of every metric for each interval; None where nothing was measured.

    Counts are 0 while nothing runs; what is measured inside a container has no figure then.
    """
    nothing = Figures(total=0.0, average=0.0, minimum=0.0, maximum=0.0)
    counts = {name: [0.0] * len(buckets) for name in ("Executions", "RestartCount", "RxBytes", "TxBytes")}
    gauges: dict[str, list[_Gauge | None]] = {name: [None] * len(buckets) for name in USAGE if name not in counts}
    for run in _runs(job, executions, buckets, now):
        for number, minutes in buckets.of(run.since, run.until):
            counts["RxBytes"][number] += round(run.share * minutes * 2_400_000 * run.replicas)
            counts["TxBytes"][number] += round(run.share * minutes * 310_000 * run.replicas)
            for name, (level, peak) in _levels(run).items():
                gauges[name][number] = (gauges[name][number] or _Gauge()).with_(level, peak, minutes)
        if buckets.start <= run.since < buckets.end:
            counts["Executions"][(run.since - buckets.start) // buckets.step] += 1
        if buckets.start <= run.until < buckets.end:
            counts["RestartCount"][(run.until - buckets.start) // buckets.step] += run.restarts
    found: dict[str, list[Figures | None]] = {}
    for name, values in counts.items():
        found[name] = [_counted(value, buckets) if value else nothing for value in values]
    for name, held in gauges.items():
        found[name] = [gauge.figures() if gauge else None for gauge in held]
    return found


class _Gauge(NamedTuple):
    """Something that is measured every minute: the sum of the samples, how many, the least and the most."""

    total: float = 0.0
    samples: float = 0.0
    least: float = float("inf")
    most: float = 0.0

    def with_(self, level: float, peak: float, minutes: float) -> _Gauge:
        """Return it with so many minutes more at a level, and a peak among them."""
        return _Gauge(
            self.total + level * minutes, self.samples + minutes, min(self.least, level), max(self.most, peak)
        )

    def figures(self) -> Figures:
        """Return what Azure Monitor would make of it."""
        average = round(self.total / self.samples, 4)
        return Figures(total=round(self.total, 4), average=average, minimum=self.least, maximum=round(self.most, 4))


def _counted(value: float, buckets: Buckets) -> Figures:
    minutes = buckets.step / _MINUTE
    return Figures(
        total=value, average=round(value / minutes, 6), minimum=0.0, maximum=1.0 if value < minutes else value
    )


def _levels(run: _Run) -> dict[str, tuple[float, float]]:
    """Return the mean and the peak of each gauge while an execution runs."""
    cores, memory = run.cores * run.replicas, run.memory * run.replicas * _GIB
    mean, peak = run.share, min(1.0, run.share * 1.25)
    return {
        "UsageNanoCores": (round(cores * mean * _NANO), round(cores * peak * _NANO)),
        "UsageBytes": (round(memory * (0.2 + mean / 2)), round(memory * (0.2 + peak * 0.7))),
        "RequestedCores": (cores, cores),
        "RequestedBytes": (memory, memory),
    }


def _runs(job: Body, executions: Sequence[Body], buckets: Buckets, now: datetime) -> Iterator[_Run]:
    parallel = (job["properties"]["configuration"].get("eventTriggerConfig") or {}).get("parallelism") or 1
    for each in executions:
        facts = each["properties"]
        since = datetime.fromisoformat(facts["startTime"])
        until = datetime.fromisoformat(facts["endTime"]) if facts.get("endTime") else now
        if until < buckets.start or since >= buckets.end:
            continue
        asked = [container["resources"] for container in facts["template"]["containers"]]
        replicas = len(facts.get("detailedStatus", {}).get("replicas", ())) or 1
        yield _Run(
            since=since,
            until=until,
            replicas=parallel,
            restarts=max(0, replicas - parallel),
            cores=sum(float(each["cpu"]) for each in asked),
            memory=sum(float(each["memory"].removesuffix("Gi")) for each in asked),
            share=0.35 + hashlib.blake2b(each["name"].encode(), digest_size=1).digest()[0] / 512,
        )
