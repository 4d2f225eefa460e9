"""Alert rules of three kinds, and the alerts that fired, as the SDK and a bare client read them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import tiny_estate as at
from azure.mgmt.monitor.aio import MonitorManagementClient
from tiny_estate import NOW, ONE, TWO, tiny

LIST = f"/subscriptions/{ONE}/providers/Microsoft.AlertsManagement/alerts?api-version=2019-05-05-preview"


def stamp(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


def estate():
    made = tiny()
    made.alerts = {
        ONE: [
            rule("Microsoft.Insights/metricAlerts", "a", {"criteria": None, "scopes": [], "severity": 1}),
            rule("microsoft.insights/scheduledqueryrules", "b", {"criteria": {"allOf": []}}),
            rule("Microsoft.Insights/ActivityLogAlerts", "c", {"condition": {"allOf": []}, "actions": {}}),
        ]
    }
    made.fired_alerts = {ONE: [fired(days) for days in (0.5, 3, 12, 29)]}
    return made


def rule(sort: str, name: str, properties: dict) -> dict:
    place = f"{at.GROUP}/providers/{sort}/{name}"
    return {"id": place, "name": name, "type": sort, "location": "global", "properties": properties}


def fired(days: float) -> dict:
    essentials = {"startDateTime": stamp(NOW - timedelta(days=days)), "alertRule": "x", "monitorCondition": "Fired"}
    place = f"{at.GROUP}/providers/Microsoft.AlertsManagement/alerts/{days:g}"
    return {"id": place, "name": f"{days:g}", "type": "x", "properties": {"essentials": essentials}}


def between(since: timedelta, until: timedelta = timedelta()) -> str:
    return f"{LIST}&customTimeRange={stamp(NOW - since)}/{stamp(NOW - until)}"


async def test_the_sdk_lists_the_rules_of_each_kind(serve):
    async with serve(estate()) as client, MonitorManagementClient(subscription_id=ONE, **client.sdk) as monitor:
        assert [each.name async for each in monitor.metric_alerts.list_by_subscription()] == ["a"]
        assert [each.name async for each in monitor.scheduled_query_rules.list_by_subscription()] == ["b"]
        assert [each.name async for each in monitor.activity_log_alerts.list_by_subscription_id()] == ["c"]
        assert [each.name async for each in monitor.metric_alerts.list_by_resource_group("rg-Orders")] == ["a"]
        assert [each async for each in monitor.metric_alerts.list_by_resource_group("rg-imports")] == []


async def test_another_subscription_has_none(serve):
    async with serve(estate()) as client:
        path = f"/subscriptions/{TWO}/providers/Microsoft.Insights/metricAlerts?api-version=2018-03-01"
        assert (await client.ask(path)).body["value"] == []


async def test_fired_alerts_come_in_pages_oldest_first_where_asked(serve):
    async with serve(estate()) as client:
        path, names, pages = between(timedelta(days=30)) + "&sortBy=startDateTime&sortOrder=asc&pageCount=2", [], 0
        while path:
            reply = await client.ask(path)
            names += [each["name"] for each in reply.body["value"]]
            pages += 1
            path = reply.body.get("nextLink", "").removeprefix(client.sandbox.endpoints.arm)
        assert (names, pages) == (["29", "12", "3", "0.5"], 2)


async def test_unless_told_it_is_the_last_day_newest_first(serve):
    async with serve(estate()) as client:
        assert [each["name"] for each in (await client.ask(LIST)).body["value"]] == ["0.5"]
        found = (await client.ask(LIST + "&timeRange=7d")).body["value"]
        assert [each["name"] for each in found] == ["0.5", "3"]
        found = (await client.ask(between(timedelta(days=20), timedelta(days=5)))).body["value"]
        assert [each["name"] for each in found] == ["12"]


@pytest.mark.parametrize(
    "query",
    [
        between(timedelta(days=31)).removeprefix(LIST),
        between(timedelta(days=1), timedelta(days=2)).removeprefix(LIST),
        "&customTimeRange=sometime",
        "&timeRange=90d",
        between(timedelta(days=1)).removeprefix(LIST) + "&timeRange=1d",
        "&pageCount=251",
        "&pageCount=0",
    ],
)
async def test_a_question_that_azure_refuses(serve, query):
    async with serve(estate()) as client:
        reply = await client.ask(LIST + query)
        assert (reply.status, reply.body["error"]["code"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("action", "path"),
    [
        ("Microsoft.Insights/metricAlerts/read", "Microsoft.Insights/metricAlerts?api-version=2018-03-01"),
        ("Microsoft.AlertsManagement/alerts/read", "Microsoft.AlertsManagement/alerts?api-version=2019-05-05-preview"),
    ],
)
async def test_each_list_needs_its_own_permission(serve, action, path):
    made = estate()
    made.role_definitions[at.READER]["properties"]["permissions"][0]["notActions"] = [action]
    async with serve(made) as client:
        assert (await client.ask(f"/subscriptions/{ONE}/providers/{path}")).status == 403
