"""What the story's event sources held, hour by hour: queues that follow the work, dead letters, a hub nobody reads.

A series names only the hours in which it wasn't 0. What jobs used is worked out from their executions when it is asked
for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from audit.sandbox.estate.rhythms import CRASH_LOOP_CLOCK, CRASH_LOOP_DAY

if TYPE_CHECKING:
    from audit.sandbox.estate.foundation import Foundation
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

    Hours = Mapping[datetime, float]

HOUR = timedelta(hours=1)
KEPT_DAYS = 93
QUEUES = "/queueservices/default"
DEAD_PEAK, DEAD_CLOCK = 62.0, "08:40"
"""How many messages of invoices-due were dead after the crash loop, and when on the next day some were sent again."""
_VEHICLES = 3300
"""Events an hour by day."""


def settle(world: World, ground: Foundation) -> None:
    """Write the series of every namespace and storage account that a rule of the story watches."""
    estate = world.estate
    estate.metrics[ground.bus.lower()] = [
        *_served(world, ground.bus, "orders-placed", _arrived(world, "orders-fulfil", 30)),
        *_served(world, ground.bus, "refunds", _arrived(world, "orders-returns", 8)),
        *_served(world, ground.bus, "returns", _arrived(world, "orders-returns", 14)),
        *_served(world, ground.bus, "outgoing-mail", _arrived(world, "notifications-mail", 40)),
    ]
    due = next(body["id"] for key, body in estate.resources.items() if key.endswith("/queues/invoices-due"))
    bus = due.rpartition("/queues/")[0]
    invoices = _arrived(world, "billing-invoices", 90)
    estate.metrics[bus.lower()] = list(_served(world, bus, "invoices-due", invoices, dead=_dead_invoices(world)))
    reindex = _arrived(world, "search-indexer", 25)
    estate.metrics[ground.shared_bus.lower()] = list(_served(world, ground.shared_bus, "reindex", reindex))
    estate.metrics[ground.hubs.lower()] = [
        *_hub(world, "vehicle-positions", "telemetry-ingest", 1),
        *_hub(world, "positions-minute", "telemetry-rollup", 60),
    ]
    for account, arrived in (
        ("stnorvaneimports", _arrived(world, "imports-catalogue", 6)),
        ("stnorvanebilling", _arrived(world, "billing-dunning", 27)),
        ("stnorvanesearch", {}),
    ):
        key = next(key for key in estate.resources if key.endswith(f"/microsoft.storage/storageaccounts/{account}"))
        estate.metrics[key + QUEUES] = [series("QueueMessageCount", None, _counted(world, key, arrived))]


def generated(now: datetime, entities: Iterable[str]) -> Iterator[Body]:
    """Yield the series of entities of a generated estate: some work every day, each at an hour of its own."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for name in entities:
        hour = sum(name.encode()) % 24
        moved = {midnight - timedelta(days=day) + hour * HOUR: 5.0 + hour for day in range(KEPT_DAYS, 0, -1)}
        yield from _moved(name, moved)
        yield series("DeadletteredMessages", name, {})
        yield series("OutgoingMessages", name, moved)


def series(metric: str, dimension: str | None, found: Hours, *, peak: float = 1.0) -> Body:
    """Return a series. ``peak``: by how much the highest sample of an hour is above its mean."""
    points = [[at, value] for at, value in sorted(found.items())]
    return {"metric": metric, "dimension": dimension, "points": points, "peak": peak}


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _since(world: World, at: datetime) -> Iterator[datetime]:
    """Yield every whole hour from one up to now."""
    at = _hour(at)
    while at < world.now:
        yield at
        at += HOUR


def _starts(world: World, job: str) -> list[datetime]:
    """Return the hours in which a job's executions started that ended well, oldest first."""
    key = next(key for key in world.estate.resources if key.endswith(f"/microsoft.app/jobs/{job}"))
    found = (each["properties"] for each in world.estate.executions.get(key, ()))
    return sorted(_hour(datetime.fromisoformat(each["startTime"])) for each in found if each["status"] == "Succeeded")


