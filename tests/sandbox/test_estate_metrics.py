"""What the story's metrics and alerts tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from audit.model import ids
from audit.sandbox.estate import build
from audit.sandbox.options import SandboxOptions

NOW = datetime(2026, 3, 31, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def story():
    return build(SandboxOptions(now=NOW))


def series(estate, name: str, metric: str, dimension: str | None = None) -> dict[datetime, float]:
    """Return the points of a resource's series by its name."""
    (found,) = [
        each
        for key, all_of_it in estate.metrics.items()
        if f"/{name}" in key
        for each in all_of_it
        if (each["metric"], each["dimension"]) == (metric, dimension)
    ]
    return dict(found["points"])


def rules(estate) -> dict[str, dict]:
    return {each["name"]: each for found in estate.alerts.values() for each in found}


def test_orders_wait_when_a_job_starts_and_never_long(story):
    depth = series(story, "sb-norvane-prod", "ActiveMessages", "orders-placed")
    (key,) = [key for key in story.executions if key.endswith("/orders-fulfil")]
    starts = {datetime.fromisoformat(each["properties"]["startTime"]) for each in story.executions[key]}
    hours = {at.replace(minute=0, second=0) for at in starts}
    assert hours <= set(depth)
    assert len(set(depth) - hours) <= 1, "and what waits at this moment"


def test_nobody_reads_the_minutes_for_five_days_though_they_come(story):
    came = series(story, "evh-norvane-prod", "IncomingMessages", "positions-minute")
    went = series(story, "evh-norvane-prod", "OutgoingMessages", "positions-minute")
    last = NOW - timedelta(days=5)
    assert [at for at in went if at >= last] == []
    assert sum(value for at, value in came.items() if at >= last) > 1000
    before = NOW - timedelta(days=10)
    assert abs(sum(went.values()) - sum(value for at, value in came.items() if at < max(went))) < 200
    assert [at for at in went if at >= before]


def test_dead_letters_come_with_the_crash_loop_and_a_part_of_them_stays(story):
    dead = series(story, "sb-norvane-billing", "DeadletteredMessages", "invoices-due")
    assert NOW - min(dead) < timedelta(days=6, hours=18)
    assert max(dead.values()) > 50 > dead[max(dead)] > 0
    left = series(story, "stnorvanebilling", "QueueMessageCount")
    assert left[NOW - timedelta(hours=30)] > 40
    assert max(value for at, value in left.items() if at < min(dead)) < 40


def test_the_indexers_queues_are_empty(story):
    month = NOW - timedelta(days=30)
    depth = series(story, "sb-norvane-shared", "ActiveMessages", "reindex")
    assert [at for at in depth if at >= month] == []
    assert series(story, "stnorvanesearch", "QueueMessageCount") in ({}, {NOW - timedelta(hours=1): 0})


def test_the_rules_reach_somebody_nobody_or_a_dead_mailbox(story):
    found = rules(story)
    groups = {ids.key(each["id"]): each for listed in story.action_groups.values() for each in listed}

    def mailboxes(told: str) -> set[str]:
        return {each["status"] for each in groups[ids.key(told)]["properties"]["emailReceivers"]}

    good = found["orders-fulfil-failed"]["properties"]
    assert good["enabled"]
    assert mailboxes(good["actions"][0]["actionGroupId"]) == {"Enabled"}
    (dead,) = found["billing-jobs-failed"]["properties"]["actions"]["actionGroups"]
    assert mailboxes(dead) == {"Disabled"}
    assert found["mail-restarts"]["properties"]["actions"] == []
    assert not found["telemetry-ingest-restarts"]["properties"]["enabled"]
    watched = [scope.lower() for each in found.values() for scope in each["properties"]["scopes"]]
    assert not [scope for scope in watched for name in ("import", "search", "runner") if name in scope]


def test_the_dead_letters_fired_six_days_ago_and_it_was_over_the_next_morning(story):
    recent = [
        each["properties"]["essentials"]
        for found in story.fired_alerts.values()
        for each in found
        if each["name"] == "billing-dead-letters"
        and datetime.fromisoformat(each["properties"]["essentials"]["startDateTime"]) > NOW - timedelta(days=30)
    ]
    (one,) = recent
    assert one["monitorCondition"] == "Resolved"
    began = datetime.fromisoformat(one["startDateTime"])
    assert timedelta(days=5) < NOW - began < timedelta(days=6)
    assert datetime.fromisoformat(one["monitorConditionResolvedDateTime"]) - began < timedelta(days=1)
    dead = series(story, "sb-norvane-billing", "DeadletteredMessages", "invoices-due")
    assert dead[began.replace(minute=0, second=0, microsecond=0)] > 50


def test_what_alerts_is_itself_there_or_was(story):
    known = {*(ids.key(key) for key in story.resources), *(ids.key(each["id"]) for each in story.resource_groups)}
    known |= {ids.key(each["id"]) for each in story.subscriptions}
    for each in rules(story).values():
        assert {ids.key(scope) for scope in each["properties"]["scopes"]} <= known
    assert {ids.key(key.removesuffix("/queueservices/default")) for key in story.metrics} <= known


def test_a_generated_estate_keeps_no_points():
    estate = build(SandboxOptions(now=NOW, jobs=40, subscriptions=3))
    assert not estate.metrics
    assert {len(found) for found in estate.alerts.values()} == {1, 2}
