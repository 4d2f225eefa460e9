"""Who sees what: the caller's role decides, item by item, and a list says nothing about what it leaves out."""

from __future__ import annotations

import pytest
import tiny_estate as at
from azure.core.exceptions import HttpResponseError
from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient
from hypothesis import given
from hypothesis import strategies as st
from tiny_estate import GROUP, ONE, ROOT, TWO, limited, tiny

from audit.sandbox.authorise import Access, Block
from audit.sandbox.routes import READ_ACTIONS
from audit.sandbox.tokens import Grant

JOBS = f"/subscriptions/{ONE}/providers/Microsoft.App/jobs?api-version=2025-07-01"
READ_JOBS = {"actions": ["Microsoft.App/jobs/read"]}
GRANT = Grant(at.COLLECTOR, "app", "aud", 0)


async def names(client, subscription=ONE):
    async with ContainerAppsAPIClient(subscription_id=subscription, **client.sdk) as apps:
        return [each.name async for each in apps.jobs.list_by_subscription()]


async def test_a_reader_of_one_group_sees_that_group_and_no_hint_of_the_rest(serve):
    async with serve(limited(tiny(), GROUP.upper(), {"actions": ["*/read"]})) as client:
        assert await names(client) == [f"orders-{n}" for n in range(4)]
        query = {"query": "resources | project id", "subscriptions": [ONE, TWO]}
        path = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
        assert (await client.ask(path, method="POST", json=query)).body["totalRecords"] == 4
        listed = await client.ask("/subscriptions?api-version=2022-12-01")
        assert [each["subscriptionId"] for each in listed.body["value"]] == [ONE]
        roles = f"/subscriptions/{ONE}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01"
        shown = (await client.ask(roles)).body
        assert [each["name"][-1] for each in shown["value"]] == ["2", "3"]
        resources = await client.ask(f"/subscriptions/{ONE}/resources?api-version=2025-04-01")
        assert len(resources.body["value"]) == 2
        assert "nextLink" in resources.body


async def test_a_reader_of_one_job_sees_one_job(serve):
    estate = tiny()
    job = next(iter(estate.resources.values()))["id"]
    async with serve(limited(estate, job, READ_JOBS)) as client:
        assert await names(client) == ["orders-0"]
        assert (await client.ask(job + "?api-version=2025-07-01")).status == 200
        neighbour = await client.ask(job.replace("orders-0", "orders-1") + "?api-version=2025-07-01")
        assert (neighbour.status, neighbour.body["error"]["code"]) == (403, "AuthorizationFailed")
        prefix = await client.ask(job + "0?api-version=2025-07-01")
        assert prefix.status == 403


async def test_no_role_at_all_is_a_403_that_names_action_and_scope(serve):
    async with serve(limited(tiny(), f"/subscriptions/{TWO}", READ_JOBS)) as client:
        with pytest.raises(HttpResponseError) as caught:
            await names(client)
        assert caught.value.status_code == 403
        assert caught.value.error.code == "AuthorizationFailed"
        assert "Microsoft.App/jobs/read" in caught.value.error.message
        assert at.COLLECTOR in caught.value.error.message
        assert await names(client, TWO) == ["billing-0"]


LOG = "Insights/eventtypes/management/values?api-version=2015-04-01&$filter=eventTimestamp ge '2026-11-10T00:00:00Z'"


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("Insights/diagnosticSettings?api-version=2021-05-01-preview", "Insights/diagnosticSettings/read"),
        ("Authorization/roleAssignments?api-version=2022-04-01", "Authorization/roleAssignments/read"),
        ("Authorization/permissions?api-version=2022-04-01", "Authorization/permissions/read"),
        ("Consumption/budgets?api-version=2024-08-01", "Consumption/budgets/read"),
        ("Resources/tags/default?api-version=2021-04-01", "Resources/tags/read"),
        ("Insights/actionGroups?api-version=2023-01-01", "Insights/actionGroups/read"),
        (LOG, "Insights/eventtypes/values/read"),
    ],
)
async def test_every_route_wants_its_own_action(serve, path, action):
    path, action = f"/subscriptions/{ONE}/providers/Microsoft.{path}", f"Microsoft.{action}"
    async with serve(limited(tiny(), ROOT, {"actions": ["*/read"], "notActions": [action.upper()]})) as client:
        assert (await client.ask(path)).status == 403
    async with serve(limited(tiny(), ROOT, {"actions": [action.lower()]})) as client:
        assert (await client.ask(path)).status == 200


async def test_permission_blocks_count_one_by_one(serve):
    blocks = ({"actions": ["Microsoft.App/*"], "notActions": ["Microsoft.App/jobs/*"]}, READ_JOBS)
    async with serve(limited(tiny(), ROOT, *blocks)) as client:
        assert len(await names(client)) == 6
    async with serve(limited(tiny(), ROOT, blocks[0])) as client:
        assert (await client.ask(JOBS)).status == 403


def test_a_role_of_the_served_actions_grants_each_of_them_and_no_write():
    access = Access(limited(tiny(), ROOT, {"actions": list(READ_ACTIONS)}))
    target = GROUP.lower()
    assert all(access.may(GRANT, action, target) for action in READ_ACTIONS)
    assert not access.may(GRANT, "Microsoft.App/jobs/write", target)
    assert all(action.endswith("/read") for action in READ_ACTIONS)


_WORDS = st.sampled_from(["Microsoft.App", "jobs", "read", "write", "listSecrets", "action"])
_ACTIONS = st.lists(_WORDS, min_size=1, max_size=4).map("/".join)
_PATTERNS = st.lists(st.one_of(_WORDS, st.just("*")), min_size=1, max_size=4).map("/".join)


def _matches(pattern: str, action: str) -> bool:
    """A wildcard matcher written the long way: the reference."""
    if not pattern:
        return not action
    if pattern[0] == "*":
        return any(_matches(pattern[1:], action[n:]) for n in range(len(action) + 1))
    return bool(action) and pattern[0].lower() == action[0].lower() and _matches(pattern[1:], action[1:])


@given(_ACTIONS, st.lists(_PATTERNS, max_size=3), st.lists(_PATTERNS, max_size=3))
def test_a_block_grants_what_its_patterns_say(action, granted, taken):
    block = Block({"actions": granted, "notActions": taken})
    expected = any(_matches(p, action) for p in granted) and not any(_matches(p, action) for p in taken)
    assert block.grants(action) is expected
    assert block.grants(action.upper()) is expected
