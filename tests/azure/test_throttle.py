"""Throttling is everybody's: one pause for all callers of a bucket, bounded by each unit's wait."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from scripted_azure import JOBS, SCOPE, SUBSCRIPTION, Reply, error, jobs, read, read_until_broken, until

from audit.azure import hints
from audit.azure.family import family_of
from audit.azure.meter import UnitMeter
from audit.azure.throttle import Bucket, Limit
from audit.model.outcome import GapReason, ReadFailed

OTHER = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"


def list_jobs(azure):
    return read(azure.pages(JOBS, api_version="1", scope=SCOPE))


async def test_a_429_pauses_everyone_and_then_all_succeed(sandbox, azure):
    paused_at = []

    def answer(asked):
        if len(sandbox.to(JOBS)) == 1:
            paused_at.append(asked.at)
            return error(429, "TooManyRequests", **{"Retry-After": "1"})
        return jobs("a")

    sandbox.on(JOBS, answer)
    first = asyncio.create_task(list_jobs(azure))
    await until(lambda: azure.meter.throttled)
    results = await asyncio.gather(first, *(list_jobs(azure) for _ in range(20)))

    assert all(len(pages) == 1 for pages in results)
    later = [asked.at for asked in sandbox.to(JOBS)[1:]]
    assert len(later) == 21
    assert min(later) - paused_at[0] >= 0.99, "somebody went through during the pause"
    assert azure.meter.throttled == 1
    assert max(later) - min(later) > 0.5, "the crowd came back at once"


async def test_other_families_and_subscriptions_go_on(sandbox, azure):
    sandbox.on(JOBS, error(429, "TooManyRequests", **{"Retry-After": "60"}))
    sandbox.on(OTHER, Reply({"value": []}))
    elsewhere = JOBS.replace(SUBSCRIPTION, "other")
    sandbox.on(elsewhere, jobs())

    throttled = asyncio.create_task(list_jobs(azure))
    await until(lambda: azure.meter.throttled)
    async with asyncio.timeout(2):
        await read(azure.pages(OTHER, api_version="1", scope=SCOPE))
        await read(azure.pages(elsewhere, api_version="1", scope=SCOPE))
    throttled.cancel()


async def test_a_unit_that_cannot_wait_that_long_fails_at_once(sandbox, azure):
    sandbox.on(JOBS, error(429, "TooManyRequests", **{"Retry-After": "3600"}))
    started = time.monotonic()
    async with azure.unit(wait=1) as unit:
        with pytest.raises(ReadFailed, match="throttles container_apps") as failed:
            await list_jobs(azure)
    assert failed.value.reason is GapReason.THROTTLED
    assert unit.requests == 1
    assert time.monotonic() - started < 0.5

    async with azure.unit(wait=1) as another:
        with pytest.raises(ReadFailed):
            await list_jobs(azure)
    assert another.requests == 0, "a bucket that is paused for an hour was asked again"


async def test_a_storm_of_429_waits_and_then_is_a_gap(sandbox, azure):
    sandbox.on(JOBS, error(429, "TooManyRequests", **{"retry-after-ms": "200"}))
    async with azure.unit(wait=1.5) as unit:
        with pytest.raises(ReadFailed) as failed:
            await list_jobs(azure)
    assert failed.value.reason is GapReason.THROTTLED
    assert 2 <= len(sandbox.to(JOBS)) <= 5, "a storm must not be answered with a storm"
    assert 0.1 < unit.waited <= 1.5


async def test_those_in_line_fail_when_the_pause_grows_beyond_their_wait(sandbox, azure):
    turn = itertools.count()
    sandbox.on(JOBS, lambda _: error(429, "TooMany", **{"Retry-After": "0.2" if next(turn) == 0 else "900"}))

    async def unit():
        async with azure.unit(wait=5):
            await list_jobs(azure)

    results = await asyncio.gather(*(unit() for _ in range(10)), return_exceptions=True)
    assert {result.reason for result in results} == {GapReason.THROTTLED}


async def test_a_later_page_that_is_throttled_stays_throttled(sandbox, azure):
    again = jobs("a", nextLink=f"{sandbox.url}{JOBS}?p=2")
    sandbox.on(JOBS, again, error(429, "TooManyRequests", **{"Retry-After": "900"}))
    kept, failure = await read_until_broken(azure.pages(JOBS, api_version="1", scope=SCOPE))
    assert failure.reason is GapReason.THROTTLED
    assert len(kept) == 1


async def test_an_empty_quota_pauses_before_azure_has_to_refuse(sandbox, azure):
    graph = "/providers/Microsoft.ResourceGraph/resources"
    quota = {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:01"}
    sandbox.on(graph, Reply({"totalRecords": 0, "count": 0, "data": []}, headers=quota))
    for _ in range(2):
        await read(azure.resource_graph("x", subscriptions=["s"], scope=SCOPE))
    first, second = (asked.at for asked in sandbox.to(graph))
    assert second - first >= 0.99


async def test_cancelling_one_in_line_leaves_the_others_in_line(sandbox, azure):
    sandbox.on(JOBS, error(429, "TooManyRequests", **{"Retry-After": "0.3"}), jobs("a"))
    tasks = [asyncio.create_task(list_jobs(azure))]
    await until(lambda: azure.meter.throttled)
    tasks += [asyncio.create_task(list_jobs(azure)) for _ in range(3)]
    await asyncio.sleep(0.02)
    tasks[1].cancel()
    async with asyncio.timeout(5):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[1], asyncio.CancelledError)
    assert [len(results[n]) for n in (0, 2, 3)] == [1, 1, 1]


class TestBucket:
    """The arithmetic, without a server."""

    async def test_requests_beyond_the_bucket_are_paced(self):
        bucket, unit = Bucket("x", Limit(capacity=5, rate=50)), UnitMeter(wait=0)
        started = time.monotonic()
        await asyncio.gather(*(bucket.enter(unit) for _ in range(15)))
        assert 0.15 < time.monotonic() - started < 1
        assert unit.waited == 0, "standing in line without a pause isn't charged"

    async def test_azure_s_count_is_believed(self):
        bucket, unit = Bucket("x", Limit(capacity=100, rate=10)), UnitMeter()
        bucket.learn_remaining(1)
        started = time.monotonic()
        await bucket.enter(unit)
        await bucket.enter(unit)
        assert time.monotonic() - started > 0.08
        bucket.learn_remaining(5000)
        started = time.monotonic()
        for _ in range(90):
            await bucket.enter(unit)
        assert time.monotonic() - started < 0.1

    async def test_a_burst_of_429_is_one_strike(self):
        bucket = Bucket("x", Limit(capacity=100, rate=100))
        sent_at = asyncio.get_running_loop().time()
        for _ in range(50):
            bucket.refused(sent_at, None)
        started = time.monotonic()
        await bucket.enter(UnitMeter())
        assert time.monotonic() - started < 1.5

    async def test_waits_are_charged_to_the_unit(self):
        bucket, unit = Bucket("x", Limit(capacity=100, rate=100)), UnitMeter(wait=1)
        bucket.pause(0.3)
        await bucket.enter(unit)
        assert 0.29 < unit.waited < 0.5
        bucket.pause(0.9)
        with pytest.raises(ReadFailed):
            await bucket.enter(unit)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"x-ms-retry-after-ms": "2500"}, 2.5),
        ({"Retry-After": "1", "x-ms-user-quota-resets-after": "00:01:05"}, 65),
        ({"x-ms-user-quota-resets-after": "1.00:00:00.5"}, 86400.5),
        (
            {
                "x-ms-ratelimit-microsoft.costmanagement-entity-retry-after": "3",
                "x-ms-ratelimit-microsoft.costmanagement-qpu-retry-after": "58",
                "x-ms-ratelimit-microsoft.costmanagement-tenant-retry-after": "9",
            },
            58,
        ),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({}, None),
    ],
)
def test_the_longest_wait_that_is_asked_for_counts(headers, seconds):
    assert hints.retry_after(headers) == seconds


def test_a_date_is_a_wait_too():
    there = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 28 < hints.retry_after({"Retry-After": there}) <= 30
    assert hints.retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({"x-ms-ratelimit-remaining-subscription-reads": "11999"}, 11999),
        ({"x-ms-ratelimit-remaining-subscription-global-reads": "16", "x-ms-user-quota-remaining": "14"}, 14),
        ({"x-ms-ratelimit-remaining-resource": "Microsoft.X/A;239,Microsoft.X/B;9"}, 9),
        ({"x-ms-ratelimit-remaining-resource": "many"}, None),
        ({"Content-Length": "3"}, None),
    ],
)
def test_the_smallest_count_counts(headers, left):
    assert hints.remaining(headers) == left


@pytest.mark.parametrize(
    ("path", "family"),
    [
        (JOBS, (SUBSCRIPTION, "container_apps")),
        (f"/subscriptions/{SUBSCRIPTION.upper()}/resourcegroups", (SUBSCRIPTION, "resources")),
        (f"{JOBS}/j/providers/microsoft.insights/diagnosticSettings", (SUBSCRIPTION, "monitor")),
        ("/subscriptions/S/providers/Microsoft.Insights/eventtypes/management/values", ("s", "activity_log")),
        ("/providers/Microsoft.ResourceGraph/resources", ("", "resource_graph")),
        ("/v1.0/directoryObjects/getByIds", ("", "graph")),
        ("/subscriptions", ("", "resources")),
        ("/subscriptions/s/providers/Microsoft.New/things", ("s", "microsoft.new")),
    ],
)
def test_families(path, family):
    assert family_of(path) == family
