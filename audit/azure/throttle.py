"""The throttle gate: one token bucket per (subscription, API family), taught by Azure's own headers.

A 429 pauses its bucket for everyone, not for one coroutine. After the pause the bucket lets one request through and
then the others at a reduced rate, so that a crowd that waited doesn't come back at once. How long a unit waits in
pauses is bounded by its budget (meter.py); what would exceed it fails at once instead of waiting in vain.
Standing in line for a token while nothing is paused is not charged to the unit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.pipeline.policies import AsyncHTTPPolicy

from audit.azure.family import family_of
from audit.azure.hints import limit_used, remaining, retry_after
from audit.azure.meter import current_unit
from audit.model.outcome import GapReason, ReadFailed

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest, PipelineResponse

    from audit.azure.meter import Meter, UnitMeter

TOO_MANY = 429
LONGEST_GUESS = 30.0
"""Seconds: the longest pause that is chosen where Azure names none or too short a one."""
SLOWEST = 1 / 32
"""The share of its first rate to which a bucket falls after repeated 429s."""


@dataclass(frozen=True)
class Limit:
    """How many requests a bucket holds, and how many come back per second."""

    capacity: float
    rate: float


# https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
# https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
# https://learn.microsoft.com/azure/container-registry/container-registry-skus (3,000 reads a minute in Standard)
# https://learn.microsoft.com/graph/throttling-limits (3,500 units in ten seconds in a small tenant, a list costs 5)
# https://learn.microsoft.com/azure/cost-management-billing/costs/manage-automation#data-latency-and-rate-limits
ARM_READS = Limit(capacity=250, rate=25)
LIMITS = {
    "registry": Limit(capacity=250, rate=50),
    "resource_graph": Limit(capacity=15, rate=3),
    "graph": Limit(capacity=250, rate=50),
    "cost": Limit(capacity=5, rate=0.7),  # 12 in ten seconds, 60 in a minute; 600 in an hour, as the headers tell
}


@dataclass(eq=False)
class _Waiter:
    done: asyncio.Future[None]
    unit: UnitMeter
    paused_before: float


class Bucket:
    """One token bucket. Times are the event loop's."""

    def __init__(self, name: str, limit: Limit) -> None:
        self.name = name
        self.in_flight = 0
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._rate = limit.rate
        self._tokens = limit.capacity
        self._counted_at = self._loop.time()
        self._pause_from = self._pause_until = 0.0
        self._paused_earlier = 0.0
        self._strikes = 0
        self._line: deque[_Waiter] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, unit: UnitMeter) -> None:
        """Take a token, waiting in line for it. Raises ReadFailed(THROTTLED) when the unit can't wait that long."""
        if not self._line and self._delay() <= 0:
            self._tokens -= 1
            return
        self._afford(self._pause_left(), unit)
        waiter = _Waiter(self._loop.create_future(), unit, self._paused_so_far())
        self._line.append(waiter)
        if self._timer is None:
            self._release()
        try:
            await waiter.done
        finally:
            unit.waited += self._paused_so_far() - waiter.paused_before

    def learn_remaining(self, count: float) -> None:
        """Believe Azure's own count of the requests that are left, less those that it hasn't seen yet."""
        self._refill()
        self._tokens = min(self._limit.capacity, max(0.0, count - self.in_flight))

    def succeeded(self, sent_at: float) -> None:
        """Recover the rate, step by step, with each answer to a request that was sent after the last pause."""
        if self._strikes and sent_at >= self._pause_until:
            self._strikes -= 1
        if self._rate < self._limit.rate:
            self._refill()
            self._rate = min(self._limit.rate, self._rate + self._limit.rate / 16)

    def ease(self, used: float) -> None:
        """Slow down, where Azure says which share of its limit is used up: full speed at 0.8, hardly any at 1.8."""
        self._refill()
        self._rate = min(self._rate, self._limit.rate * max(SLOWEST, 1.8 - used))

    def refused(self, sent_at: float, hint: float | None) -> None:
        """Pause for everyone after a 429, and come back slower.

        Requests that were already under way when the bucket was paused say nothing new: they can lengthen the pause,
        but count as one strike together.
        """
        if sent_at >= self._pause_until:
            self._strikes += 1
            self._rate = max(self._limit.rate * SLOWEST, self._rate / 2)
        guess = min(LONGEST_GUESS, 2.0 ** (self._strikes - 1))
        believed = hint is not None and self._strikes <= 1
        self.pause(hint if believed and hint is not None else max(hint or 0.0, guess))

    def pause(self, seconds: float) -> None:
        """Let nobody through for ``seconds`` from now; fail those in line whose budget that exceeds."""
        now = self._loop.time()
        if now + seconds <= self._pause_until:
            return
        if now >= self._pause_until:
            self._paused_earlier += self._pause_until - self._pause_from
            self._pause_from = now
        self._pause_until = now + seconds
        self._tokens, self._counted_at = 1.0, self._pause_until
        for waiter in [each for each in self._line if not each.done.done()]:
            cost = self._paused_so_far() + seconds - waiter.paused_before
            if cost > waiter.unit.left:
                waiter.done.set_exception(self._too_long(seconds, waiter.unit))

    def _afford(self, seconds: float, unit: UnitMeter) -> None:
        if seconds > unit.left:
            raise self._too_long(seconds, unit)

    def _too_long(self, seconds: float, unit: UnitMeter) -> ReadFailed:
        return ReadFailed(
            GapReason.THROTTLED,
            f"Azure throttles {self.name} for another {seconds:.0f} s; "
            f"of its {unit.wait:.0f} s to wait, this unit had {unit.left:.0f} s left",
        )

    def _release(self) -> None:
        self._timer = None
        while self._line:
            if self._line[0].done.done():
                self._line.popleft()
                continue
            delay = self._delay()
            if delay > 0:
                self._timer = self._loop.call_later(delay, self._release)
                return
            self._tokens -= 1
            self._line.popleft().done.set_result(None)

    def _delay(self) -> float:
        left = self._pause_left()
        if left > 0:
            return left
        self._refill()
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate

    def _refill(self) -> None:
        now = self._loop.time()
        if now > self._counted_at:
            self._tokens = min(self._limit.capacity, self._tokens + (now - self._counted_at) * self._rate)
            self._counted_at = now

    def _pause_left(self) -> float:
        return self._pause_until - self._loop.time()

    def _paused_so_far(self) -> float:
        return self._paused_earlier + min(self._loop.time(), self._pause_until) - self._pause_from


