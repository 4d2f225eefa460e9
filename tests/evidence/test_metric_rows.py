from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import samples
from samples import changed, page

from audit.evidence import kind, metrics
from audit.evidence.inventory import InventoryItem
from audit.evidence.jobs import Job, RuleSource
from audit.model import GapReason, ReadFailed, Scope, Window, metric

BUS = f"{samples.GROUP_ID}/providers/Microsoft.ServiceBus/namespaces/sb-orders"
STORE = f"{samples.GROUP_ID}/providers/Microsoft.Storage/storageAccounts/storders"
URL = "https://arm.test/metrics?api-version=2024-02-01&timespan=x&interval=PT1H"
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
MONTH = Window.last(30, NOW)


def points(aggregation: str, *values: float | None) -> list[dict]:
    """One point an hour; None is a point without a figure, as Azure sends it where nothing was measured."""
    return [
        {"timeStamp": f"2026-10-05T{hour:02d}:00:00Z", **({} if value is None else {aggregation: value})}
        for hour, value in enumerate(values)
    ]


def measured(name: str, data: list[dict], *, resource: str = BUS, entity: str | None = None, unit: str = "Count"):
    label = [{"name": {"value": "entityname", "localizedValue": "entityname"}, "value": entity}] if entity else []
    return {
        "id": f"{resource}/providers/Microsoft.Insights/metrics/{name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name, "localizedValue": name},
        "displayDescription": name,
        "unit": unit,
        "timeseries": [{"metadatavalues": label, "data": data}],
        "errorCode": "Success",
    }


def answered(*items: dict, resource: str = BUS, interval: str = "PT1H"):
    body = {"cost": 719, "timespan": "a/b", "interval": interval, "value": list(items), "namespace": "x"}
    return page(body, scope=resource, url=URL)


def hours(rows) -> list[tuple[int, float]]:
    return [(row.at.hour, row.value) for row in rows]


def test_an_empty_queue_is_a_row_but_of_several_in_a_row_only_the_first_and_the_last():
    depth = measured("DeadletteredMessages", points("maximum", 0, 0, 0, 4, 0, 5, 0, 0), entity="orders")
    found = samples.rows(metrics.KIND, answered(depth))
    assert hours(found) == [(0, 0), (2, 0), (3, 4), (4, 0), (5, 5), (6, 0), (7, 0)]
    assert {(row.resource_id, row.dimension, row.aggregation, row.unit, row.interval_s) for row in found} == {
        (BUS, "orders", "maximum", "Count", 3600)
    }


def test_a_point_without_a_figure_is_no_row_and_ends_a_run_of_zeros():
    depth = measured("DeadletteredMessages", points("maximum", 0, 0, None, None, 0, None), entity="orders")
    assert hours(samples.rows(metrics.KIND, answered(depth))) == [(0, 0), (1, 0), (4, 0)]


def test_nothing_that_came_in_is_no_row():
    flow = measured("IncomingMessages", points("total", 0, 3.0, None, 0), entity="orders")
    assert hours(samples.rows(metrics.KIND, answered(flow))) == [(1, 3.0)]


def test_what_a_job_used_has_a_row_for_each_figure_that_is_kept():
    data = [
        {"timeStamp": "2026-10-05T00:00:00Z", "total": 0.0, "average": 0.0, "maximum": 0.0},
        {"timeStamp": "2026-10-05T06:00:00Z", "total": 9e9, "average": 3e8, "maximum": 5e8},
    ]
    item = measured("UsageNanoCores", data, resource=samples.JOB_ID, unit="NanoCores")
    found = samples.rows(metrics.KIND, answered(item, resource=samples.JOB_ID))
    assert [(row.aggregation, row.value) for row in found] == [("average", 3e8), ("maximum", 5e8)]
    assert {(row.unit, row.dimension) for row in found} == {("NanoCores", None)}


def test_series_of_several_entities_are_told_apart():
    one = measured("IncomingMessages", points("total", 1), entity="orders")
    one["timeseries"] += measured("IncomingMessages", points("total", 2), entity="refunds")["timeseries"]
    found = samples.rows(metrics.KIND, answered(one))
    assert [(row.dimension, row.value) for row in found] == [("orders", 1.0), ("refunds", 2.0)]
    assert len({row.row_id for row in found}) == 2


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        (("unit",), 5, "$.value[1].unit"),
        (("timeseries",), None, "$.value[1].timeseries"),
        (("timeseries", 0, "data", 0, "total"), "many", "$.value[1].timeseries[0].data[0].total"),
        (("timeseries", 0, "data", 0, "timeStamp"), "soon", "$.value[1].timeseries[0].data[0].timeStamp"),
        (("name", "value"), "SomethingElse", "$.value[1].name"),
    ],
)
def test_a_metric_that_cannot_be_decoded_leaves_the_others(path, value, at):
    good = measured("CompleteMessage", points("total", 1), entity="orders")
    bad = changed(measured("IncomingMessages", points("total", 1), entity="orders"), path, value)
    answer = answered(good, bad)
    (found,) = samples.broken(metrics.KIND, answer)
    assert found.detail.startswith(at)


