"""The stock SDK clients, with their default policies, against the routes of ARM and Graph."""

from __future__ import annotations

import pytest
import tiny_estate as at
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient
from azure.mgmt.authorization.aio import AuthorizationManagementClient
from azure.mgmt.consumption.aio import ConsumptionManagementClient
from azure.mgmt.monitor.aio import MonitorManagementClient
from azure.mgmt.msi.aio import ManagedServiceIdentityClient
from azure.mgmt.resource.resources.aio import ResourceManagementClient
from azure.mgmt.resource.subscriptions.aio import SubscriptionClient
from azure.mgmt.resourcegraph.aio import ResourceGraphClient
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions
from tiny_estate import ONE, TWO, tiny

SUBSCRIPTION = f"/subscriptions/{ONE}"
AUTHORIZATION = f"{SUBSCRIPTION}/providers/Microsoft.Authorization"
EVENTS = f"{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01"


async def test_jobs_come_in_pages_that_the_sdk_follows(serve):
    async with serve() as client, ContainerAppsAPIClient(subscription_id=ONE, **client.sdk) as apps:
        names = [each.name async for each in apps.jobs.list_by_subscription()]
        assert names == [f"orders-{n}" for n in range(4)] + ["imports-0", "imports-1"]
        listed = [each for each in client.sandbox.requests if each.path.endswith("/jobs")]
        assert len(listed) == 3
        assert {each.caller for each in listed} == {at.COLLECTOR}
        one = await apps.jobs.get("RG-ORDERS", "Orders-1")
        assert one.name == "orders-1"


async def test_a_link_keeps_the_query_and_spells_the_group_its_own_way(serve):
    async with serve() as client:
        reply = await client.ask(f"{at.GROUP}/providers/Microsoft.App/jobs?api-version=2025-07-01")
        link = reply.body["nextLink"]
        assert link.startswith(f"{client.sandbox.endpoints.arm}/subscriptions/{ONE}/resourcegroups/rg-Orders/")
        assert "api-version=2025-07-01" in link
        more = await client.ask(link.removeprefix(client.sandbox.endpoints.arm))
        assert [each["name"] for each in more.body["value"]] == ["orders-2", "orders-3"]
        assert "nextLink" not in more.body


async def test_subscriptions_groups_resources_and_tags(serve):
    async with serve() as client:
        async with SubscriptionClient(**client.sdk) as subscriptions:
            assert [each.subscription_id async for each in subscriptions.subscriptions.list()] == [ONE, TWO]
        async with ResourceManagementClient(subscription_id=ONE, **client.sdk) as resources:
            assert [each.name async for each in resources.resource_groups.list()] == ["rg-Orders", "rg-imports"]
            filtered = resources.resources.list(filter="resourceType eq 'Microsoft.App/jobs'")
            entries = [each async for each in filtered]
            assert len(entries) == 6
            assert entries[0].location == "westeurope"
            assert "/resourceGroups/RG-ORDERS/" in entries[0].id
            assert entries[0].tags == {"owner": "orders"}
            tags = await resources.tags.get_at_scope(f"{at.GROUP}")
            assert tags.properties.tags == {"team": "rg-Orders"}
            with pytest.raises(HttpResponseError, match="InvalidFilterInQueryString"):
                [each async for each in resources.resources.list(filter="nonsense")]


async def test_role_assignments_above_at_and_below_a_scope(serve):
    async with serve() as client, AuthorizationManagementClient(subscription_id=ONE, **client.sdk) as access:
        names = [each.name[-1] async for each in access.role_assignments.list_for_subscription()]
        assert names == ["0", "1", "2", "3"]
        at_scope = access.role_assignments.list_for_subscription(filter="atScope()")
        assert [each.name[-1] async for each in at_scope] == ["0", "1"]
        mine = access.role_assignments.list_for_subscription(filter=f"assignedTo('{at.COLLECTOR}')")
        assert [each.name[-1] async for each in mine] == ["0"]
        with pytest.raises(HttpResponseError, match="UnsupportedQuery"):
            [each async for each in access.role_assignments.list_for_subscription(filter="name eq 'x'")]


