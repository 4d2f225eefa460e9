"""Cost queries, resource changes, deployments, locks and exemptions as the simulated Azure answers them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from audit.sandbox import PageSizes, SandboxOptions
from audit.sandbox.estate import build

NOW = datetime(2026, 3, 31, 6, 0, tzinfo=UTC)
COST = "/providers/Microsoft.CostManagement/query?api-version=2023-11-01"
WHOLE = PageSizes(resources=100)
GRAPH = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"


@pytest.fixture(scope="module")
def story():
    return build(SandboxOptions(now=NOW))


def limited(action):
    """Return the story with a collector that may do one thing only."""
    return build(SandboxOptions(now=NOW, caller_role={"Name": "Limited", "Actions": [action]}))


def question(basis="ActualCost", *, days=30, types=("microsoft.app/jobs",), groupings=("ResourceId", "Meter"), **more):
    return {
        "type": basis,
        "timeframe": "Custom",
        "timePeriod": {"from": f"{NOW - timedelta(days=days):%Y-%m-%d}T00:00:00Z", "to": f"{NOW:%Y-%m-%d}T23:59:59Z"},
        "dataset": {
            "granularity": "Daily",
            "aggregation": {"totalCost": {"name": "Cost", "function": "Sum"}},
            "grouping": [{"type": "Dimension", "name": name} for name in groupings],
            "filter": {"dimensions": {"name": "ResourceType", "operator": "In", "values": list(types)}},
            **more,
        },
    }


async def asked(client, scope, body):
    """Return the columns and all rows, page by page, each asked with the same question."""
    path, rows, sizes, columns = scope + COST, [], [], []
    while path:
        reply = await client.ask(path, method="POST", json=body)
        assert reply.status == 200, reply
        table = reply.body["properties"]
        columns = [each["name"] for each in table["columns"]]
        rows += table["rows"]
        sizes.append(len(table["rows"]))
        path = (table["nextLink"] or "").removeprefix(client.sandbox.endpoints.arm)
    return columns, rows, sizes


async def test_costs_come_in_pages_by_day_resource_and_meter(serve, story):
    async with serve(story, page_sizes=PageSizes(costs=50), cost_quota=100) as client:
        scope = story.subscriptions[0]["id"]
        columns, rows, sizes = await asked(client, scope, question())
        assert columns == ["Cost", "UsageDate", "ResourceId", "Meter", "Currency"]
        assert sizes[:-1] == [50] * (len(sizes) - 1)
        assert len(sizes) > 2
        assert all(row[2] == row[2].lower() and row[4] == "EUR" for row in rows)
        assert len({(row[1], row[2], row[3]) for row in rows}) == len(rows)
        first, last = int(f"{NOW - timedelta(days=30):%Y%m%d}"), int(f"{NOW:%Y%m%d}")
        assert all(first <= row[1] <= last for row in rows)


async def test_the_crash_loop_shows_on_its_day(serve, story):
    async with serve(story, page_sizes=WHOLE) as client:
        _, rows, _ = await asked(client, story.subscriptions[0]["id"], question())
        days = defaultdict(float)
        for amount, day, resource, *_ in rows:
            if resource.endswith("/billing-dunning"):
                days[day] += amount
        crash = days.pop(int(f"{NOW - timedelta(days=6):%Y%m%d}"))
        assert crash > 10 * max(days.values())


async def test_a_workload_profile_is_billed_to_its_environment(serve, story):
    async with serve(story, page_sizes=WHOLE) as client:
        scope = story.subscriptions[0]["id"]
        _, rows, _ = await asked(client, scope, question())
        assert not [row for row in rows if "/telemetry-" in row[2]]
        environments = ("microsoft.app/managedenvironments",)
        _, billed, _ = await asked(client, scope, question(types=environments))
        _, spread, _ = await asked(client, scope, question("AmortizedCost", types=environments))
        assert {row[2].rsplit("/", 1)[-1] for row in billed} == {"cae-telemetry-weu"}
        assert sum(row[0] for row in spread) > sum(row[0] for row in billed) > 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**question(), "type": "Forecast"},
        {**question(), "timeframe": "MonthToDate", "timePeriod": None},
        question(groupings=("ResourceId", "Meter", "ResourceType")),
        question(groupings=("Colour",)),
        question(granularity="Weekly"),
        question(aggregation={"totalCost": {"name": "Beauty", "function": "Sum"}}),
        question(filter={"dimensions": {"name": "Colour", "operator": "In", "values": ["red"]}}),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(serve, story, body):
    async with serve(story, page_sizes=WHOLE) as client:
        reply = await client.ask(story.subscriptions[0]["id"] + COST, method="POST", json=body)
        assert (reply.status, reply.body["error"]["code"]) == (400, "BadRequest")


async def test_the_quota_is_told_and_kept(serve, story):
    async with serve(story, page_sizes=WHOLE, cost_quota=2) as client:
        path = story.subscriptions[0]["id"] + COST
        first, second, third = [await client.ask(path, method="POST", json=question(days=1)) for _ in range(3)]
        prefix = "x-ms-ratelimit-microsoft.costmanagement-"
        assert first.headers[f"{prefix}qpu-remaining"].endswith("QueriesPer10Sec:1")
        assert (first.status, second.status, third.status) == (200, 200, 429)
        assert 1 <= int(third.headers[f"{prefix}qpu-retry-after"]) <= 10


async def test_a_cost_query_needs_its_permission(serve, story):
    async with serve(limited("Microsoft.App/jobs/read"), page_sizes=WHOLE) as client:
        reply = await client.ask(story.subscriptions[0]["id"] + COST, method="POST", json=question())
        assert reply.status == 403


async def _graph(client, query):
    reply = await client.ask(GRAPH, method="POST", json={"query": query})
    assert reply.status == 200, reply
    return reply.body["data"]


async def test_changes_are_of_fourteen_days_and_of_what_may_be_read(serve, story):
    async with serve(story, page_sizes=WHOLE) as client:
        rows = await _graph(
            client,
            "resourcechanges | extend at = todatetime(properties.changeAttributes.timestamp) "
            f"| where at >= datetime({NOW - timedelta(days=10):%Y-%m-%dT%H:%M:%SZ}) "
            "| project id, at = properties.changeAttributes.timestamp, type = properties.targetResourceType",
        )
        assert rows
        assert all(datetime.fromisoformat(row["at"]) >= NOW - timedelta(days=10) for row in rows)
    async with serve(limited("Microsoft.KeyVault/vaults/read"), page_sizes=WHOLE) as client:
        rows = await _graph(client, "resourcechanges | project id, type = properties.targetResourceType")
        assert {row["type"] for row in rows} == {"microsoft.keyvault/vaults"}


async def test_the_ancestry_of_a_subscription_is_nearest_first(serve, story):
    async with serve(story, page_sizes=WHOLE) as client:
        rows = await _graph(
            client,
            "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' "
            "| project id, chain = properties.managementGroupAncestorsChain",
        )
        names = [each.rsplit("/", 1)[-1] for each in story.management_groups]
        assert [[each["name"] for each in row["chain"]] for row in rows] == [names[::-1]] * len(story.subscriptions)


async def test_locks_and_exemptions_are_listed_below_a_subscription(serve, story):
    async with serve(story, page_sizes=WHOLE) as client:
        one, two = (each["id"] for each in story.subscriptions)
        path = "/providers/Microsoft.Authorization/locks?api-version=2020-05-01"
        locks = {each["name"]: each["properties"]["level"] for each in (await client.ask(one + path)).body["value"]}
        assert locks == {"keep-orders-bus": "CanNotDelete", "vault-settled": "ReadOnly"}
        assert (await client.ask(two + path)).body["value"] == []
        path = "/providers/Microsoft.Authorization/policyExemptions?api-version=2022-07-01-preview"
        (waiver,) = (await client.ask(one + path)).body["value"]
        (expired,) = (await client.ask(two + path)).body["value"]
        assert waiver["properties"]["exemptionCategory"] == "Waiver"
        assert datetime.fromisoformat(waiver["properties"]["expiresOn"]) == NOW + timedelta(days=20)
        assert expired["properties"]["exemptionCategory"] == "Mitigated"
        assert datetime.fromisoformat(expired["properties"]["expiresOn"]) < NOW


async def test_deployments_of_a_group_come_newest_first_and_of_a_group_that_is_gone_not_at_all(serve, story):
    async with serve(story, page_sizes=WHOLE) as client:
        group = next(each["id"] for each in story.resource_groups if each["name"] == "rg-billing-prod")
        path = "/providers/Microsoft.Resources/deployments?api-version=2021-04-01"
        reply = await client.ask(group + path)
        times = [each["properties"]["timestamp"] for each in reply.body["value"]]
        assert times == sorted(times, reverse=True)
        assert {each["properties"]["provisioningState"] for each in reply.body["value"]} == {"Succeeded", "Failed"}
        gone = await client.ask(f"{story.subscriptions[0]['id']}/resourceGroups/gone{path}")
        assert (gone.status, gone.body["error"]["code"]) == (404, "ResourceGroupNotFound")


class TestOneStory:
    """What Azure tells in several places is the same."""

    def test_every_change_by_somebody_has_its_events(self, story):
        told = {
            (event["correlationId"], event["resourceId"].lower())
            for events in story.activity.values()
            for event in events
            if event["status"]["value"] == "Succeeded"
        }
        for row in story.resource_changes:
            facts = row["properties"]
            shared = facts["changeAttributes"]["correlationId"]
            if facts["changeAttributes"]["changedBy"] != "System":
                assert (shared, facts["targetResourceId"].lower()) in told, facts["targetResourceId"]

    def test_every_deployment_of_the_log_has_its_body_and_the_write_it_made(self, story):
        kept = {each["properties"]["correlationId"]: each for group in story.deployments.values() for each in group}
        events = [event for log in story.activity.values() for event in log]
        deployed = {
            event["correlationId"]
            for event in events
            if event["operationName"]["value"] == "Microsoft.Resources/deployments/write"
        }
        written = {event["correlationId"] for event in events if event["operationName"]["value"].endswith("jobs/write")}
        assert deployed
        for shared in deployed:
            failed = kept[shared]["properties"]["provisioningState"] == "Failed"
            assert failed or shared in written

    def test_the_value_after_the_last_change_is_the_configuration(self, story):
        latest = {}
        for row in sorted(story.resource_changes, key=lambda row: row["properties"]["changeAttributes"]["timestamp"]):
            for path, change in row["properties"]["changes"].items():
                if "isTruncated" not in change:
                    latest[row["properties"]["targetResourceId"], path] = change["newValue"]
        assert len(latest) > 8
        for (target, path), value in latest.items():
            node = story.resources[target.lower()]
            for step in path.replace("[", ".").replace("]", "").split("."):
                node = node[int(step)] if isinstance(node, list) else node[step]
            assert str(node) == value, path

    def test_a_night_of_several_settings_and_its_correction(self, story):
        found = [
            sorted(path.rsplit(".", 1)[-1] for path in row["properties"]["changes"])
            for row in story.resource_changes
            if row["properties"]["targetResourceId"].endswith("/imports-catalogue")
        ]
        assert found == [["connection", "maxExecutions", "queueLength", "value"]] * 2

    def test_a_thousand_executions_five_and_a_thousand_again(self, story):
        found = [
            (change["previousValue"], change["newValue"])
            for row in story.resource_changes
            if row["properties"]["targetResourceId"].endswith("/telemetry-ingest")
            for change in row["properties"]["changes"].values()
        ]
        assert found == [("1000", "5000"), ("5000", "1000")]

    def test_a_lock_that_was_taken_away_is_in_the_log_and_nowhere_else(self, story):
        gone = [
            event["resourceId"]
            for events in story.activity.values()
            for event in events
            if event["operationName"]["value"] == "Microsoft.Authorization/locks/delete"
        ]
        assert gone
        there = {lock["id"].lower() for locks in story.locks.values() for lock in locks}
        assert not there & {each.replace("/resourcegroups/", "/resourceGroups/").lower() for each in gone}


def test_generated_estates_have_all_of_it():
    estate = build(SandboxOptions(now=NOW, jobs=60, subscriptions=2))
    assert estate.resource_changes
    for each in estate.subscriptions:
        guid = each["subscriptionId"]
        assert estate.costs[guid]
        assert estate.locks[guid]
        assert estate.policy_exemptions[guid]
    assert estate.deployments
