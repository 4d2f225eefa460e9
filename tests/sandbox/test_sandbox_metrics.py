"""Metrics as Azure Monitor answers them, and the questions that it refuses."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
import tiny_estate as at
from azure.mgmt.monitor.aio import MonitorManagementClient
from tiny_estate import NOW, ONE, tiny

JOB = f"{at.GROUP}/providers/Microsoft.App/jobs/orders-1"
BUS = f"{at.GROUP}/providers/Microsoft.ServiceBus/namespaces/sb-orders"
STORE = f"{at.GROUP}/providers/Microsoft.Storage/storageAccounts/storders"
DAY = f"{NOW - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}/{NOW:%Y-%m-%dT%H:%M:%SZ}"
HOUR = timedelta(hours=1)


def estate():
    made = tiny()
    for place in (BUS, STORE):
        sort = "/".join(place.rsplit("/providers/", 1)[1].split("/")[:2])
        made.resources[place.lower()] = {
            "id": place, "name": place.rsplit("/", 1)[1], "type": sort, "location": "westeurope", "properties": {},
        }  # fmt: skip
    early, late = NOW - 20 * HOUR, NOW - 3 * HOUR
    made.executions = {JOB.lower(): [execution(late, 600, restarts=1), execution(early, 7200)]}
    made.metrics = {
        BUS.lower(): [
            series("ActiveMessages", f"q{number}", {early: 4.0, late: float(number)}, peak=2.0) for number in range(12)
        ]
        + [series("IncomingMessages", "q1", {early: 60.0})],
        f"{STORE.lower()}/queueservices/default": [series("QueueMessageCount", None, {early: 9.0})],
    }
    return made


def series(metric: str, dimension: str | None, points: dict[datetime, float], *, peak: float = 1.0) -> dict:
    return {
        "metric": metric, "dimension": dimension, "points": [[when, value] for when, value in points.items()],
        "peak": peak,
    }  # fmt: skip


def execution(start: datetime, seconds: int, *, restarts: int = 0) -> dict:
    return {
        "id": f"{JOB}/executions/x",
        "name": f"orders-1-{start:%H}",
        "properties": {
            "status": "Succeeded",
            "startTime": f"{start:%Y-%m-%dT%H:%M:%S}+00:00",
            "endTime": f"{start + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}+00:00",
            "template": {"containers": [{"name": "main", "resources": {"cpu": 0.5, "memory": "1Gi"}}]},
            "detailedStatus": {"replicas": [{"name": "r", "containers": []}] * (1 + restarts)},
        },
    }


async def ask(client, place: str, **query: str):
    asked = {"api-version": "2024-02-01", "timespan": DAY, "interval": "PT1H", **query}
    text = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
    return await client.ask(f"{place}/providers/Microsoft.Insights/metrics?{text}")


def figures(reply, metric: str, name: str, entity: str | None = None) -> list:
    """Return the figures of one series, interval by interval; None where a point has none."""
    (item,) = [each for each in reply.body["value"] if each["name"]["value"] == metric]
    (found,) = [each for each in item["timeseries"] if entity is None or each["metadatavalues"][0]["value"] == entity]
    return [point.get(name) for point in found["data"]]


async def test_a_jobs_metrics_follow_its_executions(serve):
    async with serve(estate()) as client:
        names = "Executions,RestartCount,UsageNanoCores,RequestedCores"
        reply = await ask(client, JOB, metricnames=names, aggregation="total,average,maximum")
        assert reply.status == 200
        assert reply.body["interval"] == "PT1H"
        assert (reply.body["namespace"], reply.body["resourceregion"]) == ("Microsoft.App/jobs", "westeurope")
        assert {each["errorCode"] for each in reply.body["value"]} == {"Success"}
        started = figures(reply, "Executions", "total")
        assert [hour for hour, count in enumerate(started) if count] == [4, 21]
        assert sum(figures(reply, "RestartCount", "total")) == 1
        cores = figures(reply, "RequestedCores", "maximum")
        assert [hour for hour, value in enumerate(cores) if value is not None] == [4, 5, 21]
        assert set(cores) == {None, 0.5}
        usage = [value for value in figures(reply, "UsageNanoCores", "maximum") if value is not None]
        assert all(0 < value <= 500_000_000 for value in usage)


async def test_the_sdk_reads_the_answer(serve):
    async with serve(estate()) as client, MonitorManagementClient(subscription_id=ONE, **client.sdk) as monitor:
        found = await monitor.metrics.list(
            JOB.lstrip("/"), timespan=DAY, interval="PT6H", metricnames="Executions", aggregation="Total"
        )
        (item,) = found.value
        assert (item.name.value, item.unit, item.error_code) == ("Executions", "Count", "Success")
        assert sum(point.total for point in item.timeseries[0].data) == 2


async def test_ten_series_unless_more_are_asked_for_and_not_a_word_of_the_others(serve):
    async with serve(estate()) as client:
        every = {"metricnames": "ActiveMessages", "aggregation": "average,maximum", "$filter": "EntityName eq '*'"}
        reply = await ask(client, BUS, **every)
        assert len(reply.body["value"][0]["timeseries"]) == 10
        assert "nextLink" not in reply.body
        reply = await ask(client, BUS, **every, top="50")
        assert len(reply.body["value"][0]["timeseries"]) == 12
        assert max(figures(reply, "ActiveMessages", "average", "q7")) == 7
        assert max(figures(reply, "ActiveMessages", "maximum", "q7")) == 14
        one = reply.body["value"][0]["timeseries"][0]["metadatavalues"]
        assert one == [{"name": {"value": "entityname", "localizedValue": "entityname"}, "value": "q0"}]


async def test_some_entities_by_name_or_all_of_them_together(serve):
    async with serve(estate()) as client:
        named = "EntityName eq 'Q3' or EntityName eq 'q5' or EntityName eq 'gone'"
        reply = await ask(client, BUS, metricnames="ActiveMessages", aggregation="average", **{"$filter": named})
        assert [each["metadatavalues"][0]["value"] for each in reply.body["value"][0]["timeseries"]] == ["q3", "q5"]
        reply = await ask(client, BUS, metricnames="ActiveMessages", aggregation="average")
        assert max(figures(reply, "ActiveMessages", "average")) == sum(range(12))


async def test_a_depth_holds_for_its_hour_and_a_flow_is_spread_over_it(serve):
    async with serve(estate()) as client:
        asked = {"interval": "PT5M", "metricnames": "ActiveMessages,IncomingMessages", "aggregation": "average,total"}
        reply = await ask(client, BUS, **asked, **{"$filter": "EntityName eq 'q1'"})
        assert figures(reply, "ActiveMessages", "average").count(4.0) == 12
        assert figures(reply, "IncomingMessages", "total").count(5.0) == 12
        assert set(figures(reply, "IncomingMessages", "average")) == {None}, "not an aggregation of this metric"


async def test_a_storage_accounts_queues_are_below_it(serve):
    async with serve(estate()) as client:
        reply = await ask(client, f"{STORE}/queueServices/default", metricnames="QueueMessageCount")
        assert max(figures(reply, "QueueMessageCount", "average")) == 9
        assert (await ask(client, STORE, metricnames="QueueMessageCount")).status == 400


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"metricnames": "Executions,Sneezes"}, "metric: Sneezes, Valid metrics: Executions,RestartCount"),
        ({"metricnames": ",".join(["Executions"] * 21)}, "limit of 20"),
        ({"interval": "PT2H"}, "invalid time grain input: PT2H"),
        ({"aggregation": "median"}, "median"),
        ({"timespan": "yesterday"}, "invalid time range"),
        ({"timespan": "/".join(reversed(DAY.split("/")))}, "earlier than end"),
        ({"timespan": f"2020-01-01T00:00:00Z/{NOW:%Y-%m-%dT%H:%M:%SZ}"}, "93 days"),
        ({"$filter": "EntityName eq '*'"}, "not supported"),
        ({"top": "2147483648"}, "TopN value: 2147483648"),
    ],
)
async def test_a_question_that_azure_refuses(serve, query, words):
    async with serve(estate()) as client:
        reply = await ask(client, JOB, **{"metricnames": "Executions", **query})
        assert (reply.status, reply.body["code"]) == (400, "BadRequest")
        assert words in reply.body["message"]


async def test_a_coarse_metric_cannot_be_asked_for_finely_and_a_filter_must_name_entities(serve):
    async with serve(estate()) as client:
        place = f"{STORE}/queueServices/default"
        assert (await ask(client, place, metricnames="QueueMessageCount", interval="PT5M")).status == 400
        reply = await ask(client, BUS, metricnames="ActiveMessages", **{"$filter": "Colour eq 'red'"})
        assert "Colour eq 'red'" in reply.body["message"]


async def test_metrics_need_their_own_permission_at_the_resource_and_the_resource_itself(serve):
    made = estate()
    block = made.role_definitions[at.READER]["properties"]["permissions"][0]
    block["notActions"] = ["Microsoft.Insights/metrics/read"]
    async with serve(made) as client:
        reply = await ask(client, JOB, metricnames="Executions")
        assert (reply.status, reply.body["error"]["code"]) == (403, "AuthorizationFailed")
    async with serve(estate()) as client:
        assert (await ask(client, JOB + "-gone", metricnames="Executions")).status == 404