async def test_role_definitions_by_id_and_permissions_at_every_scope(serve):
    async with serve() as client, AuthorizationManagementClient(subscription_id=ONE, **client.sdk) as access:
        path = f"{AUTHORIZATION}/roleDefinitions/{at.READER}"
        found = await access.role_definitions.get_by_id(path)
        assert found.id == path
        assert found.permissions[0].actions == ["*/read"]
        tenant = await access.role_definitions.get_by_id(
            f"/providers/Microsoft.Authorization/roleDefinitions/{at.READER}"
        )
        assert tenant.id.startswith("/providers/")
        with pytest.raises(ResourceNotFoundError, match="RoleDefinitionDoesNotExist"):
            await access.role_definitions.get_by_id(f"{AUTHORIZATION}/roleDefinitions/{at.LIMITED}")
        job = next(iter(tiny().resources.values()))["id"]
        for scope in (SUBSCRIPTION, at.GROUP, job):
            reply = await client.ask(f"{scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01")
            assert [each["actions"] for each in reply.body["value"]] == [["*/read"]]


async def test_permissions_at_a_subscription_may_not_answer(serve):
    async with serve(subscription_permissions_route=False) as client:
        path = "/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
        assert (await client.ask(SUBSCRIPTION + path)).status == 404
        assert (await client.ask(at.GROUP + path)).status == 200


async def test_the_activity_log_answers_its_filter(serve):
    async with serve() as client, MonitorManagementClient(subscription_id=ONE, **client.sdk) as monitor:
        window = "eventTimestamp ge '2026-11-10T00:00:00Z' and eventTimestamp le '2026-11-18T00:00:00Z'"
        found = [each.event_data_id async for each in monitor.activity_logs.list(filter=window)]
        assert found == [f"event-{n}" for n in range(3, 11)]
        listed = [each for each in client.sandbox.requests if each.path.endswith("/values")]
        assert len(listed) == 2
        narrowed = monitor.activity_logs.list(filter=f"{window} and correlationId eq 'correlation-4'")
        assert [each.event_data_id async for each in narrowed] == ["event-4"]


async def test_the_activity_log_selects_and_gives_the_caller_all_the_same(serve):
    async with serve() as client:
        query = "&$filter=eventTimestamp ge '2026-11-20T00:00:00Z'&$select=eventTimestamp"
        (event,) = (await client.ask(EVENTS + query)).body["value"]
        assert set(event) == {"eventTimestamp", "caller", "id"}


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "eventTimestamp le '2026-11-18T00:00:00Z'",
        "eventTimestamp ge '2026-07-01T00:00:00Z'",
        "eventTimestamp ge 'yesterday'",
        "eventTimestamp ge '2026-11-10T00:00:00Z' and resourceGroupName eq 'a' and correlationId eq 'b'",
        "eventTimestamp ge '2026-11-10T00:00:00Z' and colour eq 'red'",
    ],
)
async def test_the_activity_log_refuses_what_azure_refuses(serve, wrong):
    async with serve() as client:
        reply = await client.ask(f"{EVENTS}&$filter={wrong}")
        assert reply.status == 400
        assert reply.body["code"] == "BadRequest"


async def test_diagnostic_settings_none_is_not_the_same_as_no_resource(serve):
    async with serve() as client:
        path = "/providers/Microsoft.Insights/diagnosticSettings?api-version=2021-05-01-preview"
        jobs = [each["id"] for each in tiny().resources.values()]
        assert [len((await client.ask(each + path)).body["value"]) for each in jobs[:2]] == [1, 0]
        assert (await client.ask(SUBSCRIPTION + path)).body == {"value": []}
        gone = await client.ask(jobs[0] + "x" + path)
        assert (gone.status, gone.body["error"]["code"]) == (404, "ResourceNotFound")


