"""The door to Microsoft Graph: a few lists, all their pages or an error, and nothing else of the directory."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

import msgspec
import pytest
from azure.core.rest import HttpRequest
from scripted_azure import OBJECT, Reply, error, read, read_until_broken

from audit.azure import hints
from audit.azure.guard import DIRECTORY_GETS, Guard, WriteRefused
from audit.azure.throttle import Bucket, Limit
from audit.model import Scope
from audit.model.outcome import GapReason, NotThere, ReadFailed

GROUP = f"/groups/{OBJECT}"
PATH = f"/v1.0{GROUP}/transitiveMembers"
SCOPE = Scope(id=GROUP)
GRAPH = "https://graph.example"


def members(azure, path: str = f"{GROUP}/transitiveMembers", **more):
    return azure.directory_list(path, scope=SCOPE, **more)


def reply(*ids: str, link: str | None = None) -> Reply:
    return Reply({"value": [{"id": each} for each in ids]} | ({"@odata.nextLink": link} if link else {}))


async def test_every_page_is_read_and_the_questions_are_spelled_as_graph_wants_them(sandbox, azure):
    sandbox.on(PATH, reply("a", link=f"{sandbox.url}{PATH}?$skiptoken=x"), reply("b"))
    params = {"$select": "id,displayName", "$top": "999", "$filter": "groupId eq 'x'"}
    pages = await read(members(azure, params=params, eventual=True))
    assert len(pages) == 2
    assert {(page.api_version, page.scope.id) for page in pages} == {("v1.0", GROUP)}
    first, second = sandbox.to(PATH)
    assert parse_qs(first.query) == {name: [value] for name, value in params.items()}
    assert "api-version" not in first.query
    assert {first.headers["ConsistencyLevel"], second.headers["ConsistencyLevel"]} == {"eventual"}
    assert azure.meter.requests["graph"] == 2


async def test_without_need_no_list_is_answered_out_of_the_index(sandbox, azure):
    sandbox.on(PATH, reply("a"))
    await read(members(azure))
    assert "ConsistencyLevel" not in sandbox.to(PATH)[0].headers


async def test_a_link_away_from_graph_is_not_followed(sandbox, elsewhere, azure):
    sandbox.on(PATH, reply("a", link=f"{elsewhere.url}{PATH}"))
    kept, failure = await read_until_broken(members(azure))
    assert len(kept) == 1
    assert failure.reason is GapReason.TRUNCATED
    assert not elsewhere.asked


async def test_a_link_to_something_else_of_the_directory_is_not_followed(sandbox, azure):
    sandbox.on(PATH, reply("a", link=f"{sandbox.url}/v1.0/users"))
    sandbox.on("/v1.0/users", reply("b"))
    kept, failure = await read_until_broken(members(azure))
    assert len(kept) == 1
    assert failure.reason is GapReason.TRUNCATED
    assert not sandbox.to("/v1.0/users")


async def test_a_group_that_is_gone_is_told_from_one_that_is_refused(sandbox, azure):
    sandbox.on(PATH, error(404, "Request_ResourceNotFound"))
    with pytest.raises(NotThere):
        await read(members(azure))
    sandbox.on(PATH, error(403, "Authorization_RequestDenied", "Insufficient privileges"))
    with pytest.raises(ReadFailed, match="Authorization_RequestDenied") as refused:
        await read(members(azure))
    assert refused.value.reason is GapReason.FORBIDDEN


async def test_a_404_that_is_not_graphs_own_confirms_nothing(sandbox, azure):
    sandbox.on(PATH, Reply(status=404, raw=b"<html>"))
    with pytest.raises(ReadFailed) as failed:
        await read(members(azure))
    assert failed.value.reason is GapReason.UNAVAILABLE


async def test_azures_own_code_comes_with_the_failure(sandbox, azure):
    sandbox.on(PATH, error(400, "AadPremiumLicenseRequired"))
    with pytest.raises(ReadFailed) as failed:
        await read(members(azure))
    assert (failed.value.reason, failed.value.code) == (GapReason.UNSUPPORTED, "AadPremiumLicenseRequired")


async def test_a_group_itself_is_read(sandbox, azure):
    sandbox.on(f"/v1.0{GROUP}", Reply({"id": OBJECT, "visibility": None}))
    page = await azure.directory_object(GROUP, scope=SCOPE, params={"$select": "id,visibility"})
    assert page.url.endswith("?$select=id,visibility")


async def test_without_graph_nothing_is_asked(sandbox):
    async with sandbox.connect(msgspec.structs.replace(sandbox.cloud, graph="")) as azure:
        with pytest.raises(ReadFailed, match=r"cloud\.graph is empty"):
            await read(members(azure))


@pytest.mark.parametrize(
    "path",
    [
        f"/v1.0{GROUP}",
        PATH,
        f"{PATH}/microsoft.graph.servicePrincipal",
        f"/v1.0{GROUP}/members",
        "/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances",
        "/v1.0/identityGovernance/privilegedAccess/group/assignmentScheduleInstances",
    ],
)
def test_what_may_be_asked_of_graph(path):
    Guard(GRAPH, gets=DIRECTORY_GETS).check("GET", f"{GRAPH}{path}?$top=1")


@pytest.mark.parametrize(
    "path",
    [
        "/v1.0/users",
        f"/v1.0/users/{OBJECT}/messages",
        "/v1.0/groups",
        f"/v1.0{GROUP}/owners",
        f"/v1.0{GROUP}/drive",
        f"{PATH}/microsoft.graph.user",
        f"/beta{GROUP}/members",
        "/v1.0/groups/../members",
        f"{PATH}/../../../../users",
        "/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleRequests",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_may_not_be_asked_of_graph(path, method):
    with pytest.raises(WriteRefused):
        Guard(GRAPH, gets=DIRECTORY_GETS).check(method, f"{GRAPH}{path}?$top=1")


async def test_the_graph_door_is_the_one_that_is_guarded(sandbox, azure):
    sandbox.on("/v1.0/users", reply("a"))
    with pytest.raises(ReadFailed, match="was not sent") as failed:
        await read(members(azure, "/users"))
    assert failed.value.reason is GapReason.UNSUPPORTED
    assert not sandbox.to("/v1.0/users")
    assert (await azure.resources("x").send_request(HttpRequest("GET", f"{sandbox.url}/v1.0/users"))).status_code == 200


@pytest.mark.parametrize(
    ("headers", "used"),
    [
        ({"x-ms-throttle-limit-percentage": "0.9"}, 0.9),
        ({"X-MS-Throttle-Limit-Percentage": "1.8"}, 1.8),
        ({"x-ms-throttle-limit-percentage": "much"}, None),
        ({}, None),
    ],
)
def test_graph_says_how_much_of_its_limit_is_used(headers, used):
    assert hints.limit_used(headers) == used


@pytest.mark.parametrize(("used", "share"), [(0.8, 1.0), (1.3, 0.5), (1.8, 1 / 32)])
async def test_who_uses_up_the_limit_slows_down_and_comes_back(used, share):
    bucket = Bucket("graph", Limit(capacity=10, rate=64))
    bucket.ease(used)
    assert bucket._rate == pytest.approx(64 * share)
    for _ in range(20):
        bucket.succeeded(asyncio.get_running_loop().time())
    assert bucket._rate == 64


async def test_an_answer_that_tells_so_slows_the_next_ones(sandbox, azure, monkeypatch):
    eased = []
    monkeypatch.setattr(Bucket, "ease", lambda bucket, used: eased.append((bucket.name, used)))
    told = reply("a")
    told.headers["x-ms-throttle-limit-percentage"] = "1.3"
    sandbox.on(PATH, told)
    await read(members(azure))
    assert eased == [("graph", 1.3)]
