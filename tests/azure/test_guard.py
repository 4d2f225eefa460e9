"""Nothing but reads leaves the process, and only towards the cloud's own endpoint."""

from __future__ import annotations

import pytest
from azure.core.rest import HttpRequest
from scripted_azure import JOBS, SCOPE, SUBSCRIPTION, Reply, jobs, read

from audit.azure.guard import Guard, HostRefused, WriteRefused
from audit.model.outcome import GapReason, ReadFailed

ARM = "https://arm.example:8443"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"


async def sent(azure, request: HttpRequest):
    """Send through the pipeline that the typed clients share."""
    return await azure.resources(SUBSCRIPTION).send_request(request)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", "QUERY"])
async def test_other_methods_never_leave(sandbox, azure, method):
    asked = len(sandbox.asked)
    with pytest.raises(WriteRefused):
        await sent(azure, HttpRequest(method, f"{sandbox.url}{GROUP}"))
    assert len(sandbox.asked) == asked


@pytest.mark.parametrize(
    "path",
    [
        f"{GROUP}/providers/Microsoft.App/jobs/j/start",
        f"{GROUP}/providers/Microsoft.App/jobs/j/listSecrets",
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.App/register",
        "/providers/Microsoft.ResourceGraph/resources/x",
        "/x/providers/Microsoft.ResourceGraph/resources",
        f"/subscriptions/{SUBSCRIPTION}/../../providers/Microsoft.ResourceGraph/resources",
        "/subscriptions/../providers/Microsoft.CostManagement/query",
        "/v1.0/directoryObjects/getByIds/x",
        "/v1.0/users",
    ],
)
async def test_other_posts_never_leave(sandbox, azure, path):
    asked = len(sandbox.asked)
    with pytest.raises(WriteRefused):
        await sent(azure, HttpRequest("POST", sandbox.url + path, json={}))
    assert len(sandbox.asked) == asked


@pytest.mark.parametrize(
    "make",
    [
        lambda a: a.container_apps(SUBSCRIPTION).jobs.begin_delete("rg", "job", polling=False),
        lambda a: a.container_apps(SUBSCRIPTION).jobs.list_secrets("rg", "job"),
        lambda a: a.resources(SUBSCRIPTION).providers.register("Microsoft.App"),
        lambda a: a.authorization(SUBSCRIPTION).role_assignments.delete_by_id("x"),
    ],
)
async def test_a_typed_write_is_refused_as_a_gap(sandbox, azure, make):
    asked = len(sandbox.asked)
    with pytest.raises(ReadFailed, match="was not sent") as failed:
        await read(azure.typed(make(azure), scope=SCOPE))
    assert failed.value.reason is GapReason.UNSUPPORTED
    assert len(sandbox.asked) == asked


async def test_a_missing_provider_is_not_registered(sandbox, azure):
    missing = {"error": {"code": "MissingSubscriptionRegistration", "message": "register Microsoft.App"}}
    sandbox.on(JOBS, Reply(missing, status=409))
    with pytest.raises(ReadFailed):
        await read(azure.typed(azure.container_apps(SUBSCRIPTION).jobs.list_by_subscription(), scope=SCOPE))
    assert {asked.method for asked in sandbox.asked if not asked.path.endswith("/token")} == {"GET"}


async def test_a_link_to_another_host_is_not_followed(sandbox, elsewhere, azure):
    for link in (f"{elsewhere.url}{JOBS}", f"//{elsewhere.url[8:]}{JOBS}", f"https://127.0.0.1@{elsewhere.url[8:]}/"):
        sandbox.on(JOBS, jobs("a", nextLink=link))
        kept = []
        for pages in (
            azure.pages(JOBS, api_version="1", scope=SCOPE),
            azure.typed(azure.container_apps(SUBSCRIPTION).jobs.list_by_subscription(), scope=SCOPE),
        ):
            with pytest.raises(ReadFailed, match="leads on to another host") as failed:
                kept += [page async for page in pages]
            assert failed.value.reason is GapReason.TRUNCATED
    assert not elsewhere.asked


async def test_the_stock_pager_is_stopped_too(sandbox, elsewhere, azure):
    """Somebody who iterates an SDK operation without our door still can't send the token to another host."""
    sandbox.on(JOBS, jobs("a", nextLink=f"{elsewhere.url}{JOBS}"))
    with pytest.raises(HostRefused):
        await read(azure.container_apps(SUBSCRIPTION).jobs.list_by_subscription())
    assert not elsewhere.asked


async def test_a_redirect_is_not_followed(sandbox, elsewhere, azure):
    sandbox.on(JOBS, Reply({}, status=307, headers={"Location": elsewhere.url + JOBS}))
    with pytest.raises(ReadFailed, match=r"a redirect to 127\.0\.0\.1 was not followed") as failed:
        await read(azure.pages(JOBS, api_version="1", scope=SCOPE))
    assert failed.value.reason is GapReason.UNAVAILABLE
    assert not elsewhere.asked
    assert len(sandbox.to(JOBS)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://arm.example/x",  # another port
        "http://arm.example:8443/x",
        "https://arm.example.evil:8443/x",
        "https://evil@arm.example:8443/x",
        "https://arm.example:8443@evil/x",
        "https://evil\\@arm.example:8443/x",
        "https://arm.example:8443\\@evil/x",
        "https://arm.example:99999/x",
        "file:///etc/passwd",
        "//arm.example:8443/x",
        "",
    ],
)
def test_lookalikes_of_the_endpoint_are_refused(url):
    with pytest.raises(HostRefused):
        Guard(ARM).check("GET", url)


@pytest.mark.parametrize("url", [f"{ARM}/x", "HTTPS://ARM.example:8443/x", f"{ARM}/x@y", f"{ARM}?x=1"])
def test_spellings_of_the_endpoint_pass(url):
    Guard(ARM).check("GET", url)


@pytest.mark.parametrize(
    "path",
    [
        "/providers/Microsoft.ResourceGraph/resources",
        "/PROVIDERS/microsoft.resourcegraph/RESOURCES",
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.CostManagement/query",
        f"{GROUP}/providers/Microsoft.CostManagement/query",
        f"/v1/workspaces/{SUBSCRIPTION}/query",
        "/v1.0/directoryObjects/getByIds",
    ],
)
def test_questions_pass_unless_they_hide_another_method(path):
    Guard(ARM).check("POST", f"{ARM}{path}?api-version=1")
    with pytest.raises(WriteRefused):
        Guard(ARM).check("POST", ARM + path, {"X-HTTP-Method-Override": "DELETE"})