async def test_budgets_action_groups_and_identities(serve):
    estate = tiny()
    identity = f"{at.GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-orders"
    estate.resources[identity.lower()] = {
        "id": identity, "name": "id-orders", "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
        "location": "westeurope",
        "properties": {"principalId": at.PERSON, "clientId": at.PERSON, "tenantId": at.TENANT},
    }  # fmt: skip
    estate.federated_credentials[identity.lower()] = [
        {"id": f"{identity}/federatedIdentityCredentials/{n}", "name": n, "properties": {"subject": n}} for n in "ab"
    ]
    estate.budgets[SUBSCRIPTION] = [{"id": "b", "name": "monthly", "properties": {"amount": 100.0}}]
    groups = f"{at.GROUP}/providers/microsoft.insights/actionGroups/on-call"
    estate.action_groups[ONE] = [{"id": groups, "name": "on-call", "location": "Global", "properties": {}}]
    async with serve(estate) as client:
        async with ConsumptionManagementClient(subscription_id=ONE, **client.sdk) as consumption:
            assert [each.name async for each in consumption.budgets.list(SUBSCRIPTION)] == ["monthly"]
            assert [each.name async for each in consumption.budgets.list(at.GROUP)] == []
        async with MonitorManagementClient(subscription_id=ONE, **client.sdk) as monitor:
            assert [each.name async for each in monitor.action_groups.list_by_subscription_id()] == ["on-call"]
        async with ManagedServiceIdentityClient(subscription_id=ONE, **client.sdk) as identities:
            found = await identities.user_assigned_identities.get("rg-Orders", "id-orders")
            assert found.principal_id == at.PERSON
            federated = identities.federated_identity_credentials.list("rg-Orders", "id-orders")
            assert [each.name async for each in federated] == ["a", "b"]


async def test_resource_graph_pages_and_lags_behind(serve):
    estate = tiny()
    estate.graph_lag.add(next(iter(estate.resources)))
    text = (
        "resources | where type =~ 'microsoft.app/jobs' "
        "| project id, name, kind=properties.configuration.triggerType | order by name asc"
    )
    async with serve(estate) as client, ResourceGraphClient(**client.sdk) as graph:
        names, token = [], None
        while True:
            options = QueryRequestOptions(skip_token=token, result_format="objectArray")
            page = await graph.resources(QueryRequest(query=text, subscriptions=[ONE, TWO], options=options))
            assert page.total_records == 6
            names += [each["name"] for each in page.data]
            token = page.skip_token
            if token is None:
                break
        assert names == ["billing-0", "imports-0", "imports-1", "orders-1", "orders-2", "orders-3"]
        assert page.data[0]["kind"] == "Event"
        only = await graph.resources(QueryRequest(query="resources | count", subscriptions=[TWO]))
        assert only.data == [{"Count": 1}]


@pytest.mark.parametrize("wrong", ["nonsense | take 1", "resources | frobnicate", "resources | where type =~"])
async def test_resource_graph_refuses_a_query_in_its_own_words(serve, wrong):
    async with serve() as client, ResourceGraphClient(**client.sdk) as graph:
        with pytest.raises(HttpResponseError) as caught:
            await graph.resources(QueryRequest(query=wrong, subscriptions=[ONE]))
        assert caught.value.status_code == 400
        assert {each.code for each in caught.value.error.details} == {"InvalidQuery", "ParserFailure"}


