"""The doors give every page as received, with the request that got it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from scripted_azure import JOBS, OBJECT, SCOPE, SUBSCRIPTION, TENANT, Reply, error, jobs, read, zipped

from audit.azure.transport import USER_AGENT
from audit.model.outcome import GapReason, NotThere, ReadFailed
from audit.model.page import listed
from audit.model.scope import Scope

VERSION = "2025-07-01"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"


async def test_a_list_is_read_to_its_last_page(sandbox, azure):
    first, second, third = jobs("a", "b", nextLink=f"{sandbox.url}{JOBS}?$skiptoken=1&api-version=1"), jobs(), jobs("c")
    second.body["nextLink"] = f"{sandbox.url}{JOBS}?$skiptoken=2&api-version=1"
    sandbox.on(JOBS, first, second, third)

    async with azure.unit() as unit:
        pages = await read(azure.pages(JOBS, api_version=VERSION, scope=SCOPE, params={"$filter": "name eq 'x y'"}))

    assert [page.body for page in pages] == [first.bytes(), second.bytes(), third.bytes()]
    assert [asked.query for asked in sandbox.to(JOBS)][1:] == [
        "$skiptoken=1&api-version=1",
        "$skiptoken=2&api-version=1",
    ]
    assert sandbox.to(JOBS)[0].query == "api-version=2025-07-01&$filter=name eq 'x y'"
    page = pages[0]
    assert (page.scope, page.method, page.status, page.api_version) == (SCOPE, "GET", 200, VERSION)
    assert page.url.startswith(f"{sandbox.url}{JOBS}?api-version={VERSION}&")
    assert page.request_id
    assert datetime.now(UTC) - page.received_at < timedelta(minutes=1)
    assert unit.requests == 3
    assert azure.meter.requests["container_apps"] == 3


async def test_requests_say_who_asks_and_carry_a_token(sandbox, azure):
    sandbox.on(JOBS, jobs())
    await read(azure.pages(JOBS, api_version=VERSION, scope=SCOPE))

    headers = sandbox.to(JOBS)[0].headers
    assert headers["User-Agent"] == USER_AGENT
    assert USER_AGENT.startswith("jobaudit/")
    assert headers["Authorization"].startswith("Bearer ")
    assert headers["Accept-Encoding"] == "gzip"


async def test_a_compressed_body_is_unpacked_once_and_counted_as_it_came(sandbox, azure):
    plain = jobs(*(f"job-{n}" for n in range(200)))
    packed = zipped(plain)
    sandbox.on(JOBS, packed)
    before = azure.meter.bytes_received

    (page,) = await read(azure.pages(JOBS, api_version=VERSION, scope=SCOPE))

    assert page.body == plain.bytes()
    assert azure.meter.bytes_received - before == len(packed.raw) < len(plain.bytes())


async def test_a_byte_order_mark_is_no_obstacle(sandbox, azure):
    sandbox.on(JOBS, Reply(raw=b"\xef\xbb\xbf" + jobs("a").bytes()))
    (page,) = await read(azure.pages(JOBS, api_version=VERSION, scope=SCOPE))
    assert len(list(listed(page))) == 1


async def test_one_resource_or_its_confirmed_absence(sandbox, azure):
    sandbox.on(GROUP, Reply({"id": GROUP, "name": "rg"}))

    page = await azure.get(GROUP, api_version="2021-04-01", scope=SCOPE)
    assert json.loads(page.body)["name"] == "rg"
    with pytest.raises(NotThere, match="404 ResourceNotFound"):
        await azure.get(GROUP + "-gone", api_version="2021-04-01", scope=SCOPE)


async def test_a_404_of_somebody_else_confirms_nothing(sandbox, azure):
    sandbox.on(GROUP, Reply(raw=b"<html>no such page</html>", status=404))
    with pytest.raises(ReadFailed) as failed:
        await azure.get(GROUP, api_version="2021-04-01", scope=SCOPE)
    assert failed.value.reason is GapReason.UNAVAILABLE


@pytest.mark.parametrize(
    ("path", "reply", "reason"),
    [
        (JOBS, error(404, "SubscriptionNotFound"), GapReason.FORBIDDEN),
        (JOBS, error(404, "ResourceNotFound"), GapReason.UNSUPPORTED),
        (JOBS, error(404, "InvalidResourceType"), GapReason.UNSUPPORTED),
        (JOBS, error(409, "MissingSubscriptionRegistration"), GapReason.UNSUPPORTED),
    ],
)
async def test_a_list_over_a_subscription_is_never_absent(sandbox, azure, path, reply, reason):
    sandbox.on(path, reply)
    with pytest.raises(ReadFailed) as failed:
        await read(azure.pages(path, api_version=VERSION, scope=SCOPE))
    assert failed.value.reason is reason


async def test_a_list_below_a_group_that_is_gone_is_absent(azure):
    with pytest.raises(NotThere):
        await read(azure.pages(f"{GROUP}/providers/Microsoft.App/jobs", api_version=VERSION, scope=SCOPE))


@pytest.mark.parametrize("path", ["/subscriptions/../x", "/subscriptions/./x", "subscriptions"])
async def test_an_id_that_would_lead_elsewhere_is_not_asked(sandbox, azure, path):
    asked = len(sandbox.asked)
    with pytest.raises(ReadFailed) as failed:
        await azure.get(path, api_version=VERSION, scope=SCOPE)
    assert failed.value.reason is GapReason.MALFORMED
    assert len(sandbox.asked) == asked


async def test_an_id_cannot_smuggle_a_query(sandbox, azure):
    with pytest.raises(NotThere):
        await azure.get(f"{GROUP}?api-version=1#x", api_version=VERSION, scope=SCOPE)
    assert sandbox.asked[-1].path == f"{GROUP}?api-version=1#x"
    assert sandbox.asked[-1].query == f"api-version={VERSION}"


class TestTyped:
    """Operations of the SDK's own clients."""

    async def test_pages_are_as_received(self, sandbox, azure):
        first = Reply({"value": [{"id": "/subscriptions/a", "subscriptionId": "a", "later": {"x": 1}}]})
        second = Reply({"value": [{"id": "/subscriptions/b", "subscriptionId": "b"}]})
        first.body["nextLink"] = f"{sandbox.url}/subscriptions?page=2&api-version=2022-12-01"
        sandbox.on("/subscriptions", first, second)

        pages = await read(azure.typed(azure.subscriptions().subscriptions.list(), scope=Scope(id="/")))

        assert [page.body for page in pages] == [first.bytes(), second.bytes()]
        assert [page.api_version for page in pages] == ["2022-12-01", "2022-12-01"]
        assert pages[1].url.endswith("page=2&api-version=2022-12-01")

    @pytest.mark.parametrize(
        ("made", "path"),
        [
            (
                lambda a: a.container_apps(SUBSCRIPTION).managed_environments.get("rg", "env"),
                f"{GROUP}/providers/Microsoft.App/managedEnvironments/env",
            ),
            (
                lambda a: a.authorization(SUBSCRIPTION).role_definitions.get_by_id(
                    "subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/r"
                ),
                "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/r",
            ),
            (
                lambda a: a.identities(SUBSCRIPTION).user_assigned_identities.get("rg", "id"),
                f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id",
            ),
            (lambda a: a.resources(SUBSCRIPTION).resource_groups.get("rg"), GROUP),
        ],
    )
    async def test_one_resource(self, sandbox, azure, made, path):
        reply = Reply({"id": path, "name": "x", "properties": {"new": [1, None]}})
        sandbox.on(path, reply)
        (page,) = await read(azure.typed(made(azure), scope=SCOPE))
        assert page.body == reply.bytes()

        sandbox.on(path, error(404, "ResourceNotFound"))
        with pytest.raises(NotThere):
            await read(azure.typed(made(azure), scope=SCOPE))

        sandbox.on(path, error(403, "AuthorizationFailed"))
        with pytest.raises(ReadFailed) as failed:
            await read(azure.typed(made(azure), scope=SCOPE))
        assert failed.value.reason is GapReason.FORBIDDEN

    @pytest.mark.parametrize(
        ("made", "path"),
        [
            (
                lambda a: a.monitor(SUBSCRIPTION).action_groups.list_by_subscription_id(),
                f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/actionGroups",
            ),
            (
                lambda a: a.consumption(SUBSCRIPTION).budgets.list(GROUP.strip("/")),
                f"{GROUP}/providers/Microsoft.Consumption/budgets",
            ),
            (
                lambda a: a.identities(SUBSCRIPTION).federated_identity_credentials.list("rg", "id"),
                f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id/federatedIdentityCredentials",
            ),
            (lambda a: a.resources(SUBSCRIPTION).resources.list(), f"/subscriptions/{SUBSCRIPTION}/resources"),
        ],
    )
    async def test_a_link_is_followed_also_where_the_sdk_ignores_it(self, sandbox, azure, made, path):
        first = Reply({"value": [{"id": f"{path}/a"}], "nextLink": f"{sandbox.url}{path}?$skiptoken=2"})
        second = Reply({"value": [{"id": f"{path}/b"}]})
        sandbox.on(path, first, second)
        pages = await read(azure.typed(made(azure), scope=SCOPE))
        assert [page.body for page in pages] == [first.bytes(), second.bytes()]

    async def test_an_item_that_the_models_cannot_digest_does_not_cost_the_others(self, sandbox, azure):
        path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/actionGroups"
        reply = Reply({"value": [{"id": "good"}, {"id": "bad", "properties": {"enabled": {"not": "a bool"}}}, 7]})
        sandbox.on(path, reply)
        operation = azure.monitor(SUBSCRIPTION).action_groups.list_by_subscription_id()
        (page,) = await read(azure.typed(operation, scope=SCOPE))
        assert page.body == reply.bytes()

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"value": null}', b'{"value": [', b"", b"\xff\xfe"])
    async def test_what_is_no_list_is_malformed(self, sandbox, azure, body):
        sandbox.on("/subscriptions", Reply(raw=body))
        with pytest.raises(ReadFailed) as failed:
            await read(azure.typed(azure.subscriptions().subscriptions.list(), scope=Scope(id="/")))
        assert failed.value.reason is GapReason.MALFORMED

    async def test_clients_are_made_once_per_subscription(self, azure):
        assert azure.resources("a") is azure.resources("a")
        assert azure.resources("a") is not azure.resources("b")

    async def test_operations_side_by_side_keep_their_own_answers(self, sandbox, azure):
        async def one(name):
            path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}"
            sandbox.on(path, Reply({"name": name}, delay=0.02))
            (page,) = await read(azure.typed(azure.resources(SUBSCRIPTION).resource_groups.get(name), scope=SCOPE))
            return json.loads(page.body)["name"]

        names = [f"rg{n}" for n in range(20)]
        assert await asyncio.gather(*map(one, names)) == names


GRAPH = "/providers/Microsoft.ResourceGraph/resources"


class TestQuestions:
    """Resource Graph and the directory."""

    async def test_resource_graph_is_paged_by_skip_token(self, sandbox, azure):
        sandbox.on(
            GRAPH,
            Reply({"totalRecords": 3, "count": 2, "resultTruncated": "false", "data": [{}, {}], "$skipToken": "t"}),
            Reply({"totalRecords": 3, "count": 1, "resultTruncated": "false", "data": [{}]}),
        )
        pages = await read(azure.resource_graph("resources", subscriptions=["a"], scope=SCOPE))

        assert len(pages) == 2
        sent = [json.loads(asked.body) for asked in sandbox.to(GRAPH)]
        assert sent[0]["subscriptions"] == ["a"]
        assert sent[0]["options"]["resultFormat"] == "objectArray"
        assert "$skipToken" not in sent[0]["options"]
        assert sent[1]["options"]["$skipToken"] == "t"
        assert json.loads(pages[1].request_body) == sent[1]
        assert pages[0].method == "POST"

    @pytest.mark.parametrize(
        "replies",
        [
            [{"totalRecords": 3, "count": 1, "data": [{}]}],
            [{"totalRecords": 1, "count": 1, "data": [{}], "resultTruncated": "true"}],
            [{"totalRecords": 9, "count": 1, "data": [{}], "$skipToken": "t"}],
        ],
    )
    async def test_resource_graph_never_gives_a_shorter_list(self, sandbox, azure, replies):
        sandbox.on(GRAPH, *map(Reply, replies))
        with pytest.raises(ReadFailed) as failed:
            await read(azure.resource_graph("resources", subscriptions=["a"], scope=SCOPE))
        assert failed.value.reason is GapReason.TRUNCATED

    async def test_resource_graph_is_not_asked_about_nothing(self, sandbox, azure):
        with pytest.raises(ReadFailed):
            await read(azure.resource_graph("resources", subscriptions=[], scope=SCOPE))
        assert not sandbox.to(GRAPH)

    async def test_names_are_asked_a_thousand_at_a_time(self, sandbox, azure):
        path = "/v1.0/directoryObjects/getByIds"
        sandbox.on(path, Reply({"value": [{"id": OBJECT}]}, headers={"request-id": "g1"}))
        pages = await read(azure.directory_objects([f"id{n}" for n in range(1001)], scope=SCOPE))
        assert [len(json.loads(asked.body)["ids"]) for asked in sandbox.to(path)] == [1000, 1]
        assert {page.api_version for page in pages} == {"v1.0"}
        assert azure.meter.requests["graph"] == 2

    async def test_the_second_thousand_missing_truncates(self, sandbox, azure):
        path = "/v1.0/directoryObjects/getByIds"
        sandbox.on(path, Reply({"value": []}), error(400, "Request_BadRequest"))
        with pytest.raises(ReadFailed) as failed:
            await read(azure.directory_objects([f"id{n}" for n in range(1001)], scope=SCOPE))
        assert failed.value.reason is GapReason.TRUNCATED


async def test_the_caller_is_who_the_token_speaks_of(azure):
    caller = azure.caller
    assert (caller.object_id, caller.tenant_id, caller.kind, caller.name) == (OBJECT, TENANT, "app", "collector")