class Answering:
    """Azure with one answer to every request for metrics; it remembers what it was asked."""

    def __init__(self, *bodies) -> None:
        self.bodies = list(bodies)
        self.asked: list[dict] = []
        self.paths: list[str] = []

    async def get(self, path, *, api_version, scope, params):
        self.asked.append(params)
        self.paths.append(path)
        body = self.bodies.pop(0) if self.bodies else whole(scope.id, params["interval"])
        return page(body, scope=scope, url=f"https://arm.test{path}?interval={params['interval']}&v={api_version}")


def whole(resource: str, interval: str, **changes) -> dict:
    """Every metric that is asked of a resource, each with one series."""
    names = [each.name for each in metric.question(resource).metrics]
    items = [measured(name, points("total", 1), resource=resource, entity="orders") for name in names]
    return {"interval": interval, "value": items, **changes}


async def read(azure, scope: Scope, window: Window = MONTH) -> list:
    return [each async for each in metrics.fetch(azure, scope, window)]


async def refused(azure, scope: Scope, window: Window = MONTH) -> tuple[int, ReadFailed]:
    """Read a unit that isn't whole; return how many pages came before that was said, and what was."""
    pages = 0
    with pytest.raises(ReadFailed) as error:
        async for _ in metrics.fetch(azure, scope, window):
            pages += 1
    return pages, error.value


async def test_entities_are_asked_for_by_name_and_a_full_answer_is_not_possible():
    azure = Answering()
    await read(azure, Scope(id=BUS, ids=("it's", "orders")))
    (asked,) = azure.asked
    assert asked["$filter"] == "EntityName eq 'it''s' or EntityName eq 'orders'"
    assert asked["top"] == "3"
    assert asked["metricnames"] == "ActiveMessages,DeadletteredMessages,IncomingMessages,CompleteMessage"
    assert asked["aggregation"] == "average,maximum,total"


async def test_many_entities_are_asked_for_twenty_at_a_time_and_more_coarsely():
    azure = Answering()
    pages = await read(azure, Scope(id=BUS, ids=tuple(f"q{number:03d}" for number in range(45))))
    assert len(pages) == 3
    assert [asked["$filter"].count("EntityName") for asked in azure.asked] == [20, 20, 5]
    assert {asked["interval"] for asked in azure.asked} == {"PT6H"}


async def test_where_an_entity_is_unknown_all_are_asked_for_and_a_full_answer_is_taken_for_a_part():
    azure = Answering()
    await read(azure, Scope(id=BUS, ids=("*", "orders")))
    assert (azure.asked[0]["$filter"], azure.asked[0]["top"]) == ("EntityName eq '*'", "1000")
    body = whole(BUS, "PT1H")
    body["value"][1]["timeseries"] *= 1000
    pages, failure = await refused(Answering(body), Scope(id=BUS, ids=("*",)))
    assert (pages, failure.reason) == (1, GapReason.UNAVAILABLE)
    assert "DeadletteredMessages has 1000 series" in failure.detail


async def test_an_error_of_one_metric_and_a_metric_that_is_left_out_are_not_whole():
    body = whole(BUS, "PT1H")
    body["value"][2] |= {"errorCode": "InternalServerError", "errorMessage": "Call to source timed out"}
    pages, failure = await refused(Answering(body), Scope(id=BUS, ids=("orders",)))
    assert (pages, failure.reason) == (1, GapReason.UNAVAILABLE)
    assert "IncomingMessages: InternalServerError Call to source timed out" in failure.detail
    body = whole(samples.JOB_ID, "PT6H")
    del body["value"][0]
    _, failure = await refused(Answering(body), Scope(id=samples.JOB_ID))
    assert "Executions is not in the answer" in failure.detail


async def test_an_answer_for_other_intervals_than_asked_for_is_not_whole():
    _, failure = await refused(Answering(whole(BUS, "P1D")), Scope(id=BUS, ids=("orders",)))
    assert "asked for every PT1H, Azure answered for every P1D" in failure.detail
    assert await read(Answering(whole(BUS, "PT60M")), Scope(id=BUS, ids=("orders",)))


@pytest.mark.parametrize(
    ("resource", "days", "interval"),
    [
        (samples.JOB_ID, 1, "PT5M"),
        (samples.JOB_ID, 7, "PT1H"),
        (samples.JOB_ID, 31, "PT6H"),
        (samples.JOB_ID, 60, "P1D"),
        (BUS, 2, "PT5M"),
        (BUS, 31, "PT1H"),
        (BUS, 60, "PT6H"),
        (STORE, 1, "PT1H"),
        (STORE, 31, "PT1H"),
        (STORE, 60, "PT6H"),
    ],
)
async def test_the_longer_the_window_the_coarser_the_question(resource, days, interval):
    azure = Answering()
    await read(azure, Scope(id=resource, ids=("orders",) if resource != samples.JOB_ID else ()), Window.last(days, NOW))
    assert [asked["interval"] for asked in azure.asked] == [interval]