async def test_graph_leaves_out_ids_that_it_does_not_know(serve):
    async with serve() as client:
        graph = client.sandbox.endpoints.graph
        token = await client.sign_in(graph)
        path = "/v1.0/directoryObjects/getByIds"
        asked = {"ids": [at.PERSON, "99999999-0000-4000-8000-000000000000"]}
        reply = await client.ask(path, method="POST", base=graph, token=token, json=asked)
        assert [each["displayName"] for each in reply.body["value"]] == ["Petra"]
        many = await client.ask(path, method="POST", base=graph, token=token, json={"ids": ["x"] * 1001})
        assert (many.status, many.body["error"]["code"]) == (400, "Request_BadRequest")
        arm_token = await client.ask(path, method="POST", base=graph, token=await client.sign_in(), json=asked)
        assert arm_token.status == 401
        assert arm_token.body["error"]["innerError"]["request-id"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{SUBSCRIPTION}/providers/Microsoft.App/jobs", 400, "MissingApiVersionParameter"),
        (f"{SUBSCRIPTION}/resourcegroups?api-version=1999-01-01", 400, "InvalidApiVersionParameter"),
        (f"{SUBSCRIPTION}/providers/Microsoft.App/jobs?api-version=newest", 400, "InvalidApiVersionParameter"),
        (f"{SUBSCRIPTION}/providers/Microsoft.App/jobs?api-version=2020-01-01", 400, "InvalidResourceType"),
        (f"{SUBSCRIPTION}/providers/Microsoft.Nothing/things?api-version=2020-01-01", 404, "InvalidResourceType"),
        (f"/subscriptions/{at.PERSON}/resourcegroups?api-version=2025-04-01", 404, "SubscriptionNotFound"),
        (
            f"{SUBSCRIPTION}/resourceGroups/no/providers/Microsoft.App/jobs/x?api-version=2025-07-01",
            404,
            "ResourceGroupNotFound",
        ),
        (f"{at.GROUP}/providers/Microsoft.App/jobs/x?api-version=2025-07-01", 404, "ResourceNotFound"),
        (f"{SUBSCRIPTION}/providers/Microsoft.App/jobs?api-version=2025-07-01&$skipToken=zz", 400, "InvalidSkipToken"),
    ],
)
async def test_errors_are_worded_as_arm_words_them(serve, path, status, code):
    async with serve() as client:
        reply = await client.ask(path)
        assert (reply.status, reply.body["error"]["code"]) == (status, code)
        assert reply.body["error"]["message"]
        assert reply.headers["x-ms-request-id"]


async def test_headers_of_an_answer(serve):
    async with serve() as client:
        path = f"{SUBSCRIPTION}/providers/Microsoft.App/jobs?api-version=2025-07-01"
        replies = [await client.ask(path, headers={"x-ms-correlation-request-id": "mine"}) for _ in range(16)]
        headers = [each.headers for each in replies]
        assert len({each["x-ms-request-id"] for each in headers}) == 16
        assert {each["x-ms-correlation-request-id"] for each in headers} == {"mine"}
        assert all("x-ms-ratelimit-remaining-subscription-global-reads" in each for each in headers)
        own = sum("x-ms-ratelimit-remaining-subscription-reads" in each for each in headers)
        assert 0 < own < 8


async def test_request_ids_are_the_same_in_every_run(serve):
    path = f"{SUBSCRIPTION}/providers/Microsoft.App/jobs?api-version=2025-07-01"
    seen = []
    for _ in range(2):
        async with serve() as client:
            seen.append([(await client.ask(path)).headers["x-ms-request-id"] for _ in range(3)])
    assert seen[0] == seen[1]


async def test_the_cloud_describes_itself(serve):
    async with serve() as client:
        reply = await client.ask("/metadata/endpoints?api-version=2022-09-01", token="")
        assert reply.body["resourceManager"] == client.sandbox.endpoints.arm + "/"
        assert client.sandbox.endpoints.audience in reply.body["authentication"]["audiences"]
        older = await client.ask("/metadata/endpoints?api-version=2020-06-01", token="")
        assert isinstance(older.body, list)


async def test_a_changed_estate_is_served_after_a_refresh(serve):
    async with serve() as client:
        path = f"/subscriptions/{TWO}/providers/Microsoft.App/jobs?api-version=2025-07-01"
        new = at.job(TWO, "rg-billing", "billing-1")
        client.sandbox.estate.resources[new["id"].lower()] = new
        assert len((await client.ask(path)).body["value"]) == 1
        client.sandbox.refresh()
        assert len((await client.ask(path)).body["value"]) == 2
