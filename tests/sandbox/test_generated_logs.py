"""System logs of a generated estate: made from the executions when they are asked for, the same for every slice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from audit.sandbox.estate import build
from audit.sandbox.estate.logs import CUSTOM, STANDARD
from audit.sandbox.options import SandboxOptions

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
MONTH = timedelta(days=30)
COLUMNS = {CUSTOM: ("JobName_s", "Log_s"), STANDARD: ("JobName", "Log")}


@pytest.fixture(scope="module")
def estate():
    return build(SandboxOptions(now=NOW, jobs=90, subscriptions=2))


def made(estate, since=NOW - MONTH, until=NOW):
    return {
        (customer, table): list(estate.logs_made.between(customer, table, since, until))
        for customer in estate.logs
        for table in COLUMNS
    }


def workspace_of(estate, job):
    """Return where a job's environment sends its logs; None where it keeps none."""
    environment = estate.resources[estate.resources[job]["properties"]["environmentId"].lower()]
    configured = environment["properties"]["appLogsConfiguration"]
    if configured["destination"] == "log-analytics":
        return configured["logAnalyticsConfiguration"]["customerId"].lower(), CUSTOM
    for setting in estate.diagnostic_settings.get(environment["id"].lower(), ()):
        workspace = estate.resources[setting["properties"]["workspaceId"].lower()]
        return workspace["properties"]["customerId"].lower(), STANDARD
    return None


def test_every_execution_of_a_job_with_a_workspace_is_told_of_there_and_of_no_other(estate):
    lines = made(estate)
    found = {
        place: Counter(row[COLUMNS[place[1]][0]] for row in rows if "created pod" in row[COLUMNS[place[1]][1]])
        for place, rows in lines.items()
    }
    expected = {place: Counter() for place in lines}
    for job in estate.executions:
        if (place := workspace_of(estate, job)) is not None:
            expected[place][estate.resources[job]["name"]] += len(estate.executions[job])
    assert found == expected
    assert {table for (_, table), jobs in expected.items() if jobs} == {CUSTOM, STANDARD}
    executions = sum(sum(jobs.values()) for jobs in expected.values())
    assert 4 <= sum(map(len, lines.values())) / executions <= 6


def test_slices_of_time_give_every_row_once(estate):
    whole = made(estate)
    cuts = [NOW - MONTH + n * timedelta(hours=7, minutes=11) for n in range(101)]
    cuts = [cut for cut in cuts if cut < NOW] + [NOW]
    step = timedelta(microseconds=1)
    slices = [made(estate, first, last - (step if last < NOW else timedelta())) for first, last in pairwise(cuts)]
    for place, rows in whole.items():
        parts = [row for each in slices for row in each[place]]
        assert sorted(map(repr, parts)) == sorted(map(repr, rows))
        assert len(set(map(repr, rows))) == len(rows)


def test_nothing_is_told_of_the_future_and_the_same_seed_tells_the_same(estate):
    later = made(estate, NOW - timedelta(hours=4), NOW + MONTH)
    assert all(row["TimeGenerated"] <= f"{NOW:%Y-%m-%dT%H:%M:%S}" for rows in later.values() for row in rows)
    again = build(SandboxOptions(now=NOW, jobs=90, subscriptions=2))
    assert made(again) == made(estate)
    assert dict(again.logs_made) == dict(estate.logs_made) != {}


def test_no_row_is_kept(estate):
    made(estate)
    assert {len(tables[table]) for tables in estate.logs.values() for table in COLUMNS} == {0}