class Throttle:
    """All buckets of a run."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def bucket(self, subscription: str, family: str) -> Bucket:
        """Return the bucket of one API family in one subscription (empty: the tenant)."""
        key = (subscription, family)
        found = self._buckets.get(key)
        if found is None:
            name = f"{family} in subscription {subscription}" if subscription else family
            found = self._buckets[key] = Bucket(name, LIMITS.get(family, ARM_READS))
        return found


class Gate(AsyncHTTPPolicy[Any, Any]):
    """Sends each attempt through its bucket; answers to a 429 by waiting with everyone else and trying again."""

    def __init__(self, throttle: Throttle) -> None:
        super().__init__()
        self._throttle = throttle

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send until Azure no longer answers 429, or raise ReadFailed(THROTTLED) when the unit's wait is used up."""
        subscription, family = family_of(urlsplit(request.http_request.url).path)
        bucket, meter, unit = self._throttle.bucket(subscription, family), self._throttle.meter, current_unit()
        loop = asyncio.get_running_loop()
        while True:
            await bucket.enter(unit)
            sent_at = loop.time()
            meter.requests[family] += 1
            unit.requests += 1
            bucket.in_flight += 1
            try:
                response = await self.next.send(request)
            finally:
                bucket.in_flight -= 1
            headers = response.http_response.headers
            if response.http_response.status_code != TOO_MANY:
                bucket.succeeded(sent_at)
                if (used := limit_used(headers)) is not None:
                    bucket.ease(used)
                if (count := remaining(headers)) is not None:
                    bucket.learn_remaining(count)
                    if count == 0 and (resets := retry_after(headers, quota_only=True)):
                        bucket.pause(resets)
                return response
            meter.throttled += 1
            bucket.refused(sent_at, retry_after(headers))
