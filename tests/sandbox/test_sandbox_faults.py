"""What goes wrong on demand, and the two traps: a write is a violation, a foreign link draws the token out."""

from __future__ import annotations

import time

import aiohttp
import msgspec
import pytest
import tiny_estate as at
from azure.core.exceptions import DecodeError, HttpResponseError
from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient
from tiny_estate import ONE

from audit.errors import UsageError
from audit.sandbox import Edit, Fault, SandboxOptions
from audit.sandbox.faults import PRESETS, Effect, Faults

JOBS = f"/subscriptions/{ONE}/providers/Microsoft.App/jobs?api-version=2025-07-01"


async def listed(client, **more):
    async with ContainerAppsAPIClient(subscription_id=ONE, **(client.sdk | more)) as apps:
        return [each.name async for each in apps.jobs.list_by_subscription()]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", f"{at.GROUP}/providers/Microsoft.App/jobs/orders-0?api-version=2025-07-01"),
        ("PUT", f"/subscriptions/{ONE}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"),
        ("PATCH", f"{at.GROUP}?api-version=2025-04-01"),
        ("POST", f"{at.GROUP}/providers/Microsoft.App/jobs/orders-0/listSecrets?api-version=2025-07-01"),
        ("POST", f"/subscriptions/{ONE}/providers/Microsoft.App/register?api-version=2025-04-01"),
    ],
)
async def test_an_attempt_to_write_is_refused_and_noted(serve, method, path):
    async with serve() as client:
        reply = await client.ask(path, method=method, json={})
        assert reply.status == 403
        (violation,) = client.sandbox.violations
        assert (violation.method, violation.path) == (method, path.partition("?")[0])
        assert violation.caller == at.COLLECTOR
        assert client.sandbox.report()["violations"]
        assert (await client.ask(JOBS)).status == 200
        assert len(client.sandbox.violations) == 1


async def test_a_write_without_a_token_counts_too(serve):
    async with serve() as client:
        await client.ask(JOBS, method="PUT", token="", json={})
        graph = client.sandbox.endpoints.graph
        await client.ask("/v1.0/users", method="POST", token="", base=graph, json={})
        assert [each.host for each in client.sandbox.violations] == ["arm", "graph"]


async def test_the_stock_sdk_writes_and_is_caught(serve):
    async with serve() as client, ContainerAppsAPIClient(subscription_id=ONE, **client.sdk) as apps:
        with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
            await apps.jobs.begin_delete("rg-Orders", "orders-0")
        assert [each.method for each in client.sandbox.violations] == ["DELETE"]


async def test_the_stock_sdk_follows_a_foreign_link_and_takes_its_token_along(serve):
    async with serve(faults=("foreign-link",)) as client:
        assert await listed(client) == ["orders-0", "orders-1"]
        (arrival,) = client.sandbox.arrivals
        assert arrival.bearer
        assert client.sandbox.report()["foreign"][0]["bearer"] is True


async def test_a_visit_to_the_foreign_host_without_a_token_is_no_leak(serve):
    async with serve() as client:
        await client.ask("/x", base=client.sandbox.endpoints.foreign, token="")
        assert [each.bearer for each in client.sandbox.arrivals] == [False]


async def test_a_looping_link_leads_to_its_own_page(serve):
    async with serve(faults=("loop-link",)) as client:
        reply = await client.ask(JOBS)
        again = await client.ask(reply.body["nextLink"].removeprefix(client.sandbox.endpoints.arm))
        assert again.body == reply.body


async def test_resource_graph_loops_by_its_own_token(serve):
    async with serve() as client:
        client.sandbox.faults.add(Fault(path="resourcegraph", effect=Effect.LOOP_LINK))
        path = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
        query = {"query": "resources | project id", "options": {}}
        first = (await client.ask(path, method="POST", json=query)).body
        query["options"]["$skipToken"] = first["$skipToken"]
        assert (await client.ask(path, method="POST", json=query)).body == first


async def test_the_second_page_fails(serve):
    async with serve(faults=("page-two-500",)) as client:
        with pytest.raises(HttpResponseError) as caught:
            await listed(client)
        assert caught.value.status_code == 500
        assert [each.status for each in client.sandbox.requests if each.host == "arm"] == [200, 500]
        client.sandbox.faults.clear()
        assert len(await listed(client)) == 6


