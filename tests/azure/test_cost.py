"""The question of costs: asked again page by page, on the same host, within the tenant's quota."""

from __future__ import annotations

import json
import time

import pytest
from scripted_azure import SCOPE, SUBSCRIPTION, Reply, error, read, read_until_broken

from audit.azure.family import family_of
from audit.azure.hints import remaining
from audit.model.outcome import GapReason, NotThere, ReadFailed

PATH = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.CostManagement/query"
QUESTION = {"type": "ActualCost", "dataset": {"granularity": "Daily"}}
PREFIX = "x-ms-ratelimit-microsoft.costmanagement-"


def table(*rows, link: str | None = None, **headers) -> Reply:
    columns = [{"name": "Cost", "type": "Number"}]
    return Reply({"properties": {"nextLink": link, "columns": columns, "rows": list(rows)}}, headers=headers)


def ask(azure):
    return azure.cost_query(SCOPE.id, QUESTION, scope=SCOPE)


async def test_the_same_question_is_asked_of_every_page(sandbox, azure):
    first, last = table([1.5], link=f"{sandbox.url}{PATH}?api-version=2023-11-01&$skiptoken=abc%3D"), table([2])
    sandbox.on(PATH, first, last)
    async with azure.unit() as unit:
        pages = await read(ask(azure))
    assert [page.body for page in pages] == [first.bytes(), last.bytes()]
    asked = sandbox.to(PATH)
    assert [each.method for each in asked] == ["POST", "POST"]
    assert [json.loads(each.body) for each in asked] == [QUESTION, QUESTION]
    assert asked[1].query == "api-version=2023-11-01&$skiptoken=abc%3D"
    assert (pages[0].method, pages[0].api_version, json.loads(pages[0].request_body)) == (
        "POST",
        "2023-11-01",
        QUESTION,
    )
    assert unit.requests == azure.meter.requests["cost"] == 2


async def test_nothing_charged_is_a_page_without_a_body(sandbox, azure):
    sandbox.on(PATH, Reply(raw=b"", status=204))
    (page,) = await read(ask(azure))
    assert (page.status, page.body) == (204, b"")


async def test_an_empty_table_is_a_page(sandbox, azure):
    sandbox.on(PATH, table())
    assert len(await read(ask(azure))) == 1


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (error(400, "BadRequest", "Cost Management doesn't support the billing account type"), GapReason.UNSUPPORTED),
        (error(422, "UnprocessableEntity", "billing account not supported"), GapReason.UNSUPPORTED),
        (error(401, "RBACAccessDenied"), GapReason.FORBIDDEN),
        (error(403, "AuthorizationFailed"), GapReason.FORBIDDEN),
        (error(404, "ResourceNotFound"), GapReason.UNSUPPORTED),
        (Reply({"value": []}), GapReason.MALFORMED),
        (Reply({"properties": {"columns": []}}), GapReason.MALFORMED),
    ],
)
async def test_what_is_not_answered_is_never_without_cost(sandbox, azure, reply, reason):
    sandbox.on(PATH, reply)
    with pytest.raises(ReadFailed) as failed:
        await read(ask(azure))
    assert failed.value.reason is reason
    assert "CostManagement/query" in failed.value.detail


@pytest.mark.parametrize("status", [204, 404, 422, 500])
async def test_a_later_page_that_is_not_there_truncates(sandbox, azure, status):
    link = f"{sandbox.url}{PATH}?api-version=2023-11-01&$skiptoken=2"
    sandbox.on(PATH, table([1], link=link), error(status, "Gone"))
    kept, failure = await read_until_broken(ask(azure))
    assert len(kept) == 1
    assert failure.reason is GapReason.TRUNCATED


async def test_a_link_elsewhere_is_not_followed(sandbox, elsewhere, azure):
    sandbox.on(PATH, table([1], link=f"{elsewhere.url}{PATH}?$skiptoken=2"))
    kept, failure = await read_until_broken(ask(azure))
    assert (len(kept), failure.reason) == (1, GapReason.TRUNCATED)
    assert not elsewhere.asked


async def test_a_link_to_another_path_is_not_asked_as_a_write(sandbox, azure):
    sandbox.on(
        PATH, table([1], link=f"{sandbox.url}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.App/jobs/j/start")
    )
    _, failure = await read_until_broken(ask(azure))
    assert failure.reason is GapReason.TRUNCATED
    assert {each.path for each in sandbox.asked if each.method == "POST" and "providers" in each.path} == {PATH}


async def test_a_circle_ends(sandbox, azure):
    sandbox.on(PATH, table([1], link=f"{sandbox.url}{PATH}?api-version=2023-11-01&$top=5000"))
    _, failure = await read_until_broken(ask(azure))
    assert failure.reason is GapReason.TRUNCATED
    assert len(sandbox.to(PATH)) == 1


async def test_the_largest_of_several_waits_counts_for_the_whole_tenant(sandbox, azure):
    refused = error(429, "429", **{f"{PREFIX}qpu-retry-after": "1", f"{PREFIX}entity-retry-after": "0"})
    sandbox.on(PATH, refused, table())
    started = time.monotonic()
    await read(ask(azure))
    assert time.monotonic() - started >= 0.95
    sandbox.on(PATH, error(429, "429", **{f"{PREFIX}tenant-retry-after": "3600"}))
    async with azure.unit(wait=1):
        with pytest.raises(ReadFailed, match="throttles cost") as failed:
            await read(ask(azure))
    assert failed.value.reason is GapReason.THROTTLED


def test_the_quota_is_the_tenants():
    assert family_of(PATH) == ("", "cost")


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({f"{PREFIX}qpu-remaining": "QueriesPerHour:577,QueriesPerMin:59,QueriesPer10Sec:11"}, 11),
        ({"x-ms-ratelimit-remaining-microsoft.costmanagement-entity-requests": "DefaultQuota:3"}, 3),
        ({f"{PREFIX}qpu-consumed": "1"}, None),
    ],
)
def test_what_is_left_is_read_from_its_own_headers(headers, left):
    assert remaining(headers) == left


async def test_a_group_that_is_gone_cost_nothing_is_not_said_of_a_subscription(sandbox, azure):
    group = f"{SCOPE.id}/resourceGroups/gone"
    with pytest.raises(NotThere):
        await read(azure.cost_query(group, QUESTION, scope=SCOPE))