def _arrived(world: World, job: str, most: int) -> Hours:
    """Return the messages that came for the executions of each hour: more than half of ``most`` for each of them."""
    stream, found = world.chance.stream("messages", job), defaultdict[datetime, float](float)
    for at in _starts(world, job):
        found[at] += stream.randint(most // 2 + 1, most)
    return found


def _moved(entity: str, moved: Hours, waiting: Hours | None = None) -> Iterator[Body]:
    """Yield what came, what was done with it in the same hour, and how much waited."""
    depth = {at: value / 4 for at, value in moved.items()} | dict(waiting or {})
    yield series("ActiveMessages", entity, depth, peak=4.0)
    yield series("IncomingMessages", entity, moved)
    yield series("CompleteMessage", entity, moved)


def _served(world: World, namespace: str, entity: str, moved: Hours, *, dead: Hours | None = None) -> Iterator[Body]:
    """Yield the series of a queue or topic; they end at what the resource itself says is waiting and dead."""
    place = f"{namespace}/queues/{entity}".lower()
    counts = world.estate.resources.get(place, {}).get("properties", {}).get("countDetails", {})
    latest = _hour(world.now - HOUR)
    active, given_up = counts.get("activeMessageCount", 0), counts.get("deadLetterMessageCount", 0)
    yield from _moved(entity, moved, {latest: active / 4} if active else None)
    if dead is None and given_up:
        dead = dict.fromkeys(_since(world, world.now - timedelta(days=KEPT_DAYS)), float(given_up))
    yield series("DeadletteredMessages", entity, dead or {})


def _dead_invoices(world: World) -> Hours:
    """Return what invoices-due could not deliver: it grew while billing-dunning crashed, and a part was sent again."""
    queue = next(body for key, body in world.estate.resources.items() if key.endswith("/queues/invoices-due"))
    left = float(queue["properties"]["countDetails"]["deadLetterMessageCount"])
    began, again = (
        _hour(world.before(days, clock))
        for days, clock in ((CRASH_LOOP_DAY, CRASH_LOOP_CLOCK), (CRASH_LOOP_DAY - 1, DEAD_CLOCK))
    )
    return {
        at: left if at >= again else min(DEAD_PEAK, 21.0 * (1 + (at - began) // HOUR)) for at in _since(world, began)
    }


def _counted(world: World, account: str, arrived: Hours) -> Hours:
    """Return the messages of an account's queues: what came, and since the crash loop what was put aside for good."""
    held = {
        key.rsplit("/", 1)[-1]: body["properties"]["approximateMessageCount"]
        for key, body in world.estate.resources.items()
        if key.startswith(f"{account}{QUEUES}/queues/")
    }
    aside = sum(count for name, count in held.items() if name.endswith("-poison"))
    found = defaultdict(float, arrived)
    if aside:
        for at in _since(world, world.before(CRASH_LOOP_DAY, CRASH_LOOP_CLOCK)):
            found[at] += aside
    found[_hour(world.now - HOUR)] = sum(held.values())
    return found


def _flow(world: World) -> Iterator[tuple[datetime, float]]:
    """Yield what vehicles send in each hour: less at night."""
    for at in _since(world, world.now - timedelta(days=KEPT_DAYS)):
        busy = 0.2 if at.hour < 6 else 1.0  # noqa: PLR2004  night
        yield at, float(int(_VEHICLES * busy) + world.chance.number(200, "flow", at.isoformat()))


def _hub(world: World, entity: str, job: str, share: int) -> Iterator[Body]:
    """Yield an event hub's series: events come all the time, and go out when the job that reads them runs."""
    sent = {at: value // share for at, value in _flow(world)}
    yield series("IncomingMessages", entity, sent)
    yield series("OutgoingMessages", entity, _read(sent, _starts(world, job)))


def _read(sent: Hours, starts: Sequence[datetime]) -> Hours:
    """Return what goes out in the hours of ``starts``: each time everything that has come since the last."""
    found, hours, waiting = defaultdict[datetime, float](float), iter(sent.items()), 0.0
    for start in starts:
        if found and start in found:
            continue
        for at, value in hours:
            waiting += value
            if at >= start:
                break
        found[start], waiting = waiting, 0.0
    return found
