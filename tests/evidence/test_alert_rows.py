from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import samples
import telemetry_samples as telemetry
from samples import changed, page

from audit.evidence import alerts, fired_alerts
from audit.model import GapReason, ReadFailed, Scope, Window, duration

GROUP = samples.ACTION_GROUP["id"]
LOG = {
    "id": f"{samples.GROUP_ID}/providers/microsoft.insights/scheduledqueryrules/crashes",
    "name": "crashes",
    "type": "microsoft.insights/scheduledqueryrules",
    "location": "westeurope",
    "kind": "LogAlert",
    "properties": {
        "severity": 3,
        "enabled": False,
        "evaluationFrequency": "PT5M",
        "windowSize": "P1D",
        "scopes": [samples.GROUP_ID],
        "targetResourceTypes": ["Microsoft.App/jobs", "Microsoft.App/containerApps"],
        "criteria": {
            "allOf": [
                {
                    "query": "Crashes\n| where Job == 'x'",
                    "timeAggregation": "Count",
                    "dimensions": [],
                    "operator": "GreaterThanOrEqual",
                    "threshold": 3,
                    "failingPeriods": {"numberOfEvaluationPeriods": 4, "minFailingPeriodsToAlert": 2},
                }
            ]
        },
        "autoMitigate": True,
        "actions": {"actionGroups": [GROUP], "customProperties": {}},
    },
}
ACTIVITY = {
    "id": f"{samples.GROUP_ID}/providers/Microsoft.Insights/ActivityLogAlerts/deleted",
    "name": "deleted",
    "type": "Microsoft.Insights/ActivityLogAlerts",
    "location": "Global",
    "properties": {
        "scopes": [samples.SUBSCRIPTION_ID],
        "condition": {
            "allOf": [
                {"field": "category", "equals": "Administrative"},
                {"anyOf": [{"field": "status", "equals": "Succeeded"}, {"field": "level", "containsAny": ["a", "b"]}]},
            ]
        },
        "actions": {"actionGroups": [{"actionGroupId": GROUP, "webhookProperties": {}}]},
        "enabled": True,
        "description": "Somebody deleted a job.",
    },
}


def row(item):
    (found,) = samples.rows(alerts.KIND, page({"value": [item]}))
    return found


def test_a_metric_alert_says_what_it_watches_on_which_condition_and_whom_it_tells():
    rule = row(telemetry.ALERT_RULE)
    assert (rule.kind, rule.name, rule.enabled, rule.severity) == ("metric", "failed", True, 1)
    assert (rule.scopes.value, rule.target_type) == ([samples.JOB_ID], "Microsoft.App/jobs")
    assert rule.condition_text == "total Executions (state = Failed or Degraded) GreaterThan 0"
    assert rule.condition.value == telemetry.ALERT_RULE["properties"]["criteria"], "as Azure sent it"
    assert (rule.action_group_ids.value, rule.frequency_s, rule.window_s) == ([GROUP], 60, 900)
    assert (rule.auto_mitigate, rule.description, rule.resource_group) == (False, None, "rg-orders")


def test_a_log_alert_shows_its_query_and_how_often_it_must_fail():
    rule = row(LOG)
    assert (rule.kind, rule.enabled, rule.frequency_s, rule.window_s) == ("log", False, 300, 86_400)
    assert rule.condition_text == "count rows GreaterThanOrEqual 3 in 2 of 4 looks of: Crashes | where Job == 'x'"
    assert rule.target_type == "Microsoft.App/jobs, Microsoft.App/containerApps"
    assert rule.action_group_ids.value == [GROUP]


def test_an_activity_log_alert_has_no_severity_and_no_rhythm():
    rule = row(ACTIVITY)
    assert (rule.kind, rule.severity, rule.frequency_s, rule.window_s) == ("activity_log", None, None, None)
    assert rule.condition_text == "category = Administrative and (status = Succeeded or level = a or b)"
    assert (rule.action_group_ids.value, rule.scopes.value) == ([GROUP], [samples.SUBSCRIPTION_ID])


def test_a_dynamic_bound_and_an_excluded_dimension_are_put_into_words():
    leaf = {
        "metricName": "UsageBytes",
        "timeAggregation": "Average",
        "operator": "GreaterOrLessThan",
        "alertSensitivity": "High",
        "dimensions": [{"name": "jobName", "operator": "Exclude", "values": ["a"]}],
    }
    rule = row(changed(telemetry.ALERT_RULE, ("properties", "criteria", "allOf"), [leaf]))
    assert rule.condition_text == "average UsageBytes (jobName != a) GreaterOrLessThan dynamic bound, High sensitivity"


