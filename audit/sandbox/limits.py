"""Azure's rate limits: ARM's token bucket, the Resource Graph user quota, and Cost Management's query units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audit.sandbox.wire import Answer, encode, error_body

if TYPE_CHECKING:
    from collections.abc import Callable

_GLOBAL_SHARE = 15
"""The tenant-wide allowance of reads is this many times a subscription's (3,750 against 250)."""
_SHOWN_EVERY = 8
"""The subscription's own count is on one answer in so many: mostly it is absent."""


class Buckets:
    """Reads: ``capacity`` at once, ``refill`` a second, for each pair of subscription and principal."""

    def __init__(self, *, capacity: int, refill: float, clock: Callable[[], float]) -> None:
        self._capacity = capacity
        self._refill = refill
        self._clock = clock
        self._left: dict[tuple[str, str], tuple[float, float]] = {}
        self._answers = 0

    def take(self, subscription: str, principal: str, headers: dict[str, str]) -> Answer | None:
        """Take one read and put its headers on the answer; return the 429 when there is none left."""
        now = self._clock()
        left, at = self._left.get((subscription, principal), (float(self._capacity), now))
        left = min(float(self._capacity), left + (now - at) * self._refill)
        self._answers += 1
        if left < 1:
            self._left[subscription, principal] = (left, now)
            wait = max(1, math.ceil((1 - left) / self._refill))
            message = (
                f"Number of requests for subscription '{subscription}' and principal '{principal}' exceeded the limit "
                f"of 'read' requests. Please try again after '{wait}' seconds."
            )
            return Answer(429, error_body("SubscriptionRequestsThrottled", message), {"Retry-After": str(wait)})
        self._left[subscription, principal] = (left - 1, now)
        spent = self._capacity - math.floor(left - 1)
        headers["x-ms-ratelimit-remaining-subscription-global-reads"] = str(self._capacity * _GLOBAL_SHARE - spent)
        if self._answers % _SHOWN_EVERY == 0:
            headers["x-ms-ratelimit-remaining-subscription-reads"] = str(math.floor(left - 1))
        return None


class Quota:
    """Resource Graph: ``limit`` queries in a window of ``seconds`` per principal."""

    def __init__(self, *, limit: int, seconds: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def take(self, principal: str) -> tuple[dict[str, str], Answer | None]:
        """Take one query; return the quota headers, and the 429 when the window is used up."""
        now = self._clock()
        start, used = self._windows.get(principal, (now, 0))
        if now - start >= self._seconds:
            start, used = now, 0
        resets = max(1, math.ceil(self._seconds - (now - start)))
        refused = used >= self._limit
        used = min(used + 1, self._limit)
        self._windows[principal] = (start, used)
        headers = {
            "x-ms-user-quota-remaining": str(self._limit - used),
            "x-ms-user-quota-resets-after": f"00:00:{resets:02d}",
        }
        if not refused:
            return headers, None
        message = (
            "Client application has been throttled and should not attempt to repeat the request until an amount of "
            "time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help."
        )
        body = {
            "error": {
                "code": "RateLimiting",
                "message": message,
                "details": [{"code": "RateLimiting", "message": message}],
            }
        }
        return headers, Answer(429, encode(body), {**headers, "Retry-After": str(resets)})


class QueryUnits:
    """Cost Management: ``limit`` queries of the tenant in ten seconds, five times that a minute, fifty an hour."""

    _SECONDS = 10.0

    def __init__(self, *, limit: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows = (
            ("QueriesPerHour", limit * 50, 3600.0),
            ("QueriesPerMin", limit * 5, 60.0),
            ("QueriesPer10Sec", limit, self._SECONDS),
        )
        self._taken: list[float] = []

    def take(self, principal: str) -> tuple[dict[str, str], Answer | None]:  # noqa: ARG002  the quota is the tenant's
        """Take one query; return the headers, and the 429 when a window is used up. It has no Retry-After."""
        now = self._clock()
        self._taken = [at for at in self._taken if now - at < self._windows[0][2]]
        left, wait = {}, 0.0
        for name, limit, seconds in self._windows:
            inside = [at for at in self._taken if now - at < seconds]
            left[name] = limit - len(inside)
            if left[name] <= 0:
                wait = max(wait, seconds - (now - inside[0]))
        prefix = "x-ms-ratelimit-microsoft.costmanagement-"
        if wait:
            body = {"error": {"code": "429", "message": "Too many requests. Please retry."}}
            pauses = {f"{prefix}qpu-retry-after": str(math.ceil(wait)), f"{prefix}entity-retry-after": "1"}
            return {}, Answer(429, encode(body), pauses)
        self._taken.append(now)
        shown = ",".join(f"{name}:{count - 1}" for name, count in left.items())
        return {f"{prefix}qpu-consumed": "1", f"{prefix}qpu-remaining": shown}, None
