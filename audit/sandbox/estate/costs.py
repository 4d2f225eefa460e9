"""What Azure charges, by resource, day and meter: jobs by what their executions asked for, the rest by what it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

DAYS = 90
VCPU_SECOND, GIB_SECOND = 0.0000223, 0.0000027
"""EUR. The month's free grant is used up by others in the subscription."""
_VCPU, _MEMORY = "Standard vCPU Active Usage", "Standard Memory Active Usage"
_JOBS = "microsoft.app/jobs"


class _Rate(NamedTuple):
    """A meter of a resource type, and what it costs a day, more or less; ``sku`` empty: whatever its SKU."""

    type: str
    sku: str
    meter: str
    daily: float


_RATES = (
    _Rate("microsoft.servicebus/namespaces", "Standard", "Standard Base Unit", 0.3),
    _Rate("microsoft.servicebus/namespaces", "Standard", "Standard Messaging Operations", 0.02),
    _Rate("microsoft.servicebus/namespaces", "Premium", "Premium Messaging Unit", 20.52),
    _Rate("microsoft.eventhub/namespaces", "", "Standard Throughput Unit", 2.016),
    _Rate("microsoft.eventhub/namespaces", "", "Standard Ingress Events", 0.41),
    _Rate("microsoft.storage/storageaccounts", "", "Hot LRS Data Stored", 0.11),
    _Rate("microsoft.storage/storageaccounts", "", "Class 2 Operations", 0.034),
    _Rate("microsoft.containerregistry/registries", "Premium", "Premium Registry Unit", 1.5),
    _Rate("microsoft.containerregistry/registries", "Standard", "Standard Registry Unit", 0.6),
    _Rate("microsoft.keyvault/vaults", "", "Operations", 0.0021),
    _Rate("microsoft.operationalinsights/workspaces", "", "Analytics Logs Data Ingestion", 1.37),
)
_NODE = (("Dedicated vCPU Usage", 5.44), ("Dedicated Memory Usage", 1.89))
"""One D4 node, a day: paid for by a savings plan, so that as billed it costs nothing on the day."""
_PLAN = ("Dedicated Plan Management", 2.4)
_SAVED = 0.83


class Billed(Mapping[str, "list[Body]"]):
    """The lines of every subscription, made when they are asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._guids = [each["subscriptionId"] for each in world.estate.subscriptions]

    def __getitem__(self, guid: str) -> list[Body]:
        """Return a subscription's lines, of ninety days."""
        if guid not in self._guids:
            raise KeyError(guid)
        return list(_lines(self._world, f"/subscriptions/{guid}/"))

    def __iter__(self) -> Iterator[str]:
        """Yield the subscriptions' GUIDs."""
        return iter(self._guids)

    def __len__(self) -> int:
        """Return how many subscriptions there are."""
        return len(self._guids)


def _lines(world: World, prefix: str) -> Iterator[Body]:
    for key, body in world.estate.resources.items():
        if not key.startswith(prefix):
            continue
        sort = body["type"].lower()
        if sort == _JOBS:
            yield from _of_job(world, key, body)
        elif sort == "microsoft.app/managedenvironments":
            yield from _of_nodes(world, key, body)
        else:
            sku = (body.get("sku") or {}).get("name", "")
            for rate in _RATES:
                if rate.type == sort and rate.sku in ("", sku):
                    yield from _daily(world, key, sort, rate.meter, rate.daily)


def _of_job(world: World, key: str, job: Body) -> Iterator[Body]:
    """Yield a job's use; on a workload profile its nodes are paid for, by the environment, and the job is not."""
    if job["properties"]["workloadProfileName"] != "Consumption":
        return
    trigger = job["properties"]["configuration"].get("eventTriggerConfig") or {}
    replicas = trigger.get("parallelism") or 1
    used: dict[tuple[date, str], float] = defaultdict(float)
    for execution in world.estate.executions.get(key, ()):
        properties = execution["properties"]
        containers = [each["resources"] for each in properties["template"]["containers"]]
        cpu = sum(each["cpu"] for each in containers) * replicas
        memory = sum(float(each["memory"].removesuffix("Gi")) for each in containers) * replicas
        ended = properties.get("endTime")
        end = datetime.fromisoformat(ended) if ended else world.now
        for day, seconds in _by_day(datetime.fromisoformat(properties["startTime"]), end):
            used[day, _VCPU] += seconds * cpu * VCPU_SECOND
            used[day, _MEMORY] += seconds * memory * GIB_SECOND
    for (day, meter), amount in sorted(used.items()):
        yield _line(key, _JOBS, day, meter, amount)


def _by_day(start: datetime, end: datetime) -> Iterator[tuple[date, float]]:
    """Yield the seconds of each day (UTC) between two moments."""
    while start < end:
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        until = min(end, midnight)
        yield start.date(), (until - start).total_seconds()
        start = until


def _of_nodes(world: World, key: str, environment: Body) -> Iterator[Body]:
    sort = "microsoft.app/managedenvironments"
    dedicated = [each for each in environment["properties"]["workloadProfiles"] if "minimumCount" in each]
    if not dedicated:
        return
    yield from _daily(world, key, sort, *_PLAN, swing=0)
    for meter, daily in _NODE:
        for line in _daily(world, key, sort, meter, daily):
            yield {**line, "actual": 0.0, "amortised": round(line["amortised"] * _SAVED, 10)}


def _daily(world: World, key: str, sort: str, meter: str, daily: float, *, swing: int = 20) -> Iterator[Body]:
    """Yield a line for each day that has begun, ``swing`` per cent up or down; today's as far as it has gone."""
    for back in range(DAYS):
        day = world.now.date() - timedelta(days=back)
        share = 1.0 if back else (world.now.hour * 60 + world.now.minute) / 1440
        more = 1 + (world.chance.number(2 * swing + 1, "cost", key, meter, day) - swing) / 100
        yield _line(key, sort, day, meter, daily * more * share)


def _line(key: str, sort: str, day: date, meter: str, amount: float) -> Body:
    exact = round(amount, 10)
    return {"resource": key, "type": sort, "day": day, "meter": meter, "actual": exact, "amortised": exact}