async def test_the_question_begins_on_a_whole_interval_and_ends_with_the_window():
    azure, until = Answering(), NOW - timedelta(minutes=23, seconds=9)
    await read(azure, Scope(id=BUS, ids=("orders",)), Window(since=until - timedelta(days=10), until=until))
    since, end = (datetime.fromisoformat(each) for each in azure.asked[0]["timespan"].split("/"))
    assert (since.minute, since.second, end) == (0, 0, until)
    assert timedelta() <= until - timedelta(days=10) - since < timedelta(hours=1)


async def test_an_accounts_queues_are_asked_together_and_the_rows_name_the_account():
    azure = Answering()
    (answer,) = await read(azure, Scope(id=STORE, ids=("orders",)))
    assert azure.paths == [f"{STORE}/queueServices/default/providers/Microsoft.Insights/metrics"]
    assert "$filter" not in azure.asked[0]
    body = msgspec.json.decode(answer.body)
    body["value"][0]["timeseries"][0]["data"] = points("average", 7)
    (row,) = samples.rows(metrics.KIND, msgspec.structs.replace(answer, body=msgspec.json.encode(body)))
    assert (row.resource_id, row.value) == (STORE, 7.0)


async def test_what_azure_has_forgotten_is_named_after_what_it_still_knows():
    azure, since = Answering(), NOW - timedelta(days=100)
    pages, failure = await refused(azure, Scope(id=samples.JOB_ID), Window(since=since, until=NOW))
    assert (pages, failure.reason) == (1, GapReason.BEYOND_RETENTION)
    assert f"{since:%Y-%m-%dT%H:%M:%SZ}" in failure.detail
    assert datetime.fromisoformat(azure.asked[0]["timespan"].split("/")[0]) > NOW - timedelta(days=93)
    azure = Answering()
    pages, _ = await refused(azure, Scope(id=samples.JOB_ID), Window(since=since, until=since + timedelta(days=5)))
    assert (pages, azure.asked) == (0, [])


def event_job() -> Job:
    return Job(
        job_id=samples.JOB_ID,
        name="order-intake",
        subscription_id=samples.SUBSCRIPTION,
        resource_group="rg-orders",
        trigger_type="Event",
        in_scope=True,
        secrets_count=0,
    )


def source(job: str, rule: str, host: str, entity: str | None, sort: str = "queue", parent: str | None = None):
    return RuleSource(
        job_id=job, rule_name=rule, scaler_type="x", host=host, entity_kind=sort, entity=entity, parent_entity=parent
    )


def place(resource: str, sort: str, host: str):
    return InventoryItem(
        resource_id=resource, name="x", type=sort, subscription_id=samples.SUBSCRIPTION, resource_group="rg", host=host
    )


def test_units_are_the_jobs_and_the_sources_that_their_rules_wait_for():
    job = event_job()
    idle = msgspec.structs.replace(job, job_id=samples.JOB_ID + "-idle", name="idle", in_scope=False)
    vault = f"{samples.GROUP_ID}/providers/Microsoft.KeyVault/vaults/kv"
    con = samples.tables(
        job,
        idle,
        place(BUS, "microsoft.servicebus/namespaces", "sb.test"),
        place(STORE, "microsoft.storage/storageaccounts", "store.test"),
        place(vault, "microsoft.keyvault/vaults", "kv.test"),
        source(job.job_id, "a", "sb.test", "Orders"),
        source(job.job_id, "b", "sb.test", "orders"),
        source(job.job_id, "c", "sb.test", "warehouse", "subscription", "returns"),
        source(job.job_id, "d", "store.test", "feeds", "container"),
        source(job.job_id, "e", "kv.test", "x"),
        source(job.job_id, "f", "elsewhere.test", "x"),
        source(idle.job_id, "g", "store.test", "idle"),
    )
    found = dict(con.sql(f"select * from ({kind('metrics').population})").fetchall())
    assert found == {samples.JOB_ID: [], BUS: ["Orders", "returns"]}
    affected = con.sql(f"select scope, job_id from ({kind('metrics').affects})").fetchall()
    assert sorted(affected) == sorted([(samples.JOB_ID, samples.JOB_ID), (BUS, samples.JOB_ID)])


def test_a_source_whose_entity_is_not_known_is_asked_for_all_of_them():
    job = event_job()
    con = samples.tables(
        job, place(BUS, "microsoft.servicebus/namespaces", "sb.test"), source(job.job_id, "a", "sb.test", None)
    )
    assert dict(con.sql(kind("metrics").population).fetchall())[BUS] == ["*"]