async def test_a_malformed_item_among_good_ones(serve):
    async with serve(faults=("malformed-job",)) as client:
        body = (await client.ask(JOBS)).body
        timeouts = [each["properties"]["configuration"]["replicaTimeout"] for each in body["value"]]
        assert timeouts == [300, {"seconds": 1800}]


async def test_half_an_answer_and_none(serve):
    async with serve(faults=("bad-json",)) as client:
        with pytest.raises(DecodeError):
            await listed(client)
    async with serve(faults=("disconnect",)) as client:
        first = await client.ask(JOBS)
        with pytest.raises(aiohttp.ClientError):
            await client.ask(first.body["nextLink"].removeprefix(client.sandbox.endpoints.arm))


async def test_a_throttled_client_that_waits_gets_everything(serve):
    async with serve(faults=("throttle",)) as client:
        started = time.monotonic()
        assert len(await listed(client, retry_total=3)) == 6
        assert time.monotonic() - started >= 2
        statuses = [each.status for each in client.sandbox.requests if each.host == "arm"]
        assert statuses == [429, 429, 200, 200, 200]


@pytest.mark.parametrize("preset", ["forbidden-diagnostics", "forbidden-roles", "outage"])
async def test_other_presets_hit_what_they_name(serve, preset):
    expected = {
        "forbidden-diagnostics": (403, "microsoft.insights/diagnosticSettings?api-version=2021-05-01-preview"),
        "forbidden-roles": (403, "Microsoft.Authorization/roleAssignments?api-version=2022-04-01"),
        "outage": (503, "Microsoft.Insights/actionGroups?api-version=2023-01-01"),
    }
    status, rest = expected[preset]
    path = f"/subscriptions/{ONE}/providers/{rest}"
    async with serve(faults=(preset,)) as client:
        assert (await client.ask(path)).status == status
        assert (await client.ask(JOBS)).status == 200


async def test_graph_can_be_forbidden(serve):
    async with serve(faults=("forbidden-directory",)) as client:
        graph = client.sandbox.endpoints.graph
        token = await client.sign_in(graph)
        reply = await client.ask(
            "/v1.0/directoryObjects/getByIds", method="POST", base=graph, token=token, json={"ids": []}
        )
        assert (reply.status, reply.body["error"]["code"]) == (403, "Authorization_RequestDenied")


async def test_latency_is_added_to_every_answer(serve):
    async with serve(latency_ms=60) as client:
        token = await client.sign_in()
        started = time.monotonic()
        await client.ask(JOBS, token=token)
        assert time.monotonic() - started >= 0.06


async def test_arm_throttles_a_greedy_caller_per_subscription(serve):
    async with serve(arm_capacity=5, arm_refill=0.5) as client:
        statuses = [(await client.ask(JOBS)).status for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        refused = await client.ask(JOBS)
        assert refused.body["error"]["code"] == "SubscriptionRequestsThrottled"
        assert int(refused.headers["Retry-After"]) >= 1
        other = await client.ask(JOBS.replace(ONE, at.TWO))
        assert other.status == 200


async def test_resource_graph_keeps_its_quota(serve):
    async with serve() as client:
        path = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
        replies = [await client.ask(path, method="POST", json={"query": "resources | count"}) for _ in range(16)]
        assert [each.headers["x-ms-user-quota-remaining"] for each in replies[:3]] == ["14", "13", "12"]
        assert replies[0].headers["x-ms-user-quota-resets-after"] == "00:00:05"
        assert [each.status for each in replies] == [200] * 15 + [429]
        assert replies[-1].body["error"]["code"] == "RateLimiting"
        assert int(replies[-1].headers["Retry-After"]) <= 5


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="throttle"):
        Faults(["thortle"])


def test_a_fault_strikes_after_its_skip_and_as_often_as_it_says():
    faults = Faults([Fault(path="jobs", skip=1, times=2), Fault(method="POST")])
    strikes = [len(faults.strike("GET", "/x/JOBS", 1)) for _ in range(5)]
    assert strikes == [0, 1, 1, 0, 0]
    assert len(faults.strike("POST", "/y", 1)) == 1


def test_options_with_faults_survive_the_way_to_another_process():
    faults = (*PRESETS["malformed-job"], Fault(body=b"\xff", edits=(Edit(("value", 0), None),)), "slow")
    options = SandboxOptions(faults=faults)
    assert msgspec.json.decode(msgspec.json.encode(options), type=SandboxOptions) == options
