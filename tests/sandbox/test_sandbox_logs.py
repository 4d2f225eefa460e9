"""The Log Analytics host and the executions list answer as Azure does, no more and no less."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import tiny_estate as at
from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient
from tiny_estate import GROUP, NOW, ONE, limited, tiny

from audit.sandbox import log_analytics
from audit.sandbox.kql import QueryInvalid, parse

CUSTOMER = "99999999-0000-4000-8000-000000000009"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/log"
READ = {"actions": ["*/read"]}


def estate():
    made = tiny()
    properties = {"customerId": CUSTOMER, "retentionInDays": 30}
    made.resources[WORKSPACE.lower()] = {
        "id": WORKSPACE, "name": "log", "type": "Microsoft.OperationalInsights/workspaces", "properties": properties,
    }  # fmt: skip
    rows = [
        {"TimeGenerated": f"2026-11-0{day}T00:00:00.0000000Z", "JobName_s": f"job-{day}", "Count_d": float(day)}
        for day in range(1, 6)
    ]
    made.logs = {CUSTOMER: {"ContainerAppSystemLogs_CL": rows, "ContainerAppSystemLogs": []}}
    return made


async def query(client, text, *, customer=CUSTOMER, audience=None, **more):
    logs = client.sandbox.endpoints.logs
    token = await client.sign_in(audience or logs)
    path = f"/v1/workspaces/{customer}/query"
    return await client.ask(path, method="POST", token=token, base=logs, json={"query": text, **more})


async def test_a_query_gives_tables_with_columns_and_rows(serve):
    text = """ContainerAppSystemLogs_CL
        | where TimeGenerated >= datetime(2026-11-02T00:00:00.000000Z) and TimeGenerated < datetime(2026-11-04)
        | extend Job = column_ifexists("JobName_s", ""), Other = column_ifexists("Other_s", "none")
        | project TimeGenerated, Job, Other, Count_d | order by TimeGenerated desc"""
    async with serve(estate()) as client:
        reply = await query(client, text)
        assert reply.status == 200
        (table,) = reply.body["tables"]
        assert table["name"] == "PrimaryResult"
        assert [(column["name"], column["type"]) for column in table["columns"]] == [
            ("TimeGenerated", "datetime"), ("Job", "string"), ("Other", "string"), ("Count_d", "real"),
        ]  # fmt: skip
        assert [row[1:] for row in table["rows"]] == [["job-3", "none", 3.0], ["job-2", "none", 2.0]]
        none = await query(client, text, timespan="2027-01-01/2027-02-01")
        assert none.body["tables"][0]["rows"] == []
        assert [column["name"] for column in none.body["tables"][0]["columns"]][:2] == ["TimeGenerated", "Job"]


async def test_a_result_beyond_the_limit_is_cut_with_an_error_beside_it(serve):
    async with serve(estate(), log_rows=2) as client:
        reply = await query(client, "ContainerAppSystemLogs_CL | project JobName_s")
        assert (reply.status, reply.body["error"]["code"]) == (200, "PartialError")
        assert len(reply.body["tables"][0]["rows"]) == 2
        whole = await query(client, "ContainerAppSystemLogs_CL | take 2")
        assert "error" not in whole.body


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Heartbeat | count", "SemanticError"),
        ("ContainerAppSystemLogs_CL | mv-expand x", "SyntaxError"),
        ("ContainerAppSystemLogs_CL | where a ==", "SyntaxError"),
        ("union *", "SyntaxError"),
    ],
)
async def test_what_cannot_be_answered_is_refused(serve, text, kind):
    async with serve(estate()) as client:
        reply = await query(client, text)
        assert reply.status == 400
        assert reply.body["error"]["code"] == "BadArgumentError"
        assert reply.body["error"]["innererror"]["code"] == kind
        assert client.sandbox.violations == []


async def test_the_token_the_workspace_and_the_role_are_checked(serve):
    text = "ContainerAppSystemLogs_CL | take 1"
    async with serve(estate()) as client:
        wrong = await query(client, text, audience=client.sandbox.endpoints.audience)
        assert (wrong.status, wrong.body["error"]["code"]) == (401, "InvalidAuthenticationTokenAudience")
        unknown = await query(client, text, customer="00000000-0000-4000-8000-000000000000")
        assert (unknown.status, unknown.body["error"]["code"]) == (404, "WorkspaceNotFoundError")
    async with serve(limited(estate(), f"/subscriptions/{at.TWO}", READ)) as client:
        denied = await query(client, text)
        assert (denied.status, denied.body["error"]["code"]) == (403, "InsufficientAccessError")


async def test_a_table_that_the_caller_may_not_read_looks_like_none(serve):
    role = {"actions": [log_analytics.QUERY, log_analytics.STANDARD]}
    async with serve(limited(estate(), WORKSPACE, role)) as client:
        hidden = await query(client, "ContainerAppSystemLogs_CL | take 1")
        assert (hidden.status, hidden.body["error"]["innererror"]["code"]) == (400, "SemanticError")
        assert (await query(client, "ContainerAppSystemLogs | take 1")).status == 200


async def test_arm_tells_which_tables_a_workspace_has(serve):
    version = "?api-version=2022-10-01"
    async with serve(estate()) as client:
        there = await client.ask(f"{WORKSPACE}/tables/containerappsystemlogs_cl{version}")
        assert (there.status, there.body["name"]) == (200, "ContainerAppSystemLogs_CL")
        assert (await client.ask(f"{WORKSPACE}/tables/Heartbeat{version}")).status == 404
    async with serve(limited(estate(), f"/subscriptions/{at.TWO}", READ)) as client:
        assert (await client.ask(f"{WORKSPACE}/tables/Heartbeat{version}")).status == 403


def test_a_moment_is_compared_as_a_moment():
    rows = [{"t": "2026-11-01T00:00:00.1234567Z"}, {"t": "2026-11-01T01:00:00+02:00"}, {"t": "soon"}, {}]
    assert parse("T | where t > datetime(2026-11-01)").run(rows) == rows[:1]
    assert parse("T | where t < datetime(2026-11-01T00:00:00Z)").run(rows) == rows[1:2]
    with pytest.raises(QueryInvalid):
        parse("T | where t > datetime(yesterday)")


def executions(count):
    made = tiny()
    job = next(iter(made.resources.values()))
    made.executions = {
        job["id"].lower(): [
            {
                "id": f"{job['id']}/executions/e{n}",
                "name": f"e{n}",
                "type": "Microsoft.App/jobs/executions",
                "properties": {"status": "Succeeded", "startTime": (NOW - timedelta(hours=n)).isoformat()},
            }
            for n in range(count)
        ]
    }
    return made, job


async def test_the_most_recent_hundred_executions_are_listed_page_by_page(serve):
    made, job = executions(130)
    async with serve(made) as client, ContainerAppsAPIClient(subscription_id=ONE, **client.sdk) as apps:
        found = [each.name async for each in apps.jobs_executions.list("rg-Orders", job["name"])]
        assert found == [f"e{n}" for n in range(100)]
        pages = [each for each in client.sandbox.requests if each.path.lower().endswith("/executions")]
        assert len(pages) == 3
        other = await client.ask(f"{job['id'].replace('orders-0', 'orders-1')}/executions?api-version=2025-07-01")
        assert (other.status, other.body) == (200, {"value": []})
        gone = await client.ask(f"{job['id']}x/executions?api-version=2025-07-01")
        assert gone.status == 404


async def test_executions_need_their_own_permission(serve):
    made, job = executions(1)
    async with serve(limited(made, job["id"], {"actions": ["Microsoft.App/jobs/read"]})) as client:
        assert (await client.ask(f"{job['id']}/executions?api-version=2025-07-01")).status == 403


async def test_a_result_of_too_many_bytes_is_cut_with_an_error_beside_it(serve):
    async with serve(estate(), log_bytes=40) as client:
        reply = await query(client, "ContainerAppSystemLogs_CL | project JobName_s, Count_d")
        assert (reply.status, reply.body["error"]["code"]) == (200, "PartialError")
        assert reply.body["tables"][0]["rows"] == [["job-1", 1.0], ["job-2", 2.0]]
        assert "40 bytes" in reply.body["error"]["details"][0]["innererror"]["message"]


class Hourly:
    """Rows that are made: one an hour."""

    def between(self, customer, table, since, until):
        assert customer == CUSTOMER
        first = datetime(2026, 11, 2, tzinfo=UTC)
        for hour in range(48):
            at = first + timedelta(hours=hour)
            if table.endswith("_CL") and since <= at <= until:
                yield {"TimeGenerated": f"{at:%Y-%m-%dT%H:%M:%S}.0000000Z", "JobName_s": f"made-{hour}", "Count_d": 1.0}


async def test_rows_that_are_made_lie_among_those_that_are_kept(serve):
    world = estate()
    world.logs_made = Hourly()
    text, night = "ContainerAppSystemLogs_CL | project JobName_s", "2026-11-02T22:00:00Z/2026-11-03T01:00:00Z"
    async with serve(world) as client:
        some = await query(client, text, timespan=night)
        found = [row[0] for row in some.body["tables"][0]["rows"]]
        assert found == ["made-22", "made-23", "job-3", "made-24", "made-25"]
        every = await query(client, f"{text} | count")
        assert every.body["tables"][0]["rows"] == [[48 + 5]]
        none = await query(client, "ContainerAppSystemLogs | count", timespan=night)
        assert none.body["tables"][0]["rows"] == [[0]]


async def test_a_slice_without_a_row_has_the_columns_of_rows_that_are_made(serve):
    world = estate()
    world.logs, world.logs_made = {CUSTOMER: {"ContainerAppSystemLogs_CL": []}}, Hourly()
    async with serve(world) as client:
        reply = await query(client, "ContainerAppSystemLogs_CL", timespan="2027-01-01/2027-02-01")
        (table,) = reply.body["tables"]
        assert table["rows"] == []
        assert [column["name"] for column in table["columns"]] == ["TimeGenerated", "JobName_s", "Count_d"]
