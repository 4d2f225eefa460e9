"""When each event job of the story ran in ninety days, and how it ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from audit.sandbox.estate.executions import (
    BAD_INPUT,
    CRASHED,
    DONE,
    OUT_OF_MEMORY,
    RUNNING,
    STOPPED,
    TIMED_OUT,
    Ran,
    bodies,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit.sandbox.estate.world import World

    Rhythm = Callable[[World, str], Iterator[Ran]]

KEPT = 90
CRASH_LOOP_DAY, CRASH_LOOP_CLOCK, CRASH_LOOP_RUNS = 6, "13:02", 40
"""When billing-dunning started the same messages over and over, and how often."""


def settle(world: World) -> None:
    """Write the executions of every event job of the story."""
    found = {}
    for key, body in world.estate.resources.items():
        rhythm = _RHYTHMS.get(body["name"]) if body["type"] == "Microsoft.App/jobs" else None
        if rhythm is not None:
            found[key] = bodies(world, body, [each for each in rhythm(world, body["name"]) if each.start < world.now])
    world.estate.executions = found


def _steady(
    world: World,
    name: str,
    rate: float,
    seconds: tuple[int, int],
    *,
    hours: tuple[int, int] = (0, 24),
    days: tuple[int, int] = (0, KEPT),
    replicas: int = 1,
) -> Iterator[Ran]:
    """Yield ``rate`` executions a day, spread over the hours; all of them ended well before now."""
    for day in range(days[0], days[1]):
        stream = world.chance.stream("rhythm", name, day)
        count = int((day + 1) * rate) - int(day * rate)
        span = (hours[1] - hours[0]) * 3600 // max(count, 1)
        midnight = world.now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=day)
        for number in range(count):
            second = hours[0] * 3600 + number * span + stream.randrange(span * 3 // 4)
            start, took = midnight + timedelta(seconds=second // 30 * 30 + 7), stream.randint(*seconds)
            if start + timedelta(seconds=took) < world.now:
                yield Ran(start=start, seconds=took, replicas=(DONE,) * replicas)


def _fulfil(world: World, name: str) -> Iterator[Ran]:
    return _steady(world, name, 2.5, (180, 360), hours=(3, 22))


def _returns(world: World, name: str) -> Iterator[Ran]:
    yield from _steady(world, name, 1.5, (60, 240), hours=(4, 20))
    failed = world.before(9, "11:03")
    yield Ran(start=failed, seconds=96, status="Failed", replicas=(CRASHED, CRASHED))
    yield Ran(start=failed + timedelta(seconds=150), seconds=131)
    yield Ran(start=world.before(20, "13:31"), seconds=204, replicas=(CRASHED, DONE))


def _invoices(world: World, name: str) -> Iterator[Ran]:
    for ran in _steady(world, name, 1, (600, 1100), hours=(1, 2)):
        late = (world.now - ran.start).days in (4, 18)
        yield Ran(start=ran.start, seconds=1803, status="Failed", replicas=(TIMED_OUT,)) if late else ran


def _dunning(world: World, name: str) -> Iterator[Ran]:
    yield from _steady(world, name, 1, (90, 200), hours=(4, 6))
    yield Ran(start=world.before(24, "19:31"), seconds=118)
    loop, stream = world.before(CRASH_LOOP_DAY, CRASH_LOOP_CLOCK), world.chance.stream("crash loop")
    for number in range(CRASH_LOOP_RUNS):
        start, took = loop + timedelta(seconds=270 * number), stream.randrange(170, 235)
        yield Ran(start=start, seconds=took, status="Failed", replicas=(OUT_OF_MEMORY, OUT_OF_MEMORY))


def _ingest(world: World, name: str) -> Iterator[Ran]:
    yield from _steady(world, name, 2.5, (1150, 1740), hours=(6, 23), replicas=4)
    wave, stopped = world.before(13, "02:39"), world.before(13, "02:55")
    for number in range(12):
        start = wave + timedelta(seconds=60 * number)
        if number < 9:  # noqa: PLR2004  the last three were stopped
            yield Ran(start=start, seconds=300 + 20 * number, replicas=(DONE,) * 4)
        else:
            took = int((stopped - start).total_seconds())
            yield Ran(start=start, seconds=took, status="Stopped", replicas=(STOPPED,) * 4)


def _rollup(world: World, name: str) -> Iterator[Ran]:
    yield from _steady(world, name, 2, (240, 600), days=(7, KEPT))
    yield Ran(start=world.before(6, "04:31"), seconds=411)
    yield Ran(start=world.before(6, "11:02"), seconds=38, status="Failed", replicas=(CRASHED, CRASHED))


def _catalogue(world: World, name: str) -> Iterator[Ran]:
    yield from _steady(world, name, 1, (300, 700), hours=(3, 5))
    for clock, took in (("23:33", 61), ("23:38", 58), ("23:44", 73), ("23:51", 66)):
        yield Ran(start=world.before(11, clock), seconds=took, status="Failed", replicas=(BAD_INPUT, BAD_INPUT))
    yield Ran(start=world.before(10, "00:02"), seconds=655)


def _customs(world: World, name: str) -> Iterator[Ran]:
    """Yield runs back to back: each ends a little before the replica timeout of twelve hours, and the next starts."""
    stream = world.chance.stream("rhythm", name)
    start = world.before(KEPT - 1, "00:00")
    while start < world.now:
        took = stream.randrange(42_960, 43_180)
        if start + timedelta(seconds=took) >= world.now:
            yield Ran(start=start, seconds=None, status="Running", replicas=(RUNNING,))
        else:
            yield Ran(start=start, seconds=took)
        start += timedelta(seconds=took + stream.randrange(9, 30))
    by_hand = world.before(23, "02:17")
    took = int((world.before(23, "02:40") - by_hand).total_seconds())
    yield Ran(start=by_hand, seconds=took, status="Stopped", replicas=(STOPPED,))
    yield Ran(start=world.before(2, "04:11"), seconds=43_022)


def _feed(world: World, name: str) -> Iterator[Ran]:
    for ran in _steady(world, name, 1, (120, 600), hours=(4, 5)):
        if ran.start.weekday() in (1, 4):
            yield ran


def _mail(world: World, name: str) -> Iterator[Ran]:
    return _steady(world, name, 12, (20, 90))


def _indexer(world: World, name: str) -> Iterator[Ran]:
    """Yield what there was before the queues stayed empty."""
    return _steady(world, name, 0.4, (200, 900), hours=(9, 17), days=(46, KEPT))


def _runner(world: World, name: str) -> Iterator[Ran]:
    yield from _steady(world, name, 2, (110, 420), hours=(5, 20))
    yield Ran(start=world.before(22, "19:08"), seconds=187)  # while the token stood in a plain variable
    yield Ran(start=world.before(22, "21:30"), seconds=164)


_RHYTHMS: dict[str, Rhythm] = {
    "orders-fulfil": _fulfil,
    "orders-returns": _returns,
    "billing-invoices": _invoices,
    "billing-dunning": _dunning,
    "telemetry-ingest": _ingest,
    "telemetry-rollup": _rollup,
    "imports-catalogue": _catalogue,
    "imports-customs": _customs,
    "imports-supplier-feed": _feed,
    "notifications-mail": _mail,
    "search-indexer": _indexer,
    "github-runner": _runner,
}