@pytest.mark.parametrize(
    ("item", "actions"),
    [
        (telemetry.ALERT_RULE, []),
        (telemetry.ALERT_RULE, None),
        (LOG, {"actionGroups": None}),
        (LOG, None),
        (ACTIVITY, {"actionGroups": []}),
    ],
)
def test_a_rule_that_tells_nobody_has_an_empty_list(item, actions):
    assert row(changed(item, ("properties", "actions"), actions)).action_group_ids.value == []


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        (("type",), "Microsoft.Insights/pigeonAlerts", "$.value[0].type"),
        (("properties", "enabled"), "yes", "$.value[0].properties.enabled"),
        (("properties", "windowSize"), "a while", "$.value[0].properties.windowSize"),
        (("properties", "actions"), [{"actionGroupId": 5}], "$.value[0].properties.actions[0].actionGroupId"),
    ],
)
def test_a_rule_that_cannot_be_decoded_leaves_the_others(path, value, at):
    answer = page({"value": [changed(telemetry.ALERT_RULE, path, value), LOG]})
    (found,) = samples.broken(alerts.KIND, answer)
    assert found.detail.startswith(at)


def test_a_fired_alert_keeps_when_it_fired_and_when_it_was_over():
    (found,) = samples.rows(fired_alerts.KIND, page({"value": [telemetry.FIRED_ALERT]}))
    assert (found.rule_id, found.target_resource_id) == (telemetry.ALERT_RULE["id"], samples.JOB_ID.lower())
    assert (found.severity, found.signal_type, found.condition, found.state) == (
        "Sev1",
        "Metric",
        "Resolved",
        "Acknowledged",
    )
    assert found.fired_at == datetime(2026, 11, 1, 3, 15, 0, 123456, tzinfo=UTC)
    assert found.resolved_at == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert found.description is None


class Asked:
    """Azure that refuses a start before ``oldest``; it remembers the ranges it was asked for."""

    def __init__(self, oldest: datetime) -> None:
        self.oldest = oldest
        self.ranges: list[tuple[datetime, datetime]] = []

    async def pages(self, path, *, api_version, scope, params):
        since, until = (datetime.fromisoformat(each) for each in params["customTimeRange"].split("/"))
        self.ranges.append((since, until))
        if since < self.oldest:
            raise ReadFailed(GapReason.UNSUPPORTED, "400 BadRequest")
        yield page(
            {"value": [telemetry.FIRED_ALERT]}, scope=scope, url=f"https://arm.test{path}?api-version={api_version}"
        )


async def fired(azure, window: Window) -> tuple[int, ReadFailed | None]:
    pages = 0
    try:
        async for _ in fired_alerts.fetch(azure, Scope(id=samples.SUBSCRIPTION_ID), window):
            pages += 1
    except ReadFailed as error:
        return pages, error
    return pages, None


async def test_a_window_of_the_last_thirty_days_is_no_gap_though_collecting_takes_a_while():
    now = datetime.now(UTC).replace(microsecond=0)
    window = Window.last(30, now - timedelta(minutes=10))
    strict = Asked(now - timedelta(days=30))
    assert await fired(strict, window) == (1, None)
    assert len(strict.ranges) == 2, "asked for as it is, refused, and asked for what is still known"
    lenient = Asked(now - timedelta(days=32))
    assert await fired(lenient, window) == (1, None)
    assert lenient.ranges == [(window.since, window.until)]


async def test_what_azure_has_forgotten_is_named_after_what_it_still_knows():
    now = datetime.now(UTC).replace(microsecond=0)
    for days in (31, 45):
        window = Window.last(days, now)
        pages, failure = await fired(Asked(now - timedelta(days=30)), window)
        assert (pages, failure.reason) == (1, GapReason.BEYOND_RETENTION)
        assert f"{window.since:%Y-%m-%dT%H:%M:%SZ} to" in failure.detail


async def test_a_window_that_is_wholly_forgotten_is_not_asked_for():
    azure = Asked(datetime.now(UTC))
    window = Window.last(5, datetime.now(UTC) - timedelta(days=60))
    pages, failure = await fired(azure, window)
    assert (pages, failure.reason, azure.ranges) == (0, GapReason.BEYOND_RETENTION, [])


async def test_a_refusal_of_a_window_that_is_known_stays_what_it_is():
    now = datetime.now(UTC).replace(microsecond=0)
    pages, failure = await fired(Asked(now), Window.last(7, now))
    assert (pages, failure.reason) == (0, GapReason.UNSUPPORTED)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT5M", 300), ("P1D", 86_400), ("PT1H30M", 5400), ("P10675199DT2H48M5.4775807S", 922_337_203_685), ("pt1s", 1)],
)
def test_durations_as_azure_writes_them(text, seconds):
    assert duration.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "5M", "P1M", "P1Y", "FULL", "PT-5M", "PT5M "])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="Expected a duration"):
        duration.seconds(text)
